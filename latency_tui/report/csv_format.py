"""Formats a result as CSV: one row per candidate, times in seconds, columns named as in the JSON."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from latency_tui.report.load import CSV_COLUMNS, csv_values
from latency_tui.report.table_cells import comparison_with
from latency_tui.text.formatting import PERCENTILES, format_call_input
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

_START = ("import_seconds", "load_seconds", "memory_before", "memory_after", "memory_peak")
_TO_DECIDE = ("seconds_to_decide", "runs_to_decide", "launches_to_decide")
COLUMNS: tuple[str, ...] = (
    *(
        "name",
        "slug",
        "status",
        "error",
        "training_seconds",
        "score",
        "score_low",
        "score_high",
        "metric",
        "cold_start_seconds",
        "calls",
    ),
    *("mean", "std", "min", "max"),
    *(
        f"{name}{part}"
        for name in PERCENTILES
        for part in ("", "_low", "_high", "_calls_needed", "_seconds_needed", "_launches_needed")
    ),
    *("throughput", "baseline", "ratio", "ratio_low", "ratio_high", "verdict", "group"),
    *("p99_ratio", "p99_p_value", "after_switch_seconds", *_START, *_TO_DECIDE, "gc_calls", "gc_seconds", "limits"),
    *("received", "mix_average", "classes"),
)
Cell = str | float | int | None


def render_csv(result: Result) -> str:
    """Return a header and one row per candidate, in the plan's order; unknown values are empty cells.

    With a load test, each candidate has one row per rate, which repeats its other figures.
    """
    baseline = result.baseline
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = (*COLUMNS, *CSV_COLUMNS) if result.load else COLUMNS
    if result.offline:
        columns += ("offline_rows_per_second", "offline_rows_per_second_per_core")
    writer.writerow(columns)
    for candidate in result.candidates:
        row = values(result, candidate, baseline)
        for one in result.offline:
            if one.candidate == candidate.slug:
                row["offline_rows_per_second"] = one.rows_per_second
                row["offline_rows_per_second_per_core"] = one.rows_per_second_per_core
        under_load = [csv_values(result, one) for one in result.load if one.candidate == candidate.slug]
        for more in under_load or [{}]:
            writer.writerow([_cell((row | more).get(column)) for column in columns])
    return buffer.getvalue()


def values(result: Result, candidate: CandidateResult, baseline: str | None) -> dict[str, Cell]:
    """Return the values of a candidate by column; unknown values are missing or None."""
    found: dict[str, Cell] = {
        "name": candidate.name,
        "slug": candidate.slug,
        "status": candidate.status,
        "error": candidate.error,
        "training_seconds": candidate.training_seconds,
        "score": candidate.score,
        "score_low": candidate.score_low,
        "score_high": candidate.score_high,
        "metric": candidate.metric or None,
        "cold_start_seconds": candidate.cold_start_seconds,
        "calls": candidate.calls,
        "throughput": candidate.throughput,
        "group": "" if candidate.status == "failed" else candidate.group,
        "after_switch_seconds": candidate.after_switch_seconds,
        "gc_calls": candidate.gc_calls,
        "gc_seconds": candidate.gc_seconds,
        "limits": "; ".join(f"{v.limit}: {v.verdict}" for v in result.limits if v.candidate == candidate.slug),
        "received": format_call_input(candidate.received) if candidate.received else None,
        "mix_average": candidate.mix_average,
        "classes": "; ".join(f"{one.batch_size}: {one.p50.value}" for one in candidate.classes) or None,
    }
    if start := candidate.cold_start:
        found |= {name: getattr(start, name) for name in _START}
    numbers = candidate.statistics
    if numbers is None:
        return found
    found |= {"mean": numbers.mean, "std": numbers.std, "min": numbers.min, "max": numbers.max}
    for name in PERCENTILES:
        percentile = getattr(numbers, name)
        found[name] = percentile.value
        for part in ("low", "high", "calls_needed", "seconds_needed", "launches_needed"):
            found[f"{name}_{part}"] = getattr(percentile, part)
    comparison = comparison_with(result, baseline, candidate.slug)
    if comparison is not None and candidate.status != "failed":
        found |= {
            "baseline": comparison.baseline,
            "ratio": comparison.ratio,
            "ratio_low": comparison.low,
            "ratio_high": comparison.high,
            "verdict": comparison.verdict,
            "p99_ratio": comparison.p99_ratio,
            "p99_p_value": comparison.p99_p_value,
        }
        found |= {name: getattr(comparison, name) for name in _TO_DECIDE}
    return found


def _cell(value: Cell) -> Cell:
    """Return a value as it is written; an apostrophe precedes text that a spreadsheet would take for a formula."""
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
