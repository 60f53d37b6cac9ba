"""Whether one candidate meets one limit, as a value."""

from __future__ import annotations

from typing import Literal

import msgspec


class LimitVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One limit and one candidate.

    Attributes:
        limit: The limit as it was written, without a candidate.
        candidate: Slug.
        metric: What the limit is on.
        bound: Seconds, rows per second, bytes, a score, or a ratio to the baseline.
        relative: Whether the bound, and so the value, is a ratio to the baseline.
        verdict: `pass` where the whole interval meets the limit, `fail` where none of it does, else `inconclusive`.
            Score and memory have no interval; their value decides.
        value: In seconds, rows per second, bytes, or as a ratio to the baseline; None if it is unknown.
        low: Lower end of its interval; None where nothing bounds it.
        high: Upper end.
        confidence: Of the interval, for this limit and candidate by themselves.
        runs_to_decide: Further runs that would likely decide; None where unknown, decided, or beyond half an hour.
        seconds_to_decide: Measuring time that would.
        launches_to_decide: Further launches that would, where it is launches that are missing.
    """

    limit: str
    candidate: str
    metric: str
    bound: float
    relative: bool = False
    verdict: Literal["pass", "fail", "inconclusive"]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    runs_to_decide: int | None = None
    seconds_to_decide: float | None = None
    launches_to_decide: int | None = None
