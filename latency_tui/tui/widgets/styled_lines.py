"""A widget for lines of styled text, which draws and sends only changed lines to the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile, zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.css.styles import RulesMap
from textual.geometry import Region
from textual.reactive import Reactive
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

Piece = tuple[str, str]
"""A text and its style."""
Line = Sequence[Piece]


class LinesVisual(Visual):
    """A visual of Textual for lines that are wrapped already; they are cut at the width, without markup or layout.

    Args:
        lines: The lines, from top to bottom.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """Return the lines as Textual's strips, over a style."""
        base = style.rich_style
        styles = {"": base}
        strips = []
        for line in self._lines[:height]:
            segments = []
            for text, name in line:
                if name not in styles:
                    styles[name] = (style + options.get_style(name)).rich_style
                segments.append(Segment(text, styles[name]))
            strip = Strip(segments)
            strips.append(strip if strip.cell_length <= width else strip.crop(0, width))
        return strips

    def get_optimal_width(self, _rules: RulesMap, _container_width: int) -> int:
        """Return the width of the longest line in cells."""
        return max(map(_cells, self._lines), default=0)

    def get_height(self, _rules: RulesMap, _width: int) -> int:
        """Return the number of lines."""
        return len(self._lines)


class StyledLines(Widget):
    """Shows lines of styled text."""

    DEFAULT_CSS: ClassVar[str] = "StyledLines { height: auto; }"
    ALLOW_SELECT: ClassVar[bool] = False
    auto_links = Reactive(False)  # there are no links, and the search for links takes 5 % of each redraw
    _lines: tuple[tuple[Piece, ...], ...] = ()

    def draw(self, lines: Iterable[Line]) -> None:
        """Show these lines; only changed lines are drawn."""
        before, self._lines = self._lines, tuple(tuple(line) for line in lines)
        grown = len(before) != len(self._lines) and self.styles.is_auto_height
        if grown or self.styles.content_align != ("left", "top"):  # all lines may move
            self.refresh(layout=grown)
            return
        pairs = enumerate(zip_longest(before, self._lines))  # an empty row may be added or removed
        changed = [_changed(old, new, row, self.size.width) for row, (old, new) in pairs if old != new]
        if changed:
            self.refresh(*changed)

    def render(self) -> Visual:
        """Return what was drawn last."""
        return LinesVisual(self._lines)


def _changed(before: Line | None, now: Line | None, row: int, width: int) -> Region:
    """Return the region of a row between the unchanged pieces at its start and at its end."""
    if before is None or now is None:
        return Region(0, row, width, 1)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, now, strict=False)))
    start, end = _cells(now[:alike]), width
    if (length := _cells(now)) == _cells(before):
        rest = zip(reversed(before[alike:]), reversed(now[alike:]), strict=False)
        end = length - _cells([new for old, new in takewhile(lambda pair: pair[0] == pair[1], rest)])
    return Region(start, row, max(min(end, width) - start, 0), 1)


def _cells(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)
