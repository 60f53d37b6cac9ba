"""Sentences on sweeps: which model leads where, crossings, straight lines, knees and best values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from latency_tui.plan.settings import Setting, format_settings
from latency_tui.plan.sweep import is_number
from latency_tui.text.formatting import (
    NOTHING,
    format_count,
    format_duration,
    format_interval,
    format_ratio_ends,
    format_seconds,
)

if TYPE_CHECKING:
    from latency_tui.plan import Plan, Sweep
    from latency_tui.result.result import Result
    from latency_tui.result.sweep import LineFit, SweepCurve

_UNITS = {"batch": ("row", "rows"), "threads": ("thread", "threads"), "features": ("feature", "features")}
_MAX_CROSSINGS = 6
"""Most crossings that are told one by one."""
_MAX_MISPREDICTION = 0.1
"""The largest cell is mentioned if it is shown to be off the line through the others by more than this share."""


def summarize_sweeps(result: Result) -> str:
    """Return the answer of a result with sweeps: which model is the fastest at which values."""
    found = [sentence for sweep in result.plan.sweeps for sentence in _summarize(result, sweep)]
    return " ".join(found)


def _summarize(result: Result, sweep: Sweep) -> list[str]:
    curves = [curve for curve in curves_of(result, sweep.parameter) if curve.cells]
    if not curves:
        return []
    if len(curves) == 1 or not sweep.is_numeric:
        return [sentence for curve in curves[:1] for sentence in describe_curve(sweep, curve)]
    leaders = {value: curve for curve in curves for value in curve.leads_at}
    values = [value for value in sweep.values if value in {cell.value for curve in curves for cell in curve.cells}]
    if not leaders:
        return [f"No model is shown to be fastest at any {setting_name(sweep.parameter)}."]
    spans: list[tuple[SweepCurve, list[Setting]]] = []
    for value in values:
        if value not in leaders:
            continue
        if spans and spans[-1][0] is leaders[value]:
            spans[-1][1].append(value)
        else:
            spans.append((leaders[value], [value]))
    if len(spans) == 1 and len(spans[0][1]) == len(values):
        return [f"{spans[0][0].name} is fastest from {_span(sweep.parameter, values[0], values[-1])}."]
    if len(spans) == 1:
        return [f"{spans[0][0].name} is fastest {_where(sweep.parameter, spans[0][1], values)}."]
    parts = [f"{curve.name} {_where(sweep.parameter, held, values)}" for curve, held in spans]
    return [f"Fastest: {', '.join(parts)}."]


def _where(parameter: str, held: Sequence[Setting], values: Sequence[Setting]) -> str:
    if len(held) == 1:
        return f"at {format_value(parameter, held[0])}"
    if held[0] == values[0]:
        return f"up to {format_value(parameter, held[-1])}"
    if held[-1] == values[-1]:
        return f"from {format_value(parameter, held[0])} on"
    return f"from {_span(parameter, held[0], held[-1])}"


def _span(parameter: str, low: Setting, high: Setting) -> str:
    if parameter in _UNITS or not is_number(low):
        return f"{format_setting(low)} to {format_value(parameter, high)}"
    return f"{parameter} {format_setting(low)} to {format_setting(high)}"


def curves_of(result: Result, parameter: str) -> list[SweepCurve]:
    """Return the curves of one sweep."""
    return [curve for curve in result.sweeps if curve.parameter == parameter]


def describe_sweeps(result: Result) -> list[str]:
    """Return sentences on all sweeps of a result: crossings, then lines, knees and best values per curve."""
    found: list[str] = []
    for sweep in result.plan.sweeps:
        curves = curves_of(result, sweep.parameter)
        found += _crossings(sweep, curves)
        for curve in curves:
            found += [sentence for sentence in describe_curve(sweep, curve) if sentence not in result.answer]
    return found


def _crossings(sweep: Sweep, curves: Sequence[SweepCurve]) -> list[str]:
    names = {curve.candidate: curve.name for curve in curves}
    said = [
        (
            crossing.value,
            f"{curve.name} overtakes {names[crossing.overtakes]} {_between(sweep, crossing.low, crossing.high)}.",
        )
        for curve in curves
        for crossing in curve.crossings
    ]
    said.sort(key=lambda one: one[0])
    sentences = [sentence for _, sentence in said[:_MAX_CROSSINGS]]
    if len(said) > _MAX_CROSSINGS:
        sentences.append(f"{len(said) - _MAX_CROSSINGS} more crossings are in the JSON.")
    return sentences


def _between(sweep: Sweep, low: float, high: float) -> str:
    if all(isinstance(value, int) for value in sweep.values):
        low, high = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    if format_count(low) == format_count(high):
        return f"at {format_value(sweep.parameter, low)}"
    if sweep.parameter in _UNITS:
        return f"between {format_count(low)} and {format_count(high)} {_UNITS[sweep.parameter][1]}"
    return f"between {sweep.parameter} {format_count(low)} and {format_count(high)}"


def describe_curve(sweep: Sweep, curve: SweepCurve) -> Iterator[str]:
    """Yield the sentences on one curve: its line and its knee, or its best value."""
    parts = [describe_fit(sweep, curve.fit)] if curve.fit is not None else []
    parts += [_describe_knee(curve)] if curve.knee is not None else []
    parts += [_describe_best(sweep, curve)] if curve.best is not None else []
    if parts:
        yield f"{curve.name}: {'; '.join(parts)}."
    if off := _describe_prediction(sweep, curve):
        yield f"{curve.name}: {off}."


def describe_fit(sweep: Sweep, fit: LineFit) -> str:
    """Return a straight line with its intervals: `38.2 µs + 0.912 µs per row (95 % CI …)`, or that none fits."""
    if not fit.is_straight and fit.misfit_value is not None:
        way = "above" if fit.misfit > 0 else "below"
        at = format_value(sweep.parameter, fit.misfit_value)
        return f"no straight line fits; at {at} the p50 is {abs(fit.misfit):.0%} {way} the best line".replace("%", " %")
    ends = [
        format_interval(low, high) if low is not None and high is not None else NOTHING
        for low, high in ((fit.fixed_low, fit.fixed_high), (fit.per_row_low, fit.per_row_high))
    ]
    unit = _UNITS.get(sweep.parameter, (f"unit of {sweep.parameter}", ""))[0]
    line = f"{format_duration(fit.fixed_seconds)} + {format_duration(fit.per_row_seconds)} per {unit}"
    if fit.per_row_low is not None and fit.per_row_low <= 0:  # the slope may be zero
        most = format_duration(max(fit.per_row_high or 0.0, 0.0))
        return f"{format_duration(fit.fixed_seconds)} (95 % CI {ends[0]}) + at most {most} per {unit}"
    return f"{line} (95 % CI {ends[0]} and {ends[1]})"


def _describe_prediction(sweep: Sweep, curve: SweepCurve) -> str:
    """Return how far the largest cell is off the line through the others; empty if it is not shown to be far off."""
    ratio = curve.fit.largest_to_predicted if curve.fit else None
    if ratio is None or ratio.low is None or ratio.high is None:
        return ""
    if ratio.high >= 1 - _MAX_MISPREDICTION and ratio.low <= 1 + _MAX_MISPREDICTION:
        return ""
    last = curve.cells[-1]
    smaller = "smaller batches" if sweep.parameter == "batch" else "smaller values"
    return (
        f"the line through {smaller} predicts {format_duration(last.p50.value / ratio.value)} for "
        f"{format_value(sweep.parameter, last.value)}, and {format_duration(last.p50.value)} was measured "
        f"({format_ratio_ends(ratio.low, ratio.high)} times as long)"
    )


def _describe_knee(curve: SweepCurve) -> str:
    knee = curve.knee
    assert knee is not None
    if knee.value is None:
        last = curve.cells[-1].value
        return f"a row gets cheaper up to {format_value('batch', last)}, the largest batch"
    low, high = format_count(knee.low or knee.value), "more" if knee.high is None else format_count(knee.high)
    interval = "" if low == high else f" (95 % CI {low}–{high})" if high != "more" else f" (95 % CI {low} or more)"
    return f"beyond {format_value('batch', knee.value)}{interval} a row gets cheaper by less than 5 %"


def _describe_best(sweep: Sweep, curve: SweepCurve) -> str:
    best = curve.best
    assert best is not None
    first, gain = format_value(sweep.parameter, best.reference), best.speed_up
    at = format_value(sweep.parameter, best.value)
    if gain is None:
        return f"no value is faster than {first}" if best.value == best.reference else f"{at} has the lowest p50"
    if gain.low is None or gain.high is None or gain.low <= 1:
        return f"no value is shown to be faster than {first}"
    interval = format_ratio_ends(gain.low, gain.high)
    return f"fastest with {at}: {gain.value:.2f}× faster than with {first} (95 % CI {interval})"


def describe_cells(plan: Plan, seconds: float) -> str:
    """Return how many cells are measured, and how long their calls take: `18 cells (2 models × 9 values of batch) …`.

    Args:
        plan: A plan with sweeps.
        seconds: Expected duration of the timed calls of a launch.
    """
    models = len(plan.curves)
    factors = [f"{models:,} {'model' if models == 1 else 'models'}"]
    factors += [f"{len(sweep.values):,} values of {sweep.parameter}" for sweep in plan.sweeps]
    each = "" if plan.launches == 1 else " per launch"
    about = format_seconds(seconds) if seconds < 1 else f"about {format_seconds(seconds)}"
    return f"{len(plan.candidates):,} cells ({' × '.join(factors)}), {about} of calls{each}."


def format_value(parameter: str, value: Setting) -> str:
    """Return a value with its unit: `1 row`, `64 rows`, `2 threads`, `n_estimators=100`."""
    if parameter in _UNITS and is_number(value):
        one, many = _UNITS[parameter]
        return f"{format_setting(value)} {one if value == 1 else many}"
    return f"{parameter}={format_setting(value)}"


def format_setting(value: Setting) -> str:
    """Return a value without its unit: `1,000`, `rbf`, `true`."""
    if is_number(value):
        return format_count(float(value))
    return format_settings({"": value}).removeprefix("=")


def setting_name(parameter: str) -> str:
    """Return the name of a setting in a sentence: `batch size`, `number of threads`, `value of n_estimators`."""
    return {"batch": "batch size", "threads": "number of threads", "features": "number of features"}.get(
        parameter, f"value of {parameter}"
    )


def places_of(sweep: Sweep) -> dict[Setting, float]:
    """Return the place of each value on the horizontal axis, from 0 to 1: logarithmic, or even if it cannot be."""
    values = [*sweep.values]
    if not sweep.is_numeric:
        return {value: index / (len(values) - 1) for index, value in enumerate(values)}
    logs = [math.log(float(value)) for value in values]
    return {value: (log - logs[0]) / (logs[-1] - logs[0]) for value, log in zip(values, logs, strict=True)}
