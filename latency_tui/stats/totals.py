"""Exact, mergeable running totals of latencies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from latency_tui.stats.samples import validate_latencies


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of all latencies so far, in nanoseconds.

    Attributes:
        count: Number of samples.
        mean: Mean; 0 if there are no samples.
        squares: Sum of squared deviations from the mean, in ns².
        min: Smallest sample; infinite if there are none.
        max: Largest sample; negative infinity if there are none.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    min: float = math.inf
    max: float = -math.inf

    @property
    def std(self) -> float:
        """Sample standard deviation (divisor n − 1); 0 if there are fewer than two samples."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0

    @property
    def total(self) -> float:
        """Total duration of the calls, in nanoseconds."""
        return self.mean * self.count

    def merged(self, other: Totals) -> Totals:
        """Return the totals of both (pairwise updating: Chan, Golub and LeVeque 1979)."""
        if not other.count:
            return self
        if not self.count:
            return other
        count = self.count + other.count
        delta = other.mean - self.mean
        return Totals(
            count=count,
            mean=self.mean + delta * other.count / count,
            squares=self.squares + other.squares + delta * delta * self.count * other.count / count,
            min=min(self.min, other.min),
            max=max(self.max, other.max),
        )


def compute_totals(samples: ArrayLike) -> Totals:
    """Return the totals of one block.

    Args:
        samples: Latencies, `(n,)` nanoseconds.

    Raises:
        ValueError: A latency is zero, negative or not finite.
    """
    latencies = validate_latencies(samples)
    if not latencies.size:
        return Totals()
    mean = float(latencies.mean())
    squares = np.square(latencies - mean)  # not a dot product: BLAS would start threads, which disturb the measurement
    return Totals(
        count=int(latencies.size),
        mean=mean,
        squares=float(squares.sum()),
        min=float(latencies.min()),
        max=float(latencies.max()),
    )
