"""A list of one-line rows, whose keys may come before it is laid out."""

from __future__ import annotations

from textual.widgets import OptionList


class RowList(OptionList):
    """Textual's list; a page is as many rows as it is high, and of a list without rows it does nothing."""

    def action_page_down(self) -> None:
        """Highlight the row a page below."""
        self._highlight_further(max(self.scrollable_content_region.height, 1))

    def action_page_up(self) -> None:
        """Highlight the row a page above."""
        self._highlight_further(-max(self.scrollable_content_region.height, 1))

    def _highlight_further(self, rows: int) -> None:
        if self.option_count:
            self.highlighted = min(max((self.highlighted or 0) + rows, 0), self.option_count - 1)
