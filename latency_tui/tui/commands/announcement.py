"""What a command has changed, in words, for a screen that does not show the models and the plan."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command
from latency_tui.tui.commands.measuring import MeasureColdStart, TakeControl, UntilKnown
from latency_tui.tui.commands.models import Choose, ChooseAll, ChooseNone, HighlightNext, HighlightPrevious
from latency_tui.tui.state import State
from latency_tui.tui.text import sanitize_line


def announcement(command: Command, state: State) -> str:
    """Return what a command has changed; empty if the screen shows it anyway.

    Args:
        command: The command.
        state: The state after it.
    """
    row = state.row
    match command:
        case Choose() if row is not None:
            return f"{sanitize_line(row.candidate.name)} is {'' if row.selected else 'not '}selected."
        case ChooseAll():
            return "All models are selected."
        case ChooseNone():
            return "No model is selected."
        case HighlightNext() | HighlightPrevious() if row is not None and state.result is None:
            return f"{sanitize_line(row.candidate.name)} is highlighted."  # with a result, its row is marked
        case UntilKnown():
            return f"Until known is {_on(state.until_known)}."
        case TakeControl():
            return f"The control is {_on(state.control)}."
        case MeasureColdStart():
            return f"Cold start is {_on(state.cold_start)}."
        case _:
            return ""


def _on(switched: bool) -> str:
    return "on" if switched else "off"
