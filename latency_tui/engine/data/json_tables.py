"""Reads tables from JSON: one object per line, a list of objects, or columns. Runs in the engine's processes only."""

from __future__ import annotations

import json
from typing import Any

from latency_tui.catalog.data_files import DataFile
from latency_tui.catalog.dialects import decode
from latency_tui.errors import DataError


def read_json(file: DataFile) -> Any:
    """Return the table in a JSON file as a data frame.

    Raises:
        DataError: The file is truncated or is not a table.
        ImportError: pandas is not installed.
    """
    import pandas  # deferred: 0.3 s, needed only for tables

    with file.open() as opened:
        decoded = decode(opened.read(), whole=True)
    text = decoded[0].lstrip("\ufeff") if decoded else ""
    if file.format == "jsonl":
        return pandas.DataFrame(_lines(file, text))
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DataError(f"{file.path} cannot be read as a JSON file: {error}; it is truncated or damaged.") from None
    table = _table(pandas, value)
    if table is None:
        raise DataError(
            f"{file.path} is JSON but not a table; a table is a list of objects, one per row, or an object with a "
            "list per column."
        )
    return table


def _lines(file: DataFile, text: str) -> list[dict[str, Any]]:
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            raise DataError(f"{file.path} is truncated or damaged: line {number:,} is not a JSON object.") from None
        if not isinstance(record, dict):
            raise DataError(f"{file.path} is not a file of JSON lines: line {number:,} is not an object.")
        records.append(record)
    return records


def _table(pandas: Any, value: Any) -> Any:
    """Convert a JSON value, in any layout that pandas writes, to a data frame; return None if it is not a table."""
    if isinstance(value, list):
        if value and all(isinstance(row, dict) for row in value):
            return pandas.DataFrame(value)
        if value and all(isinstance(row, list) and len(row) == len(value[0]) for row in value):
            first, *rest = value
            if rest and first and all(isinstance(name, str) for name in first):
                return pandas.DataFrame(rest, columns=first)
            return pandas.DataFrame(value)
        return None
    if not isinstance(value, dict) or not value:
        return None
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return pandas.DataFrame(value["data"], columns=value["columns"])
    if isinstance(value.get("schema"), dict) and isinstance(value.get("data"), list):
        keys = value["schema"].get("primaryKey", [])
        return pandas.DataFrame(value["data"]).drop(columns=keys, errors="ignore")
    inner = list(value.values())
    records = [one for one in inner if isinstance(one, list) and one and isinstance(one[0], dict)]
    if len(records) == 1 and all(isinstance(row, dict) for row in records[0]):
        return pandas.DataFrame(records[0])
    if all(isinstance(one, list) and len(one) == len(inner[0]) for one in inner):
        return pandas.DataFrame(value)
    if all(isinstance(one, dict) for one in inner):
        by_row = all(key.lstrip("-").isdigit() for key in value) and not all(
            key.lstrip("-").isdigit() for one in inner for key in one
        )
        return pandas.DataFrame.from_dict(value, orient="index" if by_row else "columns").reset_index(drop=True)
    return pandas.DataFrame([value]) if not any(isinstance(one, list | dict) for one in inner) else None
