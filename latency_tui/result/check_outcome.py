"""What a check found: one line per limit and candidate, and a verdict on all of them; kept with its result."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.plan.limits import Acknowledgement
from latency_tui.result.limit_verdict import LimitVerdict

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


class CheckOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `latency-tui check` found.

    Attributes:
        verdict: `FAIL` if a line fails, else `INCONCLUSIVE` if one is inconclusive, else `PASS`.
        lines: One line per limit and candidate.
        baseline: Name of the baseline; None if no limit is relative.
    """

    verdict: GateVerdict
    lines: tuple[GateLine, ...] = ()
    baseline: str | None = None
