"""Reads a table from a file: inputs, and targets where a column is named. Runs in the engine's processes only.

Nothing that is read here runs code: arrays are read without pickles, and everything else is plain data.
"""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.errors import DataError, UsageError
from latency_tui.plan.columns import are_names
from latency_tui.plan.datasets import TITLES, Format, format_of
from latency_tui.plan.nearest import hint

_NO_COMMAS = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        inputs: `(n_rows, n_columns, ...)` array, sparse matrix or data frame; a mapping of names to arrays with the
            same number of rows if a file holds several named arrays.
        targets: `(n_rows,)` array; None if no target was named.
        columns: Names of the columns of an array; empty if the inputs have names of their own, or none.
        notes: What was read in another way than it is written, a sentence each.
    """

    inputs: Any
    targets: Any
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(path: Path, target: str | None) -> Table:
    """Return the table in a file.

    Inputs are an array if the file holds arrays, numbers without names, or numbers and pandas is missing; else a data
    frame, which has names of its own.

    Raises:
        DataError: The file cannot be read as what it is, or has no such column.
    """
    try:
        form = format_of(path)
    except UsageError as error:
        raise DataError(str(error)) from error
    try:
        if form in ("npz", "npy"):
            return Table(*_arrays(path, form, target))
        frame = _frame(path, form)
        inputs, targets = _parted(path, frame, target)
        names = tuple(map(str, frame.columns))
        if names == tuple(map(str, range(len(names)))):  # counted, and not named
            return Table(inputs.to_numpy() if is_frame(inputs) and is_numeric(inputs) else inputs, targets)
        if is_frame(inputs):
            return Table(inputs, targets)
        position = None if target is None else _column(path, target, list(names))
        return Table(inputs, targets, tuple(name for index, name in enumerate(names) if index != position))
    except DataError:
        raise
    except ImportError as error:
        raise DataError(
            f"{path} is {TITLES[form]} and needs {error.name or 'pandas'}: pip install {error.name or 'pandas'}"
        ) from None
    except Exception as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} cannot be read as {TITLES[form]}: it is cut off or damaged ({said[:200]}).") from error


def is_frame(inputs: Any) -> bool:
    """Whether rows are a data frame."""
    return hasattr(inputs, "iloc") and hasattr(inputs, "columns")


def is_numeric(frame: Any) -> bool:
    """Whether all columns of a data frame hold numbers."""
    return all(getattr(kind, "kind", "O") in "fiub" for kind in frame.dtypes)


def _arrays(path: Path, form: Format, target: str | None) -> tuple[Any, Any]:
    if form == "npy":
        return _parted(path, _two_axes(path, np.load(path, allow_pickle=False)), target)
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} cannot be read as an NPZ file: it is cut off.")
    with np.load(path, allow_pickle=False) as archive:
        names = list(archive.files)
        if not names:
            raise DataError(f"{path} holds no arrays.")
        inputs_name = next((name for name in ("X", "X_test", "x", "data") if name in names), None)
        found_target = target if target in names else next((n for n in ("y", "y_test", "target") if n in names), None)
        if target is not None and target not in names and found_target is not None:
            raise DataError(f"{path} has no array {target!r}; {hint(target, names)}")
        rest = [name for name in names if name != found_target]
        if inputs_name is None and len(rest) != 1:
            raise DataError(f"{path} holds the arrays {', '.join(names)}; call the rows X and the targets y.")
        inputs = _two_axes(path, archive[inputs_name or rest[0]])
        if found_target is None:
            return _parted(path, inputs, target)
        targets = archive[found_target].ravel()
    if len(targets) != len(inputs):
        raise DataError(f"{path} has {len(inputs):,} rows and {len(targets):,} targets.")
    return inputs, targets


def _two_axes(path: Path, array: Any) -> Any:
    if array.ndim < 2:
        raise DataError(f"{path} holds an array of {array.ndim} axes; rows and columns are needed.")
    return array


def _frame(path: Path, form: Format) -> Any:
    header = None if form == "csv" and not _has_header(path) else 0
    try:
        import pandas  # deferred: 0.3 s, and most plans read no table
    except ImportError:
        if form != "csv":
            raise
        return _numbers(path, header)
    if form == "csv":
        return pandas.read_csv(path, header=header)
    if form == "jsonl":
        return pandas.DataFrame(_records(path))
    return pandas.read_parquet(path) if form == "parquet" else pandas.read_feather(path)


def _records(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        records = []
        for number, line in enumerate(file, start=1):
            try:
                record = json.loads(line) if line.strip() else {}
            except ValueError:
                raise DataError(f"{path} is cut off or damaged: line {number:,} is no JSON object.") from None
            if not isinstance(record, dict):
                raise DataError(f"{path} is no file of JSON lines: line {number:,} is no object.")
            records += [record] if record else []
    return records


def _has_header(path: Path) -> bool:
    """Whether the first line has names: anything that is no number.

    Raises:
        DataError: Columns are separated by something else than commas.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        first = next(csv.reader(file), [])
    if len(first) == 1 and (found := next((title for mark, title in _NO_COMMAS.items() if mark in first[0]), None)):
        raise DataError(f"The columns of {path} are separated by {found}; CSV has commas.")
    return are_names(first)


class _Columns:
    """Numbers with names, where there is no pandas."""

    def __init__(self, values: Any, names: list[str]) -> None:
        self.values = values
        self.columns = names


def _numbers(path: Path, header: int | None) -> _Columns:
    with path.open(newline="", encoding="utf-8-sig") as file:
        names = next(csv.reader(file), []) if header == 0 else []
    try:
        values = np.loadtxt(path, delimiter=",", skiprows=len(names) and 1, ndmin=2, encoding="utf-8-sig")
    except ValueError:
        raise DataError(f"{path} holds more than numbers, which needs pandas: pip install pandas") from None
    return _Columns(values, names or [str(index) for index in range(values.shape[1])])


def _parted(path: Path, table: Any, target: str | None) -> tuple[Any, Any]:
    """Return inputs and targets of a table or of an array."""
    if isinstance(table, np.ndarray):
        if target is None:
            return table, None
        position = _column(path, target, [str(column) for column in range(table.shape[1])])
        return np.delete(table, position, axis=1), table[:, position]
    names = [str(name) for name in table.columns]
    index = None if target is None else _column(path, target, names)
    if isinstance(table, _Columns):
        return _parted(path, table.values, None if index is None else str(index))
    table.columns = names
    if index is None:
        return table, None
    targets = table.iloc[:, index]
    if targets.isna().any():
        raise DataError(
            f"{path} has {int(targets.isna().sum()):,} rows without a value in the target column {target!r}."
        )
    kind = targets.dtype
    values = targets.to_numpy() if getattr(kind, "kind", "O") in "iufb" else targets.to_numpy(dtype=object)
    return table.drop(columns=names[index]), values


def _column(path: Path, target: str, names: list[str]) -> int:
    if target in names:
        return names.index(target)
    if target.lstrip("-").isdecimal() and -len(names) <= int(target) < len(names):
        return int(target) % len(names)
    raise DataError(f"{path} has no column {target!r}; {hint(target, names[:50])}")
