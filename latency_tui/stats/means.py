"""The interval of a mean whose calls depend on each other: rounds, launches or processes are the clusters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.clusters import LEAST_CLUSTERS
from latency_tui.stats.percentiles import LEAST_ROUNDS
from latency_tui.stats.quantiles import student_quantile
from latency_tui.stats.samples import Latencies, sizes_of


def mean_interval(
    latencies: Latencies,
    starts: NDArray[np.int64],
    clusters: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """Return an interval of the mean: the wider of that over rounds and that over launches or processes.

    The mean is a ratio of totals over clusters of unequal size, and its variance is that of the ratio estimator
    (Cochran 1977, 6.4), with Student's quantile for as many degrees of freedom as there are clusters less one. Rare
    slow calls that no round has seen yet are not in it.

    Args:
        latencies: In the order measured, `(n_samples,)` nanoseconds.
        starts: Index of the first sample of each round, `(n_rounds,)`.
        clusters: Which launch or process each round is of, `(n_rounds,)`; None for one of all.
        confidence: Two-sided.

    Returns:
        Lower and upper end, in nanoseconds; None with fewer than six rounds.
    """
    if starts.size < LEAST_ROUNDS:
        return None
    totals = np.add.reduceat(latencies, starts, dtype=np.float64)
    sizes = sizes_of(starts, latencies.size)
    mean = float(totals.sum()) / latencies.size
    reach = _reach(totals, sizes, mean, confidence)
    if clusters is not None:
        labels = np.unique(clusters, return_inverse=True)[1]
        if labels.max() + 1 >= LEAST_CLUSTERS:
            reach = max(reach, _reach(np.bincount(labels, totals), np.bincount(labels, sizes), mean, confidence))
    return max(mean - reach, float(latencies.min())), mean + reach


def _reach(totals: NDArray[Any], sizes: NDArray[Any], mean: float, confidence: float) -> float:
    clusters, count = totals.size, float(sizes.sum())
    variance = float(np.square(totals - mean * sizes).sum()) * clusters / (clusters - 1) / count**2
    return student_quantile((1 + confidence) / 2, clusters - 1) * math.sqrt(variance)
