"""What a user does beside the six: variants, lines that go, until known, a control copy, and the noise screen."""

from __future__ import annotations

import asyncio

import pytest

from latency_tui.engine.protocol import Measure
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from latency_tui.tui.state import start
from latency_tui.tui.widgets.fields import Field
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import Script, fake_plan, until

SIX = tuple(Candidate(model=model) for model in BUILTIN_MODELS)
FOREST = Candidate(model=BUILTIN_MODELS[1])
ONE_JOB = Candidate(model=BUILTIN_MODELS[1], settings={"n_jobs": 1})


def asked(harness: AppHarness) -> Plan:
    """Return the plan of the last measurement that the engine was asked for."""
    command = harness.script.commands[-1]
    assert isinstance(command, Measure)
    return command.plan


@pytest.mark.slow
async def test_u_greys_runs_and_profile_measures_until_it_is_known(open_app: Open, script: Script) -> None:
    script.noise = 0.002
    script.pause = 0.02
    async with open_app() as harness:
        await harness.press("u")
        assert "[✔] until known" in harness.text()
        assert "Measures for at most 60 s." in harness.text()
        assert harness.screen.query_one("#runs", Field).disabled
        await harness.press("r")
        assert not harness.screen.typing
        await harness.profile()
        plan = asked(harness)
        assert (plan.runs, plan.seconds, plan.until_known) == (None, None, True)
        result = harness.state.result
        assert result is not None
        assert all(comparison.verdict == "slower" for comparison in result.comparisons)
        assert 0 < result.candidates[0].calls < 2000, "it stopped before the fake engine had no more"
        await harness.press("u")
        assert not harness.screen.query_one("#runs", Field).disabled
        await harness.profile()
        assert asked(harness).runs == 100


@pytest.mark.slow
async def test_while_measuring_until_known_the_progress_counts_what_is_settled(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app(plan=fake_plan(runs=None, until_known=True)) as harness:
        await harness.press("p")
        await until(
            lambda: "round 3 · decided 0 of 5" in harness.text() or "decided 0 of 5 · esc stops" in harness.text()
        )
        await harness.press("u")
        assert harness.state.until_known, "it cannot be changed while something runs"
        await harness.press("escape")
        await harness.idle()


async def test_until_known_with_one_model_is_refused_in_a_sentence(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("n", "space", "u", "p")
        assert harness.script.commands == []
        assert "needs two models" in " ".join(harness.text().split())


@pytest.mark.slow
async def test_what_the_command_line_said_is_in_every_plan_that_the_app_makes(open_app: Open) -> None:
    plan = fake_plan(
        runs=None, until_known=True, max_seconds=7.0, launches=2, control=True, equivalence=0.03, cold_start=True
    )
    async with open_app(plan=plan) as harness:
        assert "[✔] until known" in harness.text()
        assert "[✔] control" in harness.text()
        assert "[✔] cold start" in harness.text()
        await harness.press("p")
        await until(lambda: bool(harness.script.commands))
        found = asked(harness)
        await harness.press("escape")
        await harness.idle()
    assert found.control
    assert found.cold_start
    assert (found.until_known, found.max_seconds, found.launches, found.equivalence) == (True, 7.0, 2, 0.03)


async def test_c_takes_a_control_copy_along(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("c")
        assert "[✔] control" in harness.text()
        await harness.profile()
        assert asked(harness).control


@pytest.mark.slow
async def test_o_measures_start_up_and_memory_and_the_noise_screen_says_so(open_app: Open) -> None:
    async with open_app(120, 50) as harness:
        await harness.profile()
        await harness.press("i")
        assert "press o to measure them next time" in " ".join(harness.text().split())
        await harness.press("escape", "o")
        assert "[✔] cold start" in harness.text()
        await harness.profile()
        assert asked(harness).cold_start
        await harness.press("i", "end")
        text = " ".join(harness.text().split())
        assert "start-up" in text
        assert " peak" in text


async def test_a_model_with_settings_of_the_command_line_is_a_line_of_its_own(open_app: Open) -> None:
    own = ModelSpec(name="My [b]Model[/b]", factory="my.module:Model")
    plan = Plan(candidates=(FOREST, ONE_JOB, Candidate(model=own)))
    async with open_app(plan=plan) as harness:
        text = harness.text()
        assert text.index("Random Forest") < text.index("└ n_jobs=1") < text.index("My [b]Model[/b]")
        assert "3 of 8 selected" in text
        await harness.profile()
        assert [c.slug for c in asked(harness).candidates] == [
            "random-forest",
            "random-forest[n_jobs=1]",
            "my-b-model-b",
        ]


@pytest.mark.slow
async def test_v_marks_variants_and_enter_lists_them_under_their_model(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("v")
        assert "Variants of Logistic Regression" in harness.text()
        await harness.press("space", "j", "space", "enter")
        await until(lambda: len(harness.state.rows) == 8)
        await harness.pilot.pause()
        assert [row.slug for row in harness.state.rows[:3]] == [
            "logistic-regression",
            "logistic-regression[assume_finite=true]",
            "logistic-regression[skip_parameter_validation=true]",
        ]
        assert "8 of 8 selected" in harness.text()
        assert "└ assume_finite" in harness.text()
        looks = [
            harness.screen._candidate_styles[row.slug] for row in harness.state.rows
        ]  # no two lines may look alike
        assert len(set(looks)) == 8
        await harness.profile()
        assert len(asked(harness).candidates) == 8


@pytest.mark.slow
async def test_a_variant_typed_by_hand_is_checked_and_added(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("j", "v", "tab", *"threads=0", "enter")
        assert "threads must be a whole number from 1 to 4,096" in harness.text()
        await harness.press("ctrl+u", *"n_jobs", "enter")
        assert "A setting is written name=value" in harness.text()
        await harness.press("ctrl+u", "enter")
        assert "Type a setting first" in harness.text()
        await harness.press("ctrl+u", *"n_jobs=2,threads=2", "enter")
        await until(lambda: len(harness.state.rows) == 7)
        assert harness.state.highlighted == "random-forest[n_jobs=2,threads=2]"


async def test_escape_adds_no_variant(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("v", "space", "escape")
        assert len(harness.state.rows) == 6


@pytest.mark.slow
async def test_minus_removes_lines_and_what_was_measured_stays(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("minus")
        assert harness.state.highlighted == "random-forest"
        assert "5 of 5 selected" in harness.text()
        assert "Logistic Regression is fastest" in harness.text()
        await harness.press("3")
        assert "Logistic Regression" in harness.text()
        await harness.press(*(["minus"] * 6))
        await until(lambda: harness.state.rows == ())
        await harness.press("p", "v", "space", "j", "b", "enter")
        assert harness.app.is_running
        assert "0 of 0 selected" in harness.text()


@pytest.mark.slow
async def test_i_shows_noise_findings_figures_and_the_machine(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("i")
        assert "This machine was" not in harness.text()
        assert "There is no result yet" in harness.text()
        harness.app.clear_notifications()
        await harness.profile()
        await harness.press("i")
        text = harness.text()
        for words in (
            "This machine was quiet",
            "lost time",
            "timer floor      70.0 ns",
            "Made CPU, 2 cores",
            "0.3 % of the",
            "0.25 per core",
        ):
            assert words in text
        assert "scikit-learn 1.9.1" in text
        assert "press o to measure them next time" in text
        await harness.press("i")
        assert "This machine was" not in harness.text()


@pytest.mark.slow
async def test_a_result_of_one_launch_says_so_in_the_first_line(open_app: Open) -> None:
    async with open_app() as harness:
        assert "1 launch" not in harness.text()
        await harness.profile()
        assert "1 launch" in harness.text().splitlines()[0]
    async with open_app(plan=fake_plan(launches=2)) as harness:
        await harness.profile()
        assert "1 launch" not in harness.text().splitlines()[0]


async def test_the_first_line_of_a_small_screen_still_says_what_is_measured(open_app: Open) -> None:
    async with open_app(80, 24) as harness:
        await harness.profile()
        first = harness.text().splitlines()[0]
        for words in ("synthetic 1,000 × 20 · 1 row · predict", "1 launch", "quiet"):
            assert words in first


async def test_the_number_of_runs_can_be_read_on_a_small_screen(open_app: Open) -> None:
    async with open_app(60, 16, plan=fake_plan(runs=1000)) as harness:
        [line] = [line for line in harness.text().splitlines() if " Runs " in line]
        assert line.split("Runs")[1].split() == ["1000", ",", "│"]


async def test_every_switch_is_on_a_small_screen(open_app: Open) -> None:
    for size in ((80, 24), (60, 16)):
        async with open_app(*size) as harness:
            text = harness.text()
            assert "[ ] until known u" in text
            assert "[ ] control c" in text
            assert "Profile p" in text


def test_a_baseline_with_settings_is_the_one_that_the_app_opens_with() -> None:
    models = (Candidate(model=BUILTIN_MODELS[1]), Candidate(model=BUILTIN_MODELS[1], settings={"n_jobs": 1}))
    assert start(Plan(candidates=models, baseline=models[1].slug), models).baseline == "random-forest[n_jobs=1]"
