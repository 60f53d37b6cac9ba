"""Confidence interval of a mean of dependent calls; the clusters are rounds, launches or processes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.stats.distributions import student_quantile
from latency_tui.stats.percentiles import MIN_ROUNDS
from latency_tui.stats.samples import Latencies, round_sizes


def mean_interval(
    latencies: Latencies,
    starts: NDArray[np.int64],
    clusters: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """Return a confidence interval of the mean: the wider of the interval over rounds and the one over clusters.

    The mean is a ratio of totals over clusters of unequal size. Its variance is that of the ratio estimator (Cochran
    1977, section 6.4), with Student's quantile for one degree of freedom less than there are clusters. Rare slow calls
    that have not occurred in any round are not covered.

    Args:
        latencies: Latencies in the order measured, `(n_samples,)` nanoseconds.
        starts: Index of the first sample of each round, `(n_rounds,)`.
        clusters: Launch or process of each round, `(n_rounds,)`; None if all rounds share one.
        confidence: Two-sided confidence level.

    Returns:
        Lower and upper end, in nanoseconds; None if there are fewer than six rounds.
    """
    if starts.size < MIN_ROUNDS:
        return None
    totals = np.add.reduceat(latencies, starts, dtype=np.float64)
    sizes = round_sizes(starts, latencies.size)
    mean = float(totals.sum()) / latencies.size
    half_width = _half_width(totals, sizes, mean, confidence)
    if clusters is not None:
        labels = np.unique(clusters, return_inverse=True)[1]
        if labels.max() + 1 >= MIN_CLUSTERS:
            between = _half_width(np.bincount(labels, totals), np.bincount(labels, sizes), mean, confidence)
            half_width = max(half_width, between)
    return max(mean - half_width, float(latencies.min())), mean + half_width


def _half_width(totals: NDArray[Any], sizes: NDArray[Any], mean: float, confidence: float) -> float:
    clusters, count = totals.size, float(sizes.sum())
    variance = float(np.square(totals - mean * sizes).sum()) * clusters / (clusters - 1) / count**2
    return student_quantile((1 + confidence) / 2, clusters - 1) * math.sqrt(variance)
