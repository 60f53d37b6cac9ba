"""Arrays that grow during a measurement and take little more memory than their content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDEST = 2**32
"""Smallest latency in nanoseconds, 4.3 s, that does not fit into a uint32."""


class GrowingArray:
    """A one-dimensional array that grows by half when it is full, so that adding takes constant time on average."""

    def __init__(self, dtype: type[np.generic], capacity: int = 64) -> None:
        """Create an empty array."""
        self._array: NDArray[Any] = np.empty(capacity, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """The content, `(n,)`: a view that is valid until more is added."""
        return self._array[: self._size]

    def append(self, value: float) -> None:
        """Add one number."""
        self._reserve(1)
        self._array[self._size] = value
        self._size += 1

    def clear(self) -> None:
        """Remove all numbers."""
        self._size = 0

    def extend(self, values: NDArray[Any]) -> None:
        """Add several numbers."""
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
    """Stores latencies as four bytes each, or as eight bytes each once one of them exceeds 4.3 s."""

    def __init__(self) -> None:
        """Create an empty array."""
        super().__init__(np.uint32, 1024)

    def extend(self, values: NDArray[Any]) -> None:
        """Add several positive latencies."""
        if values.size and self._array.dtype == np.uint32 and values.max() >= _WIDEST:
            self._array = self._array.astype(np.int64)
        super().extend(values)

    def keep(self, chosen: Iterable[NDArray[Any]], size: int) -> None:
        """Replace the content by parts of it, with `size` values in total."""
        kept, self._size = self._array, 0
        self._array = np.empty(size, dtype=kept.dtype)
        for part in chosen:
            super().extend(part)
