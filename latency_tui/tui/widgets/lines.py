"""Text in lines of styled pieces, of which only those that have changed are drawn and sent to the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.css.styles import RulesMap
from textual.geometry import Region
from textual.reactive import Reactive
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Static

Piece = tuple[str, str]
"""A text and its style."""
Line = Sequence[Piece]


class Drawing(Visual):
    """What Textual draws: lines as they are, cut at the width; text that is wrapped already needs no markup or layout.

    Args:
        lines: From top to bottom.
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
            strips.append(Strip(segments).adjust_cell_length(width, base))
        return strips

    def get_optimal_width(self, _rules: RulesMap, _container_width: int) -> int:
        """Return the cells of the longest line."""
        return max((sum(cell_len(text) for text, _ in line) for line in self._lines), default=0)

    def get_height(self, _rules: RulesMap, _width: int) -> int:
        """Return the number of lines."""
        return len(self._lines)


class Lines(Static):
    """A widget of such lines."""

    ALLOW_SELECT: ClassVar[bool] = False
    auto_links = Reactive(False)  # there are none, and looking for them costs a twentieth of every redraw
    _lines: tuple[tuple[Piece, ...], ...] | None = None

    def draw(self, lines: Iterable[Line]) -> None:
        """Show these lines, drawing those that are new in their place."""
        before, self._lines = self._lines, tuple(tuple(line) for line in lines)
        if before is None or (len(before) != len(self._lines) and self.styles.is_auto_height):
            self.refresh(layout=self.styles.is_auto_height)
            return
        pairs = enumerate(zip_longest(before, self._lines))
        changed = [Region(0, row, self.size.width, 1) for row, (old, new) in pairs if old != new]
        if changed:
            self.refresh(*changed)

    def render(self) -> Visual:
        """Return what was drawn last; before that, what a Static holds."""
        return self.visual if self._lines is None else Drawing(self._lines)
