"""Commands on the list of models, and on the data they answer."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.state import State


class Choose(PlanCommand):
    """Choose or drop the highlighted model."""

    title, keys, footer, group = "Choose or drop the highlighted model", ("space",), "Choose", "Models"


class ChooseAll(PlanCommand):
    """Choose all models."""

    title, keys, group = "Choose all models", ("a",), "Models"


class ChooseNone(PlanCommand):
    """Choose no model."""

    title, keys, group = "Choose no model", ("n",), "Models"


class AddModel(PlanCommand):
    """Add a model: by its name, from a file, which is looked at first, or by an import path."""

    title, keys, shown, footer, group = "Add a model to the list", ("plus",), "+", "Add", "Models"


class ChangeData(PlanCommand):
    """Change the data: a bundled set, a file with its target, or one that is made; models are trained anew."""

    title, keys, footer, group = "Change the data", ("d",), "Data", "Models"


class AddVariants(PlanCommand):
    """Add variants of the highlighted model: the same model with other settings."""

    title, keys, footer, group = "Add variants of the highlighted model", ("v",), "Variants", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running and there is a model."""
        return super().applies(state) and state.row is not None


class RemoveModel(PlanCommand):
    """Remove the highlighted line from the list; what was measured of it stays."""

    title, keys, shown, group = "Remove the highlighted model from the list", ("minus",), "-", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running and there is a model."""
        return super().applies(state) and state.row is not None


class MakeBaseline(Command):
    """Make the highlighted model the baseline that the others are compared with; nothing is measured again."""

    title, keys, footer, group = "Make the highlighted model the baseline", ("b",), "Baseline", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether numbers of the highlighted model are on the screen."""
        result = state.result
        return result is not None and any(c.slug == state.highlighted and c.statistics for c in result.candidates)


class ShowFailure(Command):
    """Show why the highlighted model failed, with its traceback."""

    title, keys, footer, group = "Show why the highlighted model failed", ("enter",), "Why it failed", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether it failed."""
        return failure(state) is not None


class Find(Command):
    """Find a model by a part of its name."""

    title, keys, shown, group = "Find a model", ("slash",), "/", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the terminal is large enough for the list."""
        return state.mode != "tiny"


class HighlightNext(Command):
    """Highlight the next model."""

    title, keys, shown, group = "", ("j", "down"), "j ↓", "Models"


class HighlightPrevious(Command):
    """Highlight the previous model."""

    title, keys, shown, group = "", ("k", "up"), "k ↑", "Models"


def failure(state: State) -> tuple[str, str, str] | None:
    """Return name, message and traceback of the highlighted model's failure; None where it did not fail."""
    for candidate in state.result.candidates if state.result else ():
        if candidate.slug == state.highlighted and candidate.status == "failed":
            return candidate.name, candidate.error or "", candidate.traceback or ""
    row = state.row
    if row is not None and row.stage == "failed":
        return row.candidate.name, row.error, row.traceback
    return None
