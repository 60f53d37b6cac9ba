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

    _ends: tuple[tuple[int, type[ShowTab]], ...] = ()
    """The column after each tab, from left to right."""

    def paint(
        self,
        tabs: tuple[type[ShowTab], ...],
        active: type[ShowTab],
        hints: tuple[str, ...] = (),
        *,
        names_give_way: bool = False,
    ) -> None:
        """Show the tabs with the open one marked, and at the right end the first hint that fits.

        Args:
            tabs: The tabs.
            active: The open one.
            hints: Wordings of the hint, the longest first.
            names_give_way: Whether the names of tabs are shortened until the longest hint fits.
        """
        if not self.is_new(tabs, active, hints, names_give_way):
            return
        needed = cell_len(hints[0]) + 2 if hints and names_give_way else 0
        texts = fit_tabs(tabs, active, self.size.width - needed)
        parts: list[Piece] = []
        ends, used = [], 0
        for tab, text in zip(tabs, texts, strict=True):
            number = f" {tab.key_label()}"
            if tab == active:
                parts.append((text, "bold reverse $primary"))
            else:
                parts += [(number, "$text-primary"), (text.removeprefix(number), MUTED)]
            used += cell_len(text)
            ends.append((used, tab))
        self._ends = tuple(ends)
        room = self.size.width - used - 1
        hint = next((hint for hint in hints if cell_len(hint) < room), "")
        parts.append((fit(hint, max(room, 0), right=True), MUTED))
        self.draw([parts])

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the pointer."""
        for end, tab in self._ends:
            if event.x < end:
                self.screen.post_message(tab())
                return


def fit_tabs(tabs: tuple[type[ShowTab], ...], active: type[ShowTab], width: int) -> list[str]:
    """Return the text of each tab, in the longest form in which all of them fit.

    Where there is no room, tabs have a short name, and then all but the open one only their key.
    """
    names = [f" {tab.key_label()} {tab.label}" for tab in tabs]
    short = [f" {tab.key_label()} {tab.short_label or tab.label}" for tab in tabs]
    keys = [f" {tab.key_label()} {tab.label}" if tab is active else f" {tab.key_label()}" for tab in tabs]
    spaced = [f"{text} " for text in names]
    forms = (spaced, names, short, keys)
    return next((form for form in forms if sum(map(cell_len, form)) <= width), keys)
