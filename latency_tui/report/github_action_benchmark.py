"""Formats a result for github-action-benchmark, as `customSmallerIsBetter`: a p50, and a p99 if known, per candidate.

The action divides a value by that of the previous commit and ignores its unit, so the unit is always the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from latency_tui.errors import NothingToExportError
from latency_tui.report.table_cells import BASELINE, comparison_with
from latency_tui.text.formatting import format_ratio
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
        for name in ("p50", "p99"):
            percentile = getattr(candidate.statistics, name)
            if percentile.value is None or (name == "p99" and percentile.is_bound):
                continue
            entry = {"name": f"{clean(candidate.name)} {name}", "unit": UNIT, "value": _scaled(percentile.value)}
            if percentile.low is not None and percentile.high is not None:
                entry["range"] = f"95 % CI {_scaled(percentile.low):g}–{_scaled(percentile.high):g}"
            entries.append(entry | {"extra": extra})
    if not entries:
        raise NothingToExportError(
            "No model was measured, so that there is nothing to write as github-action-benchmark."
        )
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _scaled(seconds: float) -> float:
    return float(f"{seconds * _UNITS_PER_SECOND:.6g}")


def _extra(result: Result, candidate: CandidateResult) -> str:
    """Return the text that the action shows with a value: how it was measured, and its ratio to the baseline."""
    launches = candidate.complete_launches or len(candidate.launches)
    lines = [f"calls: {candidate.calls:,}", *([f"launches: {launches:,}"] if launches else [])]
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
