"""Change-point detection: find where the level of a series of results shifted permanently.

The splits are found with E-divisive (Matteson and James 2014, "A nonparametric approach for multiple change point
analysis of multivariate data") and kept if Welch's t-test finds their neighbouring segments different, as in Hunter
(Fleming et al. 2023, arXiv 2301.03034), which showed that this finds smaller changes in benchmarks than E-divisive's
own permutation test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_RESULTS = 10
"""Fewer results have too little power: they can only be compared pairwise."""
MIN_SEGMENT = 3
"""Fewer values have no usable variance, and a single outlier would form a segment."""
MAX_P = 0.001
"""Highest p-value of a change point, if the series is short."""
_MAX_P_OF_ALL_SPLITS = 0.1
"""In a long series, the highest p-value of a change point is this number divided by the squared number of results.

A split and the end of its right part are chosen from about that many combinations. The smallest p-value of 40 unchanged
results is therefore below 0.001 in 8 % of series, and that of 100 results in 25 %. It is below this bound in 1 % and
4 % of series.
"""
_PROVISIONAL_FACTOR = 10
"""A split is kept provisionally if its p-value is at most this many times the limit; later splits can confirm it."""


@dataclass(frozen=True, kw_only=True)
class ChangePoint:
    """A change of level.

    Attributes:
        index: Index of the first value after the change.
        log_ratio: Mean after the change minus mean before it, both up to the neighbouring change points.
        low: Lower end of the 95 % confidence interval of `log_ratio`.
        high: Upper end of that interval.
        p_value: Two-sided p-value of Welch's t-test.
    """

    index: int
    log_ratio: float
    low: float
    high: float
    p_value: float


def find_change_points(log_values: ArrayLike, *, min_log_ratio: float = 0.0) -> list[ChangePoint]:
    """Return the change points of a series, oldest first.

    Args:
        log_values: Logarithm of one figure per result, oldest first, `(n,)`.
        min_log_ratio: Smaller changes are not reported.

    Returns:
        The change points; none if there are fewer than `MIN_RESULTS` results.

    Raises:
        ValueError: A value is not finite.
    """
    values = np.asarray(log_values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("A series must be finite.")
    if values.size < MIN_RESULTS:
        return []
    max_p = min(MAX_P, _MAX_P_OF_ALL_SPLITS / values.size**2)
    indices = sorted(_splits(values, max_p * _PROVISIONAL_FACTOR))
    while indices:
        points = _points(values, indices)
        worst = max(points, key=lambda point: point.p_value)
        smallest = min(points, key=lambda point: abs(point.log_ratio))
        if worst.p_value > max_p:
            indices.remove(worst.index)
        elif abs(smallest.log_ratio) < min_log_ratio:
            indices.remove(smallest.index)
        else:
            return points
    return []


def _points(values: NDArray[np.float64], indices: list[int]) -> list[ChangePoint]:
    bounds = [0, *indices, values.size]
    return [
        _welch(values[start:index], values[index:end], index)
        for start, index, end in zip(bounds, bounds[1:], bounds[2:], strict=False)
    ]


def _welch(before: NDArray[np.float64], after: NDArray[np.float64], index: int) -> ChangePoint:
    """Compare the means of two segments with Welch's t-test."""
    from scipy.special import stdtr, stdtrit  # imported here because it takes 0.2 s

    variances = [float(segment.var(ddof=1)) / segment.size for segment in (before, after)]
    difference = float(after.mean() - before.mean())
    total = sum(variances)
    if total == 0:
        return ChangePoint(
            index=index, log_ratio=difference, low=difference, high=difference, p_value=float(difference == 0)
        )
    degrees = total**2 / sum(
        variance**2 / (segment.size - 1) for variance, segment in zip(variances, (before, after), strict=True)
    )
    error = math.sqrt(total)
    half_width = float(stdtrit(degrees, 0.975)) * error
    return ChangePoint(
        index=index,
        log_ratio=difference,
        low=difference - half_width,
        high=difference + half_width,
        p_value=2 * float(stdtr(degrees, -abs(difference) / error)),
    )


def _splits(values: NDArray[np.float64], max_p: float) -> list[int]:
    """Split the series repeatedly where E-divisive's statistic is largest, until the test finds no further change."""
    distances = np.abs(values[:, None] - values[None, :])
    sums = np.zeros((values.size + 1, values.size + 1))
    sums[1:, 1:] = distances.cumsum(axis=0).cumsum(axis=1)
    found: list[int] = []
    segments = [(0, values.size)]
    while segments:
        start, end = segments.pop()
        best = _best_split(sums, start, end)
        if best is None:
            continue
        index, right_end = best
        if _welch(values[start:index], values[index:right_end], index).p_value <= max_p:
            found.append(index)
            segments += [(start, index), (index, end)]
    return found


def _best_split(sums: NDArray[np.float64], start: int, end: int) -> tuple[int, int] | None:
    """Return the split of a segment, and the end of its right part, at which E-divisive's statistic is largest.

    Args:
        sums: Two-dimensional cumulative sums of the distances between values, `(n + 1, n + 1)`.
        start: First index of the segment.
        end: Index after the segment.

    Returns:
        Index of the first value on the right, and the end of the right part; None if the segment is too short.
    """
    best: tuple[float, int, int] | None = None
    for index in range(start + MIN_SEGMENT, end - MIN_SEGMENT + 1):
        ends = np.arange(index + MIN_SEGMENT, end + 1)
        left, right = index - start, ends - index
        between = sums[index, ends] - sums[start, ends] - sums[index, index] + sums[start, index]
        within_left = sums[index, index] - sums[start, index] - sums[index, start] + sums[start, start]
        within_right = sums[ends, ends] - sums[index, ends] - sums[ends, index] + sums[index, index]
        statistic = (
            2 * between / (left * right) - within_left / (left * (left - 1)) - within_right / (right * (right - 1))
        ) * (left * right / (left + right))
        largest = int(statistic.argmax())
        if best is None or statistic[largest] > best[0]:
            best = float(statistic[largest]), index, int(ends[largest])
    return None if best is None else best[1:]
