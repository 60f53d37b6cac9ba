"""Makes text from outside safe for one line of a terminal: removes control characters, measures width, aligns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS: titles, clipboard
    r"|\x1b[ -/]*[0-~]?"
)
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # would reorder the text beside it


def without_escapes(text: str) -> str:
    """Return text without terminal escape sequences."""
    return _ESCAPES.sub("", text)


def clean(text: str) -> str:
    """Return text as one line without escape sequences, control characters and direction marks."""
    line = " ".join(_DIRECTION.sub("", without_escapes(text)).split())
    return "".join(_visible(character) for character in line)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    return "" if category == "Cc" else character


def cell_width(text: str) -> int:
    """Return the number of terminal cells that a text takes."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, width: int) -> str:
    """Return text cut to at most `width` cells, with an ellipsis if something was cut."""
    if cell_width(text) <= width:
        return text
    kept, room = "", width - 1
    for character in text:
        room -= _character_width(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + "…" if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return text padded with spaces to `width` cells; on the left if `right` is set."""
    space = " " * (width - cell_width(text))
    return space + text if right else text + space


def align(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Return rows of equal length as lines, with two spaces between columns; columns in `right` are right-aligned."""
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(pad(cell, widths[i], right=i in right) for i, cell in enumerate(row)).rstrip() for row in rows]
