"""Splits a plan into launches that several hosts measure: whole launches, or launches of some cells of its sweeps."""

from __future__ import annotations

from math import ceil

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate
from latency_tui.plan.plan import Plan
from latency_tui.plan.settings import format_settings

_MAX_IDLE = 1.25
"""The longest time that hosts may be busy, relative to work that is shared evenly, before values are split further."""


class SharedLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """What one host measures in one go: all candidates, or those with some values of the swept settings.

    Attributes:
        number: Number of the launch, from 0, unique within the result.
        plan: The plan of this launch alone.
        values: The values of the swept settings, such as `batch=1`; empty if the launch has all of them.
    """

    number: int
    plan: Plan
    values: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The launch in words: `launch 2`, or `launch 2 (batch=1, batch=8)`."""
        return f"launch {self.number + 1}" + (f" ({', '.join(self.values)})" if self.values else "")


def share_launches(plan: Plan, hosts: int) -> tuple[SharedLaunch, ...]:
    """Split a plan into launches for a number of hosts of one kind.

    The values of sweeps are split only if whole launches would leave hosts idle, because cells in the same rounds are
    compared best. Candidates with the same values always stay in one launch. Neighbouring values are in different
    launches, so that each launch takes about as long, and so that a difference between hosts is not a slope.

    Args:
        plan: The plan.
        hosts: Number of hosts, at least 1.

    Raises:
        UsageError: The plan cannot be shared.
    """
    check_shareable(plan)
    cells: dict[str, list[Candidate]] = {}
    for candidate in plan.candidates:
        written = format_settings({name: candidate.settings[name] for name in plan.swept})
        cells.setdefault(written, []).append(candidate)
    count = _count_parts(len(cells), plan.launches, hosts) if plan.sweeps else 1
    parts = [[*cells][first::count] for first in range(count)]
    found = []
    for launch in range(plan.launches):
        for place, part in enumerate(parts):
            chosen = [candidate for values in part for candidate in cells[values]]
            found.append(
                SharedLaunch(
                    number=launch * count + place,
                    plan=_plan_of(plan, chosen),
                    values=tuple(part) if count > 1 else (),
                )
            )
    return tuple(found)


def check_shareable(plan: Plan) -> None:
    """Check that hosts can share a plan.

    Raises:
        UsageError: They cannot; the message is one sentence.
    """
    if plan.until_known:
        raise UsageError("--spread work distributes launches of a known length; use -n or -t instead of --until-known.")
    if plan.load is not None and plan.load.find_rate:
        raise UsageError(
            "--spread work cannot share --find-rate, because each step of the search needs the one before; use "
            "--spread hosts, or --rate with known rates."
        )


def _count_parts(values: int, launches: int, hosts: int) -> int:
    """Return into how many parts the values of sweeps are split: the fewest that keep the hosts busy."""

    def longest(parts: int) -> float:
        """Return how long the busiest host measures; 1 is one launch of all values."""
        return ceil(launches * parts / hosts) * ceil(values / parts) / values

    even = launches / hosts
    return next(
        (parts for parts in range(1, values + 1) if longest(parts) <= _MAX_IDLE * even),
        min(range(1, values + 1), key=longest),
    )


def _plan_of(plan: Plan, chosen: list[Candidate]) -> Plan:
    """Return the plan of one launch of some candidates, in the plan's order."""
    slugs = {candidate.slug for candidate in chosen}
    candidates = tuple(candidate for candidate in plan.candidates if candidate.slug in slugs)
    return msgspec.structs.replace(
        plan,
        candidates=candidates,
        launches=1,
        baseline=plan.baseline if plan.baseline in slugs else None,
        control=plan.control and plan.candidates[0].slug in slugs,
        limits=tuple(
            limit
            for limit in plan.limits
            if limit.candidate in (None, *slugs) and (not limit.relative or len(candidates) > 1)
        ),
    )
