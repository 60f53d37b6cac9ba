"""Encodes and decodes arrays of numbers in the JSON of a result, each on one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import msgspec
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
"""Positive, finite numbers, `(n,)`."""
Integers = NDArray[np.int64]
"""Integers from 0, `(n,)`."""


def encode_array(row: NDArray[Any], at_once: int = 100_000) -> Iterator[str]:
    """Yield an array as JSON on one line, in pieces of `at_once` numbers."""
    yield "["
    for begin in range(0, len(row), at_once):
        yield "," * (begin > 0) + msgspec.json.encode(row[begin : begin + at_once].tolist())[1:-1].decode()
    yield "]"


def to_builtin(value: Any) -> Any:  # Any: msgspec calls the hook with every type that it does not know
    """Return an array as a list and a number of numpy as one of Python, for JSON without `encode_array`.

    Raises:
        NotImplementedError: It is something else.
    """
    if not isinstance(value, np.ndarray | np.generic):
        raise NotImplementedError(type(value))
    return value.tolist()


def decode_row(kind: Any, value: Any) -> Any:  # Any: msgspec calls the hook with every type that it does not know
    """Convert a list to `Samples` or `Integers`.

    Raises:
        ValueError: The list contains other values.
        NotImplementedError: Another type is expected.
    """
    if get_origin(kind) is not np.ndarray:  # not `is Samples`: from numpy 2.5 on the alias is another object
        raise NotImplementedError(kind)
    number = get_args(get_args(kind)[1])[0]
    whole = number is np.int64
    row = np.asarray(value)
    if row.ndim != 1 or (row.size and row.dtype.kind not in ("iu" if whole else "iuf")):
        raise ValueError(f"expected a list of {'integers' if whole else 'numbers'}")
    row = row.astype(number, copy=False)
    if whole and (row < 0).any():
        raise ValueError("counts must not be negative")
    if not whole and not (np.isfinite(row).all() and (row > 0).all()):
        raise ValueError("samples must be positive, finite numbers")
    return row
