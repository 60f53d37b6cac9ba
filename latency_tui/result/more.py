"""How much more to measure, as a value."""

from __future__ import annotations

import msgspec

from latency_tui.plan import Plan


class More(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of measuring; one of the first three says how long a launch is.

    Attributes:
        runs: Calls per candidate and launch.
        seconds: Timed seconds per candidate and launch.
        until_known: Whether it goes on until all is known.
        launches: Number of fresh engines.
        stopped: Whether it is the rest of what was stopped, and not what would settle an inconclusive result.
    """

    runs: int | None = None
    seconds: float | None = None
    until_known: bool = False
    launches: int = 1
    stopped: bool = False

    @classmethod
    def of(cls, plan: Plan) -> More:
        """Return all that a plan asks for."""
        return cls(runs=plan.runs, seconds=plan.seconds, until_known=plan.until_known, launches=plan.launches)
