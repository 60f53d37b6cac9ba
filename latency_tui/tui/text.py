"""Prepares untrusted text for display: removes escape sequences and control characters, and fits text to a width."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from latency_tui.text.sanitize import without_escapes

_MAX_INITIALS = 3
_GLUE = "\u00a0"
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:ns|µs|ms|s|min|h|%)(?!\w))")


def sanitize_line(text: str) -> str:
    """Return the text in one line, without escape sequences, control or formatting characters; keeps indentation."""
    spaced = "".join(" " if letter in "\n\r\t\v\f" else letter for letter in without_escapes(text))
    return "".join(letter for letter in spaced if unicodedata.category(letter) not in ("Cc", "Cf", "Cs"))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return the text in exactly `width` cells: padded (on the left if `right`), or cut with an ellipsis."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    space = " " * (width - length)
    return space + text if right else text + space


def wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` cells. Words are broken only if they do not fit into a line.

    A number and its unit stay in the same line.
    """
    lines: list[str] = []
    line = ""
    for word in _BEFORE_A_UNIT.sub(_GLUE, " ".join(text.split())).split(" ") if text.strip() else ():
        while cell_len(word) > width > 0:
            if line:
                lines.append(line)
                line = ""
            head = set_cell_size(word, width).rstrip() or word[0]  # a wide character does not fit into one cell
            lines.append(head)
            word = word[len(head) :]
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
        else:
            lines.append(line)
            line = word
    return [kept.replace(_GLUE, " ") for kept in ([*lines, line] if line else lines)]


def short_names(names: Sequence[str], width: int) -> list[str]:
    """Return names shortened to at most `width` cells by initials or an ellipsis; distinct names stay distinct."""
    short = [name if cell_len(name) <= width else _with_initials(name, width) for name in names]
    for shorten in (_cut_at_the_end, _cut_in_the_middle):
        count = Counter(short)
        short = [
            shorten(name, width) if count[seen] > 1 and cell_len(name) > width else seen
            for name, seen in zip(names, short, strict=True)
        ]
    return short


def _with_initials(name: str, width: int) -> str:
    """Return `Small NN` for `Small Neural Network`; cut the name if that does not shorten it."""
    model, bracket, settings = name.partition(" [")
    first, *rest = model.split() or [model]
    if 2 <= len(rest) <= _MAX_INITIALS and all(word[0].isalpha() for word in rest):
        model = f"{first} {''.join(word[0] for word in rest)}"
    return _cut_at_the_end(model + bracket + settings, width)


def _cut_at_the_end(name: str, width: int) -> str:
    return name if cell_len(name) <= width else f"{set_cell_size(name, width - 1).rstrip()}…"


def _cut_in_the_middle(name: str, width: int) -> str:
    if width <= 2:
        return "…"
    head, tail = set_cell_size(name, width // 2).rstrip(), ""
    for letter in reversed(name):
        if cell_len(letter + tail) > width - width // 2 - 1:
            break
        tail = letter + tail
    return f"{head}…{tail}"
