"""Arrays that grow while a measurement goes on, and take little more memory than what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDEST = 2**32
"""First latency in nanoseconds, 4.3 s, that does not fit into the four bytes of a uint32."""


class GrowingArray:
    """A one-dimensional array that grows by half when it is full, so that adding takes constant time on average."""

    def __init__(self, dtype: type[np.generic], capacity: int = 64) -> None:
        """Make an empty one."""
        self._array: NDArray[Any] = np.empty(capacity, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """What was added, `(n,)`: a view, valid until more is added."""
        return self._array[: self._size]

    def append(self, value: float) -> None:
        """Add one number."""
        self._reserve(1)
        self._array[self._size] = value
        self._size += 1

    def clear(self) -> None:
        """Take everything away."""
        self._size = 0

    def extend(self, values: NDArray[Any]) -> None:
        """Add many."""
        self._reserve(values.size)
        self._array[self._size : self._size + values.size] = values
        self._size += values.size

    def _reserve(self, more: int) -> None:
        wanted = self._size + more
        if wanted > self._array.size:
            larger = np.empty(max(wanted, self._array.size * 3 // 2), dtype=self._array.dtype)
            larger[: self._size] = self._array[: self._size]
            self._array = larger


class LatencyArray(GrowingArray):
    """Latencies in four bytes each for as long as none takes more than 4.3 s, then in eight."""

    def __init__(self) -> None:
        """Make an empty one."""
        super().__init__(np.uint32, 1024)

    def extend(self, values: NDArray[Any]) -> None:
        """Add many positive ones."""
        if values.size and self._array.dtype == np.uint32 and values.max() >= _WIDEST:
            self._array = self._array.astype(np.int64)
        super().extend(values)

    def keep(self, chosen: Iterable[NDArray[Any]], size: int) -> None:
        """Replace all values by some parts of them, `size` in all."""
        kept, self._size = self._array, 0
        self._array = np.empty(size, dtype=kept.dtype)
        for part in chosen:
            super().extend(part)
