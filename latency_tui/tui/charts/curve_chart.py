"""The base class of charts with a curve per candidate: axes, bands of intervals, lower bounds, names at the ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.color import Color

from latency_tui.text.scales import Scale
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import MIN_TITLED_HEIGHT
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.named_lines import AXIS, NamedLinesChart
from latency_tui.tui.charts.plotext_private import CellColour
from latency_tui.tui.charts.ticks import Tick
from latency_tui.tui.styles import CandidateStyle

BOUND = "≥"
_BAND, _DOTS = "░", "·"
_BAND_STRENGTH = 0.55
"""How much of a candidate's colour its band has; the rest is the background."""

_NOTHING = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The curve of one candidate, in the units of the axes.

    Attributes:
        name: Name of the candidate.
        style: Its colour and shape.
        x: Positions of the points, `(n_points,)`, ascending.
        y: Values of the points, `(n_points,)`.
        band_x: Positions of intervals, `(n_intervals,)`, ascending.
        low: Lower ends of the intervals, `(n_intervals,)`.
        high: Upper ends of the intervals, `(n_intervals,)`.
        bound_x: Positions at which only a lower bound is known, `(n_bounds,)`, ascending, beyond the points.
        bound_y: The lower bounds, `(n_bounds,)`.
        dots_x: Positions of a second, dotted curve, `(n_dots,)`, ascending.
        dots_y: Its values, `(n_dots,)`.
        marked: Whether every point is marked with the shape of the candidate.
    """

    name: str
    style: CandidateStyle
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    band_x: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    low: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    high: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    bound_x: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    bound_y: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    dots_x: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    dots_y: NDArray[np.float64] = field(default_factory=_NOTHING.copy)
    marked: bool = False

    @property
    def end(self) -> float:
        """The value at the end of the curve."""
        return float(self.bound_y[-1] if self.bound_y.size else self.y[-1])

    @property
    def values(self) -> NDArray[np.float64]:
        """All values that the vertical axis has to contain."""
        return np.concatenate((self.y, self.low, self.high, self.bound_y, self.dots_y))


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a chart of curves.

    Attributes:
        places: Returns the places, 0 to 1, of positions on the horizontal axis.
        across: Returns the ticks of the horizontal axis for a number of columns, with so many columns to its left.
        word: What the horizontal axis shows.
        scale: The vertical scale.
        up: Returns the values and the labels of the ticks of the vertical axis, at most so many.
    """

    places: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    across: Callable[[int, int], list[Tick]]
    word: str
    scale: Scale
    up: Callable[[int], tuple[list[float], list[str]]]


class CurveChart(NamedLinesChart):
    """Curves with the name of each candidate at the end of its curve."""

    curves: tuple[Curve, ...] = ()
    limits: tuple[LimitLine, ...] = ()

    def show(self, curves: Sequence[Curve], limits: Sequence[LimitLine] = ()) -> None:
        """Show these curves, and lines for limits."""
        self.curves, self.limits = tuple(curves), tuple(limits)
        self.show_changes()

    def draw_curves(self, canvas: Canvas, curves: Sequence[Curve], axes: Axes, *titles: str) -> None:
        """Draw both axes, the curves, and the names at their ends."""
        limits, scale = self.limits, axes.scale
        titled = canvas.height >= MIN_TITLED_HEIGHT
        named = len(curves) + len(limits) <= canvas.height - titled - 2
        right, names = self.names_of(canvas, curves, limits) if named else (cell_len(axes.word) + 2, [])
        top = self.title(canvas, *titles)
        bottom = 0 if named else self.key(canvas, curves, limits, top)
        rows = canvas.height - top - 2 - bottom
        values, labels = axes.up(max(rows // 3, 2))
        left = max((cell_len(label) + 2 for label in labels), default=AXIS) + 1
        columns = canvas.width - left - right
        if columns < 2 or rows < 2:
            return
        self.begin_plot(left + columns, rows + 2, axes.across(columns, left))
        self.plt.xlim(0, max(columns - 1, 1))
        self.plt.ylim(0, 1)
        self.plt.yticks([scale.place(value) for value in values], [f" {label} " for label in labels])
        for limit in limits:
            if scale.holds(limit.seconds):
                self.plt.horizontal_line(scale.place(limit.seconds), color=self.limit_colour)
        for curve in reversed(curves):
            self._band(curve, axes, columns, rows)
        for curve in reversed(curves):
            self._curve(curve, axes, columns)
        self.draw_marks(axes, columns)
        self.end_plot(canvas, 0, top)
        self.label_ends(canvas, curves, limits, names, scale, left + columns, top, rows)
        canvas.put(left + columns, top + rows + 1, axes.word, self.muted)

    def draw_marks(self, axes: Axes, columns: int) -> None:
        """Draw what a chart adds to its curves, over them."""

    def _curve(self, curve: Curve, axes: Axes, columns: int) -> None:
        """Draw a curve with Braille dots or, without colours, its points with the candidate's shape; and its bounds."""
        colour = self.cell_colour(curve.style[0])
        x, y = axes.places(curve.x) * (columns - 1), axes.scale.places(curve.y)
        if self.app.no_color:
            self.plt.scatter(x.tolist(), y.tolist(), marker=curve.style[1], color=colour)
        else:
            self.plt.plot(x.tolist(), y.tolist(), marker="braille", color=colour)
        if curve.marked:
            self.plt.scatter(x.tolist(), y.tolist(), marker=curve.style[1], color=colour)
        if curve.dots_x.size:
            self._dots(axes.places(curve.dots_x) * (columns - 1), axes.scale.places(curve.dots_y), colour)
        if not curve.bound_x.size:
            return
        bound_x = axes.places(curve.bound_x) * (columns - 1)
        bound_y = axes.scale.places(curve.bound_y)
        self._dots(np.append(x[-1], bound_x), np.append(y[-1], bound_y), colour)
        self.plt.scatter(bound_x.tolist(), bound_y.tolist(), marker=BOUND, color=colour)

    def _dots(self, x: NDArray[np.float64], y: NDArray[np.float64], colour: CellColour) -> None:
        """Draw a dotted line through points that are in columns and in the units of the plot."""
        between = np.arange(np.ceil(x[0]) + (x.size > 1), x[-1] + (x.size == 1), 2)
        self.plt.scatter(between.tolist(), np.interp(between, x, y).tolist(), marker=_DOTS, color=colour)

    def _band(self, curve: Curve, axes: Axes, columns: int, rows: int) -> None:
        """Shade the intervals of a curve, interpolated between those that are known."""
        if curve.band_x.size < 2 or self.app.no_color:  # bands of one colour hide each other and the curves
            return
        ends = axes.places(curve.band_x) * (columns - 1)
        inner = np.arange(np.ceil(ends[0]), np.floor(ends[-1]) + 1)
        low, high = (np.interp(inner, ends, axes.scale.places(one)) * (rows - 1) for one in (curve.low, curve.high))
        cells = [
            (column, row / max(rows - 1, 1))
            for column, first, last in zip(inner.tolist(), np.rint(low).tolist(), np.rint(high).tolist(), strict=True)
            for row in np.arange(first, last + 1).tolist()
        ]
        if cells:
            across, up = zip(*cells, strict=True)
            self.plt.scatter(list(across), list(up), marker=_BAND, color=self._band_ink(curve.style[0]))

    def _band_ink(self, colour: str) -> CellColour:
        """Return the colour of a band: the candidate's, closer to the background."""
        parsed = Color.parse(colour)
        if parsed.ansi is not None:
            return self.cell_colour(colour)
        background = Color.parse(self.app.theme_variables.get("background", "#000000"))
        return background.blend(parsed, _BAND_STRENGTH).rgb
