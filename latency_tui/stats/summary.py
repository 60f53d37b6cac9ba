"""Running totals of latencies, block by block: exact however many samples, and mergeable."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latency_tui.stats.samples import as_latencies


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of latencies seen so far, in nanoseconds.

    Attributes:
        count: Number of samples.
        mean: Their mean; 0 where there are none.
        squares: Sum of squared deviations from the mean, in ns².
        min: Least of them; infinite where there are none.
        max: Greatest of them.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    min: float = math.inf
    max: float = -math.inf

    @property
    def std(self) -> float:
        """Sample standard deviation (divided by n − 1); 0 where there are fewer than two."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0

    @property
    def total(self) -> float:
        """Time spent in calls, in nanoseconds."""
        return self.mean * self.count

    def merged(self, other: Summary) -> Summary:
        """Return the totals of both (Chan, Golub and LeVeque 1979: pairwise updating)."""
        if not other.count:
            return self
        if not self.count:
            return other
        count = self.count + other.count
        delta = other.mean - self.mean
        return Summary(
            count=count,
            mean=self.mean + delta * other.count / count,
            squares=self.squares + other.squares + delta * delta * self.count * other.count / count,
            min=min(self.min, other.min),
            max=max(self.max, other.max),
        )


def summarise(samples: ArrayLike) -> Summary:
    """Return the totals of one block.

    Args:
        samples: Latencies, `(n,)` nanoseconds.

    Raises:
        ValueError: One of them is zero, negative or not finite.
    """
    latencies = as_latencies(samples)
    if not latencies.size:
        return Summary()
    mean = float(latencies.mean())
    squares = np.square(latencies - mean)  # no dot product: BLAS would start threads beside what is measured
    return Summary(
        count=int(latencies.size),
        mean=mean,
        squares=float(squares.sum()),
        min=float(latencies.min()),
        max=float(latencies.max()),
    )
