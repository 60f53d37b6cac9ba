"""The command that shows where the time of a model's call goes."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command
from latency_tui.tui.state import State
from latency_tui.tui.step_view import views_of


class ShowSteps(Command):
    """Show where the time of the highlighted model goes: per step or operator, timed in a separate pass."""

    title, keys, footer, group = "Show where the time goes", ("W",), "Steps", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the steps are known, or can be timed now."""
        return bool(views_of(state.result, state.highlighted)) or (state.work == "idle" and state.row is not None)
