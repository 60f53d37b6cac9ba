"""The bar chart: the median of each model as a bar, with a whisker to p99."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len

from latency_tui.text.formatting import format_duration
from latency_tui.text.scales import Scale, bar_scale, extended
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.named_rows import MIN_COLUMNS, NamedRow, NamedRowsChart, arrange_rows
from latency_tui.tui.charts.ticks import duration_axis, minor_columns
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.text import fit

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_EIGHTHS = "▏▎▍▌▋▊▉"
_SAVED = "░"
"""Pattern of the bar of a saved baseline, which differs from other bars without colour too."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; values in seconds.

    Attributes:
        slug: Slug of the candidate.
        name: Its name.
        style: Its colour and shape.
        value: Its median.
        whisker: Its p99 as the end of the whisker; None if it is unknown.
        open_end: Whether the p99 is only a lower bound.
        saved: Its median in the saved baseline, as a second bar; None for no such bar.
    """

    slug: str
    name: str
    style: CandidateStyle
    value: float
    whisker: float | None
    open_end: bool = False
    saved: float | None = None


class BarChart(NamedRowsChart):
    """Medians as bars from fast to slow, each with a whisker to p99, and perhaps a bar of the saved baseline below."""

    bars: tuple[Bar, ...] = ()
    limits: tuple[LimitLine, ...] = ()

    def show(self, bars: Sequence[Bar], limits: Sequence[LimitLine] = ()) -> None:
        """Show these bars, in this order, and lines for limits."""
        if (tuple(bars), tuple(limits)) != (self.bars, self.limits):
            self.bars, self.limits = tuple(bars), tuple(limits)
            self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw names and figures on the left; bars, whiskers, limits and the axis on the right."""
        bars = [bar for bar in self.bars if np.isfinite(bar.value) and bar.value > 0]
        if not bars:
            return
        ends = [max(bar.value, bar.whisker or 0.0, bar.saved or 0.0) for bar in bars]
        scale = bar_scale(min(min(bar.value, bar.saved or bar.value) for bar in bars), max(ends))
        scale = extended(scale, [limit.seconds for limit in self.limits])
        log = LOG if scale.log else ""
        saved = f", {_SAVED} saved" if any(bar.saved for bar in bars) else ""
        top = self.title(canvas, f"median, whisker to p99{saved}{log}", f"median{saved}{log}", f"median{saved}")
        rows = canvas.height - top - 2
        labelled = bool(self.limits) and rows > min(len(bars), 3)
        top, rows = top + labelled, rows - labelled
        hidden = max(len(bars) - rows, 0)
        bars = bars[: rows - 1] if hidden else bars
        arrangement = arrange_rows(len(bars), rows, gap=2 if saved else 1)  # the bar of a saved baseline is below
        left = self.put_names(canvas, [_named_row(bar) for bar in bars], top, arrangement)
        columns = canvas.width - left - 2
        if columns < MIN_COLUMNS or rows < 1:
            return
        pitch, thick, first = arrangement
        self.begin_plot(
            columns + 2, rows + 2, duration_axis(scale, columns, 1, 1)
        )  # a column for whiskers that extend beyond the plot
        self.plt.xlim(0, columns)
        self.plt.ylim(0, max(rows - 1, 1))
        for index, bar in enumerate(bars):
            highest = rows - 1 - first - index * pitch
            self._bar(bar, scale, columns, range(highest, highest - thick, -1))
            if bar.saved:
                self._saved_bar(bar, scale, columns, highest - thick, own_row=pitch > thick)
        for limit in self.limits:
            own = [index for index, bar in enumerate(bars) if limit.candidate in (None, bar.slug)]
            if own and scale.holds(limit.seconds):
                highest, count = (0, rows) if limit.candidate is None else (first + own[0] * pitch, thick)
                column = round(scale.place(limit.seconds) * (columns - 1))
                line = "\n".join("│" * count)  # as text, because plotext writes text over everything else
                self.plt.text(line, column, rows - 1 - highest, color=self.limit_colour, alignment="left")
        self.end_plot(canvas, left, top)
        for column in minor_columns(scale, columns):
            canvas.put(left + 1 + column, canvas.height - 2, "┬", self.muted)
        if hidden:
            canvas.put(left + 1, top + rows - 1, f"and {hidden + 1} slower", self.muted)
        if labelled:
            self._limit_labels(canvas, scale, left + 1, columns, top - 1)

    def _bar(self, bar: Bar, scale: Scale, columns: int, rows: range) -> None:
        """Draw a bar on rows of the plot, counted from below; its end is drawn in eighths of a cell."""
        colour, middle = self.cell_colour(bar.style[0]), rows[(len(rows) - 1) // 2]
        length = scale.place(bar.value) * columns
        full = int(length)
        end = _EIGHTHS[int((length - full) * 8) - 1] if int((length - full) * 8) else "" if full else _EIGHTHS[0]
        if full:
            self.plt.bar(
                list(rows), [full - 1] * len(rows), orientation="horizontal", width=0, fill=False, minimum=0,
                marker="█", color=colour, reset_ticks=False,
            )  # fmt: skip
        if end:
            self.plt.text("\n".join(end * len(rows)), full, rows[0], color=colour, alignment="left")
        if bar.whisker is not None and bar.whisker > bar.value:
            start = full + len(end)
            stop = max(round(scale.place(bar.whisker) * columns), start)
            if stop > start:
                self.plt.plot([start, stop - 1], [middle, middle], marker="─", color=self.muted)
            self.plt.text("›" if bar.open_end else "┤", stop, middle, color=self.muted, alignment="left")

    def _saved_bar(self, bar: Bar, scale: Scale, columns: int, row: int, *, own_row: bool) -> None:
        """Draw the bar of the saved baseline on a row; without a row of its own, only its end, over the bar above."""
        length = max(round(scale.place(bar.saved or 0.0) * columns), 1)
        text, start, row = (_SAVED * length, 0, row) if own_row else (_SAVED, length - 1, row + 1)
        self.plt.text(text, start, row, color=self.cell_colour(bar.style[0]), alignment="left")

    def _limit_labels(self, canvas: Canvas, scale: Scale, left: int, columns: int, row: int) -> None:
        """Write the label of each limit above its line, or with an arrow at the edge if it is outside the plot."""
        wanted = []
        for limit in sorted(self.limits, key=lambda limit: limit.seconds):
            column = left + round(scale.place(limit.seconds) * (columns - 1))
            label = limit.label
            if not scale.holds(limit.seconds):
                label = f"{label} →" if limit.seconds > scale.high else f"← {label}"
            wanted.append((column - cell_len(label) // 2, fit(label, min(cell_len(label), canvas.width - 2))))
        edge = canvas.width - 1
        for start, label in reversed(wanted):
            at = max(min(start, edge - cell_len(label)), 1)
            if at + cell_len(label) <= edge:
                canvas.put(at, row, label, self.limit_colour)
                edge = at - 2


def _named_row(bar: Bar) -> NamedRow:
    saved = format_duration(bar.saved) if bar.saved else ""
    return NamedRow(bar.name, bar.style, format_duration(bar.value), saved)


def bars_of(
    candidates: Sequence[CandidateResult],
    candidate_styles: Mapping[str, CandidateStyle],
    saved: Mapping[str, float] = MappingProxyType({}),
) -> list[Bar]:
    """Return a bar for each candidate that has figures, in the given order.

    Args:
        candidates: The results of the candidates.
        candidate_styles: Colour and shape of each candidate, by slug.
        saved: The median of each candidate in a saved baseline, by slug.
    """
    bars: list[Bar] = []
    for candidate in candidates:
        statistics = candidate.statistics
        if statistics is None or statistics.p50.value is None or candidate.status == "failed":
            continue
        p99 = statistics.p99
        known = not p99.is_bound
        whisker = p99.value if known else p99.low if p99.low is not None else p99.value
        slug, style = candidate.slug, candidate_styles[candidate.slug]
        value = statistics.p50.value
        bars.append(Bar(slug, candidate.name, style, value, whisker, open_end=not known, saved=saved.get(slug)))
    return bars
