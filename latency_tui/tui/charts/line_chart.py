"""Latency over the runs or over time, a line for each candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG, Chart
from latency_tui.tui.charts.scales import Scale, axis, line_scale, run_axis, spread, tick_labels, ticks
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import clean, fit, short_names

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_MOST_COLUMNS = 2000  # more than any terminal has
_AXIS, _LEAST_PLOT = 9, 28  # columns for the ticks' labels and for the lines
_LEAST_NAME, _MOST_NAME = 11, 24  # columns for a name at a line's end


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
    look: CandidateStyle
    runs: NDArray[np.float64]
    seconds: NDArray[np.float64]
    end: float


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
        parts = (", middle half" if many else "", LOG if scale.log else "")
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


def lines_of(
    candidates: Sequence[CandidateResult], looks: Mapping[str, CandidateStyle], *, timed: bool = False
) -> list[Line]:
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
