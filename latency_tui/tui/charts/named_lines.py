"""The base class of charts with lines: writes names at the ends of lines, or below the lines if they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.cells import cell_len

from latency_tui.text.scales import Scale
from latency_tui.text.short_names import short_names
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.ticks import separate_rows
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import fit, sanitize_line

AXIS, _MIN_PLOT = 9, 20  # columns for the labels of ticks, and for the lines
_MIN_NAME, _MAX_NAME = 11, 28  # columns for a name at the end of a line
_MIN_KEY_NAME, _MIN_ROWS = 6, 5  # columns for a name below the lines, and rows for the lines above it
_LIMIT_SHAPE = "─"


class NamedLine(Protocol):
    """A line with a name."""

    @property
    def name(self) -> str:
        """Name of the candidate."""

    @property
    def style(self) -> CandidateStyle:
        """Its colour and shape."""

    @property
    def end(self) -> float:
        """The value at the end of the line."""


class NamedLinesChart(Chart):
    """A chart with the name of each candidate at the end of its line."""

    def names_of(
        self, canvas: Canvas, lines: Sequence[NamedLine], limits: Sequence[LimitLine]
    ) -> tuple[int, list[str]]:
        """Return the number of columns for names at the ends of lines, and the names."""
        room = min(max(canvas.width - AXIS - _MIN_PLOT - 4, _MIN_NAME), _MAX_NAME)
        names = short_names([sanitize_line(line.name) for line in lines], room)
        names += [fit(limit.label, min(cell_len(limit.label), room)) for limit in limits]
        return max(map(cell_len, names), default=0) + 4, names

    def label_ends(
        self,
        canvas: Canvas,
        lines: Sequence[NamedLine],
        limits: Sequence[LimitLine],
        names: list[str],
        scale: Scale,
        left: int,
        top: int,
        rows: int,
    ) -> None:
        """Write names at the ends of lines without overlaps; a limit beyond the axis has an arrow."""
        if not names:
            return
        marks = [line.style[1] for line in lines]
        inks = [self.cell_colour(line.style[0]) for line in lines] + [self.limit_colour] * len(limits)
        for limit in limits:
            outside = "↑" if limit.seconds > scale.high else "↓"
            marks.append(_LIMIT_SHAPE if scale.holds(limit.seconds) else outside)
        ends = [*(line.end for line in lines), *(limit.seconds for limit in limits)]
        wanted = [(1 - scale.place(end)) * (rows - 1) for end in ends]
        placed = separate_rows(wanted, max(rows, len(names)))
        for mark, name, colour, row in zip(marks, names, inks, placed, strict=True):
            canvas.put(left + 1, top + row, f"{mark} {name}", colour)

    def key(self, canvas: Canvas, lines: Sequence[NamedLine], limits: Sequence[LimitLine], top: int) -> int:
        """Write a legend below the chart if names do not fit at the ends of lines; return its number of rows."""
        entries = [(line.style[1], sanitize_line(line.name), self.cell_colour(line.style[0])) for line in lines]
        entries += [(_LIMIT_SHAPE, limit.label, self.limit_colour) for limit in limits]
        most = max(canvas.height - top - 2 - _MIN_ROWS, 1)
        across = max(-(-len(entries) // most), 1)
        longest = max(cell_len(name) for _, name, _ in entries)
        across = max(across, (canvas.width - 1) // (longest + 4), 1)
        across = min(across, max((canvas.width - 1) // (_MIN_KEY_NAME + 4), 1))
        room = (canvas.width - 1) // across
        names = short_names([name for _, name, _ in entries], room - 4)
        height = min(-(-len(entries) // across), most)
        shown = entries[: height * across]
        for index, ((mark, _, colour), name) in enumerate(zip(shown, names, strict=False)):
            column, row = 1 + index % across * room, canvas.height - height + index // across
            canvas.put(column, row, f"{mark} {name}", colour)
        if len(shown) < len(entries):
            more = f"and {len(entries) - len(shown) + 1} more"
            canvas.put(1 + (across - 1) * room, canvas.height - 1, fit(more, room), self.muted)
        return height
