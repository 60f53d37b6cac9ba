"""Clocks that count in coarse steps: how coarse, as latencies tell, and by how much that may move a median.

Calls as short as a few steps come out as one of two or three numbers, and so do the medians of their blocks: two models
that lie 10 % apart may have the very same ones, in every round, or ones a whole step apart. No number of rounds tells,
so that what the steps may hide is added to every interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NO_DIFFERENCE = 0.0005
"""Half a step that is a smaller share of a median makes none: a tenth of the usual region of equivalence for a pair."""

_MOST = 0.9
_LEAST_SAMPLES = 12


def clock_step(samples: NDArray[np.int64]) -> int:
    """Return the step that the clock counts in, in nanoseconds, as far as latencies tell.

    That is the least that two of them differ by, where most are the same as another. Two that lie one nanosecond apart
    are taken for one, for a step that is no whole number of them is rounded up or down; three in a row are not, for
    then it is nanoseconds that are counted. Nor is it more than the least of them, which is a step at the least.

    Args:
        samples: Latencies, `(n_samples,)` nanoseconds; a few hundred are enough.

    Returns:
        The step, rounded down; 0 where they do not tell: few, most unlike any other, or all alike.
    """
    gaps = np.diff(np.unique(samples))
    neighbours, apart = gaps == 1, gaps[gaps > 1]
    if samples.size < _LEAST_SAMPLES or 2 * (apart.size + 1) > samples.size:
        return 0
    if (neighbours[1:] & neighbours[:-1]).any():
        return 1
    return min(int(apart.min() + neighbours.any()), int(samples.min())) if apart.size else 0


def half_step(latency: float, step: int) -> float:
    """Return by how much the clock's steps may have moved a latency, in nanoseconds; 0 where it makes no difference."""
    return step / 2 if step / 2 > _NO_DIFFERENCE * latency else 0.0


def clock_margin(medians: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Return by how much the clock's steps may have moved the log of each candidate's latency, `(n_candidates,)`.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN where there was no block.
        step: That the clock counts in, in nanoseconds; 0 where it is too fine to tell.

    Returns:
        The log of a median over one that is half a step less; 0 where that makes no difference, or nothing was
        measured.
    """
    shares = np.zeros(medians.shape[0])
    if step:
        there = ~np.isnan(medians).all(axis=1)
        shares[there] = step / 2 / np.nanmedian(medians[there], axis=1)
    off: NDArray[np.float64] = -np.log1p(-np.minimum(shares, _MOST))
    return np.where(shares > _NO_DIFFERENCE, off, 0.0)
