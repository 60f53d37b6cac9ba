"""The rows of a CSV file beside those of the models: rates, classes of a mix, curves, crossings and steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latency_tui.result import steps, sweep
    from latency_tui.result.load import LoadResult
    from latency_tui.result.mix import ClassResult
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.steps import StepPass
    from latency_tui.result.sweep import SweepCurve

Cell = str | float | int | None
_TIMES = ("mean", "p50", "p90", "p95", "p99", "p99_9", "max")
_RATE = ("rate", "utilisation", "overloaded", "workers", "worker_kind")
_REQUESTS = ("capacity", "capacity_per_core", "answered_rate", "requests", "valid")
COLUMNS: dict[str, tuple[str, ...]] = {
    "rate": (
        *_RATE,
        *(f"{time}_{key}" for time in ("service", "wait", "response") for key in _TIMES),
        *("response_p99_low", "response_p99_high", *_REQUESTS),
    ),
    "class": ("batch_size", "largest_batch_size", "share"),
    "curve": (
        *("parameter", "fixed_seconds", "fixed_low", "fixed_high", "per_row_seconds", "per_row_low", "per_row_high"),
        *("is_straight", "misfit_value", "misfit", "knee", "knee_low", "knee_high"),
        *("best_value", "speed_up", "speed_up_low", "speed_up_high", "leads_at"),
    ),
    "crossing": ("parameter", "overtakes", "value", "value_low", "value_high"),
    "step": ("step", "step_kind", "type", "parent", "depth", "seconds", "seconds_low", "seconds_high", "share"),
}
"""The columns that each kind of row adds to those of a model; some kinds also use columns of a model, such as `p50`."""


def more_rows(result: Result) -> Iterator[dict[str, Cell]]:
    """Yield the rows of every kind but `model`, with their values by column; unknown values are missing or None."""
    names = {one.slug: one.name for one in result.candidates}

    def row(kind: str, slug: str, found: dict[str, Cell]) -> dict[str, Cell]:
        return {"kind": kind, "name": names.get(slug, slug), "slug": slug} | found

    for load in result.load:
        yield row("rate", load.candidate, _rate(load))
    for candidate in result.candidates:
        for one in candidate.classes:
            yield row("class", candidate.slug, _class(result, candidate, one))
    for curve in result.sweeps:
        names.setdefault(curve.candidate, curve.name)
        yield row("curve", curve.candidate, _curve(curve))
        for crossing in curve.crossings:
            ends: dict[str, Cell] = {"value_low": crossing.low, "value_high": crossing.high}
            found: dict[str, Cell] = {"parameter": curve.parameter, "overtakes": crossing.overtakes}
            yield row("crossing", curve.candidate, found | {"value": crossing.value} | ends)
    for timed in result.step_passes:
        yield from (row("step", timed.candidate, found) for found in _steps(result, timed))


def _rate(one: LoadResult) -> dict[str, Cell]:
    found: dict[str, Cell] = {name: getattr(one, name) for name in (*_RATE, *_REQUESTS)}
    for time in ("service", "wait", "response"):
        found |= {f"{time}_{key}": getattr(getattr(one, time), key) for key in _TIMES}
    found |= {"response_p99_low": one.response.p99_low, "response_p99_high": one.response.p99_high}
    return found | {"limits": "; ".join(f"{verdict.limit}: {verdict.verdict}" for verdict in one.limits)}


def _class(result: Result, candidate: CandidateResult, one: ClassResult) -> dict[str, Cell]:
    found: dict[str, Cell] = {
        "batch_size": one.batch_size,
        "largest_batch_size": one.largest_batch_size,
        "share": one.share,
        "calls": one.calls,
        "throughput": one.throughput,
    }
    for name in ("p50", "p99"):
        percentile = getattr(one, name)
        found[name] = percentile.value
        for part in ("low", "high", "calls_needed", "seconds_needed", "launches_needed"):
            found[f"{name}_{part}"] = getattr(percentile, part)
    for compared in result.class_comparisons:
        for pair in compared.comparisons if compared.batch_size == one.batch_size else ():
            if pair.candidate == candidate.slug:
                found |= {"baseline": pair.baseline, "ratio": pair.ratio, "verdict": pair.verdict}
                found |= {"ratio_low": pair.low, "ratio_high": pair.high}
    return found


def _curve(curve: SweepCurve) -> dict[str, Cell]:
    found: dict[str, Cell] = {"parameter": curve.parameter}
    found["leads_at"] = "; ".join(map(str, curve.leads_at)) or None
    if fit := curve.fit:
        parts = ("fixed_seconds", "fixed_low", "fixed_high", "per_row_seconds", "per_row_low", "per_row_high")
        found |= {name: getattr(fit, name) for name in (*parts, "is_straight", "misfit_value", "misfit")}
    if knee := curve.knee:
        found |= {"knee": knee.value, "knee_low": knee.low, "knee_high": knee.high}
    if best := curve.best:
        found["best_value"] = best.value
        if best.speed_up:
            found |= _estimate("speed_up", best.speed_up)
    return found


def _steps(result: Result, timed: StepPass) -> Iterator[dict[str, Cell]]:
    """Yield the call itself, its steps, what is inside them, and what timing them added."""
    call = timed.call
    if call is None or call.value <= 0:
        return
    yield _estimate("seconds", call) | {"step_kind": "call", "share": 1.0}
    for step in result.steps:
        if step.candidate == timed.candidate:
            found: dict[str, Cell] = {
                name: getattr(step, name) for name in ("type", "parent", "depth", "share", "calls")
            }
            found |= {"step": step.name, "step_kind": step.kind}
            yield found | {"seconds": step.seconds, "seconds_low": step.low, "seconds_high": step.high}
    for kind in ("validation", "data_frame", "overhead"):
        estimate: steps.Estimate | None = getattr(timed, kind)
        if estimate is not None:
            yield _estimate("seconds", estimate) | {"step_kind": kind, "share": estimate.value / call.value}


def _estimate(name: str, one: steps.Estimate | sweep.Estimate) -> dict[str, Cell]:
    """Return the columns of an estimate with its interval."""
    return {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
