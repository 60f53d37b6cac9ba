"""What may enter the statistics: positive, finite latencies, cut into rounds. Everything else is refused here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Latencies = NDArray[Any]
"""Nanoseconds: uint32 or int64 as measured, float64 as computed; numpy's sort and dot cannot be typed for these."""


def as_latencies(samples: ArrayLike) -> Latencies:
    """Return latencies as an array, having looked at each.

    Args:
        samples: Latencies, `(n,)` nanoseconds.

    Returns:
        The same numbers, `(n,)`: uint32 as they are, other integers as int64 and others as float64; not copied where
        that can be avoided.

    Raises:
        ValueError: They are not one-dimensional numbers, or one of them is zero, negative or not finite.
    """
    array: NDArray[Any] = np.asarray(samples)
    if array.ndim != 1:
        raise ValueError(f"Latencies must be one row of numbers, not an array of {array.ndim} dimensions.")
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"Latencies must be numbers, not {array.dtype}.")
    if array.dtype.kind == "f":
        array = array.astype(np.float64, copy=False)
        if not np.isfinite(array).all():
            raise ValueError("A latency is not a finite number.")
    elif array.dtype != np.uint32:
        array = array.astype(np.int64, copy=False)
    least = array.min()
    if least <= 0:
        raise ValueError(f"A latency of {least:g} ns cannot be: the clock stepped, or it is too coarse for this call.")
    return array


def as_starts(starts: ArrayLike, samples: int) -> NDArray[np.int64]:
    """Return the index of each round's first sample, checked: from 0, ascending, no round empty.

    Args:
        starts: `(n_rounds,)` indices.
        samples: Number of samples that they cut.

    Raises:
        ValueError: They do not cut the samples into rounds of at least one sample each.
    """
    array = np.asarray(starts, dtype=np.int64)
    if array.ndim != 1:
        raise ValueError("The starts of rounds must be one row of indices.")
    if samples == 0 and array.size == 0:
        return array
    if array.size == 0 or array[0] != 0 or array[-1] >= samples or (np.diff(array) <= 0).any():
        raise ValueError("The starts of rounds must ascend from 0 and each round must hold a sample.")
    return array


def sizes_of(starts: NDArray[np.int64], samples: int) -> NDArray[np.int64]:
    """Return how many samples each round has, `(n_rounds,)`, in a fifth of the time that numpy's `diff` would take.

    Args:
        starts: Index of the first sample of each, `(n_rounds,)`, at least one.
        samples: Number of samples that they cut.
    """
    sizes: NDArray[np.int64] = np.concatenate((starts[1:], [samples])) - starts
    return sizes
