"""Formats a result as CSV, times in seconds, columns named as in the JSON.

The column `kind` says what a row is: a `model`, or one of those in `csv_rows`.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from latency_tui.report import csv_rows
from latency_tui.report.csv_rows import Cell, more_rows
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
    *("received", "mix_average"),
)
_TRADE_OFF = (
    *("standing", "reason", "score_difference", "score_difference_low", "score_difference_high"),
    *("ratio_to_choice", "ratio_to_choice_low", "ratio_to_choice_high"),
)
_HIGHEST = ("highest_passing_rate", "lowest_failing_rate", "rates_confirmed")
_OFFLINE = tuple(f"offline_{name}" for name in ("rows_per_second", "low", "high", "rows_per_second_per_core"))


def render_csv(result: Result) -> str:
    """Return a header and one row per thing that was measured; unknown values are empty cells.

    The models come first, in the plan's order.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    models = [values(result, one, result.baseline) | {"kind": "model"} for one in result.candidates]
    others = list(more_rows(result))
    added = dict.fromkeys(name for row in others for name in csv_rows.COLUMNS[str(row["kind"])])
    columns = list(dict.fromkeys(("kind", *model_columns(result), *added)))
    writer.writerow(columns)
    for row in (*models, *others):
        writer.writerow([_cell(row.get(column)) for column in columns])
    return buffer.getvalue()


def model_columns(result: Result) -> tuple[str, ...]:
    """Return the columns of a model: those of every result, then those of what this result contains."""
    return (
        *COLUMNS,
        *(f"sweep_{name}" for name in result.plan.swept),
        *(_TRADE_OFF if result.trade_off else ()),
        *(_HIGHEST if result.highest_rates else ()),
        *(_OFFLINE if result.offline else ()),
    )


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
    }
    found |= _of_questions(result, candidate)
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


def _of_questions(result: Result, candidate: CandidateResult) -> dict[str, Cell]:
    """Return the values of a sweep, a trade-off, a search for the highest rate, and the scenario offline."""
    slug = candidate.slug
    planned = next((one.settings for one in result.plan.candidates if one.slug == slug), {})
    found: dict[str, Cell] = {f"sweep_{name}": planned.get(name) for name in result.plan.swept}
    if result.trade_off and (weighed := result.trade_off.candidate(slug)):
        found |= {"standing": weighed.standing, "reason": weighed.reason}
        for part in ("", "_low", "_high"):
            found[f"score_difference{part}"] = getattr(weighed, f"difference{part}")
            found[f"ratio_to_choice{part}"] = getattr(weighed, f"ratio{part}")
    for rate in result.highest_rates:
        if rate.candidate == slug:
            found |= {"highest_passing_rate": rate.passes, "lowest_failing_rate": rate.fails}
            found["rates_confirmed"] = rate.confirmed
    for one in result.offline:
        if one.candidate == slug:
            found |= {name: getattr(one, name.removeprefix("offline_")) for name in _OFFLINE}
    return found


def _cell(value: Cell) -> Cell:
    return escape_cell(value) if isinstance(value, str) else value


def escape_cell(text: str) -> str:
    """Return text as it is written; an apostrophe precedes what a spreadsheet would take for a formula."""
    text = clean(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
