"""What commands do to the view of the main screen: they open tabs, enlarge charts, sort, find and focus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.widget import Widget

from latency_tui.tui import commands
from latency_tui.tui.notices import notify_refusal
from latency_tui.tui.reducers.tabs import open_tab, visible_tab
from latency_tui.tui.store import Store
from latency_tui.tui.widgets.measure_panel import MeasurePanel

if TYPE_CHECKING:
    from latency_tui.tui.screens.main import MainScreen

_SCROLL_ROWS = 4


class ViewController:
    """Changes what the main screen shows, without changing what is measured.

    Args:
        screen: The main screen.
        store: The state.
    """

    def __init__(self, screen: MainScreen, store: Store) -> None:
        self._screen = screen
        self._store = store

    def actions(self) -> dict[type[commands.Command], Callable[[], object]]:
        """Return what each of these commands does."""
        return {
            commands.Find: self._find,
            commands.FocusRuns: self._focus_runs,
            **{one: partial(self._sort, one) for one in (commands.SortComparison, commands.ReverseComparison)},
            commands.Enlarge: self._enlarge_next,
            commands.NextView: self._show_next_view,
            commands.ScrollDown: partial(self._scroll, _SCROLL_ROWS),
            commands.ScrollUp: partial(self._scroll, -_SCROLL_ROWS),
            commands.LeaveChart: partial(self.enlarge, None),
            **{tab: partial(self._open_tab, tab) for tab in commands.TABS},
        }

    def _open_tab(self, tab: type[commands.ShowTab]) -> None:
        if tab is visible_tab(self._store.state) and self._screen.results is not None:
            self._screen.results.open_again(tab)
        self._screen.minimize()
        self._store.change(open_tab(self._store.state, tab))
        self._screen.arrange_parts()

    def _enlarge_next(self) -> None:
        """Enlarge the focused chart or the first one; then the other; then none."""
        if self._screen.results is None:
            return
        part = self._screen.results.next_to_enlarge(
            visible_tab(self._store.state), self._screen.maximized, self._screen.focused
        )
        if part is None and self._screen.maximized is None:
            notify_refusal(self._screen, f"This tab has no chart; {commands.ShowLatency.key_label()} opens Latency.")
        self.enlarge(part)

    def enlarge(self, part: Widget | None) -> None:
        """Show a part on the whole screen; None to leave it."""
        if part is None:
            self._screen.minimize()
        else:
            self._screen.maximize(part, container=False)
        self._screen.arrange_parts()

    def _show_next_view(self) -> None:
        """Show the next view of the tab, enlarged if the previous one was."""
        if self._screen.results is None or not commands.NextView.applies(self._store.state):
            return
        view = self._screen.results.next_view(visible_tab(self._store.state))
        if self._screen.maximized is not None:
            self._screen.minimize()
            self.enlarge(view)
        self._screen.arrange_parts()

    def _scroll(self, rows: int) -> None:
        """Scroll the open tab."""
        results, tab = self._screen.results, visible_tab(self._store.state)
        if results is None or not results.scroll_tab(tab, rows):
            notify_refusal(self._screen, f"This is the {'end' if rows > 0 else 'top'} of the tab.")

    def _sort(self, command: type[commands.Command]) -> None:
        if self._screen.results is not None and commands.SortComparison.applies(self._store.state):
            self._screen.results.sort_comparison(reverse=command is commands.ReverseComparison)

    async def _find(self) -> None:
        self._open_tab(commands.ShowModels)
        from latency_tui.tui.widgets.fields import Field  # not before the first frame

        if not self._screen.query("#find"):
            find = Field(placeholder="a part of a name", id="find", compact=True)
            await self._screen.query_one("#side").mount(find, after="#list")
        self._screen.call_after_refresh(self._screen.query_one("#find").focus)

    def _focus_runs(self) -> None:
        self._open_tab(commands.ShowModels)
        self._screen.call_after_refresh(self._screen.query_one(MeasurePanel).focus_runs)
