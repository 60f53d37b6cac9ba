"""The trend chart: the p50 of one model in the results of a plan, oldest first, with intervals and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from latency_tui.text.formatting import format_ratio
from latency_tui.text.scales import line_scale, tick_labels, ticks
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG, Chart
from latency_tui.tui.charts.ticks import Tick, fits
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import sanitize_line

if TYPE_CHECKING:
    from latency_tui.result.trend import CandidateTrend, TrendPoint

_CHANGE = "┊"


class TrendChart(Chart):
    """One point with its interval per result, and a vertical line where the p50 changed."""

    trend: CandidateTrend | None = None
    style: CandidateStyle = ("", "●")
    highlighted = ""
    note = ""

    def show(self, trend: CandidateTrend, style: CandidateStyle, *, highlighted: str = "", note: str = "") -> None:
        """Show the trend of a candidate.

        Args:
            trend: The trend.
            style: Colour and shape of the candidate.
            highlighted: Id of the result that is marked.
            note: A hint after the title, such as which of several models this is.
        """
        if (trend, style, highlighted, note) != (self.trend, self.style, self.highlighted, self.note):
            self.trend, self.style, self.highlighted, self.note = trend, style, highlighted, note
            self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw the axes, the changes, the intervals and the points."""
        points = [point for point in self.trend.points if point.p50.value] if self.trend else []
        if self.trend is None or not points:
            return
        ends = [end for point in points for end in (point.p50.low, point.p50.value, point.p50.high) if end]
        scale = line_scale(min(ends), max(ends))
        name, log = sanitize_line(self.trend.name), LOG if scale.log else ""
        results = "1 result" if len(points) == 1 else f"{len(points):,} results"
        title = f"p50 of {name}, {results}{log}"
        top = self.title(canvas, f"{title}{self.note}", title, f"p50 of {name}")
        rows = canvas.height - top - 2
        values = ticks(scale, max(rows // 3, 2))
        labels = [f" {label} " for label in tick_labels(values, always=True)]
        left = max(map(cell_len, labels), default=0) + 1
        columns = canvas.width - left - 1
        if columns < 2 or rows < 2:
            return
        places = [round((index + 0.5) * columns / len(points)) for index in range(len(points))]
        self.begin_plot(left + columns, rows + 2, _date_ticks(points, places, left + columns, left))
        self.plt.xlim(0, max(columns - 1, 1))
        self.plt.ylim(0, 1)
        self.plt.yticks([scale.place(value) for value in values], labels)
        colour = self.cell_colour(self.style[0])
        by_id = {point.result: place for point, place in zip(points, places, strict=True)}
        changes = [one for one in self.trend.changes or () if one.since in by_id]
        for change in changes:
            place = by_id[change.since] - 0.5 * columns / len(points)
            self.plt.plot([place, place], [0, 1], marker=_CHANGE, color=self.foreground)
        for point, place in zip(points, places, strict=True):
            low, high = (scale.place(end or point.p50.value or 0.0) for end in (point.p50.low, point.p50.high))
            self.plt.plot([place, place], [low, high], marker="│", color=self.muted)
        for point, place in zip(points, places, strict=True):
            mark = "◉" if point.result == self.highlighted else self.style[1]
            self.plt.scatter([place], [scale.place(point.p50.value or 0.0)], marker=mark, color=colour)
        self.end_plot(canvas, 0, top)
        free = left
        for change in changes:
            label = f"{_CHANGE} {format_ratio(change.ratio)}"
            start = left + round(by_id[change.since] - 0.5 * columns / len(points))
            if start >= free and start + cell_len(label) <= canvas.width:
                canvas.put(start, top, label, self.foreground)
                free = start + cell_len(label) + 1


def _date_ticks(points: list[TrendPoint], places: list[int], width: int, before: int) -> list[Tick]:
    """Return ticks with the dates of as many results as there is room for, at equal distances."""
    dates = [point.created_at.astimezone() for point in points]
    form = "%H:%M" if dates[0].date() == dates[-1].date() else "%Y-%m-%d"
    labels = [f"{date:{form}}" for date in dates]
    for most in range(max(width // (cell_len(labels[0]) + 3), 1), 0, -1):
        step = max((len(points) - 1) / max(most - 1, 1), 1)
        chosen = sorted({round(index * step) for index in range(most) if round(index * step) < len(points)})
        found = [Tick(places[index], labels[index]) for index in chosen]
        if fits(found, width - before, before, 1):
            return found
    return []
