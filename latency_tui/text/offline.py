"""Sentences and cells about throughput: the best batch size of each model, if all requests are there at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.plan.sweep import without
from latency_tui.text.load import MAX_NAMES

if TYPE_CHECKING:
    from latency_tui.plan import Candidate
    from latency_tui.result.offline import OfflineResult
    from latency_tui.result.result import Result


def best_batches(result: Result) -> list[tuple[str, OfflineResult]]:
    """Return the name of each model with its best batch size, the highest throughput first."""
    best: dict[str, tuple[str, OfflineResult]] = {}
    candidates = {candidate.slug: candidate for candidate in result.plan.candidates}
    for one in result.offline:
        if (candidate := candidates.get(one.candidate)) is None:
            continue
        model = _model_of(candidate)
        if model.slug not in best or one.rows_per_second > best[model.slug][1].rows_per_second:
            best[model.slug] = model.name, one
    return sorted(best.values(), key=lambda found: -found[1].rows_per_second)


def offline_names(result: Result) -> dict[str, str]:
    """Return the name of each candidate by slug, without the batch size, which stands beside it."""
    return {candidate.slug: _model_of(candidate).name for candidate in result.plan.candidates}


def _model_of(candidate: Candidate) -> Candidate:
    """Return the model that is measured with the batch size of a candidate."""
    return without(candidate, ["batch"]) if "batch" in candidate.settings else candidate


def summarize_offline(result: Result) -> str:
    """Return the highest throughput of each model in one sentence; empty if it was not measured."""
    ranked = best_batches(result)
    if not ranked:
        return ""
    shown = [f"{name} {format_throughput(one)}" for name, one in ranked[:MAX_NAMES]]
    tried = max(one.batch_size for one in result.offline)
    largest = len(result.plan.batch_sizes) > 1 and any(one.batch_size == tried for _, one in ranked)
    note = " Larger batches than these were not tried." if largest else ""
    more = f"; {len(ranked) - MAX_NAMES} other models are slower" if len(ranked) > MAX_NAMES else ""
    return f"Offline, at the best batch size: {'; '.join(shown)}{more}.{note}"


def format_throughput(one: OfflineResult) -> str:
    """Return `41,200 rows/s (40,900–41,500) at 256 rows per call, 20,600 per core`."""
    interval = "" if one.low is None or one.high is None else f" ({format_rows(one.low)}–{format_rows(one.high)})"
    rows = "1 row" if one.batch_size == 1 else f"{one.batch_size:,.4g} rows"
    per_core = "" if one.rows_per_second_per_core is None else f", {format_rows(one.rows_per_second_per_core)} per core"
    return f"{format_rows(one.rows_per_second)} rows/s{interval} at {rows} per call{per_core}"


def format_rows(rows: float) -> str:
    """Return a number of rows with three significant digits: `41,200`, `0.5`."""
    return f"{float(f'{rows:.3g}'):,.0f}" if rows >= 99.5 else f"{rows:.3g}"
