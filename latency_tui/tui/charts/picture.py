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

from latency_tui.tui.charts.plotext_private import Ink

_PLAIN = "default"
_SECOND_HALF = "\u200b"
"""A zero-width character, which marks the second cell of a wide character."""


class Picture(Visual):
    """Rows of cells, each with a character and a colour.

    Args:
        width: Number of columns.
        height: Number of rows.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._letters = [[" "] * width for _ in range(height)]
        self._inks: list[list[Ink]] = [[_PLAIN] * width for _ in range(height)]

    def put(self, column: int, row: int, text: str, ink: Ink) -> None:
        """Write text from a cell to the right; text outside the picture is cut off."""
        for letter in text:
            size = cell_len(letter)
            if size == 0:
                continue
            if 0 <= row < self.height and column >= 0 and column + size <= self.width:
                self._letters[row][column] = letter
                self._inks[row][column] = ink
                if size == 2:
                    self._letters[row][column + 1] = _SECOND_HALF
                    self._inks[row][column + 1] = ink
            column += size

    def paste(self, column: int, row: int, letters: list[list[str]], inks: list[list[Ink]]) -> None:
        """Copy rows of cells into this picture, with the upper left corner at a cell."""
        for offset, (texts, colours) in enumerate(zip(letters, inks, strict=True)):
            self._letters[row + offset][column : column + len(texts)] = texts
            self._inks[row + offset][column : column + len(texts)] = colours

    def text(self) -> str:
        """Return the characters, one line per row."""
        return "\n".join("".join(row).replace(_SECOND_HALF, "").rstrip() for row in self._letters)

    def changes(self, before: Picture) -> list[Region]:
        """Return the regions that differ from a picture of the same size: per row, the first to the last column."""
        regions = []
        for row in range(self.height):
            letters, others = self._letters[row], before._letters[row]
            inks, other_inks = self._inks[row], before._inks[row]
            if letters == others and inks == other_inks:
                continue
            cells = zip(letters, others, inks, other_inks, strict=True)
            columns = [c for c, (new, old, ink, other) in enumerate(cells) if new != old or ink != other]
            regions.append(Region(columns[0], row, columns[-1] - columns[0] + 1, 1))
        return regions

    def render_strips(self, _width: int, _height: int | None, style: Style, _options: RenderOptions) -> list[Strip]:
        """Return the rows as Textual's strips, with a style as the background."""
        base = style.rich_style
        styles: dict[Ink, RichStyle] = {_PLAIN: base}
        strips = []
        for letters, inks in zip(self._letters, self._inks, strict=True):
            segments = []
            at = 0
            for ink, run in groupby(inks):
                end = at + sum(1 for _ in run)
                if ink not in styles:
                    styles[ink] = base + RichStyle(color=_rich(ink))
                segments.append(Segment("".join(letters[at:end]), styles[ink]))
                at = end
            strips.append(Strip(segments))
        return strips

    def get_optimal_width(self, _rules: RulesMap, _container_width: int) -> int:
        """Return the number of columns."""
        return self.width

    def get_height(self, _rules: RulesMap, _width: int) -> int:
        """Return the number of rows."""
        return self.height


def _rich(ink: Ink) -> RichColor:
    if isinstance(ink, tuple):
        return RichColor.from_rgb(*ink)
    return RichColor.default() if isinstance(ink, str) else RichColor.from_ansi(ink)
