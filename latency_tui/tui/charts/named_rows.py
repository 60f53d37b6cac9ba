"""The base class of charts with a row per candidate: writes names and figures on the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len

from latency_tui.text.short_names import short_names
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import fit, sanitize_line

MIN_COLUMNS = 2  # of a plot
_MIN_BARS, _MIN_NAME = 12, 8  # columns; if both do not fit, the figures are omitted
_MAX_PITCH = 4  # rows from one candidate to the next


@dataclass(frozen=True, slots=True)
class NamedRow:
    """The name of a candidate, its colour and shape, its figure, and a second figure in the row below."""

    name: str
    style: CandidateStyle
    figure: str = ""
    below: str = ""


class RowArrangement(NamedTuple):
    """The arrangement of candidates on rows: the distance between them, the height of each, and the first row."""

    pitch: int
    thick: int
    first: int


class NamedRowsChart(Chart):
    """A chart with rows for each candidate, from top to bottom."""

    def put_names(self, canvas: Canvas, named: Sequence[NamedRow], top: int, arrangement: RowArrangement) -> int:
        """Write names and, if there is room, figures; return the number of columns used."""
        figures = max((cell_len(figure) for one in named for figure in (one.figure, one.below)), default=0) + 2
        longest = max((cell_len(sanitize_line(one.name)) for one in named), default=0)
        room = canvas.width - _MIN_BARS - 6
        if room - figures < min(longest, _MIN_NAME):
            figures = 0
        names = short_names([sanitize_line(one.name) for one in named], max(room - figures, 4))
        widest = max((cell_len(name) for name in names), default=0)
        for index, (one, name) in enumerate(zip(named, names, strict=True)):
            start = top + arrangement.first + index * arrangement.pitch
            row = start + (arrangement.thick - 1) // 2
            canvas.put(1, row, f"{one.style[1]} {name}", self.cell_colour(one.style[0]))
            if figures:
                canvas.put(3 + widest, row, fit(one.figure, figures, right=True), self.foreground)
            if figures and one.below and arrangement.pitch > arrangement.thick:
                below = start + arrangement.thick
                canvas.put(3 + widest, below, fit(one.below, figures, right=True), self.muted)
        return widest + figures + 4


def arrange_rows(count: int, rows: int, *, max_pitch: int = _MAX_PITCH, gap: int = 1) -> RowArrangement:
    """Return the arrangement of candidates on rows.

    Args:
        count: Number of candidates.
        rows: Number of rows.
        max_pitch: Most rows from one candidate to the next.
        gap: Rows between two candidates, unless they are on consecutive rows.
    """
    pitch = max(min(rows // max(count, 1), max_pitch), 1)
    thick = max(pitch - gap, 1)
    return RowArrangement(pitch, thick, max((rows - pitch * count + (pitch - thick)) // 2, 0))
