"""Batch sizes and request mixes in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.text.formatting import format_duration

if TYPE_CHECKING:
    from latency_tui.plan import Workload
    from latency_tui.result.result import CandidateResult

_MAX_LISTED = 3
"""Most batch sizes that are listed with their shares."""


def format_requests(work: Workload) -> str:
    """Return the rows per call: `1 row`, `64 rows`, or `mix of 80 % 1 row, 20 % 64 rows`."""
    if not work.mix:
        return format_rows(work.batch_size)
    if len(work.mix) <= _MAX_LISTED:
        parts = (f"{format_share(part.share)} {format_rows(part.batch_size)}" for part in work.mix)
        return f"mix of {', '.join(parts)}"
    return f"mix of {len(work.mix):,} batch sizes, {format_rows(work.mix[0].batch_size, work.mix[-1].batch_size)}"


def format_rows(smallest: int, largest: int | None = None) -> str:
    """Return a number of rows, or a range: `1 row`, `64 rows`, `2–3 rows`."""
    if largest not in (None, smallest):
        return f"{smallest:,}–{largest:,} rows"
    return "1 row" if smallest == 1 else f"{smallest:,} rows"


def format_share(share: float) -> str:
    """Return a share in per cent, with at most three digits after the point: `80 %`, `0.001 %`."""
    return f"{100 * share:.3g} %" if share >= 0.01 else f"{100 * share:.1g} %"


def describe_average(candidate: CandidateResult) -> str:
    """Return the average call of a mix; a class that is compared may not have been called yet."""
    if candidate.mix_average is None:
        return "average call unknown, because a class of calls was not measured"
    return f"average call {format_duration(candidate.mix_average)}"


def describe_classes(candidate: CandidateResult) -> str:
    """Return the median latency of each class of requests; empty if there are many classes."""
    measured = [one for one in candidate.classes if one.calls]
    if not measured or len(candidate.classes) > _MAX_LISTED:
        return ""
    parts = (
        f"{format_duration(one.p50.value)} for {format_rows(one.batch_size, one.largest_batch_size)}"
        for one in measured
    )
    return f"p50 {', '.join(parts)}"


MIX_NOTE = (
    "In a mix, models are compared by the average call: the p50 of each class of calls, weighted by its share. "
    "The p50 of all calls is that of the most common calls."
)
