"""The bootstrap over test rows: intervals of a score, and of the difference of two scores on the same rows.

The interval is the percentile interval, expanded for small samples (Hesterberg 2015, "What teachers should know about
the bootstrap", section 4.4): the plain one is too narrow by the factor √((n − 1)/n) and uses normal quantiles, not
Student's. Candidates draw the same rows in every resample, so the difference of their scores is paired by resample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.distributions import normal_quantile, normal_tail, student_quantile, student_tail

MAX_RESAMPLES = 1000
"""Resamples: the end of a 95 % interval is then the 25th smallest score, which varies by 3 % of the width."""
MIN_RESAMPLES = 50
"""Fewest resamples for an interval."""
MAX_ROWS = 20_000
"""Rows per resample; beyond, the scores are scaled to the number of rows, so that the time is bounded."""
_MIN_DEFINED = 0.9
"""Smallest share of resamples on which the score is defined."""


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Difference(NamedTuple):
    """The difference of two scores on the same rows.

    Attributes:
        value: The first score minus the second.
        low: Lower end of its confidence interval.
        high: Upper end of its confidence interval.
        error: Its standard error.
        p_value: Two-sided p-value of a difference of zero.
    """

    value: float
    low: float
    high: float
    error: float
    p_value: float


def resamples(rows: int, count: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the row numbers of each resample, `(min(rows, MAX_ROWS),)`, the same for the same arguments.

    Fewer resamples are the first ones of more.
    """
    generator = np.random.default_rng(seed)
    size = min(rows, MAX_ROWS)
    for _ in range(count):
        yield generator.integers(0, rows, size)


def rescaled(scores: NDArray[np.float64], value: float, drawn: int, rows: int) -> NDArray[np.float64]:
    """Return scores of resamples of `drawn` rows as they vary over resamples of all rows.

    The variance of a score is inversely proportional to the number of rows (m out of n bootstrap, Bickel, Götze and van
    Zwet 1997).
    """
    if drawn >= rows:
        return scores
    return value + (scores - np.nanmean(scores)) * math.sqrt(drawn / rows)


def score_interval(
    scores: NDArray[np.float64],
    value: float,
    rows: int,
    *,
    effective_rows: float = 0.0,
    confidence: float = 0.95,
    is_share: bool = False,
    best: float | None = None,
) -> Interval | None:
    """Return the confidence interval of a score; None if there are too few resamples, or if they do not vary.

    Resamples of rows that are all predicted correctly do not vary, although further rows might. An interval that
    reaches the best score is therefore at least as wide as Wilson's interval of a share of as many rows.

    Args:
        scores: Score on each resample, `(n_resamples,)`.
        value: Score on all rows.
        rows: Number of rows.
        effective_rows: Rows of a share of rows that varies as much as the score; 0 if it is no such share.
        confidence: Confidence level.
        is_share: Whether the score is a share of the rows, as accuracy is.
        best: The best score; None if it is not bounded.
    """
    found = _percentiles(scores, rows, confidence)
    if found is not None and not found.low <= value <= found.high:
        found = None  # a score that duplicate rows distort
    if is_share:
        wilson = wilson_interval(value, rows, confidence)
        return wilson if found is None else Interval(min(found.low, wilson.low), max(found.high, wilson.high))
    if found is not None and best is not None and found.high >= best and effective_rows:
        low = wilson_interval(min(max(value, 0.0), 1.0), effective_rows, confidence).low
        return Interval(min(found.low, low), found.high)
    return None if found is None or found.low == found.high else found


def _percentiles(scores: NDArray[np.float64], rows: int, confidence: float) -> Interval | None:
    """Return the expanded percentile interval; None if there are too few scores or rows."""
    defined = scores[np.isfinite(scores)]
    if rows < 2 or defined.size < max(MIN_RESAMPLES, _MIN_DEFINED * scores.size):
        return None
    expanded = math.sqrt(rows / (rows - 1)) * student_quantile((1 + confidence) / 2, rows - 1)
    tail = normal_tail(expanded)
    low, high = np.quantile(defined, [tail, 1 - tail]).tolist()
    return Interval(low, high)


def wilson_interval(share: float, rows: float, confidence: float = 0.95) -> Interval:
    """Return the interval of a share of independent rows (Wilson 1927)."""
    z = normal_quantile((1 + confidence) / 2)
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return Interval(max(centre - half, 0.0), min(centre + half, 1.0))


def paired_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    value: float,
    rows: int,
    confidence: float = 0.95,
) -> Difference | None:
    """Return the difference of two scores with its interval; None if there are too few resamples.

    The p-value is that of Student's test with the standard error of the resamples. For the shares of correct rows this
    is McNemar's test. It is at least that of a sign test in which every row decides, so two rows prove nothing.

    Args:
        first: Scores of one candidate on the resamples, `(n,)`.
        second: Scores of the other on the same resamples; of two lengths, the shorter counts.
        value: Difference of the scores on all rows.
        rows: Number of rows.
        confidence: Confidence level.
    """
    count = min(first.size, second.size)
    differences = first[:count] - second[:count]
    found = _percentiles(differences, rows, confidence)
    if found is None:
        return None
    error = float(np.nanstd(differences, ddof=1)) * math.sqrt(rows / (rows - 1))
    p_value = 2 * student_tail(abs(value) / error, rows - 1) if error > 0 else float(value == 0)
    p_value = min(max(p_value, 2.0 ** max(1 - rows, -1000)), 1.0)
    return Difference(value, min(found.low, value), max(found.high, value), error, p_value)
