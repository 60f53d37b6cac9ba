"""Classifies the cells of a text table as numbers (in several national notations), dates, missing values or text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

Kind = Literal["number", "date", "word", "empty"]

MISSING_VALUES = frozenset(
    [
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
"""Cells that pandas reads as missing."""

MISSING_SIGNS = frozenset(["?", "-", "--", ".", "*", "…"])
"""Signs for a missing value in a column of numbers."""

_BOOLEANS = frozenset(("true", "false"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d*,\d+)([eE][+-]?\d+)?")
_GROUPED = {
    ",": re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?"),
    ".": re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d*)?"),
    "'": re.compile(r"[+-]?([1-9]\d{0,2}(['’]\d{3})+|\d+)(\.\d*)?"),
    " ": re.compile(r"[+-]?([1-9]\d{0,2}([ \u00a0\u202f]\d{3})+|\d+)([.,]\d*)?"),
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?")


def is_missing(cell: str) -> bool:
    """Return whether a cell is a missing value."""
    return cell.strip() in MISSING_VALUES


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, with a decimal point, a decimal comma or groups of digits."""
    cell = cell.strip()
    return any(form.fullmatch(cell) for form in (_NUMBER, _COMMA, _INFINITE, *_GROUPED.values()))


def is_date(cell: str) -> bool:
    """Return whether a cell is a date, or a date and time, in ISO 8601 format."""
    return _DATE.fullmatch(cell.strip()) is not None


def classify_cells(cells: Iterable[str]) -> Kind:
    """Return the kind of a column, ignoring missing values."""
    values = [cell.strip() for cell in cells if not is_missing(cell)]
    if not values:
        return "empty"
    if all(value.lower() in _BOOLEANS for value in values) or all(
        is_number(value) or value in MISSING_SIGNS for value in values
    ):
        return "number" if any(value not in MISSING_SIGNS for value in values) else "word"
    return "date" if all(is_date(value) for value in values) else "word"


def decimal_sign(columns: Sequence[Sequence[str]], separator: str) -> str:
    """Return the decimal sign of a table, `.` or `,`, by the cells of each column.

    If no other cell decides, `1,234` is 1.234 in a file with semicolons as separators, because spreadsheets write
    these if the comma is the decimal sign, and 1234 in other files.
    """
    commas, points = [], []
    for cells in columns:
        values = [cell.strip() for cell in cells if not is_missing(cell) and cell.strip() not in MISSING_SIGNS]
        if not values or not all(is_number(value) for value in values):
            continue
        commas += [value for value in values if "," in value]
        points += [value for value in values if "." in value]
    if not commas or separator == ",":
        return "."
    if any(value.rfind(",") > value.rfind(".") >= 0 for value in commas):
        return ","
    if any(value.rfind(".") > value.rfind(",") >= 0 for value in points):
        return "."
    grouped = all(_GROUPED[","].fullmatch(value) for value in commas)
    if not grouped:
        return ","
    grouped_points = all(_GROUPED["."].fullmatch(value) for value in points)
    if points and not grouped_points:
        return "."
    return "," if separator == ";" else "."


def number_format(values: Iterable[str], decimal: str, separator: str) -> tuple[str, str] | None:
    """Return the digit group sign (empty if there is none) and the decimal sign of a list of numbers as text.

    Args:
        values: Stripped texts.
        decimal: Decimal sign of the file.
        separator: Separator of cells; in a file with commas, a quoted `7,4` is 7.4.

    Returns:
        The two signs; None if not all texts are numbers.
    """
    values = list(values)
    for group in ("," if decimal == "." else ".", "'", " "):
        if all(map(_GROUPED[group].fullmatch, values)) and any(map(_signs(group).search, values)):
            return group, decimal if group != "'" else "."
    if all(map(_NUMBER.fullmatch, values)):
        return "", "."
    comma_allowed = decimal == "," or separator == ","
    return ("", ",") if comma_allowed and all(v.lstrip("+-").isdigit() or _COMMA.fullmatch(v) for v in values) else None


def to_number(text: str, group: str, decimal: str) -> float:
    """Convert a text to a number by the signs that `number_format` returned."""
    plain = _signs(group).sub("", text) if group else text
    return float(plain.replace(decimal, "."))


def _signs(group: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(GROUP_SIGNS[group])}]")


GROUP_SIGNS = {",": ",", ".": ".", "'": "'’", " ": " \u00a0\u202f", "": ""}
"""Maps a digit group sign to all characters that are written for it."""
