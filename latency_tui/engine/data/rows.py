"""Counts, selects and describes rows of every type. Runs in the engine's processes only.

Rows are an array, a sparse matrix, a data frame, a list, or several arrays by name (a `dict`), each `(n_rows, ...)`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from latency_tui.engine.protocol import CallInput

MAX_BATCHES = 512
BATCH_BYTES = 64_000_000
"""Maximum memory of prepared inputs, 64 MB."""


def count_rows(rows: Any) -> int:
    """Return the number of rows.

    Raises:
        TypeError: The object has no rows.
    """
    if isinstance(rows, Mapping):
        return count_rows(next(iter(rows.values())))
    shape = getattr(rows, "shape", None)
    return int(shape[0]) if shape else len(rows)


def count_columns(rows: Any) -> int:
    """Return the number of columns; 0 if rows have none."""
    shape: tuple[int, ...] = getattr(rows, "shape", ())
    return int(shape[1]) if len(shape) > 1 else 0


def is_frame(rows: Any) -> bool:
    """Return whether rows are a data frame of pandas or of a library with its interface (Modin, cuDF)."""
    if "pandas" not in sys.modules:  # those libraries import it too
        return False
    from narwhals.dependencies import is_pandas_like_dataframe  # deferred: 70 ms unless scikit-learn has imported it

    return is_pandas_like_dataframe(rows)


def is_series(values: Any) -> bool:
    """Return whether values are a series (one column) of pandas or of a library with its interface."""
    if "pandas" not in sys.modules:
        return False
    from narwhals.dependencies import is_pandas_like_series  # deferred: see `is_frame`

    return is_pandas_like_series(values)


def is_numeric(frame: Any) -> bool:
    """Return whether all columns of a data frame are numeric or boolean."""
    return all(getattr(kind, "kind", "O") in "fiub" for kind in frame.dtypes)


def take(rows: Any, index: Any, order: str = "C") -> Any:
    """Return some rows, in the same type.

    Args:
        rows: `(n_rows, ...)` rows.
        index: `(n_taken,)` positions of the rows.
        order: Memory order of arrays, `C` or `F`.
    """
    if isinstance(rows, Mapping):
        return {name: take(array, index, order) for name, array in rows.items()}
    if is_frame(rows) or is_series(rows):
        return rows.iloc[index]
    if isinstance(rows, list | tuple):
        return [rows[position] for position in index]
    if not isinstance(rows, np.ndarray) and not hasattr(rows, "toarray"):
        import narwhals  # deferred: for data frames of other libraries than pandas

        frame = narwhals.from_native(rows, eager_only=True, pass_through=True)
        if isinstance(frame, narwhals.DataFrame):
            return frame[[int(position) for position in index]].to_native()
    taken = rows[index]
    return np.asarray(taken, order="F" if order == "F" else "C") if isinstance(taken, np.ndarray) else taken


def batches(
    rows: Any, batch_size: int, seed: int, *, order: str = "C", most: int = MAX_BATCHES, memory: int = BATCH_BYTES
) -> list[Any]:
    """Prepare the inputs of calls: contiguous batches of rows in a fixed shuffled order.

    Args:
        rows: `(n_rows, ...)` test rows.
        batch_size: Rows per call; if there are fewer rows, they are repeated.
        seed: Seed of the order.
        order: Memory order of arrays, `C` or `F`.
        most: Maximum number of batches; later calls start again with the first.
        memory: Maximum memory of the batches, in bytes; one batch is always prepared.

    Returns:
        Distinct batches, `(batch_size, ...)` each.
    """
    there = count_rows(rows)
    generator = np.random.default_rng(seed)
    count = max(1, min(most, there if batch_size == 1 else 64, memory // max(1, batch_size * _row_bytes(rows))))
    needed = count * batch_size
    shuffled = np.concatenate([generator.permutation(there) for _ in range(-(-needed // there))])[:needed]
    return [take(rows, shuffled[index * batch_size : (index + 1) * batch_size], order) for index in range(count)]


def serialize(value: Any) -> bytes | None:
    """Pickle a value, to detect later whether a model has changed it; return None if it cannot be pickled."""
    try:
        return pickle.dumps(value, protocol=4)  # protocol 5 stores the writeable flag, which CatBoost changes
    except Exception:  # noqa: BLE001 (a user's object may raise anything)
        return None


def deserialize(stored: bytes) -> Any:
    """Return a copy of a value from the bytes that `serialize` returned."""
    return pickle.loads(stored)  # noqa: S301 (written by this engine's own candidate)


def describe(value: Any, rows: int, *, generated: bool = False) -> CallInput:
    """Describe the input of a call.

    Args:
        value: The prepared input of one call.
        rows: Number of rows.
        generated: Whether the input was generated from what the model declares.
    """
    kind, dtype, count = "rows", "", 1
    shape: tuple[int, ...] = ()
    if isinstance(value, Mapping) and value and all(isinstance(array, np.ndarray) for array in value.values()):
        if len(value) > 1:
            return CallInput(kind="named arrays", rows=rows, count=len(value), generated=generated)
        (value,) = value.values()
    if is_frame(value):
        kind, shape = "data frame", tuple(map(int, value.shape))
    elif hasattr(value, "toarray"):
        kind, shape, dtype = "sparse matrix", tuple(map(int, value.shape)), str(value.dtype)
    elif isinstance(value, np.ndarray):
        kind, shape, dtype = "array", tuple(map(int, value.shape)), str(value.dtype)
    elif getattr(value, "columns", None) is not None and getattr(value, "shape", None):
        kind, shape = "data frame", tuple(map(int, value.shape))  # of Polars, Arrow or another library
    elif is_series(value):
        kind, shape, dtype = "series", tuple(map(int, value.shape)), str(value.dtype)
    elif isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
        kind, count = "texts", len(value)
    elif isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
        kind, count = "records", len(value)
    return CallInput(kind=kind, rows=rows, shape=shape, dtype=dtype, count=count, generated=generated)


def _row_bytes(rows: Any) -> int:
    if isinstance(rows, Mapping):
        return sum(map(_row_bytes, rows.values()))
    size = getattr(rows, "nbytes", None)
    return int(size) // max(1, count_rows(rows)) if isinstance(size, int) else 64
