"""The chart of a sweep as SVG: a line per model over the values of a setting, with a band for the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from latency_tui.report.markup import escape
from latency_tui.report.svg import (
    AXIS,
    LINES_HEIGHT,
    MAX_LINES,
    colour_of,
    draw_band,
    draw_line,
    labels_below,
    line_y,
    value_axis,
)
from latency_tui.text.formatting import format_duration, format_interval
from latency_tui.text.sanitize import clean
from latency_tui.text.scales import Scale, line_scale
from latency_tui.text.sweeps import curves_of, format_setting, format_value, places_of

if TYPE_CHECKING:
    from latency_tui.plan import Setting, Sweep
    from latency_tui.result.result import Result
    from latency_tui.result.sweep import SweepCell, SweepCurve

_LEFT, _RIGHT = 6.0, 97.0
"""Horizontal places of the first and the last value, in per cent of the width."""


def drawn_curves(result: Result, sweep: Sweep) -> list[SweepCurve]:
    """Return the curves of a sweep that have cells, as many as a chart shows."""
    return [curve for curve in curves_of(result, sweep.parameter) if curve.cells][:MAX_LINES]


def sweep_chart(result: Result, sweep: Sweep) -> tuple[str, float]:
    """Return the p50 per call of each model over the values of a setting, and the height of the chart."""
    curves = drawn_curves(result, sweep)
    ends = [end for curve in curves for cell in curve.cells for end in _ends(cell)]
    if not ends:
        return "", 0
    scale, places = line_scale(min(ends), max(ends)), places_of(sweep)
    x_of = {value: _LEFT + (_RIGHT - _LEFT) * place for value, place in places.items()}
    parts = [value_axis(scale), labels_below([(x_of[value], format_setting(value)) for value in sweep.values])]
    for index, curve in enumerate(curves):
        parts.append(_curve(curve, index, x_of, scale))
        parts += [_point(sweep, curve, cell, x_of[cell.value], scale) for cell in curve.cells]
    return "".join(parts), LINES_HEIGHT + AXIS


def _ends(cell: SweepCell) -> Sequence[float]:
    return [value for value in (cell.p50.value, cell.p50.low, cell.p50.high) if value is not None and value > 0]


def _curve(curve: SweepCurve, index: int, x_of: dict[Setting, float], scale: Scale) -> str:
    """Return the line and the band of a curve."""

    def at(cell: SweepCell, seconds: float | None) -> tuple[float, float]:
        return x_of[cell.value], scale.place(seconds or cell.p50.value)

    band = [at(cell, cell.p50.low) for cell in curve.cells]
    band += [at(cell, cell.p50.high) for cell in reversed(curve.cells)]
    line = [at(cell, cell.p50.value) for cell in curve.cells]
    return draw_band(curve, band) + draw_line(curve, index, line, clean(curve.name))


def _point(sweep: Sweep, curve: SweepCurve, cell: SweepCell, x: float, scale: Scale) -> str:
    p50 = cell.p50
    said = f"{clean(curve.name)}, {format_value(sweep.parameter, cell.value)}: p50 {format_duration(p50.value)}"
    said += f" (95 % CI {format_interval(p50.low, p50.high)})" if p50.low and p50.high else ""
    return (
        f'<circle class="dot" style="--c:{colour_of(curve)}" cx="{x:.2f}%" cy="{line_y(scale.place(p50.value)):.1f}" '
        f'r="5"><title>{escape(said)}</title></circle>'
    )
