"""The table of a request mix: one row per candidate and class of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.report.table_cells import BASELINE, VERSUS, Row, format_tail, format_versus
from latency_tui.text.formatting import NOTHING, format_duration, format_interval
from latency_tui.text.mix import format_rows, format_share
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.mix import ClassResult
    from latency_tui.result.result import CandidateResult, Result


def make_class_rows(result: Result) -> list[Row]:
    """Return one row per class of requests and measured candidate; empty if there is no mix."""
    measured = sorted(result.measured, key=lambda candidate: candidate.status == "failed")
    classes = max((len(candidate.classes) for candidate in measured), default=0)
    rows = [_row(result, one, one.classes[number]) for number in range(classes) for one in measured if one.classes]
    if all(row.cells[VERSUS] in (NOTHING, BASELINE) for row in rows):
        for row in rows:
            del row.cells[VERSUS], row.cells["verdict"]
    return rows


def _row(result: Result, candidate: CandidateResult, one: ClassResult) -> Row:
    versus, verdict = NOTHING, NOTHING
    for compared in result.class_comparisons:
        if compared.batch_size == one.batch_size:
            for comparison in compared.comparisons:
                if comparison.candidate == candidate.slug:
                    versus, verdict = format_versus(comparison), comparison.verdict
                elif comparison.baseline == candidate.slug:
                    versus = BASELINE
    cells = {
        "model": clean(candidate.name),
        "calls of": format_rows(one.batch_size, one.largest_batch_size),
        "share": format_share(one.share),
        "p50": format_duration(one.p50.value),
        "95 % CI": format_interval(one.p50.low, one.p50.high),
        VERSUS: versus,
        "verdict": verdict,
        "p99": format_tail(one.p99),
        "rows/s": NOTHING if one.throughput is None else f"{one.throughput:,.0f}",
        "calls": f"{one.calls:,}",
    }
    return Row(candidate=candidate, verdict=verdict, cells=cells)
