"""Commands on the list of models and on their data."""

from __future__ import annotations

from latency_tui.tui.commands.base import Command, PlanCommand
from latency_tui.tui.state import State


class Choose(PlanCommand):
    """Select or deselect the highlighted model."""

    title, keys, footer, group = "Select or deselect the highlighted model", ("space",), "Select", "Models"


class ChooseAll(PlanCommand):
    """Select all models."""

    title, keys, group = "Select all models", ("a",), "Models"


class ChooseNone(PlanCommand):
    """Deselect all models."""

    title, keys, group = "Deselect all models", ("n",), "Models"


class AddModel(PlanCommand):
    """Add a model by its name, from a file, or by an import path."""

    title, keys, shown, footer, group = "Add a model", ("plus",), "+", "Add", "Models"


class ChangeData(PlanCommand):
    """Change the data: a bundled dataset, a generated one, or a file; the models are trained again."""

    title, keys, footer, group = "Change the data", ("d",), "Data", "Models"


class AddVariants(PlanCommand):
    """Add variants of the highlighted model, with other settings."""

    title, keys, footer, group = "Add variants of the highlighted model", ("v",), "Variants", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running and there is a model."""
        return super().applies(state) and state.row is not None


class RemoveModel(PlanCommand):
    """Remove the highlighted model from the list; its results are kept."""

    title, keys, shown, group = "Remove the highlighted model", ("minus",), "-", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether nothing is running and there is a model, which a tiny terminal does not show."""
        return super().applies(state) and state.row is not None and state.mode != "tiny"


class MakeBaseline(Command):
    """Compare the other models with the highlighted one; nothing is measured again."""

    title, keys, footer, group = "Make the highlighted model the baseline", ("b",), "Baseline", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether the result on the screen has figures for the highlighted model."""
        result, measurement = state.result, state.measurement
        if measurement is not None and measurement.is_saved:
            return False
        return result is not None and any(c.slug == state.highlighted and c.statistics for c in result.candidates)


class ShowFailure(Command):
    """Show why the highlighted model failed, with its traceback."""

    title, keys, footer, group = "Show why the highlighted model failed", ("enter",), "Why it failed", "Models"

    @classmethod
    def applies(cls, state: State) -> bool:
        """Return whether it failed."""
        return failure(state) is not None


class Find(Command):
    """Find a model by part of its name."""

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


class HighlightFirst(Command):
    """Highlight the first model."""

    title, keys, shown, group = "", ("home",), "Home", "Models"


class HighlightLast(Command):
    """Highlight the last model."""

    title, keys, shown, group = "", ("end",), "End", "Models"


class HighlightPageDown(Command):
    """Highlight the model ten lines below."""

    title, keys, shown, group = "", ("pagedown",), "PgDn", "Models"


class HighlightPageUp(Command):
    """Highlight the model ten lines above."""

    title, keys, shown, group = "", ("pageup",), "PgUp", "Models"


def failure(state: State) -> tuple[str, str, str] | None:
    """Return the name, message and traceback of the highlighted model's failure; None if it has not failed."""
    shown = state.measurement
    for candidate in shown.result.candidates if shown and shown.result else ():
        if candidate.status == "failed" and shown and shown.model_of(candidate.slug) == state.highlighted:
            return candidate.name, candidate.error or "", candidate.traceback or ""
    row = state.row
    if row is not None and row.stage == "failed":
        return row.candidate.name, row.error, row.traceback
    return None
