"""A list of one-line rows that accepts keys even before it is laid out."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widgets import OptionList

_REVERSED = Style(reverse=True)


class RowList(OptionList):
    """Textual's list; page up and page down move by its height, and do nothing if it is empty."""

    def render_line(self, y: int) -> Strip:
        """Return a line; in themes that use the terminal's colours, the highlighted row is in reverse video.

        Textual 8.2 drops `text-style: reverse` of a component's style, and those themes have one background.
        """
        strip = super().render_line(y)
        if self.highlighted is None or not self.app.native_ansi_color:
            return strip
        place = next((segment.style.meta.get("option") for segment in strip if segment.style), None)
        if place != self.highlighted:
            return strip
        meta = {"option": place}
        return Strip([Segment(strip.text, _REVERSED)], strip.cell_length).apply_meta(meta)

    def action_page_down(self) -> None:
        """Highlight the row a page below."""
        self._highlight_further(max(self.scrollable_content_region.height, 1))

    def action_page_up(self) -> None:
        """Highlight the row a page above."""
        self._highlight_further(-max(self.scrollable_content_region.height, 1))

    def _highlight_further(self, rows: int) -> None:
        if self.option_count:
            self.highlighted = min(max((self.highlighted or 0) + rows, 0), self.option_count - 1)
