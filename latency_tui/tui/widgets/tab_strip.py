"""The tabs, in one line."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events

from latency_tui.tui.commands import ShowTab
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import fit
from latency_tui.tui.widgets.painted_widget import PaintedWidget
from latency_tui.tui.widgets.styled_lines import Piece


class TabStrip(PaintedWidget):
    """The key and the name of each tab; a click opens it.

    Textual's `Tabs` takes two lines and leaves no room for a hint at its right end.
    """

    _tabs: tuple[type[ShowTab], ...] = ()

    def paint(self, tabs: tuple[type[ShowTab], ...], active: type[ShowTab], hints: tuple[str, ...] = ()) -> None:
        """Show the tabs with the open one marked, and at the right end the first hint that fits."""
        if not self.is_new(tabs, active, hints):
            return
        self._tabs = tabs
        parts: list[Piece] = []
        for tab in tabs:
            number, title = tab.key_label(), tab.label
            if tab == active:
                parts.append((f" {number} {title} ", "bold reverse $primary"))
            else:
                parts += [(f" {number}", "$text-primary"), (f" {title} ", MUTED)]
        used = sum(cell_len(text) for text, _ in parts)
        room = self.size.width - used - 1
        hint = next((hint for hint in hints if cell_len(hint) < room), "")
        parts.append((fit(hint, max(room, 0), right=True), MUTED))
        self.draw([parts])

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the pointer."""
        left = 0
        for tab in self._tabs:
            left += len(f" {tab.key_label()} {tab.label} ")
            if event.x < left:
                self.screen.post_message(tab())
                return
