"""The percentile curve of a candidate: its percentiles as far as there are enough calls, then lower bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.percentiles import HIGHER_PERCENTILES, PERCENTILES

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult


@dataclass(frozen=True, slots=True, eq=False)
class PercentileCurve:
    """Points of a percentile curve; latencies in seconds.

    Attributes:
        shares: Shares of the calls from 0 to the last percentile with enough calls, `(n_points,)`, ascending.
        seconds: The latency that each share did not exceed, `(n_points,)`.
        intervals: Share, lower and upper end of each known confidence interval, `(3, n_intervals)`.
        bounds: Share and lower bound of each percentile with too few calls, `(2, n_bounds)`.
    """

    shares: NDArray[np.float64]
    seconds: NDArray[np.float64]
    intervals: NDArray[np.float64]
    bounds: NDArray[np.float64]

    @property
    def last_share(self) -> float:
        """The largest share with a point or a bound."""
        return float(np.append(self.shares, self.bounds[0])[-1])


def percentile_curve(candidate: CandidateResult) -> PercentileCurve | None:
    """Return the percentile curve of a candidate; None if it failed or has no figures.

    The percentiles of the result are points of the curve. Between them are those of its distribution, if it has one.
    """
    statistics, distribution = candidate.statistics, candidate.distribution
    if candidate.status == "failed" or statistics is None or not _is_latency(statistics.p50.value):
        return None
    named = [(share, getattr(statistics, key)) for key, share in PERCENTILES.items()]
    if distribution is not None:
        named += [(HIGHER_PERCENTILES[key], one) for key, one in distribution.tail.items() if key in HIGHER_PERCENTILES]
    supported = next((place for place, (_, one) in enumerate(named) if place and one.is_bound), len(named))
    known, unknown = named[:supported], named[supported:]
    points = [(share, one.value) for share, one in known if _is_latency(one.value)]
    intervals = [(share, one.low, one.high) for share, one in known if _is_latency(one.low) and _is_latency(one.high)]
    largest = 1 - 1 / candidate.samples_kept if candidate.samples_kept else 1.0
    bounds = [(share, one.low) for share, one in unknown if _is_latency(one.low) and share <= largest]
    if _is_latency(statistics.min):
        points.append((0.0, statistics.min))
    if distribution is not None:
        inner = distribution.shares < known[-1][0]
        points += zip(distribution.shares[inner].tolist(), distribution.seconds[inner].tolist(), strict=True)
    shares, seconds = np.array(sorted(points), dtype=np.float64).T
    return PercentileCurve(
        shares,
        np.maximum.accumulate(seconds),  # the percentiles of the result lie between the samples
        np.array(intervals, dtype=np.float64).reshape(-1, 3).T,
        np.array(bounds, dtype=np.float64).reshape(-1, 2).T,
    )


def nines(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the positions of shares on the axis of a percentile curve: 1 for 90 %, 2 for 99 %, 3 for 99.9 %."""
    places: NDArray[np.float64] = -np.log10(1 - np.minimum(shares, 1 - 1e-9))
    return places


def _is_latency(value: float | None) -> bool:
    """Return whether a value can be drawn; a damaged file may contain any number."""
    return value is not None and 0 < value < np.inf
