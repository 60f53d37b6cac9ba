"""Compare two separate measurements, using the variance between launches or between results.

Calls of one measurement share its processes and its time, so their variance does not predict the next measurement. The
unit of analysis is therefore the launch, or the whole result, and an interval needs several of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.comparison import Verdict
from latency_tui.stats.defaults import EQUIVALENCE, MIN_CLUSTERS
from latency_tui.stats.distributions import student_quantile, student_tail
from latency_tui.stats.multiplicity import holm


class Spread(NamedTuple):
    """Standard error of a log-ratio and its degrees of freedom."""

    error: float
    degrees: float


@dataclass(frozen=True, slots=True)
class UnpairedComparison:
    """The comparison of two measurements; log-ratios are natural logs of the second latency over the first.

    Attributes:
        log_ratio: The estimate.
        low: Lower end of the confidence interval; None if the variance between measurements is unknown.
        high: Upper end of the confidence interval.
        p_different: Smallest level at which the interval excludes the region of equivalence; 1 if there is none.
        p_same: Smallest level at which the interval is inside that region; 1 if there is none.
        verdict: The verdict on the second measurement; None without an interval.
    """

    log_ratio: float
    low: float | None = None
    high: float | None = None
    p_different: float = 1.0
    p_same: float = 1.0
    verdict: Verdict | None = None


def spread_of_launches(first: ArrayLike, second: ArrayLike) -> Spread | None:
    """Return the spread of the difference of two means over launches (Welch 1947, Satterthwaite 1946).

    If only one side has three or more launches, its variance is used for both sides.

    Args:
        first: Log latency of each launch of one side, `(n,)`.
        second: Log latency of each launch of the other side, `(m,)`.

    Returns:
        The spread; None if neither side has three launches, or if no launch differs from another.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (first, second)]
    sizes = [side.size for side in sides]
    if min(sizes) < 1 or max(sizes) < MIN_CLUSTERS:
        return None
    if min(sizes) < MIN_CLUSTERS:
        known = sides[sizes.index(max(sizes))]
        error = float(known.std(ddof=1)) * math.sqrt(1 / sizes[0] + 1 / sizes[1])
        return Spread(error, known.size - 1) if error else None
    shares = [float(side.var(ddof=1)) / side.size for side in sides]
    total = sum(shares)
    if not total:
        return None
    below = sum(share**2 / (size - 1) for share, size in zip(shares, sizes, strict=True))
    return Spread(math.sqrt(total), total**2 / below)


def spread_of_results(groups: Sequence[ArrayLike]) -> Spread | None:
    """Return the spread of the difference of two single results, from earlier results of the same plan.

    Args:
        groups: Log latency of earlier results, `(n,)` per group. Results of one group measured the same thing, so that
            only the variance within groups counts.

    Returns:
        The spread; None if no group has three results.
    """
    known = [values for group in groups if (values := np.asarray(group, dtype=np.float64)).size >= MIN_CLUSTERS]
    degrees = sum(values.size - 1 for values in known)
    squares = math.fsum(float(_residuals(values) @ _residuals(values)) for values in known)
    return Spread(math.sqrt(2 * squares / degrees), degrees) if squares else None


def compare_unpaired(
    log_ratio: float,
    spreads: Sequence[Spread | None],
    *,
    equivalence: float = EQUIVALENCE,
    confidence: float = 0.95,
) -> UnpairedComparison:
    """Return the comparison of two measurements without a verdict; see `judge_unpaired`.

    Args:
        log_ratio: The estimate.
        spreads: Spreads from each source that is known; the interval is the widest of those that they give.
        equivalence: Half-width of the region of practical equivalence, as a share.
        confidence: Confidence level of the interval.
    """
    known = [spread for spread in spreads if spread is not None]
    if not known:
        return UnpairedComparison(log_ratio)
    half_width = max(student_quantile((1 + confidence) / 2, spread.degrees) * spread.error for spread in known)
    margin = math.log1p(equivalence)

    def level(bound: float) -> float:
        return max(2 * student_tail(abs(log_ratio - bound) / spread.error, spread.degrees) for spread in known)

    p_different = p_same = 1.0
    if abs(log_ratio) > margin:
        p_different = level(math.copysign(margin, log_ratio))
    else:
        p_same = max(level(-margin), level(margin))
    return UnpairedComparison(log_ratio, log_ratio - half_width, log_ratio + half_width, p_different, p_same)


def judge_unpaired(
    comparisons: Sequence[UnpairedComparison], *, confidence: float = 0.95
) -> tuple[UnpairedComparison, ...]:
    """Return the same comparisons with verdicts, after Holm's correction over all that have an interval."""
    tested = [index for index, one in enumerate(comparisons) if one.low is not None]
    different = dict(zip(tested, holm([comparisons[k].p_different for k in tested]).tolist(), strict=True))
    same = dict(zip(tested, holm([comparisons[k].p_same for k in tested]).tolist(), strict=True))
    level, found = 1 - confidence, list(comparisons)
    for index in tested:
        one = comparisons[index]
        verdict: Verdict = "inconclusive"
        if different[index] <= level:
            verdict = "slower" if one.log_ratio > 0 else "faster"
        elif same[index] <= level:
            verdict = "same"
        found[index] = replace(one, verdict=verdict)
    return tuple(found)


def _residuals(values: NDArray[np.float64]) -> NDArray[np.float64]:
    residuals: NDArray[np.float64] = values - values.mean()
    return residuals
