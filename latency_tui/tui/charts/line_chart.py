"""The line chart: latency over runs or over time, one line per candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from latency_tui.text.scales import Scale, extended, line_scale, span_scale, tick_labels, ticks
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG, MIN_TITLED_HEIGHT
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.named_lines import AXIS, NamedLinesChart
from latency_tui.tui.charts.ticks import duration_axis, run_axis
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_MAX_COLUMNS = 2000  # larger than any terminal


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """The line of one candidate.

    Attributes:
        name: Name of the candidate.
        style: Its colour and shape.
        runs: Run numbers from 1, or cumulative seconds of calls, `(n_points,)`, ascending.
        seconds: Latencies, `(n_points,)`.
        end: Latency at the end of the line in seconds: the median of the last tenth of the points.
    """

    name: str
    style: CandidateStyle
    runs: NDArray[np.float64]
    seconds: NDArray[np.float64]
    end: float


class LineChart(NamedLinesChart):
    """Latency over runs or time, with the name of each model at the end of its line."""

    lines: tuple[Line, ...] = ()
    limits: tuple[LimitLine, ...] = ()
    last_run = 0.0
    timed = False

    def show(
        self, lines: Sequence[Line], last_run: float, *, timed: bool = False, limits: Sequence[LimitLine] = ()
    ) -> None:
        """Show these lines up to `last_run`, a run number or, if `timed`, a number of seconds of calls."""
        self.timed = timed
        self.lines, self.limits = tuple(lines), tuple(limits)
        self.last_run = last_run
        self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw both axes, the lines, and the names at their ends."""
        lines = self.lines
        if not lines:
            return
        last = max(self.last_run, *(float(line.runs[-1]) for line in lines))
        across = span_scale(last) if self.timed else Scale(1.0, max(last, 2.0), log=False)
        titled = canvas.height >= MIN_TITLED_HEIGHT
        named = len(lines) + len(self.limits) <= canvas.height - titled - 2
        right, names = self.names_of(canvas, lines, self.limits) if named else (len(" runs "), [])
        columns = canvas.width - AXIS - right
        drawn = [reduce(x.runs, x.seconds, max(round(columns * across.place(x.runs[-1])), 1)) for x in lines]
        seen = np.concatenate([seconds for _, seconds in drawn])
        scale = line_scale(float(seen.min()), float(seen.max()))
        scale = extended(scale, [limit.seconds for limit in self.limits])
        many = any(seconds.size < line.seconds.size for line, (_, seconds) in zip(lines, drawn, strict=True))
        top = self._title(canvas, scale, many=many)
        bottom = 0 if named else self.key(canvas, lines, self.limits, top)
        rows = canvas.height - top - 2 - bottom
        values = ticks(scale, max(rows // 3, 2))
        labels = [f" {label} " for label in tick_labels(values, always=True)]
        left = max((cell_len(label) for label in labels), default=0) + 1
        columns = canvas.width - left - right
        if columns < 2 or rows < 2:
            return
        axis = duration_axis(across, columns, left) if self.timed else run_axis(int(last), columns, left)
        self.begin_plot(left + columns, rows + 2, axis)
        self.plt.xlim(0, max(columns - 1, 1))
        self.plt.ylim(0, 1)
        self.plt.yticks([scale.place(value) for value in values], labels)
        for limit in self.limits:
            if scale.holds(limit.seconds):
                self.plt.horizontal_line(scale.place(limit.seconds), color=self.limit_colour)
        for line, (runs, seconds) in zip(reversed(lines), reversed(drawn), strict=True):
            self._line(line, across.places(runs) * (columns - 1), scale.places(seconds))
        self.end_plot(canvas, 0, top)
        self.label_ends(canvas, lines, self.limits, names, scale, left + columns, top, rows)
        after = left + columns + (bool(axis) and len(axis[-1].label) == 1)  # plotext moves longer labels to the left
        canvas.put(after, top + rows + 1, "time" if self.timed else "runs", self.muted)

    def _line(self, line: Line, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Draw a line with Braille dots or, without colours, its points with the candidate's shape."""
        colour = self.cell_colour(line.style[0])
        if self.app.no_color:
            self.plt.scatter(x.tolist(), y.tolist(), marker=line.style[1], color=colour)
        else:
            self.plt.plot(x.tolist(), y.tolist(), marker="braille", color=colour)

    def _title(self, canvas: Canvas, scale: Scale, *, many: bool) -> int:
        title = "latency over time" if self.timed else "latency over the runs"
        log = LOG if scale.log else ""
        return self.title(canvas, f"{title}{', middle half' if many else ''}{log}", f"{title}{log}", f"latency{log}")


def lines_of(
    candidates: Sequence[CandidateResult], candidate_styles: Mapping[str, CandidateStyle], *, timed: bool = False
) -> list[Line]:
    """Return a line for each candidate with samples, in the given order; long lines are reduced to fewer points.

    Args:
        candidates: The results of the candidates.
        candidate_styles: Colour and shape of each candidate, by slug.
        timed: Whether the horizontal axis shows seconds of calls instead of the number of calls.
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
        lines.append(Line(candidate.name, candidate_styles[candidate.slug], *reduce(runs, samples, _MAX_COLUMNS), end))
    return lines


def _quartiles(count: int) -> tuple[int, int]:
    """Return the indices of the lower and the upper quartile of `count` sorted values: the first and last of few."""
    return (count - 1) // 4, count - 1 - (count - 1) // 4


def reduce(
    runs: NDArray[np.float64], seconds: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most two points per column: the quartiles of its latencies, in the order in which they were measured.

    Single slow calls are visible in the whisker and the percentiles; here they would hide everything else.

    Args:
        runs: Run numbers, `(n_points,)`.
        seconds: Latencies, `(n_points,)`.
        columns: Number of columns of the line.
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
