"""What commands, fields and tabs change in the state of the main screen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan, Workload, parse_sweep
from latency_tui.plan.mix import format_mix, mix_of
from latency_tui.plan.recipes import RECIPES
from latency_tui.tui import commands
from latency_tui.tui.layout import Mode
from latency_tui.tui.plan_to_measure import plan_to_measure, plan_typed, refusals
from latency_tui.tui.reducers.commands import REDUCERS, apply_plan, highlight, highlight_named, type_text
from latency_tui.tui.reducers.events import begin_stopping, drop_measurement, finish, start_job
from latency_tui.tui.reducers.tabs import open_next_tab, open_tab, tabs_of, visible_tab
from latency_tui.tui.screens.main import MainScreen
from latency_tui.tui.state import ShownMeasurement, State, arrangement, start

SIX = tuple(Candidate(model=model) for model in BUILTIN_MODELS)


def fresh(**changes: object) -> State:
    """Return the state that the app opens with."""
    return start(Plan(candidates=SIX, **changes), SIX)  # type: ignore[arg-type]  # fields by name


def after(state: State, *keys: type[commands.Command]) -> State:
    """Return the state after some commands."""
    for key in keys:
        state = REDUCERS[key](state)
    return state


def measured(count: int = 1) -> State:
    """Return a state with measurements that have ended."""
    state = fresh()
    for number in range(count):
        state = start_job(
            state, f"profile-{number}", (*state.measurements, ShownMeasurement(f"profile-{number}", state.plan))
        )
    return finish(state)


def test_every_command_either_changes_the_state_or_has_one_action() -> None:
    screen = MainScreen(Plan(candidates=SIX), SIX, engine_factory=lambda: pytest.fail("no engine is needed"))
    actions = set(screen._actions)
    assert not actions & set(REDUCERS)
    assert set(commands.COMMANDS.values()) | {commands.LeaveChart} == actions | set(REDUCERS)


def test_the_field_batch_takes_a_mix_and_gives_it_back() -> None:
    plan = plan_to_measure(type_text(fresh(), "batch", " 80%:1, 20%:64 "))
    assert format_mix(plan.workload.mix) == "0.8:1,0.2:64"
    shown = apply_plan(fresh(), plan)
    assert shown.batch_text == "0.8:1,0.2:64"
    assert plan_to_measure(type_text(shown, "batch", "8")).workload == Workload(batch_size=8)


def test_a_long_mix_stays_until_its_word_is_replaced() -> None:
    plan = Plan(candidates=(SIX[0],), workload=Workload(mix=mix_of(range(1, 41))))
    state = apply_plan(fresh(), plan)
    assert state.batch_text == "mix"
    assert plan_to_measure(state).workload.mix == plan.workload.mix
    assert list(refusals(type_text(state, "batch", "mixed"))) == ["batch"]
    assert list(refusals(type_text(fresh(), "batch", "mix"))) == ["batch"]
    assert list(refusals(type_text(fresh(), "batch", "0.8:1,0.2:0"))) == ["batch"]


def test_no_key_has_two_commands() -> None:
    taken = [key for one in commands.COMMANDS.values() for key in one.keys]
    assert not {key for key in taken if taken.count(key) > 1}


def test_each_recipe_measures_the_selected_models_for_its_question() -> None:
    state = highlight(fresh(launches=2, sweeps=(parse_sweep("n_jobs=1,2"),)), 0)
    plans = {name: plan_to_measure(state, recipe=recipe) for name, recipe in RECIPES.items()}
    assert (plans["ship"].launches, plans["ship"].control, plans["ship"].sweeps) == (5, True, ())
    assert (plans["batch"].swept, len(plans["batch"].candidates)) == (("batch",), 9 * len(SIX))
    assert (plans["threads"].swept, plans["threads"].launches) == (("threads",), 2)
    assert plans["cold"].cold_start
    assert plans["steps"].steps
    assert plans["rate"].load is not None
    assert [limit.text for limit in plans["rate"].limits] == ["p99 < 10ms"]


def test_the_palette_asks_the_question_of_each_recipe() -> None:
    asked = {command.title: command for command in commands.COMMANDS.values()}
    for name, recipe in RECIPES.items():
        command = asked[f"{recipe.question} (recipe {name})"]
        assert command.help().startswith(recipe.effect[:1].upper())
        assert command.applies(fresh())


def test_models_are_chosen_one_by_one_and_all_at_once() -> None:
    state = after(fresh(), commands.ChooseNone, commands.HighlightNext, commands.Choose)
    assert [candidate.slug for candidate in state.selected] == ["random-forest"]
    assert after(state, commands.Choose).selected == ()
    assert after(state, commands.ChooseAll).selected == SIX


def test_the_highlight_stops_at_both_ends_of_the_list() -> None:
    state = fresh()
    assert after(state, commands.HighlightPrevious).highlighted == SIX[0].slug
    assert highlight(state, 99).highlighted == SIX[-1].slug
    assert highlight_named(state, " rbf ").highlighted == "rbf-svm"
    assert highlight_named(state, "nothing like it") is state
    empty = replace(state, rows=(), highlighted="")
    assert after(empty, commands.HighlightNext, commands.Choose, commands.RemoveModel).rows == ()


def test_a_removed_model_keeps_its_colour_for_results() -> None:
    state = fresh()
    removed = after(state, commands.RemoveModel)
    assert removed.highlighted == SIX[1].slug
    assert removed.colours == state.colours


def test_a_frozen_screen_keeps_its_numbers_but_follows_tab_and_highlight() -> None:
    state = after(measured(2), commands.Freeze)
    changed = replace(state, shown_index=0, tab="compare", highlighted="rbf-svm", mode="narrow")
    seen = changed.displayed
    assert (seen.shown_index, seen.tab, seen.highlighted, seen.mode) == (
        state.shown_index,
        "compare",
        "rbf-svm",
        "narrow",
    )
    assert seen.frozen
    assert not after(changed, commands.Freeze).displayed.frozen
    assert not begin_stopping(changed).frozen


def test_a_dropped_measurement_leaves_the_newest_one_on_the_screen() -> None:
    state = drop_measurement(measured(2), "profile-1")
    assert state.measurement is not None
    assert state.measurement.job == "profile-0"
    assert drop_measurement(state, "profile-0").measurement is None


@pytest.mark.parametrize(
    ("mode", "first", "beside"), [("wide", "latency", 1), ("narrow", "models", 0), ("tiny", "models", 1)]
)
def test_models_are_a_tab_only_where_they_do_not_stand_beside(mode: Mode, first: str, beside: int) -> None:
    state = replace(fresh(), mode=mode)
    tabs = len(commands.TABS) - beside
    assert visible_tab(state).tab == first
    assert len(tabs_of(state)) == tabs
    walked = state
    for _ in range(tabs):
        walked = open_next_tab(walked)
    assert visible_tab(walked) is visible_tab(open_tab(state, tabs_of(state)[0])) or mode == "tiny"


def test_opening_the_models_beside_the_results_keeps_the_open_tab() -> None:
    state = open_tab(measured(), commands.ShowCompare)
    assert open_tab(state, commands.ShowModels) is state
    assert open_tab(replace(state, mode="narrow"), commands.ShowModels).tab == "models"


def test_a_text_that_is_no_number_is_refused_until_it_is_one() -> None:
    state = type_text(type_text(fresh(), "runs", "many"), "batch", "0")
    assert list(refusals(state)) == ["runs", "batch"]
    with pytest.raises(UsageError, match="Batch"):
        plan_to_measure(state)
    assert plan_typed(state).runs == 100
    state = type_text(type_text(state, "runs", "1,000"), "batch", "8")
    assert refusals(state) == {}
    plan = plan_to_measure(state)
    assert (plan.runs, plan.workload.batch_size) == (1000, 8)


def test_until_known_needs_two_models_to_measure_and_one_to_train() -> None:
    state = after(fresh(), commands.UntilKnown, commands.ChooseNone, commands.Choose)
    assert plan_to_measure(state, training=True).runs == 1
    with pytest.raises(UsageError):
        plan_to_measure(state)


def test_a_plan_from_the_sheet_fills_the_fields_in() -> None:
    state = type_text(fresh(), "runs", "nonsense")
    taken = apply_plan(state, Plan(candidates=SIX, runs=None, seconds=2.5), SIX[:2])
    assert (taken.runs_text, taken.batch_text) == ("2.5", "1")
    assert taken.field_resets == state.field_resets + 1
    assert taken.selected == SIX[:2]
    assert plan_to_measure(taken).seconds == 2.5


def test_parts_change_places_with_the_tab_and_the_measurement_only() -> None:
    state = measured()
    assert arrangement(state) == arrangement(replace(state, highlighted="rbf-svm", control=True))
    assert arrangement(state) != arrangement(replace(state, tab="compare"))
    assert arrangement(state) != arrangement(measured(2))
