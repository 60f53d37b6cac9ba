"""The cells of a chart: a plot drawn by plotext, with a title and names around it."""

from __future__ import annotations

from itertools import groupby

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.css.styles import RulesMap
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

from latency_tui.tui.charts.plotext_private import CellColour

_PLAIN = "default"
_SECOND_HALF = "\u200b"
"""A zero-width character, which marks the second cell of a wide character."""


class Canvas(Visual):
    """Rows of cells, each with a character and a colour.

    Args:
        width: Number of columns.
        height: Number of rows.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._letters = [[" "] * width for _ in range(height)]
        self._colours: list[list[CellColour]] = [[_PLAIN] * width for _ in range(height)]

    def put(self, column: int, row: int, text: str, colour: CellColour) -> None:
        """Write text from a cell to the right; text outside the canvas is cut off."""
        for letter in text:
            size = cell_len(letter)
            if size == 0:
                continue
            if 0 <= row < self.height and column >= 0 and column + size <= self.width:
                self._letters[row][column] = letter
                self._colours[row][column] = colour
                if size == 2:
                    self._letters[row][column + 1] = _SECOND_HALF
                    self._colours[row][column + 1] = colour
            column += size

    def paste(self, column: int, row: int, letters: list[list[str]], cell_colours: list[list[CellColour]]) -> None:
        """Copy rows of cells into this canvas, with the upper left corner at a cell."""
        for offset, (texts, colours) in enumerate(zip(letters, cell_colours, strict=True)):
            self._letters[row + offset][column : column + len(texts)] = texts
            self._colours[row + offset][column : column + len(texts)] = colours

    def text(self) -> str:
        """Return the characters, one line per row."""
        return "\n".join("".join(row).replace(_SECOND_HALF, "").rstrip() for row in self._letters)

    def changes(self, before: Canvas) -> list[Region]:
        """Return the regions that differ from a canvas of the same size: per row, the first to the last column."""
        regions = []
        for row in range(self.height):
            letters, others = self._letters[row], before._letters[row]
            cell_colours, other_colours = self._colours[row], before._colours[row]
            if letters == others and cell_colours == other_colours:
                continue
            cells = zip(letters, others, cell_colours, other_colours, strict=True)
            columns = [c for c, (new, old, colour, other) in enumerate(cells) if new != old or colour != other]
            regions.append(Region(columns[0], row, columns[-1] - columns[0] + 1, 1))
        return regions

    def render_strips(self, _width: int, _height: int | None, style: Style, _options: RenderOptions) -> list[Strip]:
        """Return the rows as Textual's strips, with a style as the background."""
        base = style.rich_style
        styles: dict[CellColour, RichStyle] = {_PLAIN: base}
        strips = []
        for letters, cell_colours in zip(self._letters, self._colours, strict=True):
            segments = []
            at = 0
            for colour, run in groupby(cell_colours):
                end = at + sum(1 for _ in run)
                if colour not in styles:
                    styles[colour] = base + RichStyle(color=_rich(colour))
                segments.append(Segment("".join(letters[at:end]), styles[colour]))
                at = end
            strips.append(Strip(segments))
        return strips

    def get_optimal_width(self, _rules: RulesMap, _container_width: int) -> int:
        """Return the number of columns."""
        return self.width

    def get_height(self, _rules: RulesMap, _width: int) -> int:
        """Return the number of rows."""
        return self.height


def _rich(colour: CellColour) -> RichColor:
    if isinstance(colour, tuple):
        return RichColor.from_rgb(*colour)
    return RichColor.default() if isinstance(colour, str) else RichColor.from_ansi(colour)
