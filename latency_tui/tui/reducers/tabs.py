"""Which tabs there are, which of them is on the screen, and from one state to the next with another one."""

from __future__ import annotations

from msgspec.structs import replace

from latency_tui.tui.commands.tabs import TABS, ShowLatency, ShowModels, ShowTab
from latency_tui.tui.state import State


def tabs_of(state: State) -> tuple[type[ShowTab], ...]:
    """Return the tabs that a terminal has: the models are one of them only if they do not stand beside the results."""
    return TABS if state.mode == "narrow" else tuple(tab for tab in TABS if tab is not ShowModels)


def visible_tab(state: State) -> type[ShowTab]:
    """Return the tab on the screen."""
    if state.mode == "tiny":
        return ShowLatency if state.measurements else ShowModels
    if state.mode == "wide" and state.tab == ShowModels.tab:
        return ShowLatency
    return next(tab for tab in TABS if tab.tab == state.tab)


def open_tab(state: State, tab: type[ShowTab]) -> State:
    """Return the state with a tab open; the same tab for the models, where they stand beside the results."""
    if tab is ShowModels and state.mode != "narrow" and state.measurements:
        return state
    return replace(state, tab=tab.tab)


def open_next_tab(state: State, step: int = 1) -> State:
    """Return the state with the tab open that is `step` places further right; the first follows the last."""
    tabs = tabs_of(state)
    visible = visible_tab(state)
    here = tabs.index(visible) if visible in tabs else 0
    return open_tab(state, tabs[(here + step) % len(tabs)])
