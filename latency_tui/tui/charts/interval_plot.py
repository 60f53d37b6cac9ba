"""The interval plot: ratios to the baseline with confidence intervals, a line per candidate, on a logarithmic scale."""

from __future__ import annotations

import math
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from latency_tui.tui.styles import FAINT
from latency_tui.tui.widgets.styled_lines import Piece

if TYPE_CHECKING:
    from collections.abc import Iterable

    from latency_tui.result.saved_comparison import CandidateRatio
    from latency_tui.stats.comparison import Comparison

_OUTLYING = 4.0
"""The scale leaves a model out if it is more than this many times as far from 1, in logarithms, as the next one."""
_BELOW_ONE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
_ABOVE_ONE = (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1.25, 1.1, 1.05, 1.02, 1.01)


class RatioScale:
    """A logarithmic scale for ratios, which always includes 1."""

    def __init__(self, low: float, high: float, width: int) -> None:
        self._low = math.log(low)
        self._span = max(math.log(high) - self._low, 1e-9)
        self._width = width

    @classmethod
    def over(cls, comparisons: Iterable[Comparison | CandidateRatio], width: int) -> RatioScale:
        """Return a scale that includes the intervals of all comparisons except outliers."""
        extents: list[tuple[float, float]] = []
        for comparison in comparisons:
            ends = [end for end in (comparison.low, comparison.ratio, comparison.high) if end and end > 0]
            extents += [(min(1.0, *ends), max(1.0, *ends))] if ends else []
        extents.sort(key=lambda extent: max(-math.log(extent[0]), math.log(extent[1])), reverse=True)
        reach = [max(-math.log(low), math.log(high)) for low, high in extents]
        while len(reach) > 1 and reach[0] > _OUTLYING * reach[1] > 0:  # an outlier would leave no room for the others
            del reach[0], extents[0]
        low = min((low for low, _ in extents), default=1.0)
        high = max((high for _, high in extents), default=1.0)
        margin = max((high / low) ** 0.04, 1.005)
        return cls(low / margin, high * margin, width)

    def column(self, ratio: float) -> int:
        """Return the column in which a ratio is drawn."""
        place = (math.log(ratio) - self._low) / self._span * (self._width - 1)
        return min(max(round(place), 0), self._width - 1)

    def draw(self, low: float | None, ratio: float | None, high: float | None, colour: str) -> list[Piece]:
        """Return one line of the plot: a vertical bar at 1, the interval as a line, and the ratio as a dot."""
        cells = [(" ", "")] * self._width
        cells[self.column(1.0)] = ("│", FAINT)
        if low and high and low > 0:
            start, end = self.column(low), self.column(high)
            for column in range(start, end + 1):
                cells[column] = ("━", colour)
            if end - start >= 2:
                cells[start], cells[end] = ("┣", colour), ("┫", colour)
        if ratio:
            place = math.log(ratio) - self._low
            mark = "‹" if place < 0 else "›" if place > self._span else "●"
            cells[self.column(ratio)] = (mark, colour)
        runs = groupby(cells, key=itemgetter(1))
        return [("".join(letter for letter, _ in run), style) for style, run in runs]

    def ticks(self) -> str:
        """Return a line with labels of round ratios that do not touch each other."""
        ratios = [1.0, *_ABOVE_ONE, *_BELOW_ONE, 1.5, 3.0, 7.0, 0.7]
        line = [" "] * self._width
        for ratio in ratios:
            if not self._low <= math.log(ratio) <= self._low + self._span:
                continue
            label = "1" if ratio == 1 else f"{ratio:,.0f}×" if ratio >= 100 else f"{float(f'{ratio:.3g}'):g}×"
            start = min(max(self.column(ratio) - len(label) // 2, 0), self._width - len(label))
            room = line[max(start - 2, 0) : start + len(label) + 2]
            if start >= 0 and all(cell == " " for cell in room):
                line[start : start + len(label)] = label
        return "".join(line).rstrip()
