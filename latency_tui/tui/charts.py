"""The charts, drawn by plotext: the only module that imports textual_plotext; its traps are known here and in `canvas`.

Positions are computed here, so that bars are even, labels neither collide nor get lost, and no chart is drawn that
plotext would fail at (an infinite value, a bar chart narrower than its labels, a second log draw). It is imported after
the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.content import Content
from textual.reactive import Reactive
from textual.visual import Visual
from textual_plotext import PlotextPlot

from latency_tui.text.formatting import format_duration
from latency_tui.tui.canvas import Canvas, Picture
from latency_tui.tui.scales import (
    Scale,
    axis,
    bar_scale,
    line_scale,
    minor_ticks,
    run_axis,
    short_names,
    spread,
    tick_labels,
    ticks,
)
from latency_tui.tui.styles import Look
from latency_tui.tui.text import clean, fit

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_MOST_COLUMNS = 2000  # more than any terminal has
_AXIS, _LEAST_PLOT = 9, 28  # columns for the ticks' labels and for the lines
_LEAST_NAME, _MOST_NAME = 11, 24  # columns for a name at a line's end
_LOG = ", log scale"
_VALUES_FROM = 48  # columns from which bars have room for their figures


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a median and, where it is known, the 99th percentile for its whisker; seconds."""

    name: str
    look: Look
    value: float
    whisker: float | None
    open_end: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line.

    Attributes:
        name: The candidate's name.
        look: Its colour and shape.
        runs: Run numbers from 1, or seconds spent in calls, `(n_points,)`, ascending.
        seconds: Latencies, `(n_points,)`.
        end: Where the line ends, in seconds: the median of its last tenth.
    """

    name: str
    look: Look
    runs: NDArray[np.float64]
    seconds: NDArray[np.float64]
    end: float


class Chart(PlotextPlot, can_focus=True):
    """A chart that cannot fail: what plotext raises becomes a sentence in its place.

    Attributes:
        way_out: Which keys leave it where it is enlarged.
    """

    ALLOW_MAXIMIZE: ClassVar[bool | None] = True
    ALLOW_SELECT: ClassVar[bool] = False
    auto_links = Reactive(False)  # as in what is painted
    way_out = ""
    _picture: Picture | None = None
    _drawn: Visual | None = None
    _drawn_for: tuple[object, ...] = ()
    _shown = 0

    def render(self) -> Visual:
        """Draw at the size the widget has now; what would look the same is not drawn again."""
        wanted = (self._shown, self.size, self.app.theme, self.has_focus, self.is_maximized, self.way_out)
        if self._drawn is None or wanted != self._drawn_for:
            self._drawn, self._drawn_for = self._draw(*self.size), wanted
        return self._drawn

    def _draw(self, width: int, height: int) -> Visual:
        if width < 4 or height < 3:
            return Content("")
        try:
            canvas = Canvas(self, width, height)
            self.draw(canvas)
            if self._picture is None or not canvas.shows(self._picture):
                self._picture = canvas.picture()
            return self._picture
        except Exception as error:  # noqa: BLE001  # whatever plotext raises: the figures beside the chart are still good
            self.log.error(repr(error))
            return Content.styled(f"This chart could not be drawn at {width} × {height}.", "dim")

    def show_changes(self) -> None:
        """Draw what is to be shown now, and have the terminal told of the cells that differ from before."""
        self._shown += 1
        before, now = self._drawn, self.render()
        if isinstance(before, Picture) and isinstance(now, Picture) and before.size == now.size:
            if regions := now.changes(before):
                self.refresh(*regions)
        else:
            self.refresh()

    def tell_way_out(self, keys: str) -> None:
        """Say which keys leave it where it is enlarged."""
        if keys != self.way_out:
            self.way_out = keys
            self.refresh()

    def draw(self, canvas: Canvas) -> None:
        """Put ink on the canvas."""
        raise NotImplementedError


class BarChart(Chart):
    """Medians as bars from fast to slow, each with a whisker to p99."""

    bars: tuple[Bar, ...] = ()

    def show(self, bars: Sequence[Bar]) -> None:
        """Draw these bars, in this order."""
        if tuple(bars) != self.bars:
            self.bars = tuple(bars)
            self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw names, bars, whiskers and the axis."""
        bars = [bar for bar in self.bars if np.isfinite(bar.value) and bar.value > 0]
        if not bars:
            return
        ends = [max(bar.value, bar.whisker or 0.0) for bar in bars]
        scale = bar_scale(min(bar.value for bar in bars), max(ends))
        top = canvas.title(f"median, whisker to p99{_LOG if scale.log else ''}", self, self.way_out)
        rows = canvas.height - top - 2
        hidden = max(len(bars) - rows, 0)
        bars = bars[: rows - 1] if hidden else bars
        names = short_names([clean(bar.name) for bar in bars], max(canvas.width // 2 - 4, 6))
        values = [format_duration(bar.value) if canvas.width >= _VALUES_FROM else "" for bar in bars]
        named = max(cell_len(name) for name in names)
        figures = max(cell_len(value) for value in values)
        left = named + 4 + (figures + 2 if figures else 0)
        width = canvas.width - left - 2
        pitch = max(min(rows // max(len(bars), 1), 4), 1)
        thick = max(pitch - 1, 1)
        first = top + max((rows - pitch * len(bars) + (pitch - thick)) // 2, 0)
        for index, (bar, name, value) in enumerate(zip(bars, names, values, strict=True)):
            colour = canvas.ink(bar.look[0])
            y = first + index * pitch
            middle = y + (thick - 1) // 2
            canvas.put(1, middle, bar.look[1], colour)
            canvas.put(3, middle, name, colour)
            canvas.put(named + 5, middle, fit(value, figures, right=True), canvas.foreground)
            drawn = _bar(scale.place(bar.value) * width)
            for row in range(y, y + thick):
                canvas.put(left, row, drawn, colour)
            if bar.whisker is not None and bar.whisker > bar.value:
                start = len(drawn)
                end = max(min(round(scale.place(bar.whisker) * width), width), start)
                canvas.put(left + start, middle, "─" * (end - start), canvas.muted)
                canvas.put(left + end, middle, "›" if bar.open_end else "┤", canvas.muted)
        if hidden:
            canvas.put(left, canvas.height - 3, f"and {hidden + 1} slower", canvas.muted)
        canvas.horizontal_axis(left, width, axis(scale, width), minor_ticks(scale, width))


class LineChart(Chart):
    """Latency over the runs, a line a model with its name at its end."""

    lines: tuple[Line, ...] = ()
    last_run = 0.0
    timed = False

    def show(self, lines: Sequence[Line], last_run: float, *, timed: bool = False) -> None:
        """Draw these lines up to a run number; where they are `timed`, up to so many seconds of calls."""
        self.timed = timed
        self.lines = tuple(lines)
        self.last_run = last_run
        self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw both axes, the lines, and the names at their ends."""
        lines = self.lines
        if not lines:
            return
        last = max(self.last_run, *(float(line.runs[-1]) for line in lines))
        last = last if self.timed else max(last, 1)
        named = len(lines) <= canvas.height - 3
        longest = min(max(canvas.width - _AXIS - _LEAST_PLOT, _LEAST_NAME), _MOST_NAME)
        names = short_names([clean(line.name) for line in lines], longest)
        right = max(cell_len(name) for name in names) + 4 if named else len(" runs ")
        columns = canvas.width - _AXIS - right
        drawn = [reduce(x.runs, x.seconds, max(round(columns * x.runs[-1] / last), 1)) for x in lines]
        many = any(seconds.size < line.seconds.size for line, (_, seconds) in zip(lines, drawn, strict=True))
        seen = np.concatenate([seconds for _, seconds in drawn])
        scale = line_scale(float(seen.min()), float(seen.max()))
        title = "latency over time" if self.timed else "latency over the runs"
        parts = (", middle half" if many else "", _LOG if scale.log else "")
        fitting = title + "".join(parts) if len(title + "".join(parts)) < canvas.width else title + parts[1]
        top = canvas.title(fitting, self, self.way_out)
        rows = canvas.height - top - 2
        values = ticks(scale, max(rows // 3, 2))
        labels = tick_labels(values, always=True)
        left = max((cell_len(label) for label in labels), default=0) + 3
        width = canvas.width - left - right
        for value, label in zip(values, labels, strict=True):
            row = top + round((1 - scale.place(value)) * (rows - 1))
            canvas.put(1, row, fit(label, left - 3, right=True), canvas.muted)
            canvas.put(left - 1, row, "┤", canvas.muted)
        for row in range(top, top + rows):
            if not canvas.inked(left - 1, row):
                canvas.put(left - 1, row, "│", canvas.muted)
        ends: list[float] = []
        for line, (runs, seconds) in zip(reversed(lines), reversed(drawn), strict=True):
            across = runs / last if self.timed else (runs - 1) / max(last - 1, 1)
            up = np.array([scale.place(float(value)) for value in seconds])
            canvas.polyline(left, top, width, rows, across, up, canvas.ink(line.look[0]), line.look[1])
            ends.insert(0, (1 - scale.place(line.end)) * (rows - 1))
        if named:
            for line, name, row in zip(lines, names, spread(ends, rows), strict=True):
                canvas.put(left + width + 1, top + row, f"{line.look[1]} {name}", canvas.ink(line.look[0]))
        across_ticks = axis(Scale(0.0, last, log=False), width) if self.timed else run_axis(1, int(last), width)
        canvas.horizontal_axis(left, width, across_ticks)
        canvas.put(left + width + 1, canvas.height - 1, "time" if self.timed else "runs", canvas.muted)


def bars_of(candidates: Sequence[CandidateResult], looks: Mapping[str, Look]) -> list[Bar]:
    """Return a bar for each candidate with numbers, in the order given."""
    bars: list[Bar] = []
    for candidate in candidates:
        statistics = candidate.statistics
        if statistics is None or statistics.p50.value is None or candidate.status == "failed":
            continue
        p99 = statistics.p99
        known = not p99.is_bound
        whisker = p99.value if known else p99.low if p99.low is not None else p99.value
        bars.append(Bar(candidate.name, looks[candidate.slug], statistics.p50.value, whisker, open_end=not known))
    return bars


def lines_of(candidates: Sequence[CandidateResult], looks: Mapping[str, Look], *, timed: bool = False) -> list[Line]:
    """Return a line for each candidate with samples, in the order given; long ones are thinned to what can be seen.

    Args:
        candidates: What was measured.
        looks: How each looks.
        timed: Whether a line goes over the seconds spent in calls, and not over the calls.
    """
    lines: list[Line] = []
    for candidate in candidates:
        samples = candidate.samples
        if samples is None or not samples.size or candidate.status == "failed" or not np.isfinite(samples).all():
            continue
        runs = np.linspace(1, max(candidate.calls, samples.size), samples.size)
        if timed:
            runs = np.cumsum(samples) * (runs[-1] / samples.size)
        end = float(np.median(samples[-max(samples.size // 10, 1) :]))
        lines.append(Line(candidate.name, looks[candidate.slug], *reduce(runs, samples, _MOST_COLUMNS), end))
    return lines


def _quartiles(count: int) -> tuple[int, int]:
    """Return the places of the lower and upper quartile among so many in order: the ends where they are few."""
    return (count - 1) // 4, count - 1 - (count - 1) // 4


def reduce(
    runs: NDArray[np.float64], seconds: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most two points a column: the quartiles of its latencies, in the order in which they were measured.

    Single slow calls are for the whisker and the percentiles to tell; drawn here, they would hide all else.

    Args:
        runs: Run numbers, `(n_points,)`.
        seconds: Latencies, `(n_points,)`.
        columns: Columns that they will be drawn in.
    """
    count = seconds.size
    if count <= 2 * columns:
        return runs, seconds
    size = -(-count // columns)
    whole = count // size * size
    rows = seconds[:whole].reshape(-1, size)
    starts = np.arange(0, whole, size)
    picks = [starts + rows.argsort(axis=1)[:, place] for place in _quartiles(size)]
    if whole < count:
        rest = seconds[whole:].argsort()
        picks += [whole + rest[[place]] for place in _quartiles(count - whole)]
    chosen = np.sort(np.concatenate(picks))
    return runs[chosen], seconds[chosen]


def _bar(length: float) -> str:
    full = int(length)
    rest = int((length - full) * 8)
    return "█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "") or "▏"
