"""The histogram: how the calls of each candidate are distributed, a strip of bars per candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from latency_tui.stats.empirical_distribution import bin_shares
from latency_tui.text.formatting import format_duration
from latency_tui.text.scales import LOG_FROM, Scale, line_scale
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG
from latency_tui.tui.charts.named_rows import MIN_COLUMNS, NamedRow, NamedRowsChart, arrange_rows
from latency_tui.tui.charts.ticks import duration_axis
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.result.distribution import Distribution
    from latency_tui.result.result import CandidateResult

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LAST_SHARE = 0.99
_MAX_PITCH = 8  # rows from one candidate to the next


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """The histogram of one candidate: its name, its colour and shape, and its distribution."""

    name: str
    style: CandidateStyle
    distribution: Distribution


class Histogram(NamedRowsChart):
    """A strip of bars per candidate; all have one axis, unless their latencies differ too much to be seen on one."""

    strips: tuple[Strip, ...] = ()

    def show(self, strips: Sequence[Strip]) -> None:
        """Show these strips, in this order."""
        self.strips = tuple(strips)
        self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw names on the left, bars on the right, and the ends of each axis."""
        if not self.strips:
            return
        ends = [one.distribution.quantiles([0.0, _LAST_SHARE]) for one in self.strips]
        low, high = min(float(low) for low, _ in ends), max(float(high) for _, high in ends)
        shared = line_scale(low, high) if high <= LOG_FROM * low else None
        log = shared is None and any(float(end) > LOG_FROM * float(start) for start, end in ends)
        axes = "" if shared else f", each on its own axis{LOG if log else ''}"
        top = self.title(
            canvas,
            f"histogram of the calls, without the slowest 1 %{axes}",
            f"histogram without the slowest 1 %{axes}",
            f"histogram to 99 %{', own axes' if axes else ''}{LOG if log else ''}",
        )
        rows = canvas.height - top - (2 if shared else 0)
        hidden = max(len(self.strips) - rows, 0)
        strips = self.strips[: rows - 1] if hidden else self.strips
        texts = [(format_duration(float(low)), format_duration(float(high))) for low, high in ends]
        arrangement = arrange_rows(len(strips), rows, max_pitch=_MAX_PITCH)
        left = self.put_names(canvas, [NamedRow(one.name, one.style) for one in strips], top, arrangement)
        before = 0 if shared else max(cell_len(low) for low, _ in texts) + 1
        after = 0 if shared else max(cell_len(high) for _, high in texts) + 1
        columns = canvas.width - left - 2 - before - after
        if columns < MIN_COLUMNS or rows < 1:
            return
        pitch, thick, first = arrangement
        if shared:
            self.begin_plot(columns + 2, rows + 2, duration_axis(shared, columns, 1, 1))
            self.plt.xlim(0, columns)
            self.plt.ylim(0, max(rows - 1, 1))
            self.end_plot(canvas, left, top)
        for index, (strip, (start, end)) in enumerate(zip(strips, ends[: len(strips)], strict=True)):
            own = shared or Scale(float(start), max(float(end), float(start) * 1.001), log=log)
            bottom = top + first + index * pitch + thick - 1
            self._strip(canvas, strip, own, left + 1 + before, columns, bottom, 8 * thick - (pitch == thick))
            if not shared:
                canvas.put(left + before - cell_len(texts[index][0]), bottom, texts[index][0], self.muted)
                canvas.put(left + 2 + before + columns, bottom, texts[index][1], self.muted)
        if hidden:
            canvas.put(left + 1, top + rows - 1, f"and {hidden + 1} slower", self.muted)

    def _strip(
        self, canvas: Canvas, strip: Strip, scale: Scale, left: int, columns: int, bottom: int, most: int
    ) -> None:
        """Draw the bars of a strip from its bottom row upwards, at most so many eighths of a row high."""
        spaced = np.geomspace if scale.log else np.linspace
        edges = spaced(scale.low, scale.high, columns + 1)
        shares = bin_shares(strip.distribution.shares, strip.distribution.seconds, edges)
        eighths = _heights(shares, most)
        colour = self.cell_colour(strip.style[0])
        for column, height in enumerate(eighths.tolist()):
            for row in range(-(-most // 8)):
                if (part := min(max(height - 8 * row, 0), 8)) > 0:
                    canvas.put(left + column, bottom - row, _EIGHTHS[part], colour)


def _heights(shares: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return the heights of bars in eighths of a row, at most so many; a bar with any calls is visible."""
    tallest = float(shares.max(initial=0.0))
    if tallest <= 0:
        return np.zeros(shares.size, dtype=np.int64)
    heights = np.rint(shares / tallest * most).astype(np.int64)
    visible: NDArray[np.int64] = np.where((shares > 1e-12) & (heights == 0), 1, heights)
    return visible


def strips_of(candidates: Sequence[CandidateResult], candidate_styles: Mapping[str, CandidateStyle]) -> list[Strip]:
    """Return a strip for each candidate with a distribution, in the given order."""
    return [
        Strip(candidate.name, candidate_styles[candidate.slug], candidate.distribution)
        for candidate in candidates
        if candidate.status != "failed" and candidate.distribution is not None
    ]
