"""The tabs in one line."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content

from latency_tui.tui.commands import Command, ShowCompare, ShowLatency, ShowModels
from latency_tui.tui.marks import MUTED
from latency_tui.tui.state import Tab
from latency_tui.tui.widgets.painted import Painted

_TITLES: dict[Tab, tuple[str, str, type[Command]]] = {
    "models": ("0", "Models", ShowModels),
    "latency": ("1", "Latency", ShowLatency),
    "compare": ("3", "Compare", ShowCompare),
}


class TabStrip(Painted):
    """Number and name of each tab; a click opens it."""

    _tabs: tuple[Tab, ...] = ()

    def paint(self, tabs: tuple[Tab, ...], active: Tab, hint: str = "") -> None:
        """Show tabs, the open one marked, and a few words at the right end where there is room."""
        if not self.is_new(tabs, active, hint):
            return
        self._tabs = tabs
        parts: list[tuple[str, str]] = []
        for tab in tabs:
            number, title, _ = _TITLES[tab]
            if tab == active:
                parts.append((f" {number} {title} ", "bold reverse $primary"))
            else:
                parts += [(f" {number}", "$text-primary"), (f" {title} ", MUTED)]
        used = sum(cell_len(text) for text, _ in parts)
        if hint and used + cell_len(hint) + 2 <= self.size.width:
            parts.append((" " * (self.size.width - used - cell_len(hint) - 1) + hint, MUTED))
        self.update(Content.assemble(*parts), layout=False)

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the pointer."""
        left = 0
        for tab in self._tabs:
            number, title, command = _TITLES[tab]
            left += len(f" {number} {title} ")
            if event.x < left:
                self.screen.post_message(command())
                return
