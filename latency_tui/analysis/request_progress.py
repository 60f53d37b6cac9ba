"""Computes the progress of each request to measure: the plan, and its continuations."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from latency_tui.analysis.comparer import Comparer
from latency_tui.result.checkpoint import MeasurementRequest
from latency_tui.result.measurement_amount import MeasurementAmount


class RequestProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One request to measure, the plan or a continuation, with its progress.

    Attributes:
        asked: The requested amount.
        launches: Number of its complete launches.
        runs: Smallest number of calls of a candidate that has not failed.
        share: Share of the rounds of its last launch that were measured, 0 to 1.
    """

    asked: MeasurementAmount
    launches: int
    runs: int
    share: float


def request_progress(requests: Sequence[MeasurementRequest], comparer: Comparer) -> list[RequestProgress]:
    """Return the progress of each request, in order.

    A continuation that was refused, or stopped before its first round, is left out.

    Args:
        requests: The plan, and its continuations.
        comparer: The blocks measured so far.
    """
    progress = []
    following = [request.first_launch for request in requests[1:]]
    for request, end in zip(requests, [*following, None], strict=True):
        launches = [n for n in comparer.launches_begun if request.first_launch <= n and (end is None or n < end)]
        if request is not requests[0] and not launches:
            continue
        active = comparer.active()
        whole, share = comparer.medians.progress_of(launches, {record.position for record in active})
        calls = [record.buffer.totals.count - request.calls_before.get(record.candidate.slug, 0) for record in active]
        progress.append(RequestProgress(asked=request.more, launches=whole, runs=min(calls, default=0), share=share))
    return progress
