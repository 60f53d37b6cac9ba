"""Reads the column names and kinds of a data file from its first lines, to select a target and suitable models."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from latency_tui.catalog.cells import Kind, is_date
from latency_tui.catalog.data_files import DataFile, identify_data_file, is_sparse
from latency_tui.catalog.dialects import Dialect, decode, find_dialect
from latency_tui.errors import UsageError

_MAX_RECORDS = 1000


def column_names(path: Path) -> tuple[str, ...]:
    """Return the column names of a text table or JSON file, or the array names of an NPZ file.

    Only the first lines are read, by the same rules as the reader of the engine. Columns without names are numbered
    from 0. The result is empty if the names are unknown without reading all data, or the file is invalid.
    """
    try:
        file = identify_data_file(path)
        if file.format == "csv":
            dialect = detect_dialect(file)
            return tuple(name for name in dialect.names if not name.startswith("Unnamed: "))
        if file.format in ("json", "jsonl"):
            return tuple(dict.fromkeys(str(name) for record in _first_records(file) for name in record))
        if file.format == "npz":
            with zipfile.ZipFile(path) as archive:
                names = tuple(name.removesuffix(".npy") for name in archive.namelist())
            return () if is_sparse(names) else names
    except (UsageError, OSError, ValueError, csv.Error, zipfile.BadZipFile, TypeError, AttributeError):
        return ()
    return ()


def columns_for_encoding(path: Path, target: str | None) -> tuple[str, ...]:
    """Return the columns, except the target, with text, dates or missing values in the first lines."""
    try:
        file = identify_data_file(path)
        if file.format == "csv":
            dialect = detect_dialect(file)
            kinds = dict(zip(dialect.names, dialect.kinds, strict=True))
            gaps = {name for name in dialect.gaps if kinds[name] != "empty"}
            found = [name for name, kind in kinds.items() if kind in ("word", "date") or name in gaps]
        elif file.format in ("json", "jsonl"):
            kinds, gaps = _kinds_of_records(_first_records(file))
            found = [name for name, kind in kinds.items() if kind in ("word", "date") or name in gaps]
        elif file.format in ("parquet", "feather"):
            found = _in_schema(file)
            kinds = dict.fromkeys(found, "word")
        else:
            return ()
    except (UsageError, OSError, ValueError, csv.Error, TypeError, AttributeError, ImportError):
        return ()
    names = list(kinds)
    index = int(target) if target and target not in names and target.lstrip("-").isdecimal() else None
    named = names[index] if index is not None and -len(names) <= index < len(names) else target
    return tuple(name for name in found if name != named and not name.startswith("Unnamed: "))


def detect_dialect(file: DataFile) -> Dialect:
    """Return the dialect of a text table.

    Raises:
        UsageError: The first lines are not a table.
    """
    decoded = decode(file.head, whole=file.whole)
    if decoded is None:
        raise UsageError(f"{file.path} is not a text file.")
    try:
        return find_dialect(*decoded)
    except UsageError as error:
        raise UsageError(f"{file.path}: {error}") from None
    except csv.Error as error:
        raise UsageError(f"{file.path} cannot be read as a CSV file: {error}.") from error


def iterate_records(value: Any) -> Iterator[dict[str, Any]]:  # Any: a JSON value
    """Yield the records of a JSON value: a list of records, `{"data": [...]}`, or columns by name."""
    if isinstance(value, list):
        yield from (record for record in value if isinstance(record, dict))
    elif isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
        if (len(lists) == 1 and "schema" not in value) or "data" in value:
            yield from iterate_records(lists[0] if lists else value.get("data"))
        elif all(isinstance(inner, list | dict) for inner in value.values()):
            yield dict.fromkeys(value)


def _first_records(file: DataFile) -> list[dict[str, Any]]:
    decoded = decode(file.head, whole=file.whole)
    text = decoded[0].lstrip("\ufeff") if decoded else ""
    if file.format == "jsonl":
        return list(_whole_records(text))
    if file.whole:
        return list(iterate_records(json.loads(text)))[:_MAX_RECORDS]
    decoder, records, position = json.JSONDecoder(), list[dict[str, Any]](), text.find("{")
    while position >= 0 and len(records) < _MAX_RECORDS:
        try:
            record, end = decoder.raw_decode(text, position)
        except ValueError:
            break
        records.append(record)
        position = text.find("{", end)
    return records


def _whole_records(lines: str) -> Iterator[dict[str, Any]]:
    """Yield the records of JSON lines up to the first incomplete one."""
    for line in lines.split("\n")[:_MAX_RECORDS]:
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                return
            yield record


def _kinds_of_records(records: Iterable[dict[str, Any]]) -> tuple[dict[str, Kind], set[str]]:
    kinds: dict[str, Kind] = {}
    gaps, count = set[str](), dict[str, int]()
    total = 0
    for record in records:
        total += 1
        for name, value in record.items():
            count[name] = count.get(name, 0) + (value is not None)
            if isinstance(value, str):
                kinds[name] = "date" if is_date(value) else "word"
            else:
                kinds.setdefault(name, "number")
    gaps = {name for name in kinds if count[name] < total}
    return kinds, gaps


def _in_schema(file: DataFile) -> list[str]:
    """Return the columns of a Parquet or Feather file that are not numeric or have missing values."""
    if file.format == "feather":
        from pyarrow import ipc, types  # deferred: 0.1 s, needed for these files only

        with ipc.open_file(str(file.path)) as opened:
            schema, gaps = opened.schema, set[str]()
    else:
        from pyarrow import parquet, types  # deferred: as above

        with parquet.ParquetFile(file.path) as opened:
            schema, metadata = opened.schema_arrow, opened.metadata
        groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
        chunks = [group.column(index) for group in groups for index in range(group.num_columns)]
        gaps = {c.path_in_schema for c in chunks if c.statistics is not None and c.statistics.null_count}
    plain = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    hidden = "__index_level_"
    return [
        field.name
        for field in schema
        if not field.name.startswith(hidden) and (field.name in gaps or not any(test(field.type) for test in plain))
    ]
