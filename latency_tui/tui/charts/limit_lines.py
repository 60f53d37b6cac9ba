"""Lines on the charts for the limits of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latency_tui.plan.limits import COLD_START_METRICS, DURATIONS, Limit
from latency_tui.tui.text import sanitize_line

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult


@dataclass(frozen=True, slots=True)
class LimitLine:
    """The line of one limit.

    Attributes:
        label: The limit as the user wrote it.
        seconds: The latency at which the line is drawn.
        candidate: Slug of the only candidate to which the limit applies; None if it applies to all.
    """

    label: str
    seconds: float
    candidate: str | None = None


def limit_lines(
    limits: Iterable[Limit], candidates: Sequence[CandidateResult], baseline: str | None
) -> tuple[LimitLine, ...]:
    """Return a line for each limit on a percentile, on the mean, or on the median as a multiple of the baseline's."""
    median = next((c.statistics.p50.value for c in candidates if c.slug == baseline and c.statistics), None)
    lines = []
    for limit in limits:
        if limit.metric not in DURATIONS or limit.metric in COLD_START_METRICS or (limit.relative and median is None):
            continue
        seconds = limit.bound * (median or 0.0) if limit.relative else limit.bound
        lines.append(LimitLine(sanitize_line(str(limit)), seconds, limit.candidate))
    return tuple(lines)
