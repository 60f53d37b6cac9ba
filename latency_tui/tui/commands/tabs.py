"""The tabs, one class each: its name, its key, and the pane that shows it. A tab is added here and in `TABS`.

Panes are imported when the results are loaded, after the first frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from latency_tui.tui.commands.base import Command
from latency_tui.tui.state import State

if TYPE_CHECKING:
    from latency_tui.result.result import Result
    from latency_tui.tui.widgets.pane import Pane


class ShowTab(Command):
    """Show a tab.

    Attributes:
        tab: Its name in the state.
        label: Its name on the screen.
        short_label: Its name where there is little room; empty for the same.
        needs_result: Whether it is empty before anything is measured; the screen then says what to press.
        explains_itself: Whether it says itself what to press, as long as nothing is being measured.
        views: Number of views between which `NextView` switches.
    """

    tab: ClassVar[str]
    label: ClassVar[str]
    short_label: ClassVar[str] = ""
    needs_result: ClassVar[bool] = True
    explains_itself: ClassVar[bool] = False
    views: ClassVar[int] = 1
    group = "Screen"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the terminal is large enough for tabs."""
        return state.mode != "tiny"

    @classmethod
    def has_figures(cls, result: Result) -> bool:
        """Return whether a result has what the tab shows."""
        return bool(result.measured)

    @classmethod
    def pane(cls) -> Pane | None:
        """Return a new pane that shows the tab; None for the models, which are always on the screen."""
        return None


class ShowModels(ShowTab):
    """Show the models and the plan (a tab of its own on narrow screens)."""

    tab, label = "models", "Models"
    title, keys = "Show the models and the plan", ("0",)


class ShowLatency(ShowTab):
    """Show the latency charts; press again for the other chart if only one fits."""

    tab, label = "latency", "Latency"
    title, keys = "Show Latency", ("1",)

    @classmethod
    def pane(cls) -> Pane:
        """Return the two charts."""
        from latency_tui.tui.widgets.latency import LatencyPane

        return LatencyPane(id=cls.tab)


class ShowSpread(ShowTab):
    """Show how the latencies of each model are distributed: percentile curve, ECDF, histogram, boxes."""

    tab, label = "spread", "Spread"
    title, keys = "Show Spread", ("2",)
    views = 4

    @classmethod
    def pane(cls) -> Pane:
        """Return the charts."""
        from latency_tui.tui.widgets.spread import SpreadPane

        return SpreadPane(id=cls.tab)


class ShowCompare(ShowTab):
    """Show every model against the baseline, with percentiles side by side."""

    tab, label = "compare", "Compare"
    title, keys = "Show Compare", ("3",)

    @classmethod
    def pane(cls) -> Pane:
        """Return the comparison."""
        from latency_tui.tui.widgets.compare import ComparePane

        return ComparePane(id=cls.tab)


class ShowTradeOff(ShowTab):
    """Show scores against p50 or p99, the Pareto front, and which model to ship."""

    tab, label, short_label = "trade-off", "Trade-off", "Trade"
    title, keys = "Show Trade-off", ("4",)
    views = 2

    @classmethod
    def has_figures(cls, result: Result) -> bool:
        """Return whether scores were weighed against latency."""
        return result.trade_off is not None

    @classmethod
    def pane(cls) -> Pane:
        """Return the chart and the reasons."""
        from latency_tui.tui.widgets.trade_off import TradeOffPane

        return TradeOffPane(id=cls.tab)


class ShowSweep(ShowTab):
    """Show each model over the values of a setting: per call, per row, or as rows per second."""

    tab, label = "sweep", "Sweep"
    title, keys = "Show Sweep", ("5",)
    explains_itself = True
    views = 3

    @classmethod
    def has_figures(cls, result: Result) -> bool:
        """Return whether the result has a sweep."""
        return bool(result.sweeps)

    @classmethod
    def pane(cls) -> Pane:
        """Return the curves."""
        from latency_tui.tui.widgets.sweep import SweepPane

        return SweepPane(id=cls.tab)


class ShowLoad(ShowTab):
    """Show response times under load: over the request rate, and the highest rate of each model."""

    tab, label = "load", "Load"
    title, keys = "Show Load", ("6",)
    explains_itself = True
    views = 2

    @classmethod
    def has_figures(cls, result: Result) -> bool:
        """Return whether anything was measured under load."""
        return bool(result.load)

    @classmethod
    def pane(cls) -> Pane:
        """Return the chart and the figures."""
        from latency_tui.tui.widgets.load import LoadPane

        return LoadPane(id=cls.tab)


class ShowHistory(ShowTab):
    """Show the results of all sessions."""

    tab, label = "history", "History"
    title, keys = "Show History", ("7",)
    needs_result = False

    @classmethod
    def pane(cls) -> Pane:
        """Return the list."""
        from latency_tui.tui.widgets.history import HistoryPane

        return HistoryPane(id=cls.tab)


TABS: tuple[type[ShowTab], ...] = (
    ShowModels,
    ShowLatency,
    ShowSpread,
    ShowCompare,
    ShowTradeOff,
    ShowSweep,
    ShowLoad,
    ShowHistory,
)
"""Every tab, from left to right."""


class NextView(Command):
    """Show the next view: another chart on Spread, p99 on Trade-off, per row on Sweep, the figures on Load."""

    title, keys, footer, group = "Show the next view of the tab", ("g",), "View", "Screen"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the open tab has several views of the result."""
        tab = next((tab for tab in TABS if tab.tab == state.tab), ShowModels)
        return state.mode != "tiny" and tab.views > 1 and state.result is not None and tab.has_figures(state.result)


class TabCommand(Command):
    """A command on the open tab, or on the row of tabs."""

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the terminal is large enough for tabs."""
        return state.mode != "tiny"


class ScrollDown(TabCommand):
    """Show more of a tab that is longer than the screen."""

    title, keys, shown, group = "", ("J", "shift+down"), "J", "Screen"


class ScrollUp(TabCommand):
    """Scroll a tab back."""

    title, keys, shown, group = "", ("K", "shift+up"), "K", "Screen"


class NextTab(TabCommand):
    """Show the next tab."""

    title, keys, shown, group = "", ("l", "right"), "l →", "Screen"


class PreviousTab(TabCommand):
    """Show the previous tab."""

    title, keys, shown, group = "", ("h", "left"), "h ←", "Screen"
