"""The widget that shows results: cards or table, tabs, and the pane of the open tab.

It is a widget of its own because it is imported, with plotext and numpy, after the first frame.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from latency_tui.tui.commands.tabs import TABS, ShowTab
from latency_tui.tui.layout import Layout
from latency_tui.tui.reducers.tabs import tabs_of, visible_tab
from latency_tui.tui.widgets.cards import Cards
from latency_tui.tui.widgets.compare import ComparePane
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.result_table import ResultTable
from latency_tui.tui.widgets.tab_strip import TabStrip


class Results(Vertical):
    """The results of the measurement on the screen."""

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        panes = ((tab, tab.pane()) for tab in TABS)
        self._panes: dict[type[ShowTab], Pane] = {tab: pane for tab, pane in panes if pane is not None}

    def compose(self) -> ComposeResult:
        """Yield every part."""
        yield Cards(id="cards")
        yield ResultTable(id="table")
        yield TabStrip(id="inner-tabs")
        yield from self._panes.values()

    def next_to_enlarge(self, tab: type[ShowTab], enlarged: Widget | None, focused: Widget | None) -> Widget | None:
        """Return the part that `e` enlarges next: the focused or the first one; None after the last one."""
        parts = self._panes[tab].enlargeable() if tab in self._panes else []
        first = parts.index(focused) if focused in parts else 0
        place = parts.index(enlarged) + 1 if enlarged in parts else first
        return parts[place] if place < len(parts) else None

    def open_again(self, tab: type[ShowTab]) -> None:
        """Handle the key of a tab that is open already."""
        if tab in self._panes:
            self._panes[tab].open_again()

    def next_view(self, tab: type[ShowTab]) -> Widget | None:
        """Show the next view of a tab; return the part of it that `e` enlarges."""
        if tab not in self._panes:
            return None
        self._panes[tab].next_view()
        return next(iter(self._panes[tab].enlargeable()), None)

    def scroll_tab(self, tab: type[ShowTab], rows: int) -> bool:
        """Scroll the pane of a tab by some rows; return whether there was more in that direction."""
        if tab not in self._panes:
            return False
        pane = self._panes[tab]
        has_more = pane.scroll_offset.y < pane.max_scroll_y if rows > 0 else pane.scroll_offset.y > 0
        pane.scroll_relative(y=rows, animate=False)
        return has_more

    def hints(self, tab: type[ShowTab], context: PaintContext) -> tuple[str, ...]:
        """Return hints for the right end of the tab strip, from the longest wording to the shortest."""
        return self._panes[tab].hints(context) if tab in self._panes else ()

    def sort_comparison(self, *, reverse: bool) -> None:
        """Sort Compare by its next column, or reverse its order."""
        compare = self.query_one(ComparePane)
        if reverse:
            compare.reverse()
        else:
            compare.sort_by_next()

    def apply_layout(self, layout: Layout, tab: type[ShowTab], candidates: int) -> None:
        """Show the parts of a tab in the sizes of a layout.

        Args:
            layout: The layout of the screen.
            tab: The open tab.
            candidates: Number of candidates with a result.
        """
        open_pane = self._panes.get(tab)
        cards, table = self.query_one(Cards), self.query_one(ResultTable)
        room = open_pane is None or not candidates or layout.height >= open_pane.least_height(candidates)
        cards.display = bool(layout.cards and candidates) and room
        cards.styles.height = table.styles.height = layout.summary
        table_wanted = open_pane is None or open_pane.table_above or layout.mode == "tiny"
        table.display = not layout.cards and table_wanted and bool(candidates)
        self.query_one("#inner-tabs").display = layout.mode == "wide"
        for pane in self._panes.values():
            pane.display = pane is open_pane and (layout.mode != "tiny" or pane.table_above)
        if open_pane is not None:
            open_pane.apply_layout(layout)

    async def paint(self, context: PaintContext, *, hints: tuple[str, ...]) -> None:
        """Paint all visible parts."""
        state, tab = context.state, visible_tab(context.state)
        measurement = state.measurement
        strip = self.query_one(TabStrip)
        strip.show(partial(strip.paint, tabs_of(state), tab, hints))
        if measurement is not None and measurement.candidates:
            cards, table = self.query_one(Cards), self.query_one(ResultTable)
            where = (measurement, context.styles, measurement.cell_of(state.highlighted))
            if cards.display:
                await cards.paint(*where, context.layout.cards, running=context.running)
            if table.display:
                table.paint(*where, context.layout, running=context.running)
        pane = self._panes.get(tab)
        if pane is not None and pane.display:
            pane.paint(context)
