"""Converts columns to the types of their values: numbers in text, booleans with missing values, dates, decimals.

Runs in the engine's processes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latency_tui.catalog.cells import MISSING_SIGNS, is_date, number_format, to_number
from latency_tui.errors import DataError

_SAMPLE = 100


def infer_types(frame: Any, decimal: str = ".", separator: str = "") -> tuple[Any, tuple[str, ...]]:
    """Convert columns to the types of their values; return the data frame and notes.

    Args:
        frame: The data frame as read; it is not changed.
        decimal: Decimal sign of numbers in text.
        separator: Separator of cells if the file is text.

    Raises:
        DataError: A column contains lists, records or bytes; the message does not name the file.
    """
    gaps, dates, refused = list[str](), list[str](), dict[str, str]()
    changed: dict[str, Any] = {}
    for name in frame.columns:
        column = frame[name]
        kind = getattr(column.dtype, "kind", "O")
        if kind != "O" or str(column.dtype) == "category":
            continue
        values = _inferred(column)
        if values == "bytes" and (decoded := _decoded(column)) is not None:
            column, values = decoded, "string"
            changed[name] = column
        if nested := _describe_nested(column, values):
            refused[name] = nested
        elif values == "decimal":
            changed[name] = column.astype("float64")
        elif values == "boolean":
            changed[name] = column.astype("boolean")
        elif values == "date":
            changed[name] = _dates(column)
        elif values == "string":
            new, signs = _numbers(column, decimal, separator)
            if new is None and (new := _parse_iso_dates(column)) is not None:
                dates.append(name)
            if signs:
                gaps.append(name)
            if new is not None:
                changed[name] = new
    if refused:
        kinds = " and ".join(dict.fromkeys(refused.values()))
        which = "the column {} contains {}" if len(refused) == 1 else "the columns {} contain {}"
        sentence = which.format(_listed(list(refused)), kinds)
        raise DataError(f"{sentence}, not one value per row; split it into columns, or remove it")
    notes = []
    if gaps:
        notes.append(f"signs such as ? or - were read as missing values in {_listed(gaps)}")
    if dates:
        notes.append(f"texts were read as dates in {_listed(dates)}")
    return frame.assign(**changed) if changed else frame, tuple(notes)


def _inferred(column: Any) -> str:
    from pandas.api.types import infer_dtype  # pandas is already imported, because there is a data frame

    return str(infer_dtype(column, skipna=True))


def _decoded(column: Any) -> Any:
    """Return bytes as text if all are printable UTF-8, as old Parquet writers store text; otherwise None."""
    try:
        texts = column.map(bytes.decode, na_action="ignore")
    except UnicodeDecodeError:
        return None
    return texts if all(map(str.isprintable, texts.dropna())) else None


def _describe_nested(column: Any, values: str) -> str:
    """Return what a column contains instead of single values; empty if it contains single values."""
    if values == "bytes":
        return "bytes"
    if not values.startswith("mixed"):
        return ""
    for value in column.dropna().iloc[:_SAMPLE]:
        if isinstance(value, dict):
            return "records"
        if not isinstance(value, str | bytes) and hasattr(value, "__len__"):
            return "lists"
    return ""


def _numbers(column: Any, decimal: str, separator: str) -> tuple[Any, bool]:
    """Return text as numbers (None if not all are numbers), and whether some signs stand for missing values."""
    texts = column.dropna()
    sample = [text.strip() for text in texts.iloc[:_SAMPLE]]
    if not _format_of(sample, decimal, separator):
        return None, False
    stripped = [text.strip() for text in texts]
    form = _format_of(stripped, decimal, separator)
    if form is None:
        return None, False
    missing = float("nan")
    found = [missing if text in MISSING_SIGNS else to_number(text, *form) for text in stripped]
    numbers = type(column)(found, index=texts.index, dtype="float64").reindex(column.index)
    signs = not MISSING_SIGNS.isdisjoint(stripped)
    whole = len(texts) == len(column) and not signs and not any(form[1] in text for text in stripped)
    return numbers.astype("int64") if whole and all(map(float.is_integer, found)) else numbers, signs


def _format_of(texts: Sequence[str], decimal: str, separator: str) -> tuple[str, str] | None:
    values = [text for text in texts if text not in MISSING_SIGNS]
    return number_format(values, decimal, separator) if values else None


def _parse_iso_dates(column: Any) -> Any:
    """Return text as dates if all are in ISO 8601 format, otherwise None."""
    texts = column.dropna()
    if not len(texts) or not all(map(is_date, texts.iloc[:_SAMPLE])) or not all(map(is_date, texts)):
        return None
    try:
        return _dates(column)
    except (ValueError, OverflowError):  # the 31st of February, the year 9999
        return None


def _dates(column: Any) -> Any:
    import pandas  # as above

    texts = column.astype(str) if column.dtype == object else column
    zoned = texts.str.contains(r"\d\d(?:Z|UTC|[+-]\d\d(?::?\d\d)?)$", na=False) & texts.str.contains(":", na=False)
    return pandas.to_datetime(column, format="ISO8601", utc=bool(zoned.any()))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:8])) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")
