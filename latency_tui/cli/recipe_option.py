"""The option `--recipe` of `latency-tui run`: it sets the options of a recipe that the user did not type."""

from __future__ import annotations

from collections.abc import Callable, Collection
from textwrap import wrap
from typing import Any

import click

from latency_tui.cli.output import print_status
from latency_tui.plan.pinning import count_usable_cores
from latency_tui.plan.recipes import RECIPES, find_recipe, format_options, recipe_values


def _complete(_context: click.Context, _option: click.Parameter, typed: str) -> list[str]:
    return [name for name in RECIPES if name.startswith(typed.casefold())]


recipe_option: Callable[[Any], Any] = click.option(  # Any: any command
    "--recipe",
    "recipe_name",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    shell_complete=_complete,
    help=f"Set the options for a common question: {', '.join(RECIPES)}. Without a name: list them.",
)


def list_recipes() -> str:
    """Return the recipes as text: name, question, and the options that each sets."""
    start, indent = max(map(len, RECIPES)) + 2, "\n" + " " * (max(map(len, RECIPES)) + 2)
    paragraphs = [
        f"{recipe.name:<{start}}{recipe.question}{indent}"
        + indent.join(wrap(f"{recipe.effect[0].upper()}{recipe.effect[1:]}.", 78 - start))
        + indent
        + format_options(recipe.options, count_usable_cores())
        for recipe in RECIPES.values()
    ]
    return "\n\n".join(["Usage: latency-tui run --recipe NAME", *paragraphs])


def take_recipe(values: dict[str, Any], name: str, typed: Collection[str]) -> None:
    """Set the options of a recipe, except those that the user typed, and print them to stderr.

    Raises:
        UsageError: There is no such recipe, or a typed option fixes what it varies.
    """
    recipe = find_recipe(name)
    found = recipe_values(recipe, typed, count_usable_cores())
    values |= found
    print_status(f"The recipe {recipe.name} sets {format_options(found) or 'nothing that was not typed'}.")
