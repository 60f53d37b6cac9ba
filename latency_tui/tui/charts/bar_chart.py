"""Medians as bars, each with a whisker to p99."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len

from latency_tui.text.formatting import format_duration
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG, Chart
from latency_tui.tui.charts.scales import axis, bar_scale, minor_ticks
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import clean, fit, short_names

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_VALUES_FROM = 48  # columns from which bars have room for their figures


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a median and, where it is known, the 99th percentile for its whisker; seconds."""

    name: str
    look: CandidateStyle
    value: float
    whisker: float | None
    open_end: bool = False


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
        top = canvas.title(f"median, whisker to p99{LOG if scale.log else ''}", self, self.way_out)
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


def bars_of(candidates: Sequence[CandidateResult], looks: Mapping[str, CandidateStyle]) -> list[Bar]:
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


def _bar(length: float) -> str:
    full = int(length)
    rest = int((length - full) * 8)
    return "█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "") or "▏"
