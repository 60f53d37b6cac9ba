"""Finds the trend of a plan in its saved results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from latency_tui.analysis.saved_results import ComparedResult, differences_of
from latency_tui.result.result import CandidateResult, Result
from latency_tui.result.trend import CandidateTrend, Trend, TrendChange, TrendPoint
from latency_tui.stats.change_points import MIN_RESULTS, find_change_points
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.text.mix import format_requests


def find_trend(results: Mapping[str, Result], *, elsewhere: int = 0) -> Trend:
    """Return the trend of the plan of the newest result, on the machine of the newest result.

    A result counts once, however many launches it has: launches of one result share its time and the machine's state,
    so counting them separately would overstate the evidence of a change.

    Args:
        results: Results of one plan by id, the newest first; at least one.
        elsewhere: Number of further results of the plan on other machines.
    """
    newest = next(iter(results.values()))
    here = [(key, result) for key, result in reversed(list(results.items())) if _machine(result) == _machine(newest)]
    least = math.log1p(max(EQUIVALENCE, median(result.equivalence for _, result in here)))
    host, cpu = _machine(newest)
    work = newest.plan.workload
    return Trend(
        title=f"{work.method} on {work.dataset.title}, {format_requests(work)} per call",
        host=host,
        cpu=cpu,
        candidates=tuple(_candidate_trend(candidate, here, least) for candidate in newest.measured),
        elsewhere=elsewhere + len(results) - len(here),
    )


def _candidate_trend(
    candidate: CandidateResult, results: Sequence[tuple[str, Result]], min_log_ratio: float
) -> CandidateTrend:
    measured = [
        (key, result, one)
        for key, result in results
        for one in result.measured
        if one.slug == candidate.slug and one.status == "measured"
    ]
    points = tuple(
        TrendPoint(result=key, created_at=result.created_at, p50=one.statistics.p50, p99=one.statistics.p99)
        for key, result, one in measured
        if one.statistics is not None
    )
    if len(points) < MIN_RESULTS:
        return CandidateTrend(candidate=candidate.slug, name=candidate.name, points=points)
    found = find_change_points([_log_p50(one) for _, _, one in measured], min_log_ratio=min_log_ratio)
    changes = tuple(
        TrendChange(
            before=measured[point.index - 1][0],
            since=measured[point.index][0],
            ratio=math.exp(point.log_ratio),
            low=math.exp(point.low),
            high=math.exp(point.high),
            p_value=point.p_value,
            differences=tuple(
                differences_of(
                    ComparedResult.of(measured[point.index - 1][1]), ComparedResult.of(measured[point.index][1])
                )
            ),
        )
        for point in found
    )
    return CandidateTrend(candidate=candidate.slug, name=candidate.name, points=points, changes=changes)


def _log_p50(candidate: CandidateResult) -> float:
    """Return the logarithm of the p50, as mean over launches if there are several."""
    assert candidate.statistics is not None
    if candidate.per_launch:
        return fmean(math.log(launch.p50) for launch in candidate.per_launch)
    return math.log(candidate.statistics.p50.value or candidate.statistics.mean)


def _machine(result: Result) -> tuple[str, str]:
    return (result.environment.host, result.environment.cpu) if result.environment else ("", "")
