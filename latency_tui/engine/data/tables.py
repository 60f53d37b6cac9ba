"""Reads a table from a file: inputs, and targets if a column is named. Runs in the engine's processes only.

Reading runs no code, except for a pickle that the user trusts.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.catalog.data_files import DataFile, check_trusted_data, identify_data_file
from latency_tui.catalog.dialects import unique_names
from latency_tui.engine.data.array_files import read_libsvm, read_npy, read_npz
from latency_tui.engine.data.index_columns import drop_index_columns
from latency_tui.engine.data.json_tables import read_json
from latency_tui.engine.data.rows import is_frame, is_numeric
from latency_tui.engine.data.text_tables import NumberColumns, read_text
from latency_tui.engine.data.typed_columns import infer_types
from latency_tui.engine.data.workbooks import read_workbook
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import DataError, UsageError
from latency_tui.plan import Trust
from latency_tui.plan.suggest import hint


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes:
        inputs: `(n_rows, n_columns, ...)` array, sparse matrix or data frame; a mapping of names to arrays with the
            same number of rows if a file holds several named arrays.
        targets: `(n_rows,)` array, `(n_rows, n_outputs)` of several outputs; None if no target was named.
        columns: Names of the columns of an array; empty if the inputs have names of their own, or none.
        notes: Notes on how the file was interpreted, one sentence each.
        index: Data frame of the columns that were left out because they only number the rows; None if there are none.
    """

    inputs: Any
    targets: Any
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    index: Any = None


def read(path: Path, target: str | None, trust: Trust | None = None, folders: Sequence[str] = ()) -> Table:
    """Return the table in a file.

    The inputs are an array if the file contains arrays or numbers without names, or if pandas is missing; otherwise a
    data frame.

    Args:
        path: The file.
        target: Name of the target column, or its index from 0 or from the end; name of an array in an NPZ file.
        trust: Which pickles may be read; None for none.
        folders: Folders in which modules that a pickle needs are searched.

    Raises:
        DataError: The file cannot be read, or has no such column.
    """
    try:
        file = identify_data_file(path)
        table = _read(file, target, trust or Trust(), folders)
    except UsageError as error:
        raise DataError(str(error)) from error
    except DataError:
        raise
    except ImportError as error:
        needed = error.name or "pandas"
        raise DataError(f"{path} is {file.title} and needs {needed}: pip install {needed}") from None
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory.") from error
    except Exception as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} cannot be read as {file.title}: it is truncated or damaged ({said[:200]}).") from error
    _check_targets(path, target, table.targets)
    return table


def _read(file: DataFile, target: str | None, trust: Trust, folders: Sequence[str]) -> Table:
    match file.format:
        case "npz":
            inputs, targets, found = read_npz(file, target)
            return Table(inputs, targets) if found or target is None else _split_array(file.path, inputs, target)
        case "npy":
            array = read_npy(file)
            if array.dtype.names:
                return _from_frame(file, _pandas().DataFrame(array), target)
            return _split_array(file.path, array, target)
        case "libsvm":
            rows, labels = read_libsvm(file)
            return Table(rows, labels) if target is None else _split_array(file.path, rows, target)
        case "pickle":
            return _from_object(file, _unpickle(file, trust, folders), target)
        case "csv":
            frame, dialect, notes = read_text(file)
            if isinstance(frame, NumberColumns):
                return _from_numbers(file, frame, target, notes)
            return _from_frame(file, frame, target, notes, dialect.decimal, dialect.separator)
        case "json" | "jsonl":
            return _from_frame(file, read_json(file), target)
        case "excel":
            frame, notes = read_workbook(file)
            return _from_frame(file, frame, target, notes)
    read_frame = _pandas().read_parquet if file.format == "parquet" else _pandas().read_feather
    if not file.compression:
        return _from_frame(file, read_frame(file.path), target)
    with file.open() as opened:
        return _from_frame(file, read_frame(io.BytesIO(opened.read())), target)


def _pandas() -> Any:
    import pandas  # deferred: 0.3 s, needed only for tables

    return pandas


def _unpickle(file: DataFile, trust: Trust, folders: Sequence[str]) -> Any:
    import joblib  # deferred: comes with scikit-learn; it reads its own files and plain pickles alike

    content = file.path.read_bytes()  # read once, so that the checked content is the loaded content
    check_trusted_data(file.path, hashlib.sha256(content).hexdigest(), trust)
    return import_with_fallback(lambda: joblib.load(io.BytesIO(content)), folders)


def _from_object(file: DataFile, found: Any, target: str | None) -> Table:
    """Return the table in an unpickled object: a data frame, an array, or rows and targets as a pair or a mapping."""
    if isinstance(found, tuple | list) and len(found) == 2 and all(hasattr(one, "shape") for one in found):
        found = {"X": found[0], "y": found[1]}
    if isinstance(found, Mapping) and (rows := next((found[n] for n in ("X", "data") if n in found), None)) is not None:
        labels = next((found[name] for name in ("y", "target") if name in found), None)
        table = _from_object(file, rows, target if labels is None else None)
        return table if labels is None else Table(table.inputs, np.asarray(labels), table.columns, table.notes)
    if hasattr(found, "to_pandas"):
        found = found.to_pandas()
    if is_frame(found):
        return _from_frame(file, found, target)
    if hasattr(found, "toarray") or (isinstance(found, np.ndarray) and found.ndim and found.dtype != object):
        return _split_array(file.path, found, target)
    raise DataError(
        f"{file.path} is a pickle of {type(found).__name__}, which is not a table; save a data frame or an array."
    )


def _from_numbers(file: DataFile, found: NumberColumns, target: str | None, notes: Sequence[str]) -> Table:
    names, position = found.columns, None if target is None else _column(file.path, target, found.columns)
    table = _split_array(file.path, found.values, None if position is None else str(position))
    left = tuple(name for index, name in enumerate(names) if index != position)
    return Table(table.inputs, table.targets, () if _are_numbered(names) else left, tuple(notes))


def _split_array(path: Path, array: Any, target: str | None) -> Table:
    """Split an array or a sparse matrix, whose columns are named by their index, into inputs and targets."""
    if target is None:
        return Table(array, None)
    if isinstance(array, Mapping) or array.ndim != 2:
        raise DataError(f"{path} has no column {target!r}; store the targets as the array y of an NPZ file.")
    position = _column(path, target, [str(column) for column in range(array.shape[1])])
    others = [column for column in range(array.shape[1]) if column != position]
    targets = array[:, [position]]
    return Table(array[:, others], np.ravel(targets.toarray() if hasattr(targets, "toarray") else targets))


def _from_frame(
    file: DataFile,
    frame: Any,
    target: str | None,
    notes: Sequence[str] = (),
    decimal: str = ".",
    separator: str = "",
) -> Table:
    counted = _are_numbered([str(name) for name in frame.columns])
    frame = frame.set_axis(list(unique_names([str(name) for name in frame.columns])), axis=1)
    if target is not None and target not in frame.columns and target in frame.index.names:
        frame = frame.reset_index(target)
    position = None if target is None else _column(file.path, target, list(frame.columns))
    named = None if position is None else frame.columns[position]
    frame, index, said = drop_index_columns(frame, named)
    try:
        frame, more = infer_types(frame, decimal, separator)
    except DataError as error:
        raise DataError(f"{file.path}: {error}.") from None
    notes = (*notes, *said, *more)
    inputs = frame if named is None else frame.drop(columns=named)
    targets = None if named is None else _targets(file.path, target or "", frame[named])
    if counted and is_numeric(inputs):
        return Table(
            inputs.to_numpy(dtype=None if len({*inputs.dtypes}) == 1 else "float64"), targets, (), notes, index
        )
    return Table(inputs, targets, (), notes, index)


def _targets(path: Path, target: str, column: Any) -> Any:
    if column.isna().any():
        raise DataError(
            f"{path} has {int(column.isna().sum()):,} rows without a value in the target column {target!r}; "
            "remove these rows."
        )
    kind = column.dtype
    if str(kind) == "category":
        column, kind = column.astype(kind.categories.dtype), kind.categories.dtype
    return column.to_numpy() if getattr(kind, "kind", "O") in "iufbmM" else column.to_numpy(dtype=object)


def _check_targets(path: Path, target: str | None, targets: Any) -> None:
    """Check that the targets are classes or finite numbers.

    Raises:
        DataError: They are dates, or numbers that are not finite.
    """
    if targets is None:
        return
    place = "the targets" if target is None else f"the target column {target!r}"
    kind = targets.dtype.kind
    if kind in "mM":
        raise DataError(f"{path} has dates in {place}; a target must be a class or a number.")
    if kind in "fc" and (count := int(np.sum(~np.isfinite(targets)))):
        what = "without a value" if np.isnan(targets).any() else "with an infinite value"
        raise DataError(f"{path} has {count:,} rows {what} in {place}.")


def _are_numbered(names: Sequence[str]) -> bool:
    return list(names) == [str(index) for index in range(len(names))]


def _column(path: Path, target: str, names: list[str]) -> int:
    if target in names:
        return names.index(target)
    if target.strip() in names:
        return names.index(target.strip())
    if target.lstrip("-").isdecimal() and -len(names) <= int(target) < len(names):
        return int(target) % len(names)
    raise DataError(f"{path} has no column {target!r}; {hint(target, names[:50])}")
