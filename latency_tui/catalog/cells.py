"""What the cells of a text table are: numbers in the notations of several countries, dates, gaps or words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

Kind = Literal["number", "date", "word", "empty"]

GAPS = frozenset(
    [
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
"""Cells that pandas reads as missing."""

GAP_SIGNS = frozenset(["?", "-", "--", ".", "*", "…"])
"""Signs that stand for a missing number in a column whose other cells are numbers."""

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


def is_gap(cell: str) -> bool:
    """Return whether a cell holds no value."""
    return cell.strip() in GAPS


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, with a decimal point, a decimal comma or groups of digits."""
    cell = cell.strip()
    return any(form.fullmatch(cell) for form in (_NUMBER, _COMMA, _INFINITE, *_GROUPED.values()))


def is_date(cell: str) -> bool:
    """Return whether a cell is a date, or a date and time, as ISO 8601 writes it."""
    return _DATE.fullmatch(cell.strip()) is not None


def kind_of_cells(cells: Iterable[str]) -> Kind:
    """Return what the cells of a column are, leaving out those without a value."""
    values = [cell.strip() for cell in cells if not is_gap(cell)]
    if not values:
        return "empty"
    if all(value.lower() in _BOOLEANS for value in values) or all(
        is_number(value) or value in GAP_SIGNS for value in values
    ):
        return "number" if any(value not in GAP_SIGNS for value in values) else "word"
    return "date" if all(is_date(value) for value in values) else "word"


def decimal_sign(columns: Sequence[Sequence[str]], separator: str) -> str:
    """Return the decimal sign of a table, `.` or `,`, from the cells of each column.

    `1,234` is a number with a fraction in a file whose cells are separated by semicolons, which spreadsheets write
    where the comma is the decimal sign, and one thousand in other files, unless another cell decides.
    """
    commas, points = [], []
    for cells in columns:
        values = [cell.strip() for cell in cells if not is_gap(cell) and cell.strip() not in GAP_SIGNS]
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
    """Return the sign between groups of digits (empty for none) and the decimal sign of texts that are all numbers.

    Args:
        values: Texts without spaces around them.
        decimal: Decimal sign of the file.
        separator: Of its cells; a quoted `7,4` between commas is a number with a fraction.

    Returns:
        None if not all of them are numbers.
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
    """Return a text of a format that `number_format` found as a number."""
    plain = _signs(group).sub("", text) if group else text
    return float(plain.replace(decimal, "."))


def _signs(group: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(GROUP_SIGNS[group])}]")


GROUP_SIGNS = {",": ",", ".": ".", "'": "'’", " ": " \u00a0\u202f", "": ""}
"""Characters that stand between groups of digits, by the sign that names them."""
