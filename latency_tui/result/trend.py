"""The trend of a plan: its results over time on one machine, and where a model became permanently slower or faster."""

from __future__ import annotations

from datetime import datetime

import msgspec

from latency_tui.result.saved_comparison import Difference
from latency_tui.stats.percentiles import Percentile


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One result of a candidate.

    Attributes:
        result: Id of the result.
        created_at: When its measurement began.
        p50: Its median latency in seconds, with its interval.
        p99: Its p99 in seconds, with its interval.
    """

    result: str
    created_at: datetime
    p50: Percentile
    p99: Percentile


class TrendChange(msgspec.Struct, frozen=True, kw_only=True):
    """A lasting change of a candidate's p50.

    Attributes:
        before: Id of the last result before the change.
        since: Id of the first result after it.
        ratio: p50 after the change divided by p50 before it, each over all results up to the neighbouring changes.
        low: Lower end of the 95 % confidence interval of the ratio.
        high: Upper end of this interval.
        p_value: Two-sided p-value of Welch's t-test.
        differences: What differs in versions, inputs and machine between these two results.
    """

    before: str
    since: str
    ratio: float
    low: float
    high: float
    p_value: float
    differences: tuple[Difference, ...] = ()


class CandidateTrend(msgspec.Struct, frozen=True, kw_only=True):
    """The trend of one candidate.

    Attributes:
        candidate: Its slug.
        name: Its display name.
        points: Its results, oldest first.
        changes: Its changes, oldest first; None if there are too few results to look for any.
    """

    candidate: str
    name: str
    points: tuple[TrendPoint, ...]
    changes: tuple[TrendChange, ...] | None = None


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """The trend of a plan.

    Attributes:
        title: What was measured, in a few words.
        host: Host on which it was measured.
        cpu: Its CPU model.
        candidates: The candidates of the newest result.
        elsewhere: Number of results of the same plan on other machines, which are not part of it.
    """

    title: str
    host: str
    cpu: str
    candidates: tuple[CandidateTrend, ...] = ()
    elsewhere: int = 0
