"""The commands that measure what answers a common question, one per recipe."""

from __future__ import annotations

from typing import ClassVar

from latency_tui.plan.recipes import RECIPES, Recipe
from latency_tui.tui.commands.base import PlanCommand
from latency_tui.tui.commands.tabs import ShowLoad, ShowSweep, ShowTab


class MeasureRecipe(PlanCommand):
    """Measure what answers a common question.

    Attributes:
        recipe: The options for the question.
    """

    recipe: ClassVar[Recipe]

    @classmethod
    def tab(cls) -> type[ShowTab] | None:
        """Return the tab that shows the answer; None for the one that is open."""
        tabs: dict[str, type[ShowTab]] = {"sweeps": ShowSweep, "find_rate": ShowLoad}
        return next((tab for option, tab in tabs.items() if option in cls.recipe.options), None)


def _command(recipe: Recipe) -> type[MeasureRecipe]:
    """Return the command of a recipe; the palette lists it by its question and its name."""
    title = f"{recipe.question} (recipe {recipe.name})"
    words = {"__doc__": f"{recipe.effect[0].upper()}{recipe.effect[1:]}.", "title": title, "recipe": recipe}
    return type(f"Recipe{recipe.name.capitalize()}", (MeasureRecipe,), words)


RECIPE_COMMANDS: tuple[type[MeasureRecipe], ...] = tuple(map(_command, RECIPES.values()))
"""One command per recipe, in their order."""
