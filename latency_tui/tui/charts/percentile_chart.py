"""The percentile curve: latency over the share of calls on an axis that widens the tail, as HdrHistogram draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from latency_tui.analysis.percentile_curve import nines, percentile_curve
from latency_tui.text.scales import Scale, extended, line_scale, tick_labels, ticks
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG
from latency_tui.tui.charts.curve_chart import Axes, Curve, CurveChart
from latency_tui.tui.charts.ticks import Tick, fits
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
_FEWER_TICKS = ((0.0, 0.5, 0.9, 0.99, 0.999), (0.0, 0.9, 0.99, 0.999), (0.0, 0.9, 0.999), (0.0, 0.99))


class PercentileChart(CurveChart):
    """A curve per candidate: its percentiles, solid while they are known, then dotted lower bounds."""

    def draw(self, canvas: Canvas) -> None:
        """Draw the chart."""
        if not self.curves:
            return
        seen = np.concatenate([curve.values for curve in self.curves])
        scale = extended(line_scale(float(seen.min()), float(seen.max())), [one.seconds for one in self.limits])
        last = max(float(np.append(curve.x, curve.bound_x)[-1]) for curve in self.curves)
        end = float(nines(np.array(last)))
        axes = Axes(
            places=lambda shares: nines(shares) / end,
            across=partial(_share_axis, end),
            word="of calls",
            scale=scale,
            up=lambda most: _duration_ticks(scale, most),
        )
        log = LOG if scale.log else ""
        bounds = ", dotted: lower bound" if any(curve.bound_x.size for curve in self.curves) else ""
        band = (
            ", shaded: 95 % CI" if not self.app.no_color and any(curve.band_x.size > 1 for curve in self.curves) else ""
        )
        title = "latency that a share of the calls did not exceed"
        texts = (f"{title}{band}{bounds}{log}", f"percentiles{band}{bounds}{log}", f"percentiles{bounds}{log}")
        self.draw_curves(canvas, self.curves, axes, *texts, f"percentiles{log}")


def percentile_curves(
    candidates: Sequence[CandidateResult], candidate_styles: Mapping[str, CandidateStyle]
) -> list[Curve]:
    """Return the percentile curve of each candidate that has one, in the given order."""
    found = [(candidate, percentile_curve(candidate)) for candidate in candidates]
    return [
        Curve(candidate.name, candidate_styles[candidate.slug], one.shares, one.seconds, *one.intervals, *one.bounds)
        for candidate, one in found
        if one is not None
    ]


def _share_axis(end: float, columns: int, left: int) -> list[Tick]:
    """Return the ticks of the axis of shares; without 50 % or others if they do not fit."""
    for choice in (_TICKS, *_FEWER_TICKS):
        shares = [share for share in choice if nines(np.array(share)) <= end * 1.0001]
        found = [Tick(round(float(nines(np.array(s))) / end * (columns - 1)), f"{s * 100:.7g} %") for s in shares]
        if fits(found, columns, left):
            return found
    return []


def _duration_ticks(scale: Scale, most: int) -> tuple[list[float], list[str]]:
    values = ticks(scale, most)
    return values, tick_labels(values, always=True)
