"""The verdict on one limit of one candidate."""

from __future__ import annotations

from typing import Literal

import msgspec


class LimitVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one candidate meets one limit.

    Attributes:
        limit: The limit as it was written, without a candidate.
        candidate: Slug of the candidate.
        metric: The metric that the limit applies to.
        bound: Seconds, rows per second, bytes, a score, or a ratio to the baseline.
        relative: Whether bound and value are ratios to the baseline.
        verdict: `pass` if the whole interval meets the limit, `fail` if no part of it does, otherwise `inconclusive`.
            Memory has no interval; its value decides.
        value: Value of the metric, in the unit of the bound; None if it is unknown.
        overloaded: Whether the candidate is slower than requests arrive, so that its response time has no value.
        low: Lower end of its interval; None if it is unbounded.
        high: Upper end of its interval; None if it is unbounded.
        confidence: Confidence level of the interval, for this limit and candidate alone.
        runs_to_decide: Additional runs that would likely decide the limit; None if it is decided, if the number is
            unknown, or if they would take over half an hour.
        seconds_to_decide: Additional measuring time that would likely decide the limit.
        launches_to_decide: Additional launches that would likely decide the limit, if launches are needed.
    """

    limit: str
    candidate: str
    metric: str
    bound: float
    relative: bool = False
    verdict: Literal["pass", "fail", "inconclusive"]
    value: float | None = None
    overloaded: bool = False
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    runs_to_decide: int | None = None
    seconds_to_decide: float | None = None
    launches_to_decide: int | None = None
