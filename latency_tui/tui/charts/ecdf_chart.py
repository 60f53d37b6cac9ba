"""The empirical distribution function: the share of calls that took no longer than each latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from latency_tui.text.scales import Scale, line_scale
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG
from latency_tui.tui.charts.curve_chart import Axes, Curve, CurveChart
from latency_tui.tui.charts.ticks import duration_axis
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

LAST_SHARE = 0.99
"""Where axes of single calls end: beyond, there are few calls, and the slowest would hide all others."""

_SHARES = Scale(0.0, 1.0, log=False, step=0.1)


class EcdfChart(CurveChart):
    """A curve per candidate that rises from 0 % to 100 % of its calls."""

    def draw(self, canvas: Canvas) -> None:
        """Draw the chart, up to the largest 99th percentile."""
        if not self.curves:
            return
        least = min(float(curve.x[0]) for curve in self.curves)
        most = max(float(np.interp(LAST_SHARE, curve.y, curve.x)) for curve in self.curves)
        scale = line_scale(least, most)
        axes = Axes(
            places=scale.places,
            across=lambda columns, left: duration_axis(scale, columns, left),
            word="latency",
            scale=_SHARES,
            up=_share_ticks,
        )
        log = LOG if scale.log else ""
        title = "share of the calls that took no longer (ECDF)"
        shown = [_up_to(scale.high, curve) for curve in self.curves]
        self.draw_curves(canvas, shown, axes, f"{title}{log}", f"share that took no longer{log}", f"ECDF{log}")


def ecdf_curves(candidates: Sequence[CandidateResult], candidate_styles: Mapping[str, CandidateStyle]) -> list[Curve]:
    """Return a curve for each candidate with a distribution, in the given order."""
    return [
        Curve(
            candidate.name,
            candidate_styles[candidate.slug],
            np.append(candidate.distribution.seconds[:1], candidate.distribution.seconds),
            np.append(0.0, candidate.distribution.shares),
        )
        for candidate in candidates
        if candidate.status != "failed" and candidate.distribution is not None
    ]


def _up_to(latency: float, curve: Curve) -> Curve:
    """Return a curve up to a latency."""
    inside = curve.x < latency
    if inside.all():
        return curve
    share = float(np.interp(latency, curve.x, curve.y))
    return Curve(curve.name, curve.style, np.append(curve.x[inside], latency), np.append(curve.y[inside], share))


def _share_ticks(most: int) -> tuple[list[float], list[str]]:
    step = 0.25 if most >= 5 else 0.5 if most >= 3 else 1.0
    values = np.arange(0, 1 + step / 2, step).tolist()
    return values, [f"{100 * value:.0f} %" for value in values]
