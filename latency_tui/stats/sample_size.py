"""Predict how many rounds or launches would give a verdict on a pair of candidates."""

from __future__ import annotations

import math

import numpy as np

from latency_tui.stats.distributions import normal_quantile, student_quantile
from latency_tui.stats.pair_evidence import PairEvidence

_MAX_ROUNDS = 1e9
"""Predictions of more rounds than this are reported as None."""
_MAX_LAUNCHES = 1000
"""Predictions of more launches than this are reported as None."""
_MIN_ROUNDS_PER_PROCESS = 6
"""Rounds per process below which between-process variance cannot be separated from the variance between rounds."""


def rounds_to_decide(
    pair: PairEvidence, margin: float, confidence: float = 0.95, pairs: int = 1, most_processes: int = 0
) -> int | None:
    """Predict the total number of rounds for a verdict, provided that the estimate does not change.

    The error of the rounds shrinks with the square root of their number. Between-cluster variance and the error of a
    coarse clock remain; if these alone reach the bound, only more processes help. The interval that decides the verdict
    is wider than the displayed one because all pairs are judged together (Bonferroni's level). The distance to the
    bound is taken to be at least the median absolute error of an estimate, since an estimate may be close to the bound
    by chance.

    Args:
        pair: Evidence without a verdict.
        margin: Log of the upper bound of the region of equivalence.
        confidence: Confidence level of the interval in `pair`.
        pairs: Number of pairs that are judged together.
        most_processes: Number of processes per candidate that more rounds would use; 0 if it is unknown.

    Returns:
        The number of rounds; None if there is no interval, or if more rounds of the same processes cannot give a
        verdict.
    """
    if pair.log_ratio is None or pair.low is None or pair.high is None:
        return None
    level = (1 - confidence) / max(pairs, 1)
    from_rounds = (pair.high - pair.low) / 2 - pair.clock_margin if pair.half_width is None else pair.half_width
    noise = error = from_rounds / normal_quantile((1 + confidence) / 2)
    rounds, clusters = pair.rounds_in_interval or pair.rounds, len(pair.cluster_medians)
    if clusters > 1:
        half_width = (pair.high - pair.low) / 2
        if not pair.across_launches:  # the sign test's interval is asymmetric: take the side that faces the bound
            below, above = pair.log_ratio - pair.low, pair.high - pair.log_ratio
            half_width = max(below, above) if abs(pair.log_ratio) < margin else below if pair.log_ratio > 0 else above
        half_width -= pair.clock_margin
        error = max(half_width / student_quantile((1 + confidence) / 2, clusters - 1), noise)
    distance = _distance(pair, margin, error)
    if distance == 0:
        return None
    needed = rounds * (normal_quantile(1 - level / 2) * noise / distance) ** 2
    if clusters > 1:
        most = clusters if pair.across_launches else max(most_processes, clusters)
        wanted = (distance / student_quantile(1 - level / 2, most - 1)) ** 2
        spread = rounds * error**2 / wanted  # the number of processes grows with that of rounds, up to `most`
        is_separable = pair.across_launches or rounds >= _MIN_ROUNDS_PER_PROCESS * clusters
        if is_separable and spread > rounds * most / clusters:
            if (room := wanted - (error**2 - noise**2) * clusters / most) <= 0:
                return None
            spread = rounds * noise**2 / room
        needed = max(needed, spread)
    # The smallest p-value of n rounds is 2 · ½ⁿ, which must reach the corrected level: 2 · ½ⁿ ≤ level / pairs.
    least = 1 + math.log2(max(pairs, 1) / (1 - confidence))
    return math.ceil(max(needed, least, pair.rounds + 1)) if needed < _MAX_ROUNDS else None


def launches_to_decide(pair: PairEvidence, margin: float, confidence: float = 0.95, pairs: int = 1) -> int | None:
    """Predict the total number of launches for a verdict, provided that their variance does not change.

    Args:
        pair: Evidence without a verdict.
        margin: Log of the upper bound of the region of equivalence.
        confidence: Confidence level of the interval in `pair`.
        pairs: Number of pairs that are judged together.

    Returns:
        The number of launches; None if launches are not the clusters, or if more than 1,000 would be needed.
    """
    if not pair.across_launches or pair.log_ratio is None:
        return None
    deviation = float(np.std(pair.cluster_medians, ddof=1))
    distance = _distance(pair, margin, deviation / math.sqrt(len(pair.cluster_medians)))
    level = 1 - (1 - confidence) / max(pairs, 1) / 2
    return next(
        (
            launches
            for launches in range(len(pair.cluster_medians) + 1, _MAX_LAUNCHES + 1)
            if student_quantile(level, launches - 1) * deviation / math.sqrt(launches) < distance
        ),
        None,
    )


def _distance(pair: PairEvidence, margin: float, error: float) -> float:
    """Return the distance of an estimate from the bound, at least the median absolute error of an estimate.

    It is 0 if the clock step may have moved the estimate across the bound.
    """
    distance = abs(abs(pair.log_ratio or 0.0) - margin) - pair.clock_margin
    return 0.0 if pair.clock_margin and distance <= 0 else max(distance, normal_quantile(0.75) * error)
