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


def clock_step(samples: NDArray[np.int64]) -> int:
    """Return the step that the clock counts in, in nanoseconds, as far as latencies tell.

    That is the least that two of them differ by, where most are the same as another. Two that lie one nanosecond apart
    are taken for one, for a step that is no whole number of them is rounded up or down.

    Args:
        samples: Latencies, `(n_samples,)` nanoseconds; a few hundred are enough.

    Returns:
        The step; 0 where they do not tell: most are unlike any other, or all are alike.
    """
    gaps = np.diff(np.unique(samples))
    apart = gaps[gaps > 1]
    if not apart.size or 2 * (apart.size + 1) > samples.size:
        return 0
    in_a_row = bool(((gaps[1:] == 1) & (gaps[:-1] == 1)).any())  # three: it counts nanoseconds
    return 0 if in_a_row else int(apart.min())


def rounding(medians: NDArray[np.float64], step: int) -> NDArray[np.float64]:
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
