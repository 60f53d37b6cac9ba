"""The load chart: response times over the request rate, with the limits, and where a candidate is overloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from latency_tui.text.load import format_rate
from latency_tui.text.scales import Scale, extended, line_scale, span_scale, tick_labels, ticks
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG
from latency_tui.tui.charts.curve_chart import Axes, Curve, CurveChart
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.ticks import value_axis
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_OVERLOADED, _INVALID = "↑", "?"


class LoadChart(CurveChart):
    """A curve per candidate: its p99 response time over the request rate, and its p50 as dots."""

    overloads: tuple[tuple[str, float], ...] = ()
    invalid: tuple[tuple[str, float, float], ...] = ()

    def show_load(self, result: Result, styles: Mapping[str, CandidateStyle], limits: Sequence[LimitLine]) -> None:
        """Show the figures of a load test."""
        self.overloads = tuple((styles[one.candidate][0], one.rate) for one in result.load if one.overloaded)
        self.invalid = tuple(
            (styles[one.candidate][0], one.rate, one.response.p99)
            for one in result.load
            if not one.valid and one.response.p99 is not None
        )
        self.show(load_curves(result, styles), limits)

    def draw(self, canvas: Canvas) -> None:
        """Draw the chart."""
        if not self.curves and not self.overloads:
            return
        rates = [rate for curve in self.curves for rate in curve.x.tolist()]
        rates += [rate for _, rate in self.overloads] + [rate for _, rate, _ in self.invalid]
        across = line_scale(min(rates), max(rates)) if len({*rates}) > 1 else span_scale(max(rates))
        seen = [value for curve in self.curves for value in curve.values.tolist() if value > 0]
        seen += [p99 for *_, p99 in self.invalid] or ([] if seen else [one.seconds for one in self.limits] or [1e-3])
        scale = extended(line_scale(min(seen), max(seen)), [limit.seconds for limit in self.limits])
        axes = Axes(
            places=across.places,
            across=lambda columns, left: value_axis(across, _rate_labels, columns, left),
            word="rate",
            scale=scale,
            up=lambda most: _duration_ticks(scale, most),
        )
        log = LOG if scale.log else ""
        marks = f", {_OVERLOADED} overloaded" if self.overloads else ""
        marks += f", {_INVALID} invalid" if self.invalid else ""
        self.draw_curves(
            canvas,
            self.curves,
            axes,
            f"response time at each request rate: p99, dotted p50{marks}{log}",
            f"response time: p99, dotted p50{marks}{log}",
            f"p99 response time{marks}",
        )

    def draw_marks(self, axes: Axes, columns: int) -> None:
        """Mark the rates at which a candidate is overloaded, and figures that are not valid."""
        for colour, rate in self.overloads:
            place = axes.places(np.array([rate])) * (columns - 1)
            self.plt.scatter(place.tolist(), [1.0], marker=_OVERLOADED, color=self.cell_colour(colour))
        for colour, rate, p99 in self.invalid:
            place = np.minimum(axes.places(np.array([rate])) * (columns - 1) + 1, columns - 1)  # beside its point
            self.plt.scatter(place.tolist(), [axes.scale.place(p99)], marker=_INVALID, color=self.cell_colour(colour))


def load_curves(result: Result, styles: Mapping[str, CandidateStyle]) -> list[Curve]:
    """Return the curve of each candidate over its valid figures, or over all if none is valid, in the plan's order."""
    curves: list[Curve] = []
    for candidate in result.candidates:
        own = sorted((one for one in result.load if one.candidate == candidate.slug), key=lambda one: one.rate)
        known = [one for one in own if not one.overloaded and one.response.p99 is not None]
        points = [one for one in known if one.valid] or known  # marked as invalid if all are
        if not points:
            continue
        x = np.array([one.rate for one in points])
        y = np.array([one.response.p99 for one in points])
        intervals = np.array(
            [
                (one.rate, one.response.p99_low, one.response.p99_high)
                for one in points
                if one.response.p99_low is not None and one.response.p99_high is not None
            ]
        ).reshape(-1, 3)
        highest = next((one for one in result.highest_rates if one.candidate == candidate.slug), None)
        name = candidate.name
        if highest is not None and highest.passes is not None:
            name = f"{name} {format_rate(highest.passes)}"
        curve = Curve(name, styles[candidate.slug], x, y, *intervals.T)
        medians = np.array([one.response.p50 if one.response.p50 is not None else np.nan for one in points])
        finite = np.isfinite(medians)
        curves.append(replace(curve, dots_x=x[finite], dots_y=medians[finite], marked=True))
    return curves


def _rate_labels(rates: Sequence[float]) -> list[str]:
    """Return labels of request rates, of which the last one has the unit."""
    labels = [f"{rate:,.4g}" if rate < 1e4 else f"{rate:,.0f}" for rate in rates]
    return [*labels[:-1], f"{labels[-1]}/s"]


def _duration_ticks(scale: Scale, most: int) -> tuple[list[float], list[str]]:
    values = ticks(scale, most)
    return values, tick_labels(values, always=True)
