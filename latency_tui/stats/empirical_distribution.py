"""Reduces sorted latencies to a bounded number of points of their distribution, dense in the upper tail."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_EXACT = 200
"""Largest number of samples of which every one is a point."""
_BODY_POINTS = 100
_POINTS_PER_DECADE = 12
"""Points between 99 % and 99.9 %, and as many between 99.9 % and 99.99 %, and so on."""


def reduce_distribution(ordered: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return points of the empirical distribution function: shares of the samples, and the latencies they reach.

    Up to 200 samples are returned whole. Of more, the points are at every hundredth of the samples, and in the last
    hundredth at logarithmic distances from the end, as on the axis of a percentile curve: 175 points for ten million.

    Args:
        ordered: Latencies in ascending order, `(n,)`, at least one.

    Returns:
        Shares in ascending order, above 0 and up to 1, `(n_points,)`; and the smallest latency that this share of the
        samples does not exceed, `(n_points,)`.
    """
    count = ordered.size
    if count <= MAX_EXACT:
        ranks = np.arange(1, count + 1)
    else:
        decades = np.log10(count / _BODY_POINTS)
        tail = 1 - 10.0 ** -(2 + np.arange(0.0, decades, 1 / _POINTS_PER_DECADE))
        body = np.arange(1, _BODY_POINTS) / _BODY_POINTS
        ranks = np.unique(np.concatenate(([1], np.ceil(np.concatenate((body, tail)) * count - 1e-9), [count])))
    return ranks / count, ordered[ranks.astype(np.int64) - 1]


def bin_shares(
    shares: NDArray[np.float64], latencies: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the samples in each bin of a histogram, `(n_bins,)`.

    Between two points of a reduced distribution, samples are spread evenly. If all are points, they are counted.

    Args:
        shares: Shares of the points, ascending, `(n_points,)`.
        latencies: Latencies of the points, ascending, `(n_points,)`.
        edges: Edges of the bins, ascending, `(n_bins + 1,)`; a sample at an inner edge belongs to the bin below it.
    """
    first = np.nextafter(edges[0], -np.inf)  # the first bin contains its lower edge
    inner = np.concatenate(([first], edges[1:]))
    above = np.searchsorted(latencies, inner, side="right")
    below = np.concatenate(([0.0], shares))[above]
    if round(1 / float(shares[0])) > shares.size:
        start, end = np.maximum(above - 1, 0), np.minimum(above, latencies.size - 1)
        span = latencies[end] - latencies[start]
        part = np.divide(inner - latencies[start], span, out=np.zeros_like(inner), where=span > 0)
        between = (above > 0) & (above < latencies.size)
        below = below + np.where(between, part * (shares[end] - shares[start]), 0.0)
    found: NDArray[np.float64] = np.diff(below)
    return found
