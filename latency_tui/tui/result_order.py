"""In which order results are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latency_tui.result.result import Result


def settled_order(result: Result, before: tuple[str, ...], *, slack: float) -> tuple[str, ...]:
    """Return slugs from fast to slow, keeping neighbours in place that differ by less than `slack`.

    While numbers still jitter, rows that changed places four times a second could not be read.
    """
    medians = {
        c.slug: c.statistics.p50.value or 0.0 for c in result.candidates if c.statistics and c.status != "failed"
    }
    known = [slug for slug in before if slug in medians]
    order = known + [slug for slug in sorted(medians, key=medians.__getitem__) if slug not in known]
    if not known or not slack:
        order.sort(key=medians.__getitem__)
    for end in range(1, len(order)):
        at = end
        while at and medians[order[at]] * (1 + slack) < medians[order[at - 1]]:
            order[at - 1], order[at] = order[at], order[at - 1]
            at -= 1
    rest = [c.slug for c in result.candidates if c.slug not in medians]
    return (*order, *rest)
