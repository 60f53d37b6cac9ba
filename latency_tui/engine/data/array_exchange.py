"""Writes and reads a prepared dataset of arrays, for a process with other versions of Python and its libraries.

The file is an NPZ archive without pickles, which every version of numpy reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.data.dataset import Data
from latency_tui.plan.datasets import Task

_ARRAYS = ("X_train", "y_train", "X_test", "y_test", "X_all", "y_all")
_SPARSE = ("data", "indices", "indptr", "shape")


class _About(msgspec.Struct):
    kind: str
    columns: tuple[str, ...]
    default: bool
    task: Task | None


def write_arrays(path: Path, data: Data) -> None:
    """Write a dataset whose parts are arrays of numbers, or sparse matrices (CSR)."""
    about = msgspec.json.encode(_About(data.kind, data.columns, data.default, data.task))
    parts: dict[str, NDArray[Any]] = {"about": np.frombuffer(about, dtype=np.uint8)}
    for name in _ARRAYS:
        array = getattr(data, name)
        if hasattr(array, "indptr"):
            parts |= {f"{name}.{part}": np.asarray(getattr(array, part)) for part in _SPARSE}
        elif array is not None:
            parts[name] = np.asarray(array)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **parts)


def read_arrays(path: Path) -> Data:
    """Return the dataset that `write_arrays` wrote."""
    with np.load(path, allow_pickle=False) as parts:
        about = msgspec.json.decode(parts["about"].tobytes(), type=_About)
        arrays = {name: _array(parts, name) for name in _ARRAYS}
    return Data(**arrays, kind=about.kind, columns=about.columns, default=about.default, task=about.task)


def _array(parts: Any, name: str) -> Any:
    if name in parts:
        return parts[name]
    if f"{name}.data" not in parts:
        return None
    from scipy.sparse import csr_array  # deferred: only sparse data need it

    values, indices, indptr, shape = (parts[f"{name}.{part}"] for part in _SPARSE)
    return csr_array((values, indices, indptr), shape=tuple(shape))
