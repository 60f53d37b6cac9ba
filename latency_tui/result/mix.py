"""The results of a request mix: per class of requests, beside those of all calls."""

from __future__ import annotations

import msgspec

from latency_tui.stats.comparison import Comparison
from latency_tui.stats.percentiles import Percentile


class ClassResult(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of one candidate for one class of requests of a mix.

    Attributes:
        batch_size: Rows per call; the smallest of the class if the mix has many batch sizes.
        largest_batch_size: Largest number of rows per call of the class; equal to `batch_size` unless it has several.
        share: Share of the calls that the plan asks for, 0 to 1.
        calls: Number of calls.
        p50: Median, in seconds, with its interval.
        p99: 99th percentile, in seconds, with its interval or lower bound.
        throughput: Rows per second of call time; None before the first call.
    """

    batch_size: int
    largest_batch_size: int
    share: float
    calls: int
    p50: Percentile
    p99: Percentile
    throughput: float | None = None


class ClassComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Comparisons of the candidates with the baseline for one class of requests of a mix.

    Attributes:
        batch_size: Rows per call; the smallest of the class if the mix has many batch sizes.
        largest_batch_size: Largest number of rows per call of the class.
        comparisons: Comparisons of the median latencies, corrected over all classes and candidates.
    """

    batch_size: int
    largest_batch_size: int
    comparisons: tuple[Comparison, ...]


class ClassTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of each class of requests of a mix, one number per class.

    Attributes:
        calls: Number of calls.
        rows: Rows of these calls.
        nanoseconds: Their total duration.
    """

    calls: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    nanoseconds: tuple[int, ...] = ()

    def plus(self, other: ClassTotals) -> ClassTotals:
        """Return the totals of both."""
        if not self.calls or not other.calls:
            return self if self.calls else other

        def added(name: str) -> tuple[int, ...]:
            return tuple(a + b for a, b in zip(getattr(self, name), getattr(other, name), strict=True))

        return ClassTotals(calls=added("calls"), rows=added("rows"), nanoseconds=added("nanoseconds"))
