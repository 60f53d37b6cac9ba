"""The amount of a further measurement."""

from __future__ import annotations

import msgspec

from latency_tui.plan import Plan


class MeasurementAmount(msgspec.Struct, frozen=True, kw_only=True):
    """The amount of a further measurement; one of the first three attributes sets the length of a launch.

    Attributes:
        runs: Calls per candidate and launch.
        seconds: Seconds of timed calls per candidate and launch.
        until_known: Whether to measure until every verdict is decided.
        launches: Number of launches.
        stopped: Whether it is the rest of a stopped measurement; if not, it should decide an inconclusive result.
    """

    runs: int | None = None
    seconds: float | None = None
    until_known: bool = False
    launches: int = 1
    stopped: bool = False

    @classmethod
    def of(cls, plan: Plan) -> MeasurementAmount:
        """Return the amount that a plan asks for."""
        return cls(runs=plan.runs, seconds=plan.seconds, until_known=plan.until_known, launches=plan.launches)
