"""The order in which results are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latency_tui.result.result import Result


def stable_order(result: Result, before: tuple[str, ...], *, slack: float) -> tuple[str, ...]:
    """Return slugs from fast to slow; neighbours that differ by less than `slack` keep their order.

    Otherwise rows could change places four times per second while a measurement runs, and could not be read.
    """
    medians = {c.slug: c.typical_seconds for c in result.candidates if c.statistics and c.status != "failed"}
    order = keep_order(medians, before, slack=slack)
    rest = [c.slug for c in result.candidates if c.slug not in medians]
    return (*order, *rest)


def keep_order(values: Mapping[str, float], before: tuple[str, ...], *, slack: float) -> list[str]:
    """Return the keys from the lowest value to the highest; neighbours that differ by less than `slack` keep order."""
    known = [slug for slug in before if slug in values]
    order = known + [slug for slug in sorted(values, key=values.__getitem__) if slug not in known]
    if not known or not slack:
        order.sort(key=values.__getitem__)
    for end in range(1, len(order)):
        at = end
        while at and values[order[at]] * (1 + slack) < values[order[at - 1]]:
            order[at - 1], order[at] = order[at], order[at - 1]
            at -= 1
    return order
