"""Rows and notes of a report as values, shared by the table, Markdown and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latency_tui.report.p99_ratio import tail_ratio
from latency_tui.text.environments import describe_predictions, describe_revisions, describe_versions
from latency_tui.text.formatting import (
    NOTHING,
    format_call_input,
    format_duration,
    format_interval,
    format_memory,
    format_ratio_either_way,
    format_times,
    join_names,
)
from latency_tui.text.gate import describe_gate
from latency_tui.text.limits import limit_notes, limits_of
from latency_tui.text.load import load_limit_notes, load_notes
from latency_tui.text.mix import MIX_NOTE
from latency_tui.text.sanitize import clean
from latency_tui.text.scores import format_score
from latency_tui.text.spread import describe_spread
from latency_tui.text.summary import describe_effort
from latency_tui.text.sweeps import describe_sweeps
from latency_tui.text.trade_off import describe_trade_off
from latency_tui.text.workload import describe_data, describe_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.comparison import Comparison
    from latency_tui.stats.percentiles import Percentile

BASELINE = "baseline"
VERSUS = "vs baseline (95 % CI)"
_TAILS = "p99 vs baseline"
_START = ("first call", "import", "load", "memory")
LIMITS = "limits"
_AVERAGE = "average call"
_OPTIONAL = (_AVERAGE, VERSUS, "verdict", LIMITS, "group", _TAILS, *_START)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One candidate: cells of cleaned text by column, in display order."""

    candidate: CandidateResult
    verdict: str
    cells: dict[str, str]


def comparison_with(result: Result, baseline: str | None, candidate: str) -> Comparison | None:
    """Return the comparison of a candidate with the baseline, inverted if it is stored the other way round."""
    for comparison in result.comparisons:
        if (comparison.baseline, comparison.candidate) == (baseline, candidate):
            return comparison
        if (comparison.baseline, comparison.candidate) == (candidate, baseline):
            return comparison.inverted()
    return None


def make_rows(result: Result) -> list[Row]:
    """Return one row per candidate.

    Measured candidates come first, in ascending order of p50, then those that failed during measurement, then those
    without statistics.
    """
    baseline = result.baseline
    measured = sorted(result.measured, key=lambda candidate: candidate.status == "failed")
    others = [candidate for candidate in result.candidates if candidate.statistics is None]
    rows = [_row(result, candidate, baseline) for candidate in (*measured, *others)]
    for column in _OPTIONAL:
        if all(row.cells[column] in (NOTHING, BASELINE) for row in rows):  # a single model has no comparison
            for row in rows:
                del row.cells[column]
    return rows


def _row(result: Result, candidate: CandidateResult, baseline: str | None) -> Row:
    numbers = candidate.statistics
    failed = candidate.status == "failed"  # it may have statistics, but they are not compared
    comparison = comparison_with(result, baseline, candidate.slug) if numbers and not failed else None
    versus, verdict = NOTHING, candidate.status if failed or numbers is None else NOTHING
    if numbers and not failed and candidate.slug == baseline:
        versus, verdict = BASELINE, NOTHING
    elif comparison:
        versus = format_versus(comparison)
        verdict = comparison.verdict
    row = {"model": clean(candidate.name)}
    row["p50"] = format_duration(numbers.p50.value if numbers else None)
    row["95 % CI"] = format_interval(numbers.p50.low, numbers.p50.high) if numbers else NOTHING
    row[_AVERAGE] = format_duration(candidate.mix_average)
    row[VERSUS] = versus
    row["verdict"] = verdict
    row[LIMITS] = limits_of(result, candidate.slug)
    row["group"] = NOTHING if failed else candidate.group or NOTHING
    for name in ("mean", "std", "min", "max"):
        row[name] = format_duration(getattr(numbers, name) if numbers else None)
    row["p99"] = format_tail(numbers.p99 if numbers else None)
    row[_TAILS] = BASELINE if versus == BASELINE else tail_ratio(result, comparison) or NOTHING
    row["calls"] = f"{candidate.calls:,}"
    row["training"] = format_duration(candidate.training_seconds)
    row["score"] = format_score(candidate.score)
    return Row(candidate=candidate, verdict=verdict, cells=row | dict(zip(_START, _start(candidate), strict=True)))


def _start(candidate: CandidateResult) -> tuple[str, ...]:
    """Return the cold-start cells: first call, import, load and peak memory."""
    start = candidate.cold_start
    if start is None:
        return (NOTHING,) * len(_START)
    seconds = (candidate.cold_start_seconds, start.import_seconds, start.load_seconds)
    return (*map(format_duration, seconds), format_memory(start.memory_peak))


def format_versus(comparison: Comparison) -> str:
    """Return the ratio of a candidate to the baseline with its interval, `1.15× (1.13–1.17)`; below 1 is faster."""
    if comparison.ratio is None:
        return NOTHING
    if comparison.low is None or comparison.high is None:
        return format_times(comparison.ratio)
    return format_ratio_either_way(comparison.ratio, comparison.low, comparison.high).replace("95 % CI ", "")


def format_tail(percentile: Percentile | None) -> str:
    """Return a percentile with its interval, or `≥ 98.0 µs` if there are too few calls for an upper end."""
    if percentile is None:
        return NOTHING
    if percentile.is_bound:
        return format_interval(percentile.low, None)
    value = format_duration(percentile.value)
    known = percentile.low is not None and percentile.high is not None
    return f"{value} ({format_interval(percentile.low, percentile.high)})" if known else value


def make_notes(result: Result) -> list[tuple[str, str]]:
    """Return the lines below the table as pairs of kind and text.

    The kinds are answer, check, tails, score, sweep, load, input, failed, limit, noise and note.
    """
    notes = [("answer", clean(result.answer))] if result.answer else []
    if result.check is not None:
        notes.append(("check", describe_gate(result.check)))
    notes += [("note", clean(sentence)) for sentence in describe_revisions(result)]
    if not result.sweeps and (tails := describe_spread(result)):
        notes.append(("tails", tails))
    notes += [("score", sentence) for sentence in describe_trade_off(result, limits_follow=True)]
    notes += [("sweep", clean(sentence)) for sentence in describe_sweeps(result)]
    notes += [("load", clean(sentence)) for sentence in load_notes(result)]
    notes += [("input", sentence) for sentence in describe_inputs(result)]
    for candidate in result.candidates:
        if candidate.status == "failed" or candidate.error:
            notes.append(("failed", f"{clean(candidate.name)}: {clean(candidate.error or 'it failed.')}"))
        elif candidate.status == "cancelled" and not candidate.calls:
            notes.append(("note", f"{clean(candidate.name)} was not measured."))
    notes += [("limit", sentence) for sentence in limit_notes(result)]
    notes += [("limit", clean(sentence)) for sentence in load_limit_notes(result)]
    notes += [("noise", clean(finding.sentence)) for finding in result.noise.findings]
    if (
        (control := result.noise.control)
        and control.ratio is not None
        and "control" not in {finding.cause for finding in result.noise.findings}
    ):
        known = control.low is not None and control.high is not None
        interval = f" (95 % CI {control.low:.3f}–{control.high:.3f})" if known else ""
        notes.append(("note", f"The control measured {control.ratio:.3f}× of its original{interval}."))
    if result.sweeps:  # the table of cells has neither percentiles nor comparisons
        return notes + [("note", sentence) for sentence in _model_notes(result)]
    whole = [candidate for candidate in result.measured if candidate.status != "failed"]
    needed = [c.statistics.p99.calls_needed or 0 for c in whole if c.statistics]
    if any(needed):
        bounded = any(c.statistics.p99.low is not None for c in whole if c.statistics and c.statistics.p99.is_bound)
        start = "≥ marks a lower bound: a" if bounded else "A"
        notes.append(("note", f"{start} p99 interval needs {max(needed):,} calls."))
    if launches := max((c.statistics.p99.launches_needed or 0 for c in whole if c.statistics), default=0):
        notes.append(("note", f"Launch-to-launch variance is high: a p99 interval needs {launches:,} launches."))
    if seconds := max((c.statistics.p99.seconds_needed or 0 for c in whole if c.statistics), default=0):
        notes.append(
            ("note", f"No p99 interval yet, because tail latencies drift: measure for {seconds:.0f} s or more.")
        )
    needs = {clean(c.name): c.statistics.p50.calls_needed or 0 for c in whole if c.statistics}
    if names := [name for name, wanted in needs.items() if wanted]:
        most = max(needs.values())
        notes.append(("note", f"No interval for the p50 of {join_names(names)}: it needs about {most:,} calls."))
    if result.plan.workload.mix and whole:
        notes.append(("note", MIX_NOTE))
    letters = "".join(candidate.group for candidate in whole)
    if len(set(letters)) < len(letters):
        notes.append(("note", "Models that share a group letter are not shown to differ."))
    active = {candidate.slug for candidate in whole}
    undecided = [c for c in result.comparisons if c.verdict == "inconclusive" and {c.baseline, c.candidate} <= active]
    if sentence := describe_effort(result, undecided):
        notes.append(("note", sentence))
    return notes + [("note", sentence) for sentence in _model_notes(result)]


def _model_notes(result: Result) -> Iterator[str]:
    """Yield notes on models; models with the same note share a line."""
    names: dict[str, list[str]] = {}
    versions = describe_versions(result)
    for candidate in result.candidates:
        elsewhere = filter(None, (versions.get(candidate.slug), describe_predictions(result, candidate)))
        for note in dict.fromkeys([*elsewhere, *candidate.notes, *_fresh(candidate)]):
            names.setdefault(clean(note), []).append(clean(candidate.name))
    everyone = len(result.candidates)
    for note, models in names.items():
        yield f"{'all models' if len(models) == everyone > 1 else ', '.join(models)}: {note}"


def describe_inputs(result: Result) -> list[str]:
    """Return a sentence per kind of input that calls received; models with the same input share a sentence.

    Cells of a sweep whose inputs differ in the number of rows only count as the same.
    """
    names: dict[str, list[str]] = {}
    for candidate in result.measured:
        if candidate.received is not None:
            received = format_call_input(candidate.received)
            if "batch" in result.plan.swept and received.startswith(one := _rows(candidate.received.rows)):
                received = describe_rows(result.plan) + received.removeprefix(one)
            names.setdefault(received, []).append(clean(candidate.name))
    call = "each call of the most common batch size" if result.plan.workload.mix else "each call"
    if len(names) == 1:
        return [f"{call} received {next(iter(names))}"]
    return [f"{call} of {', '.join(models)} received {received}" for received, models in names.items()]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _fresh(candidate: CandidateResult) -> list[str]:
    """Return a note on memory and first calls of a fresh process, if the plan asks for a cold start."""
    start = candidate.cold_start
    if start is None:
        return []
    calls = [
        f"{ordinal} {format_duration(start.first_calls[number - 1])}"
        for number, ordinal in ((1, "1st"), (2, "2nd"), (3, "3rd"), (10, "10th"), (100, "100th"))
        if number <= len(start.first_calls)
    ]
    before, after, peak = map(format_memory, (start.memory_before, start.memory_after, start.memory_peak))
    memory = f"memory of a fresh process: {before} at start, {after} with the model, {peak} at its peak"
    return [f"{memory}; first calls: {', '.join(calls)}" if calls else memory]


def make_title(result: Result) -> str:
    """Return what was measured and where, in one line."""
    host = result.environment.host if result.environment is not None else ""
    return clean(" · ".join(filter(None, (describe_measurement(result), host))))


def describe_measurement(result: Result) -> str:
    """Return what was measured, in one line."""
    plan = result.plan
    work = plan.workload
    length = f"{plan.runs:,} runs" if plan.runs is not None else f"{plan.seconds:g} s per model" if plan.seconds else ""
    launches = "1 launch" if plan.launches == 1 else f"{plan.launches:,} launches"
    if result.complete_launches not in (0, plan.launches):
        launches = f"{result.complete_launches:,} of {launches}"
    received = [candidate.received for candidate in result.measured if candidate.received is not None]
    title = "generated inputs" if received and all(one.generated for one in received) else describe_data(plan)
    parts = [title, describe_rows(plan), work.method, *plan.scenarios, length or "until known", launches]
    return clean(" · ".join(parts))
