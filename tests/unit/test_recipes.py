"""Recipes: what each sets, and that options that the user typed win."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from latency_tui.cli import cli
from latency_tui.cli.recipe_option import take_recipe
from latency_tui.errors import UsageError
from latency_tui.guide import read_page
from latency_tui.plan import Plan
from latency_tui.plan.recipes import RECIPES, find_recipe, format_options, recipe_values
from tests.unit.test_cli_options import make_from, values_of


def planned(recipe: str, *arguments: str, typed: tuple[str, ...] = ()) -> Plan:
    values = values_of("-m", "linear-svm", "-m", "rbf-svm", *arguments)
    take_recipe(values, recipe, {"models", *typed})
    return make_from(values)


def test_each_recipe_makes_a_plan_for_its_question() -> None:
    plans = {name: planned(name) for name in RECIPES}
    assert (plans["ship"].launches, plans["ship"].control) == (5, True)
    assert [str(sweep) for sweep in plans["batch"].sweeps] == ["batch=1,2,4,8,16,32,64,128,256"]
    assert plans["threads"].swept == ("threads",)
    assert plans["rate"].load is not None
    assert plans["rate"].load.find_rate
    assert [limit.text for limit in plans["rate"].limits] == ["p99 < 10ms"]
    assert (plans["cold"].cold_start, plans["cold"].launches) == (True, 5)
    assert plans["steps"].steps


def test_options_that_the_user_typed_win() -> None:
    assert planned("ship", "--launches", "2", typed=("launches",)).launches == 2
    assert planned("ship", "--rigorous", typed=("rigorous",)).launches == 5
    assert planned("batch", "--sweep", "batch=1,4", typed=("sweeps",)).sweeps[0].values == (1, 4)
    assert [one.text for one in planned("rate", "--limit", "p95 < 1ms", typed=("limits",)).limits] == ["p95 < 1ms"]
    load = planned("rate", "--rate", "50", typed=("rates",)).load
    assert load is not None
    assert load.rates == (50.0,)


@pytest.mark.parametrize(
    ("recipe", "typed", "option"),
    [("batch", "batch_size", "--batch-size"), ("batch", "mix", "--mix"), ("threads", "threads", "--threads")],
)
def test_what_a_recipe_varies_cannot_be_fixed(recipe: str, typed: str, option: str) -> None:
    with pytest.raises(UsageError, match=f"omit {option}"):
        recipe_values(find_recipe(recipe), {typed}, cores=4)


@pytest.mark.parametrize(("cores", "values"), [(1, "1..2"), (2, "1..2"), (12, "1..12")])
def test_threads_go_up_to_the_number_of_cores(cores: int, values: str) -> None:
    assert recipe_values(find_recipe("threads"), (), cores) == {"sweeps": (f"threads={values}",)}


def test_recipes_are_listed_without_a_name() -> None:
    listed = CliRunner().invoke(cli, ["run", "--recipe"])
    assert listed.exit_code == 0
    for recipe in RECIPES.values():
        assert recipe.name in listed.output
        assert recipe.question in listed.output
    assert max(map(len, listed.output.splitlines())) <= 80


@pytest.mark.parametrize("name", ["shipp", "", " ", "Ship!", "x" * 10_000, "\x1b[2J", "--"])
def test_an_unknown_recipe_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_recipe(name)
    assert any(known in str(refused.value) for known in RECIPES)
    assert len(str(refused.value)) < 200


def test_a_name_may_have_capitals_and_spaces() -> None:
    assert find_recipe(" Ship ") is RECIPES["ship"]


def test_the_options_of_a_recipe_can_be_typed() -> None:
    assert format_options(RECIPES["rate"].options) == "--find-rate --limit 'p99 < 10ms'"
    assert format_options(RECIPES["threads"].options) == "--sweep threads=1..CORES"


def test_the_guide_has_the_table_of_recipes() -> None:
    page = read_page("getting-started").text
    for recipe in RECIPES.values():
        effect = f"{recipe.effect[0].upper()}{recipe.effect[1:]}."
        assert f"| `{recipe.name}` | {recipe.question} | {effect} | `{format_options(recipe.options)}` |" in page
