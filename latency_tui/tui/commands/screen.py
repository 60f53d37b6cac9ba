"""Commands that change what the screen shows."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command
from latency_tui.tui.commands.measuring import Stop
from latency_tui.tui.commands.tabs import TABS, ShowTab
from latency_tui.tui.state import State


class LeaveChart(Command):
    """Close the enlarged chart, with the key of Stop, which stops nothing then."""

    footer, group = "Back", "Screen"

    @classmethod
    def key_label(cls) -> str:
        """Return the key of Stop."""
        return Stop.key_label()


class SortComparison(Command):
    """Sort Compare by its next column; a click on a heading sorts by that column."""

    title, keys, footer, group = "Sort by the next column", ("z",), "Sort", "Screen"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether Compare is open and has rows."""
        return (
            state.mode != "tiny" and state.tab == "compare" and state.result is not None and bool(state.result.measured)
        )


class ReverseComparison(Command):
    """Reverse the order of Compare, as a second click on a heading does."""

    title, keys, group = "Reverse the order", ("Z",), "Screen"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether Compare is open and has rows."""
        return SortComparison.applies(state)


class Enlarge(Command):
    """Show a chart on the whole screen; press again for the next chart, then to go back."""

    title, keys, footer, group = "Enlarge a chart or go back", ("e",), "Enlarge", "Screen"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether there is a chart to enlarge."""
        if state.tab == "history":
            return state.history.trend_model is not None
        tab = next((tab for tab in TABS if tab.tab == state.tab), ShowTab)
        return state.result is not None and tab.has_figures(state.result)


class ChangeTheme(Command):
    """Change the colours of the screen."""

    title, group = "Change the theme", "Screen"


class ShowHelp(Command):
    """Show all keys and the guide."""

    title, keys, shown, footer, group = "Show keys and the guide", ("question_mark", "f1"), "?", "Help", "Screen"


class ShowPalette(Command):
    """Search the commands that apply now."""

    title, keys, shown, footer, group = "", ("ctrl+p", "colon"), "^p", "Commands", "Screen"


class Quit(Command):
    """Quit and print the last table to the shell."""

    title, keys, footer, group = "Quit", ("q",), "Quit", "Screen"
