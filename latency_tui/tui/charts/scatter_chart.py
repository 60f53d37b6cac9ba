"""The scatter chart: the score of each candidate against a percentile, with intervals, limits and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from textual import events

from latency_tui.text.scales import Scale, extended, line_scale, linear_scale, round_ticks
from latency_tui.text.scores import format_score
from latency_tui.text.short_names import short_names
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG, Chart
from latency_tui.tui.charts.plotext_private import CellColour
from latency_tui.tui.charts.ticks import duration_axis
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import sanitize_line
from latency_tui.tui.widgets.painted_widget import CandidatePointed

MARKS = {"choice": "← ship", "front": "✓", "undecided": "?", "dominated": "", "excluded": "✗"}
"""The mark after the name of a candidate, by its standing."""
LEGEND = "✓ Pareto front · ? undecided · ✗ left out"
_MIN_COLUMNS, _MIN_ROWS = 12, 4
_MAX_NAME = 24
_ACROSS, _UP, _FRONT = "─", "│", "·"


@dataclass(frozen=True, slots=True)
class ScatterPoint:
    """The point of one candidate.

    Attributes:
        slug: Its slug.
        name: Its name.
        style: Its colour and shape.
        seconds: The percentile, and the ends of its interval if they are known.
        score: The score, and the ends of its interval if they are known.
        standing: A key of `MARKS`.
        is_highlighted: Whether it is the highlighted model.
    """

    slug: str
    name: str
    style: CandidateStyle
    seconds: tuple[float, float | None, float | None]
    score: tuple[float, float | None, float | None]
    standing: str
    is_highlighted: bool = False


@dataclass(frozen=True, slots=True)
class ScatterLimit:
    """A limit as a line: its text, its bound, and whether it is on the score, not on the latency."""

    label: str
    bound: float
    is_on_score: bool


class ScatterChart(Chart):
    """Scores against latencies; a click on a point highlights its candidate."""

    points: tuple[ScatterPoint, ...] = ()
    limits: tuple[ScatterLimit, ...] = ()
    titles: tuple[str, str] = ("score", "p50")
    greater_is_better = True
    _cells: tuple[tuple[int, int, str], ...] = ()

    def show(
        self,
        points: Sequence[ScatterPoint],
        limits: Sequence[ScatterLimit],
        titles: tuple[str, str],
        *,
        greater_is_better: bool,
    ) -> None:
        """Show these points; `titles` are the names of the score and of the percentile."""
        self.points, self.limits, self.titles = tuple(points), tuple(limits), titles
        self.greater_is_better = greater_is_better
        self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw both axes, limits, the front, the points with their intervals, and their names."""
        self._cells = ()
        if not self.points:
            return
        times = [end for point in self.points for end in point.seconds if end is not None and end > 0]
        scores = [end for point in self.points for end in point.score if end is not None]
        across = line_scale(min(times), max(times))
        across = extended(across, [limit.bound for limit in self.limits if not limit.is_on_score])
        up = linear_scale([*scores, *(limit.bound for limit in self.limits if limit.is_on_score)])
        score, percentile = self.titles
        log = LOG if across.log else ""
        text = f"{score} against {percentile}{log}"
        top = self.title(canvas, f"{text} · {LEGEND}", text, f"{score} / {percentile}")
        rows = canvas.height - top - 2
        values = round_ticks(up, max(rows // 2 + 1, 2))
        labels = [format_score(value) for value in values]
        left = max((cell_len(label) for label in labels), default=0) + 3
        columns = canvas.width - left - 1
        if columns < _MIN_COLUMNS or rows < _MIN_ROWS:
            return
        self.begin_plot(left + columns, rows + 2, duration_axis(across, columns, left))
        self.plt.xlim(0, max(columns - 1, 1))
        self.plt.ylim(0, 1)
        self.plt.yticks([up.place(value) for value in values], [f" {label} " for label in labels])
        for limit in self.limits:
            if limit.is_on_score:
                self.plt.horizontal_line(up.place(limit.bound), color=self.limit_colour)
            elif across.holds(limit.bound):
                self.plt.vertical_line(across.place(limit.bound) * (columns - 1), color=self.limit_colour)
        self._draw_front(across, up, columns, rows)
        for point in self.points:
            self._draw_intervals(point, across, up, columns, rows)
        for point in self.points:
            x, y = across.place(point.seconds[0]) * (columns - 1), up.place(point.score[0])
            self.plt.scatter([x], [y], marker=point.style[1], color=self.cell_colour(point.style[0]))
        self.end_plot(canvas, 0, top)
        taken = self._put_limits(canvas, across, up, columns, rows, left, top)
        self._put_names(canvas, across, up, columns, rows, left, top, taken)

    def _draw_front(self, across: Scale, up: Scale, columns: int, rows: int) -> None:
        """Draw the Pareto front as dotted steps through the candidates that are not dominated in their figures."""
        sign = 1 if self.greater_is_better else -1
        found = [p for p in self.points if p.standing in ("choice", "front", "undecided")]
        steps: list[ScatterPoint] = []
        for point in sorted(found, key=lambda p: (p.seconds[0], -sign * p.score[0])):
            if not steps or sign * point.score[0] > sign * steps[-1].score[0]:
                steps.append(point)
        cells: list[tuple[float, float]] = []
        for one, other in pairwise(steps):
            start, end = (round(across.place(p.seconds[0]) * (columns - 1)) for p in (one, other))
            low, high = (round(up.place(p.score[0]) * (rows - 1)) for p in (one, other))
            cells += [(column, low / (rows - 1)) for column in range(start, end, 2)]
            cells += [(end, row / (rows - 1)) for row in range(min(low, high), max(low, high))]
        if cells:
            self.plt.scatter([x for x, _ in cells], [y for _, y in cells], marker=_FRONT, color=self.muted)

    def _draw_intervals(self, point: ScatterPoint, across: Scale, up: Scale, columns: int, rows: int) -> None:
        colour = self.cell_colour(point.style[0]) if point.standing in ("choice", "front", "undecided") else self.muted
        x, y = across.place(point.seconds[0]) * (columns - 1), up.place(point.score[0])
        _, low, high = point.seconds
        if low is not None and high is not None and low > 0:
            first, last = (round(across.place(end) * (columns - 1)) for end in (low, high))
            cells = list(range(max(first, 0), min(last, columns - 1) + 1))
            self.plt.scatter(cells, [y] * len(cells), marker=_ACROSS, color=colour)
        _, low, high = point.score
        if low is not None and high is not None:
            first, last = (round(up.place(end) * (rows - 1)) for end in (low, high))
            heights = [row / (rows - 1) for row in range(max(first, 0), min(last, rows - 1) + 1)]
            self.plt.scatter([x] * len(heights), heights, marker=_UP, color=colour)

    def _put_limits(
        self, canvas: Canvas, across: Scale, up: Scale, columns: int, rows: int, left: int, top: int
    ) -> set[tuple[int, int]]:
        """Write each limit beside its line, or with an arrow at the edge if the line is beyond the axis.

        Returns:
            The columns and rows of the texts.
        """
        taken: set[tuple[int, int]] = set()
        for limit in self.limits:
            text = sanitize_line(limit.label)
            if limit.is_on_score:
                row = top + round((1 - up.place(limit.bound)) * (rows - 1))
                first = left + columns - cell_len(text)
            else:
                holds = across.holds(limit.bound)
                column = left + round(across.place(limit.bound) * (columns - 1)) if holds else left + columns
                text = text if holds else f"{text} {'→' if limit.bound > across.high else '←'}"
                first, row = max(min(column + 1, left + columns - cell_len(text)), left), top
            canvas.put(first, row, text, self.limit_colour)
            taken |= {(cell, row) for cell in range(first, first + cell_len(text))}
        return taken

    def _put_names(
        self,
        canvas: Canvas,
        across: Scale,
        up: Scale,
        columns: int,
        rows: int,
        left: int,
        top: int,
        taken: set[tuple[int, int]],
    ) -> None:
        """Write names beside the points, where they cover neither each other nor a point nor a cell that is taken."""
        cells = [
            (
                left + round(across.place(point.seconds[0]) * (columns - 1)),
                top + round((1 - up.place(point.score[0])) * (rows - 1)),
                point.slug,
            )
            for point in self.points
        ]
        self._cells = tuple(cells)
        taken = taken | {(column + shift, row) for column, row, _ in cells for shift in (-1, 0, 1)}
        room = min(max((columns - 4) // 2, 4), _MAX_NAME)
        names = short_names([sanitize_line(point.name) for point in self.points], room)
        order = sorted(range(len(cells)), key=lambda i: (not self.points[i].is_highlighted, cells[i][1], cells[i][0]))
        for index in order:
            point, (column, row, _) = self.points[index], cells[index]
            text = f"{names[index]} {MARKS[point.standing]}".rstrip()
            text = f"▸{text}" if point.is_highlighted else text
            size = cell_len(text)
            for first, at in _places(column, row, size):
                inside = left <= first and first + size <= left + columns and top <= at < top + rows
                covered = {(cell, at) for cell in range(first - 1, first + size + 1)}
                if inside and not covered & taken:
                    canvas.put(first, at, text, self._name_colour(point))
                    taken |= covered
                    break

    def _name_colour(self, point: ScatterPoint) -> CellColour:
        if point.standing in ("dominated", "excluded") and not point.is_highlighted:
            return self.muted
        return self.cell_colour(point.style[0])

    def on_click(self, event: events.Click) -> None:
        """Highlight the candidate of the nearest point."""
        near = [(abs(column - event.x) + 2 * abs(row - event.y), slug) for column, row, slug in self._cells]
        if near:
            self.post_message(CandidatePointed(min(near)[1]))


def _places(column: int, row: int, size: int) -> list[tuple[int, int]]:
    """Return where a name may begin, the best place first: beside the point, above and below it, further away."""
    right, before = column + 2, column - 1 - size
    beside = [(right, row), (before, row)]
    for distance in range(1, 6):
        for at in (row - distance, row + distance):
            beside += [(right, at), (before, at), (column - size // 2, at)]
    return beside
