"""Recipes: named combinations of options, each for one question.

Help, guide, command palette and empty screen have them from `RECIPES`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.suggest import hint

OptionValue = bool | int | str | tuple[str, ...]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A combination of options that answers one question.

    Attributes:
        name: Its name for `--recipe`.
        question: The question that it answers.
        effect: What it measures, in a few words.
        options: The options that it sets, by name; `{cores}` stands for the number of cores.
        replaced_by: Options that replace one of these if the user types them, by the name of the replaced one.
    """

    name: str
    question: str
    effect: str
    options: Mapping[str, OptionValue]
    replaced_by: Mapping[str, tuple[str, ...]] = {}


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="ship",
            question="Which model to ship?",
            effect="five launches with a control, so that the verdict also holds when measured again",
            options={"launches": 5, "control": True},
            replaced_by={"launches": ("rigorous",)},
        ),
        Recipe(
            name="batch",
            question="Which batch size?",
            effect="each model at batch sizes from 1 to 256",
            options={"sweeps": ("batch=1,2,4..256",)},
        ),
        Recipe(
            name="threads",
            question="How many threads?",
            effect="each model with 1 thread up to one per core",
            options={"sweeps": ("threads=1..{cores}",)},
        ),
        Recipe(
            name="rate",
            question="How many requests per second?",
            effect="the highest request rate at which p99 stays below 10 ms, or at which your own limits hold",
            options={"find_rate": True, "limits": ("p99 < 10ms",)},
            replaced_by={"find_rate": ("rates",)},
        ),
        Recipe(
            name="cold",
            question="How long does a start take?",
            effect="start-up time and memory of fresh processes in five launches",
            options={"cold_start": True, "launches": 5},
            replaced_by={"launches": ("rigorous",)},
        ),
        Recipe(
            name="steps",
            question="Where does the time go?",
            effect="the time of each step or operator of a model, in a separate pass",
            options={"steps": True},
        ),
    )
}
"""Every recipe by name."""


def find_recipe(name: str) -> Recipe:
    """Return the recipe with this name.

    Raises:
        UsageError: There is none.
    """
    if recipe := RECIPES.get(name.strip().casefold()):
        return recipe
    raise UsageError(f"There is no recipe {name[:60]!r}; {hint(name, [*RECIPES])}")


def recipe_values(recipe: Recipe, typed: Collection[str], cores: int) -> dict[str, OptionValue]:
    """Return the values that a recipe sets, by option; options that the user typed are left out.

    Args:
        recipe: The recipe.
        typed: Names of the options that the user typed.
        cores: Number of cores that models may use.

    Raises:
        UsageError: A typed option fixes what the recipe varies.
    """
    for sweep in recipe.options.get("sweeps", ()) if "sweeps" not in typed else ():  # type: ignore[union-attr] # a tuple
        varied = sweep.partition("=")[0]
        fixed = {"batch": ("batch_size", "mix"), "threads": ("threads",)}[varied]
        if given := [option for option in fixed if option in typed]:
            raise UsageError(
                f"The recipe {recipe.name} measures several values of {varied}; omit --{given[0].replace('_', '-')}."
            )
    return {
        name: _with_cores(value, cores)
        for name, value in recipe.options.items()
        if not {name, *recipe.replaced_by.get(name, ())} & set(typed)
    }


def format_options(options: Mapping[str, OptionValue], cores: int | None = None) -> str:
    """Return options as on the command line; the number of cores is the word `CORES` if it is None."""
    found = []
    for name, value in options.items():
        option = "--" + {"sweeps": "sweep", "limits": "limit"}.get(name, name.replace("_", "-"))
        for one in value if isinstance(value, tuple) else (value,):
            shown = str(one).replace("{cores}", "CORES" if cores is None else str(max(cores, 2)))
            found.append(option if one is True else f"{option} {shown!r}" if " " in shown else f"{option} {shown}")
    return " ".join(found)


def _with_cores(value: OptionValue, cores: int) -> OptionValue:
    """Return a value with the number of cores, at least two, because a sweep needs two values."""
    return tuple(one.replace("{cores}", str(max(cores, 2))) for one in value) if isinstance(value, tuple) else value
