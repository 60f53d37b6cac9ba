"""The distribution of a candidate's latencies, as a bounded number of points of its distribution function."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.result.json_arrays import Samples
from latency_tui.stats.percentiles import Percentile


class Distribution(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Points of the empirical distribution function (ECDF), at most a few hundred, dense in the upper tail.

    `plt.plot(d.seconds, d.shares)` draws the ECDF, and `plt.plot(1 / (1 - d.shares[:-1]), d.seconds[:-1])` on a
    logarithmic horizontal axis the percentile curve of HdrHistogram.

    Attributes:
        shares: Shares of the calls in ascending order, above 0 and up to 1, `(n_points,)`.
        seconds: The latency that this share of the calls did not exceed, `(n_points,)`.
        tail: Percentiles beyond p99.9 by key (`p99_99`, `p99_999`), as far as there are enough calls for an interval;
            the last one may be a lower bound.
    """

    shares: Samples
    seconds: Samples
    tail: dict[str, Percentile] = {}

    def __post_init__(self) -> None:
        """Reject arrays that are not points of a distribution function."""
        if self.shares.shape != self.seconds.shape:
            raise ValueError("a distribution needs a latency for each share")
        if (np.diff(self.shares) <= 0).any() or (np.diff(self.seconds) < 0).any() or (self.shares > 1).any():
            raise ValueError("the shares and latencies of a distribution must ascend, and shares end at 1")

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return the latencies, in seconds, that these shares (0 to 1) of the calls did not exceed."""
        return np.interp(np.asarray(shares, dtype=np.float64), self.shares, self.seconds)
