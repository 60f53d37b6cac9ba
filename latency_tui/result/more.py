"""An additional amount of measuring."""

from __future__ import annotations

import msgspec

from latency_tui.plan import Plan


class More(msgspec.Struct, frozen=True, kw_only=True):
    """An additional amount of measuring; one of the first three attributes sets the length of a launch.

    Attributes:
        runs: Calls per candidate and launch.
        seconds: Seconds of timed calls per candidate and launch.
        until_known: Whether to measure until every verdict is decided.
        launches: Number of launches.
        stopped: Whether it is the rest of a stopped measurement; if not, it should decide an open result.
    """

    runs: int | None = None
    seconds: float | None = None
    until_known: bool = False
    launches: int = 1
    stopped: bool = False

    @classmethod
    def of(cls, plan: Plan) -> More:
        """Return the amount that a plan asks for."""
        return cls(runs=plan.runs, seconds=plan.seconds, until_known=plan.until_known, launches=plan.launches)
