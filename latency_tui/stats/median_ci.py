"""Confidence interval of a median from order statistics, which needs no moments and no distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.distributions import fair_binomial_cdf, fair_binomial_quantile


def median_interval(ordered: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """Return a distribution-free confidence interval of the median.

    Order statistics enclose the median with a binomial probability (the sign test inverted). Between two neighbouring
    ranks the interval is interpolated (Hettmansperger and Sheather 1986), so that 6 or 10 rounds give close to 95 % and
    not 97 or 98 %.

    Args:
        ordered: Log-ratios of rounds in ascending order, `(n_rounds,)`.
        confidence: Two-sided confidence level.

    Returns:
        Lower and upper end; the extremes if even they enclose the median with less than the given confidence.
    """
    count = ordered.size
    rank, share = _depth(count, confidence)
    low = (1 - share) * ordered[rank - 1] + share * _at_depth(ordered, rank + 1)
    high = (1 - share) * ordered[count - rank] + share * _at_depth(ordered[::-1], rank + 1)
    return float(low), float(high)


def median_p_value(ordered: NDArray[np.float64], bound: float) -> float:
    """Return the smallest level at which `median_interval` excludes a bound: its two-sided p-value.

    Args:
        ordered: Log-ratios of rounds in ascending order, `(n_rounds,)`.
        bound: A log-ratio.
    """
    values, edge = ordered, bound
    centre = _at_depth(ordered, ordered.size)
    if bound == centre:
        return 1.0
    if bound > centre:
        values, edge = -ordered[::-1], -bound
    count = values.size
    rank = int(np.searchsorted(values, edge, side="right"))
    if rank < 1:
        return _outside(count, 1)
    inner = _at_depth(values, rank + 1)
    below = float(values[rank - 1])
    if inner <= below:
        return 1.0
    share = (edge - below) / (inner - below)
    # Invert share = (n − k) I / (k + (n − 2k) I), where I is the position of the level between those of the two ranks.
    part = share * rank / ((count - rank) - share * (count - 2 * rank))
    outer = _outside(count, rank)
    return float(outer + part * (_outside(count, rank + 1) - outer))


def _depth(count: int, confidence: float) -> tuple[int, float]:
    """Return the rank, counted from the extremes, and the share of the step to the next rank for a confidence level."""
    level = 1 - confidence
    rank = fair_binomial_quantile(level / 2, count) + 1
    if rank < 1:
        return 1, 0.0
    rank = min(rank, (count + 1) // 2)
    this, following = _outside(count, rank), _outside(count, rank + 1)
    if following <= this:
        return rank, 0.0
    part = (level - this) / (following - this)
    return rank, (count - rank) * part / (rank + (count - 2 * rank) * part)


def _outside(count: int, rank: int) -> float:
    """Return the probability that the order statistics of a rank, counted from both ends, miss the median."""
    if 2 * rank > count:
        return 1.0
    return 2 * fair_binomial_cdf(rank - 1, count)


def _at_depth(values: NDArray[np.float64], rank: int) -> float:
    """Return the order statistic of a rank, or the median if the rank is beyond the middle."""
    if 2 * rank > values.size:
        middle = values.size // 2
        return float(values[middle] if values.size % 2 else (values[middle - 1] + values[middle]) / 2)
    return float(values[rank - 1])
