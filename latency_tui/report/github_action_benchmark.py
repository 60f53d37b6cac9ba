"""Formats a result for github-action-benchmark, as `customSmallerIsBetter`: a p50, and a p99 if known, per candidate.

Of a request mix there is also the average call, and of a load test the response times at each given rate. The action
divides a value by that of the previous commit and ignores its unit, so the unit is always the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from latency_tui.errors import NothingToExportError
from latency_tui.report.table_cells import BASELINE, comparison_with
from latency_tui.text.formatting import format_ratio
from latency_tui.text.load import format_rate
from latency_tui.text.mix import format_requests, format_rows
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

UNIT, _UNITS_PER_SECOND = "ms", 1e3


def render_github_action_benchmark(result: Result) -> str:
    """Return a JSON array with the values of all candidates that did not fail.

    Raises:
        NothingToExportError: No candidate was measured.
    """
    entries = []
    for candidate in result.candidates:
        if candidate.status != "measured" or candidate.statistics is None:
            continue
        extra = _extra(result, candidate)
        if candidate.mix_average is not None:
            entries.append(_entry(candidate, "average call", candidate.mix_average, None, None, extra))
        for name in ("p50", "p99"):
            percentile = getattr(candidate.statistics, name)
            if percentile.value is None or (name == "p99" and percentile.is_bound):
                continue
            entries.append(_entry(candidate, name, percentile.value, percentile.low, percentile.high, extra))
        entries += _load_entries(result, candidate)
    if not entries:
        raise NothingToExportError(
            "No model was measured, so that there is nothing to write as github-action-benchmark."
        )
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entry(
    candidate: CandidateResult, what: str, value: float, low: float | None, high: float | None, extra: str
) -> dict[str, str | float]:
    entry: dict[str, str | float] = {"name": f"{clean(candidate.name)} {what}", "unit": UNIT, "value": _scaled(value)}
    if low is not None and high is not None:
        entry["range"] = f"95 % CI {_scaled(low):g}–{_scaled(high):g}"
    return entry | {"extra": extra}


def _load_entries(result: Result, candidate: CandidateResult) -> Iterator[dict[str, str | float]]:
    """Yield the p50 of the response time at each given rate, and the p99 if it is known."""
    if result.plan.load is None or result.plan.load.find_rate:  # a search tries other rates each time
        return
    for one in result.load:
        times = one.response
        if one.candidate != candidate.slug or not one.valid or times.p50 is None:
            continue
        workers = "1 worker" if one.workers == 1 else f"{one.workers} workers"
        extra = f"requests: {one.requests:,}\n{workers}\nutilisation: {one.utilisation:.2f}"
        rate = f"at {format_rate(one.rate)}"
        yield _entry(candidate, f"response p50 {rate}", times.p50, times.p50_low, times.p50_high, extra)
        if times.p99 is not None and times.p99_high is not None:
            yield _entry(candidate, f"response p99 {rate}", times.p99, times.p99_low, times.p99_high, extra)


def _scaled(seconds: float) -> float:
    return float(f"{seconds * _UNITS_PER_SECOND:.6g}")


def _requests(result: Result, candidate: CandidateResult) -> str:
    rows = result.plan.rows_per_call(candidate.slug)
    alone = ", one call after another" if result.load or result.offline else ""
    what = format_requests(result.plan.workload) if result.plan.workload.mix else f"{format_rows(rows)} per call"
    return what + alone


def _extra(result: Result, candidate: CandidateResult) -> str:
    """Return the text that the action shows with a value: how it was measured, and its ratio to the baseline."""
    launches = candidate.complete_launches or len(candidate.launches)
    lines = [
        _requests(result, candidate),
        f"calls: {candidate.calls:,}",
        *([f"launches: {launches:,}"] if launches else []),
    ]
    comparison = comparison_with(result, result.baseline, candidate.slug)
    if candidate.slug == result.baseline and result.comparisons:
        lines.append(BASELINE)
    elif comparison is not None and comparison.ratio is not None:
        ratio = format_ratio(comparison.ratio, comparison.low, comparison.high)
        lines.append(
            f"{comparison.verdict}, compared with {clean(result.candidate(comparison.baseline).name)}: {ratio}"
        )
    if result.environment is not None:
        lines.append(f"CPU: {clean(result.environment.cpu)}, on this host")
    return "\n".join(lines)
