"""The box plot: the middle half of each candidate's calls as a box, the median in it, whiskers to 1 % and 99 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latency_tui.text.formatting import format_duration
from latency_tui.text.scales import Scale, line_scale
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG
from latency_tui.tui.charts.named_rows import MIN_COLUMNS, NamedRow, NamedRowsChart, arrange_rows
from latency_tui.tui.charts.ticks import duration_axis, minor_columns
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_LOW, _FIRST_QUARTER, _THIRD_QUARTER = 0.01, 0.25, 0.75


@dataclass(frozen=True, slots=True)
class Box:
    """The box of one candidate; latencies in seconds.

    Attributes:
        name: Name of the candidate.
        style: Its colour and shape.
        low: The latency that 1 % of the calls did not exceed.
        first: The first quartile.
        median: The median.
        third: The third quartile.
        high: The 99th percentile, or its lower bound.
        open_end: Whether `high` is a lower bound.
    """

    name: str
    style: CandidateStyle
    low: float
    first: float
    median: float
    third: float
    high: float
    open_end: bool = False


class BoxPlot(NamedRowsChart):
    """A box per candidate, from fast to slow."""

    boxes: tuple[Box, ...] = ()

    def show(self, boxes: Sequence[Box]) -> None:
        """Show these boxes, in this order."""
        if tuple(boxes) != self.boxes:
            self.boxes = tuple(boxes)
            self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw names and medians on the left; boxes, whiskers and the axis on the right."""
        if not self.boxes:
            return
        scale = line_scale(min(box.low for box in self.boxes), max(box.high for box in self.boxes))
        log = LOG if scale.log else ""
        title = "box: middle half, line: median, whiskers: 1 % to 99 %"
        top = self.title(canvas, f"{title}{log}", f"middle half, whiskers to 1 % and 99 %{log}", f"boxes{log}")
        rows = canvas.height - top - 2
        hidden = max(len(self.boxes) - rows, 0)
        boxes = self.boxes[: rows - 1] if hidden else self.boxes
        arrangement = arrange_rows(len(boxes), rows)
        named = [NamedRow(box.name, box.style, format_duration(box.median)) for box in boxes]
        left = self.put_names(canvas, named, top, arrangement)
        columns = canvas.width - left - 2
        if columns < MIN_COLUMNS or rows < 1:
            return
        pitch, thick, first = arrangement
        thick -= thick % 2 == 0  # so that a whisker is in the middle
        self.begin_plot(columns + 2, rows + 2, duration_axis(scale, columns, 1, 1))
        self.plt.xlim(0, columns)
        self.plt.ylim(0, max(rows - 1, 1))
        for index, box in enumerate(boxes):
            highest = rows - 1 - first - index * pitch
            self._box(box, scale, columns, range(highest, highest - thick, -1))
        self.end_plot(canvas, left, top)
        for column in minor_columns(scale, columns):
            canvas.put(left + 1 + column, canvas.height - 2, "┬", self.muted)
        if hidden:
            canvas.put(left + 1, top + rows - 1, f"and {hidden + 1} slower", self.muted)

    def _box(self, box: Box, scale: Scale, columns: int, rows: range) -> None:
        """Draw a box on rows of the plot, counted from below."""
        colour, middle = self.cell_colour(box.style[0]), rows[(len(rows) - 1) // 2]
        low, first, median, third, high = (
            round(scale.place(value) * (columns - 1)) for value in (box.low, box.first, box.median, box.third, box.high)
        )
        if high > low:
            self.plt.plot([low, high], [middle, middle], marker="─", color=self.muted)
        for row in rows:
            self.plt.plot([first, third], [row, row], marker="█", color=colour)
        if low < first:
            self.plt.text("├", low, middle, color=self.muted, alignment="left")
        if high > third:
            self.plt.text("›" if box.open_end else "┤", high, middle, color=self.muted, alignment="left")
        line, colour = ("┃", self.foreground) if first < third else ("▌", colour)
        self.plt.text("\n".join(line * len(rows)), median, rows[0], color=colour, alignment="left")


def boxes_of(candidates: Sequence[CandidateResult], candidate_styles: Mapping[str, CandidateStyle]) -> list[Box]:
    """Return a box for each candidate with a distribution, in the given order."""
    boxes: list[Box] = []
    for candidate in candidates:
        statistics, found = candidate.statistics, candidate.distribution
        if candidate.status == "failed" or statistics is None or found is None or statistics.p50.value is None:
            continue
        low, first, third = found.quantiles([_LOW, _FIRST_QUARTER, _THIRD_QUARTER]).tolist()
        p50, p99 = statistics.p50.value, statistics.p99
        high = p99.low if p99.is_bound else p99.value
        high = max(high if high is not None else third, third)
        style = candidate_styles[candidate.slug]
        boxes.append(
            Box(candidate.name, style, low, min(first, p50), p50, max(third, p50), high, open_end=p99.is_bound)
        )
    return boxes
