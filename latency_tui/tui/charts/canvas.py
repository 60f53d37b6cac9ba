"""A canvas of cells that plotext fills, and the picture that comes of it; the charts draw on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.css.styles import RulesMap
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

if TYPE_CHECKING:
    from textual_plotext import PlotextPlot

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bits of braille's dots by row and column of a cell (Unicode 15, chapter 21)."""

Ink = str | int | tuple[int, int, int]
"""A colour as plotext takes it."""
Cells = Mapping[tuple[int, int], tuple[str, Ink]]
"""Letter and colour by column and row."""

_BLANK: tuple[str, Ink] = (" ", "")


class Picture(Visual):
    """What Textual draws: rows of letters, each in the colour of its cell.

    Args:
        size: Columns and rows.
        rows: The letters, one a cell.
        cells: The colours; cells that are missing are blank.
    """

    def __init__(self, size: tuple[int, int], rows: Sequence[str], cells: Cells) -> None:
        self.size = size
        self.cells = cells
        self._rows = rows

    def render_strips(self, _width: int, _height: int | None, style: Style, _options: RenderOptions) -> list[Strip]:
        """Return the rows as Textual's strips, over a style."""
        base = style.rich_style
        styles: dict[Ink, RichStyle] = {}
        strips = []
        for row, letters in enumerate(self._rows):
            segments = []
            inks = [self.cells.get((column, row), _BLANK)[1] for column in range(len(letters))]
            at = 0
            for ink, run in groupby(inks):
                count = len(list(run))
                if ink not in styles:
                    styles[ink] = base + RichStyle(color=_rich(ink)) if ink != _BLANK[1] else base
                segments.append(Segment(letters[at : at + count], styles[ink]))
                at += count
            strips.append(Strip(segments))
        return strips

    def changes(self, before: Picture) -> list[Region]:
        """Return what differs from a picture of the same size: of each row the columns from first to last."""
        ends: dict[int, tuple[int, int]] = {}
        for column, row in {cell for cell, _ in self.cells.items() ^ before.cells.items()}:
            first, last = ends.get(row, (column, column))
            ends[row] = min(first, column), max(last, column)
        return [Region(first, row, last - first + 1, 1) for row, (first, last) in ends.items()]

    def get_optimal_width(self, _rules: RulesMap, _container_width: int) -> int:
        """Return its width."""
        return self.size[0]

    def get_height(self, _rules: RulesMap, _width: int) -> int:
        """Return its height."""
        return self.size[1]


class Canvas:
    """Cells to draw on, by plotext; rows count from the top.

    Args:
        chart: The widget that owns the plot.
        width: Columns.
        height: Rows.
    """

    def __init__(self, chart: PlotextPlot, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._plt = chart.plt
        self._plain = chart.app.no_color
        self._cells: dict[tuple[int, int], tuple[str, Ink]] = {}
        variables = chart.app.theme_variables
        self.foreground = _ink(variables.get("foreground", "#ffffff"))
        background = variables.get("background", "#000000")
        if chart.app.current_theme.ansi:
            self.muted: Ink = "default"
        else:
            self.muted = Color.parse(background).blend(Color.parse(variables["foreground"]), 0.7).rgb
        plt = self._plt
        plt.clear_figure()
        plt.plotsize(width, height)
        plt._set_size(width, height)  # plotsize alone keeps an old size: textual-plotext's issue 5
        plt.xaxes(False, False)
        plt.yaxes(False, False)
        plt.xfrequency(0)
        plt.yfrequency(0)
        plt.canvas_color("default")
        plt.axes_color("default")
        plt.xlim(0, width - 1)
        plt.ylim(0, height - 1)

    def ink(self, colour: str) -> Ink:
        """Return a style's colour as plotext takes it."""
        return _ink(colour)

    def put(self, column: int, row: int, text: str, ink: Ink) -> None:
        """Write text from a cell on to the right; what lies outside is left out."""
        for letter in text:
            size = cell_len(letter)
            if size == 0:
                continue
            if 0 <= row < self.height and column >= 0 and column + size <= self.width:
                self._cells[column, row] = (letter, ink)
                if size == 2:
                    self._cells[column + 1, row] = (
                        "\u200b",
                        ink,
                    )  # a wide letter fills two cells: the second stays empty
            column += size

    def inked(self, column: int, row: int) -> bool:
        """Return whether something was put there."""
        return (column, row) in self._cells

    def title(self, text: str, chart: PlotextPlot, way_out: str) -> int:
        """Write a title where there is room, and how to leave an enlarged chart; returns the first row below."""
        if self.height < 12:
            return 0
        self.put(1, 0, text, self.foreground if chart.has_focus else self.muted)
        if chart.has_focus:
            self.put(0, 0, "▸", self.foreground)
        if chart.is_maximized and self.width > len(text) + len(way_out) + 4:
            self.put(self.width - len(way_out) - 1, 0, way_out, self.muted)
        return 1

    def horizontal_axis(
        self, left: int, width: int, marks: list[tuple[int, int, str]], minor: Sequence[int] = ()
    ) -> None:
        """Draw the lowest two rows: a line with ticks, and their labels."""
        self.put(left - 1, self.height - 2, "└" + "─" * width, self.muted)
        for column in minor:
            self.put(left + column, self.height - 2, "┴", self.muted)
        for column, start, label in marks:
            self.put(left + column, self.height - 2, "┴", self.muted)
            self.put(left + start, self.height - 1, label, self.muted)

    def polyline(
        self,
        left: int,
        top: int,
        width: int,
        rows: int,
        across: NDArray[np.float64],
        up: NDArray[np.float64],
        ink: Ink,
        shape: str,
    ) -> None:
        """Draw a line through points given as shares of the area, in dots of braille (2 × 4 a cell)."""
        if width <= 0 or rows <= 0:
            return
        dots_x = np.round(across * (2 * width - 1)).astype(np.int64)
        dots_y = np.round((1 - up) * (4 * rows - 1)).astype(np.int64)
        if not self._plain:
            dots_x, dots_y = trace(dots_x, dots_y)
        bits = np.zeros((rows, width), dtype=np.int64)
        np.bitwise_or.at(bits, (dots_y // 4, dots_x // 2), _DOTS[dots_y % 4, dots_x % 2])
        for row, column in np.argwhere(bits).tolist():
            letter = shape if self._plain else chr(0x2800 + int(bits[row, column]))
            self._cells[left + column, top + row] = (letter, ink)

    def shows(self, picture: Picture) -> bool:
        """Return whether a picture made before is what stands on this canvas."""
        return picture.size == (self.width, self.height) and picture.cells == self._cells

    def picture(self) -> Picture:
        """Have plotext draw the letters; the colours are laid over them here, which spares taking its codes apart."""
        x = [column for column, _ in self._cells]
        y = [self.height - 1 - row for _, row in self._cells]
        if self._cells:
            letters = [letter for letter, _ in self._cells.values()]
            self._plt.scatter(x, y, marker=letters, color="default")  # type: ignore[arg-type]  # takes a list too
        rows = self._plt.uncolorize(self._plt.build()).rstrip("\n").split("\n")
        return Picture((self.width, self.height), rows, self._cells)


def trace(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every dot of the lines from point to point; plotext does it a point at a time, ten times slower."""
    if x.size < 2:
        return x, y
    steps = np.maximum(np.maximum(np.abs(np.diff(x)), np.abs(np.diff(y))), 1)
    starts = np.repeat(np.cumsum(steps) - steps, steps)
    share = (np.arange(int(steps.sum())) - starts) / np.repeat(steps, steps)
    dots = [
        np.append(np.round(np.repeat(v[:-1], steps) + share * np.repeat(np.diff(v), steps)), v[-1]).astype(np.int64)
        for v in (x, y)
    ]
    return dots[0], dots[1]


def _ink(colour: str) -> Ink:
    parsed = Color.parse(colour)
    if parsed.ansi is not None:
        return "default" if parsed.ansi < 0 else parsed.ansi
    return parsed.rgb


def _rich(ink: Ink) -> RichColor:
    if isinstance(ink, tuple):
        return RichColor.from_rgb(*ink)
    return RichColor.default() if isinstance(ink, str) else RichColor.from_ansi(ink)
