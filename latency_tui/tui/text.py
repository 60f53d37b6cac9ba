"""Prepares untrusted text for display: removes escape sequences and control characters, and fits text to a width."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, set_cell_size

from latency_tui.text.sanitize import without_escapes

_GLUE = "\u00a0"
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:ns|µs|ms|s|min|h|%|MiB|GiB)(?!\w))")


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
