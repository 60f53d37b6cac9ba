"""Validation of latencies and of their division into rounds. Latencies must be positive and finite."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Latencies = NDArray[Any]
"""Nanoseconds: uint32 or int64 if measured, float64 if computed. Any, because numpy's stubs reject the union of these.
"""


def validate_latencies(samples: ArrayLike) -> Latencies:
    """Validate latencies and return them as an array.

    Args:
        samples: Latencies, `(n,)` nanoseconds.

    Returns:
        The same numbers, `(n,)`: uint32 unchanged, other integers as int64, floating-point numbers as float64. The
        array is copied only if the type changes.

    Raises:
        ValueError: The samples are not one-dimensional numbers, or one of them is zero, negative or not finite.
    """
    array: NDArray[Any] = np.asarray(samples)
    if array.ndim != 1:
        raise ValueError(f"Latencies must be a one-dimensional array, not one of {array.ndim} dimensions.")
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
        raise ValueError(
            f"A latency of {least:g} ns is invalid: the clock was set back, or it is too coarse for this call."
        )
    return array


def validate_starts(starts: ArrayLike, samples: int) -> NDArray[np.int64]:
    """Validate the index of each round's first sample: the indices ascend from 0 and no round is empty.

    Args:
        starts: Indices, `(n_rounds,)`.
        samples: Number of samples in all rounds.

    Raises:
        ValueError: The indices do not divide the samples into rounds of at least one sample each.
    """
    array = np.asarray(starts, dtype=np.int64)
    if array.ndim != 1:
        raise ValueError("The starts of rounds must be a one-dimensional array.")
    if samples == 0 and array.size == 0:
        return array
    if array.size == 0 or array[0] != 0 or array[-1] >= samples or (np.diff(array) <= 0).any():
        raise ValueError("The starts of rounds must ascend from 0, and each round must contain a sample.")
    return array


def round_sizes(starts: NDArray[np.int64], samples: int) -> NDArray[np.int64]:
    """Return the number of samples of each round, `(n_rounds,)`, in a fifth of the time of numpy's `diff`.

    Args:
        starts: Index of the first sample of each round, `(n_rounds,)`, at least one.
        samples: Number of samples in all rounds.
    """
    sizes: NDArray[np.int64] = np.concatenate((starts[1:], [samples])) - starts
    return sizes
