"""Estimate the resolution of the clock from latencies, and the error that it causes in a median.

If a call lasts only a few clock steps, its latency takes one of two or three values, and so does the median of a block.
Two models that differ by 10 % can then have equal medians in every round, or medians that differ by a whole step. More
rounds do not help, so every interval is widened by the possible error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NO_DIFFERENCE = 0.0005
"""Ignore the clock if half a step is at most 0.05 % of the median: a twentieth of the default equivalence of 1 %."""

_MOST = 0.9
"""Largest share of a median that half a step may have, which keeps the logarithm finite."""
_MIN_SAMPLES = 12
"""Fewest latencies from which a step is estimated."""


def clock_step(samples: NDArray[np.int64]) -> int:
    """Estimate the step of the clock from latencies, in nanoseconds.

    The step is the smallest difference between two distinct latencies, provided that most latencies occur more than
    once. A step that is not a whole number of nanoseconds is rounded up or down, so two values that are 1 ns apart
    count as one value. Three consecutive values mean that the clock counts nanoseconds. The step never exceeds the
    smallest latency, which lasts at least one step.

    Args:
        samples: Latencies, `(n_samples,)` nanoseconds; a few hundred are enough.

    Returns:
        The step, rounded down; 0 if it is unknown because there are few latencies, most are distinct, or all are equal.
    """
    gaps = np.diff(np.unique(samples))
    neighbours, steps = gaps == 1, gaps[gaps > 1]
    if samples.size < _MIN_SAMPLES or 2 * (steps.size + 1) > samples.size:
        return 0
    if (neighbours[1:] & neighbours[:-1]).any():
        return 1
    return min(int(steps.min() + neighbours.any()), int(samples.min())) if steps.size else 0


def half_step(latency: float, step: int) -> float:
    """Return the largest error of a latency that the clock step causes, in nanoseconds; 0 if it is negligible."""
    return step / 2 if step / 2 > _NO_DIFFERENCE * latency else 0.0


def clock_margin(medians: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Return the largest error of the log of each candidate's median that the clock step causes, `(n_candidates,)`.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if there was no block.
        step: The step of the clock in nanoseconds; 0 if it is negligible or unknown.

    Returns:
        The log of the median divided by the median less half a step; 0 if that is negligible or there are no medians.
    """
    shares = np.zeros(medians.shape[0])
    if step:
        measured = ~np.isnan(medians).all(axis=1)
        shares[measured] = step / 2 / np.nanmedian(medians[measured], axis=1)
    errors: NDArray[np.float64] = -np.log1p(-np.minimum(shares, _MOST))
    return np.where(shares > _NO_DIFFERENCE, errors, 0.0)
