"""Explains why a command does nothing now."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.commands.history import HistoryCommand, OpenSaved, ShowTrend
from latency_tui.tui.commands.measuring import FocusRuns, Freeze, Profile, Stop, UntilKnown
from latency_tui.tui.commands.models import AddModel, AddVariants, Find, MakeBaseline, RemoveModel, ShowFailure
from latency_tui.tui.commands.results import MeasureMore, NextResult, PreviousResult
from latency_tui.tui.commands.screen import ReverseComparison, SortComparison
from latency_tui.tui.commands.steps import ShowSteps
from latency_tui.tui.commands.tabs import (
    NextTab,
    NextView,
    PreviousTab,
    ScrollDown,
    ScrollUp,
    ShowCompare,
    ShowHistory,
    ShowSpread,
    ShowTab,
)
from latency_tui.tui.layout import MIN_HEIGHT, MIN_WIDTH
from latency_tui.tui.state import State
from latency_tui.tui.text import sanitize_line

_TOO_SMALL = f"This terminal is too small for that: it needs {MIN_WIDTH} × {MIN_HEIGHT}."


def refusal(command: type[Command], state: State) -> str:
    """Return why a command does nothing now, and what to do."""
    need_room = (
        ShowTab,
        HistoryCommand,
        ShowTrend,
        NextTab,
        PreviousTab,
        NextView,
        ScrollDown,
        ScrollUp,
        SortComparison,
        ReverseComparison,
        Find,
        FocusRuns,
        RemoveModel,
    )
    if state.mode == "tiny" and issubclass(command, need_room):
        return _TOO_SMALL
    if command is ShowSteps and state.work == "idle":
        return "No model is highlighted."
    if state.work != "idle" and issubclass(
        command, PlanCommand | Profile | ShowSteps | PreviousResult | NextResult | OpenSaved
    ):
        return f"Something is running; {Stop.key_label()} stops it and keeps the results."
    if command is ShowTrend and state.tab != "history":
        return f"This key shows trends in History; {ShowHistory.key_label()} opens it."
    if issubclass(command, HistoryCommand | ShowTrend):
        return "No result of the history is highlighted."
    if command in (AddVariants, RemoveModel):
        return f"The list is empty; {AddModel.key_label()} adds a model."
    if command in (MakeBaseline, MeasureMore) and state.measurement is not None and state.measurement.is_saved:
        return f"A saved result stays as it is; {Profile.key_label()} measures again."
    if command is MakeBaseline and state.result is not None:
        return "The result on the screen has no figures for the highlighted model."
    if command is MeasureMore and state.result is not None:
        return f"More runs would not change this answer; {Profile.key_label()} measures again."
    if command is ShowFailure:
        return f"{sanitize_line(state.row.candidate.name)} has not failed." if state.row else "No model is highlighted."
    if command in (SortComparison, ReverseComparison) and state.result is not None:
        return f"This key sorts Compare; {ShowCompare.key_label()} opens it."
    if command is NextView and state.result is not None:
        return f"This tab has one view; {ShowSpread.key_label()} opens Spread."
    if command is Stop:
        return "Nothing is running." if state.work == "idle" else "It is already being stopped."
    if command is FocusRuns:
        return f"Until known is on, so the number of runs does not count; {UntilKnown.key_label()} turns it off."
    return f"There is {'nothing to freeze' if command is Freeze else 'no result'} yet; {Profile.key_label()} measures."
