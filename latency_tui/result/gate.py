"""The outcome of `latency-tui check`: one line per limit and candidate, and a verdict on all of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.plan.limits import Acknowledgement
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import Result
from latency_tui.result.saved_comparison import Difference

GateVerdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Reason = Literal["not confirmed", "not measured", "acknowledged"]


class GateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of one candidate.

    Attributes:
        limit: The limit as it was written, without a candidate.
        candidate: Slug of the candidate.
        name: Its display name.
        verdict: `PASS` if the whole interval meets the limit; `FAIL` if no part does in both measurements; otherwise
            `INCONCLUSIVE`.
        reason: Why the verdict differs from that of the interval; None if it does not.
        first: The verdict of the first measurement; None if the candidate could not be measured.
        again: The verdict of the second measurement, in fresh launches, if the first one failed.
        acknowledgement: The acknowledgement that applies, if the limit failed.
    """

    limit: str
    candidate: str
    name: str
    verdict: GateVerdict
    reason: Reason | None = None
    first: LimitVerdict | None = None
    again: LimitVerdict | None = None
    acknowledgement: Acknowledgement | None = None


class Improvement(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that is faster than its baseline: the ratio of their p50 and its interval."""

    candidate: str
    name: str
    ratio: float
    low: float
    high: float


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check.

    Attributes:
        verdict: `FAIL` if a line fails, else `INCONCLUSIVE` if one is inconclusive, else `PASS`.
        exit_code: Exit code of the command.
        lines: One line per limit and candidate.
        strict: Whether an inconclusive verdict has an exit code other than 0.
        improvements: Candidates that are faster than the baseline.
        baseline: Name of the baseline; None if no limit is relative.
        differences: What differs between a saved baseline and this measurement, if that was allowed.
        environment: Hardware and software for which the verdict is valid.
        seconds: Duration of the check.
        result: The measurement, without samples.
        confirmation: The second measurement of what failed, without samples.
    """

    verdict: GateVerdict
    exit_code: int
    lines: tuple[GateLine, ...]
    strict: bool = False
    improvements: tuple[Improvement, ...] = ()
    baseline: str | None = None
    differences: tuple[Difference, ...] = ()
    environment: Environment | None = None
    seconds: float = 0.0
    result: Result | None = None
    confirmation: Result | None = None
