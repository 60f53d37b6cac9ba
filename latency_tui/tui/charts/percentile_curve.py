"""The percentile curve: latency over the share of calls on an axis that widens the tail, as HdrHistogram draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.percentiles import PERCENTILES
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


class PercentileCurve(CurveChart):
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
        band = ", shaded: 95 % CI" if any(curve.band_x.size > 1 for curve in self.curves) else ""
        title = "latency that a share of the calls did not exceed"
        texts = (f"{title}{band}{bounds}{log}", f"percentiles{band}{bounds}{log}", f"percentiles{bounds}{log}")
        self.draw_curves(canvas, self.curves, axes, *texts, f"percentiles{log}")


def nines(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the position of shares on the axis: 1 for 90 %, 2 for 99 %, 3 for 99.9 %."""
    places: NDArray[np.float64] = -np.log10(1 - np.minimum(shares, 1 - 1e-9))
    return places


def percentile_curves(
    candidates: Sequence[CandidateResult], candidate_styles: Mapping[str, CandidateStyle]
) -> list[Curve]:
    """Return a curve for each candidate with a distribution, in the given order.

    It ends at the last percentile for which there are enough calls; beyond, there are lower bounds.
    """
    curves: list[Curve] = []
    for candidate in candidates:
        statistics, found = candidate.statistics, candidate.distribution
        if candidate.status == "failed" or statistics is None or found is None or statistics.p50.value is None:
            continue
        named = [(share, getattr(statistics, key)) for key, share in PERCENTILES.items()]
        supported = next((place for place, (_, one) in enumerate(named) if place and one.is_bound), len(named))
        known, unknown = named[:supported], named[supported:]
        largest = 1 - 1 / candidate.samples_kept if candidate.samples_kept else 1.0
        bounds = [(share, one.low) for share, one in unknown if one.low is not None and share <= largest]
        inner = found.shares < known[-1][0]
        values = [(share, one.value) for share, one in known if one.value is not None]
        shares = np.concatenate(([0.0], found.shares[inner], [share for share, _ in values]))
        seconds = np.concatenate(([statistics.min], found.seconds[inner], [value for _, value in values]))
        order = np.argsort(shares, kind="stable")
        intervals = [(share, one.low, one.high) for share, one in known if one.low is not None and one.high is not None]
        band = np.array(intervals, dtype=np.float64).reshape(-1, 3).T
        bound = np.array(bounds, dtype=np.float64).reshape(-1, 2).T
        ascending = np.maximum.accumulate(seconds[order])  # interpolated percentiles between order statistics
        curves.append(Curve(candidate.name, candidate_styles[candidate.slug], shares[order], ascending, *band, *bound))
    return curves


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
