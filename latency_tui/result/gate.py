"""The outcome of `latency-tui check`: one line per limit and candidate, and a verdict on all of them."""

from __future__ import annotations

import msgspec

from latency_tui.engine.protocol import Environment
from latency_tui.result.check_outcome import GateLine, GateVerdict
from latency_tui.result.result import Result
from latency_tui.result.saved_comparison import Difference


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
