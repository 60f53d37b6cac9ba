"""Why a command does nothing now."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.commands.measuring import FocusRuns, Freeze, Profile, Stop
from latency_tui.tui.commands.models import AddModel, AddVariants, MakeBaseline, RemoveModel, ShowFailure
from latency_tui.tui.commands.results import MeasureMore, NextResult, PreviousResult
from latency_tui.tui.state import State


def refusal(command: type[Command], state: State) -> str:
    """Return why a command does nothing now, and what to do; empty where that needs no word."""
    if state.work != "idle" and issubclass(command, PlanCommand | Profile | PreviousResult | NextResult):
        return f"Something is running: {Stop.key_label()} stops it and keeps what was measured."
    if command in (AddVariants, RemoveModel):
        return f"There is no model in the list; {AddModel.key_label()} adds one."
    if command in (PreviousResult, NextResult):
        return f"There is no other result; {Profile.key_label()} measures again."
    if command is MakeBaseline and state.result is not None:
        return "There are no numbers of the highlighted model on the screen."
    if command is MeasureMore and state.result is not None:
        return f"More runs would change nothing in this answer; {Profile.key_label()} measures afresh."
    if command in (ShowFailure, Stop, FocusRuns):
        return ""
    return f"There is {'nothing to freeze' if command is Freeze else 'no result'} yet; {Profile.key_label()} measures."
