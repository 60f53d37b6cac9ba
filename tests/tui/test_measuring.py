"""What a user does with models and plan: choose, train, profile, stop, and read the answer."""

from __future__ import annotations

import asyncio
import re

import pytest
from msgspec.structs import replace

from latency_tui.catalog.named_models import default_models
from latency_tui.engine.protocol import Measure, RoundFinished, Train
from latency_tui.plan import (
    BUILTIN_MODELS,
    BundledDataset,
    Candidate,
    Dataset,
    FileDataset,
    ModelSpec,
    Plan,
    Workload,
)
from latency_tui.tui.charts.line_chart import LineChart
from latency_tui.tui.messages import EventsArrived
from latency_tui.tui.widgets.fields import Field
from tests.tui.conftest import Open
from tests.tui.fake_engine import Script, fake_plan, until

OWN = Candidate(model=ModelSpec(name="own", factory="shop.models:own"))


async def test_all_six_models_are_chosen_at_the_start(open_app: Open) -> None:
    async with open_app() as harness:
        text = harness.text()
        assert text.count("[✔]") == 6
        assert "6 of 6 selected" in text
        assert "Nothing is measured yet" in text
        assert "p  profiles the 6 models" in text


async def test_space_a_and_n_choose_and_the_line_shows_it_without_colour(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("space")
        assert "[ ] ● Logistic Regression" in harness.text()
        await harness.press("n")
        assert "0 of 6 selected" in harness.text()
        await harness.press("a")
        assert harness.text().count("[✔]") == 6


async def test_a_click_on_a_name_highlights_and_one_on_its_box_deselects(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.pilot.click("#list", offset=(10, 3))
        await harness.pilot.pause()
        assert "[✔] ▲ Linear SVM" in harness.text()
        assert harness.state.highlighted == "linear-svm"
        await harness.pilot.click("#list", offset=(2, 4))
        await harness.pilot.pause()
        assert "[ ] ◆ RBF SVM" in harness.text()
        assert harness.state.highlighted == "rbf-svm"


async def test_quit_asks_once_while_it_measures(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("q")
        assert harness.app.is_running
        assert "again quits" in harness.text()
        await harness.press("q")
        await until(lambda: not harness.app.is_running)


async def test_escape_brings_back_the_runs_that_rubbish_replaced(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("r", *"abc", "escape", "p")
        await until(lambda: bool(harness.script.commands))
        assert harness.script.commands[-1].plan.runs == 100


@pytest.mark.parametrize("key", ["s", "i", "left_square_bracket", "b", "y", "f", "e", "enter", "escape", "z"])
async def test_a_key_that_does_nothing_yet_says_why(open_app: Open, key: str) -> None:
    async with open_app() as harness:
        await harness.press(key)
        await until(lambda: "Not now" in harness.text())


async def test_r_says_why_the_number_of_runs_cannot_be_set(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("u", "r")
        await until(lambda: "Not now" in harness.text())
        assert "turns it off" in harness.text()


@pytest.mark.slow
async def test_esc_asks_before_it_stops_what_has_run_for_long(
    open_app: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        monkeypatch.setattr("latency_tui.tui.confirmation.ASK_AFTER_SECONDS", 0.0)
        await harness.press("p")
        await until(lambda: harness.state.result is not None)
        await harness.press("escape")
        assert "esc again stops" in harness.text()
        assert harness.state.progress.phase == "measuring"
        await harness.press("escape")
        await harness.idle()
        assert harness.state.result is not None
        assert [c.calls for c in harness.state.result.candidates] == [30] * 6


async def test_a_second_esc_that_comes_too_late_asks_again(
    open_app: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.training_gate = asyncio.Event()
    async with open_app() as harness:
        monkeypatch.setattr("latency_tui.tui.confirmation.ASK_AFTER_SECONDS", 0.0)
        monkeypatch.setattr("latency_tui.tui.confirmation.CONFIRM_SECONDS", -1.0)
        await harness.press("t")
        await until(lambda: harness.state.rows[1].stage == "training")
        await harness.press("escape", "escape")  # the highlighted model, the first, is trained
        assert harness.state.work == "training"
        await harness.press("j", "escape")  # the one in training stops without a question
        await until(lambda: harness.state.rows[1].stage == "new")
        assert harness.state.work == "training"


async def test_with_seconds_every_line_spans_the_time(open_app: Open) -> None:
    async with open_app(plan=fake_plan(runs=None, seconds=0.05)) as harness:
        await harness.profile()
        chart = harness.screen.query_one(LineChart)
        assert chart.timed
        for line in chart.lines:
            assert line.runs[-1] > 10 * line.runs[0] > 0


async def test_with_no_model_chosen_profile_says_what_to_do_and_starts_nothing(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("n", "p")
        assert harness.state.work == "idle"
        assert harness.script.commands == []
        assert "Choose at least one model" in harness.text()


async def test_train_shows_time_and_score_of_each_model(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("t")
        await harness.idle()
        assert isinstance(harness.script.commands[0], Train)
        text = harness.text()
        assert "Random Forest         236 ms" in text
        assert "accuracy   0.895 held-out" in text


@pytest.mark.parametrize(
    ("candidate", "data", "said"),
    [
        (Candidate(model=default_models("regression")[0]), BundledDataset(name="diabetes"), "R²         0."),
        (Candidate(model=BUILTIN_MODELS[0]), FileDataset(path="a.csv", target="y"), "accuracy   0."),
        (OWN, FileDataset(path="a.csv", target="y", task="regression"), "R²         0."),
        (OWN, FileDataset(path="a.csv", target="y"), "score      0."),
    ],
)
async def test_a_score_is_called_by_what_is_predicted(
    open_app: Open, candidate: Candidate, data: Dataset, said: str
) -> None:
    plan = Plan(candidates=(candidate,), workload=Workload(dataset=data))
    async with open_app(plan=plan) as harness:
        await harness.press("t")
        await harness.idle()
        assert said in harness.text()


async def test_profile_pressed_while_models_are_trained_follows_when_they_are(open_app: Open, script: Script) -> None:
    script.training_gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("t")
        await until(lambda: harness.state.progress.done >= 1)
        await harness.press("p")
        assert "then profile" in harness.text()
        script.training_gate.set()
        await until(lambda: bool(harness.state.measurements))
        await harness.idle()
        assert [type(command) for command in script.commands] == [Train, Measure]
        assert "is fastest" in harness.text()


async def test_esc_stops_the_highlighted_training_alone_and_the_next_one_all(open_app: Open, script: Script) -> None:
    script.training_gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("t")
        await until(lambda: harness.state.rows[1].stage == "training")
        await harness.press("j", "escape")
        await until(lambda: harness.state.rows[2].stage == "training")
        assert harness.state.rows[1].stage == "new"
        assert harness.state.work == "training"
        await harness.press("escape")
        await harness.idle()
        assert [row.stage for row in harness.state.rows] == ["ready", *["new"] * 5]


async def test_a_slow_training_shows_how_long_it_takes(
    open_app: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.training_gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("t")
        await until(
            lambda: (
                harness.state.rows[1].stage == "training"
                and "random-forest" in harness.screen.controller._training_since
            )
        )
        harness.screen.controller._training_since["random-forest"] -= 75
        await until(lambda: "training 75 s" in harness.text() or "training 76 s" in harness.text())


async def test_a_snapshot_on_the_way_is_not_called_stopped(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        assert "measured: 100 runs each" in harness.text()
        [measurement] = harness.state.measurements
        harness.screen.store.change(replace(harness.state, measurements=(replace(measurement, is_exact=False),)))
        await until(lambda: "computing the result" in harness.text())


async def test_a_convergence_warning_is_a_note_on_the_line(open_app: Open, script: Script) -> None:
    script.warned = {"small-neural-network"}
    async with open_app() as harness:
        await harness.press("t")
        await harness.idle()
        await harness.press("j", "j", "j", "j")
        text = harness.text()
        assert "! 467 ms" in text
        assert "! ConvergenceWarning" in text


async def test_profile_measures_what_is_chosen_with_the_numbers_in_the_fields(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("space", "r", *"1,000", "tab", *"32", "enter")
        await harness.profile()
        command = harness.script.commands[-1]
        assert isinstance(command, Measure)
        assert (command.plan.runs, command.plan.workload.batch_size) == (1000, 32)
        assert [c.slug for c in command.plan.candidates] == [r.slug for r in harness.state.rows[1:]]


async def test_after_profile_every_model_has_a_card_and_there_is_an_answer(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        text = harness.text()
        assert "Logistic Regression is fastest: p50 62.5 µs" in text
        assert "62.5 µs  62.0–63.0" in text
        assert "baseline" in text
        assert "1.14× slower  1.14–1.15" in text
        assert re.search(r"p99 ≥ 64.7 µs needs [\d,]+", text)
        assert "measured: 100 runs each" in text
        assert "cpu 1 · 1 launch · quiet" in text


@pytest.mark.slow
async def test_the_title_says_what_disturbed_most_as_long_as_there_is_room(open_app: Open, script: Script) -> None:
    script.lost_share = 0.2
    async with open_app() as harness:
        await harness.profile()
        assert "noisy: lost time" in harness.text().splitlines()[0]
        await harness.pilot.resize_terminal(50, 24)
        await harness.pilot.pause(0.2)
        title = harness.text().splitlines()[0]
        assert "noisy" in title
        assert "noisy: lost time" not in title


@pytest.mark.slow
async def test_a_median_that_nothing_bounds_says_what_it_lacks(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("r", *"5", "enter")
        await harness.profile()
        assert "62.6 µs  CI needs 6 calls" in harness.text()


async def test_both_charts_name_every_model(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        charts = "\n".join(line[36:] for line in harness.text().splitlines()[16:])
        for name in ("Logistic Regression", "Random Forest", "Linear SVM", "Small Neural Network"):
            assert name in charts
        for name in ("Logistic R", "Random F", "Small NN", "Large NN"):
            assert name in charts
        assert "100 runs" in charts
        assert "1 ms" in charts


async def test_numbers_and_progress_appear_while_it_measures(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: "round 3 of 10" in harness.text())
        await until(lambda: harness.state.result is not None)
        text = harness.text()
        assert "esc stops" in text
        assert "1 s left" in text
        assert "esc Stop" in text
        script.gate.set()
        await harness.idle()
        assert "round" not in harness.text()


@pytest.mark.parametrize("size", [(140, 45), (80, 24)], ids=str)
async def test_the_pass_of_cold_starts_says_what_it_does(open_app: Open, script: Script, size: tuple[int, int]) -> None:
    script.cold_gate = asyncio.Event()
    async with open_app(*size, fake_plan(cold_start=True)) as harness:
        await harness.press("p")
        await until(lambda: harness.state.progress.phase == "cold start" and harness.state.progress.done == 1)
        await until(lambda: "cold start 1 of 6 · esc stops" in harness.text())
        script.cold_gate.set()
        await harness.idle()
        assert "esc stops" not in harness.text()


async def test_escape_stops_at_once_and_keeps_what_was_measured(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: harness.state.result is not None)
        await harness.press("escape")
        await harness.idle()
        result = harness.state.result
        assert result is not None
        assert [c.calls for c in result.candidates] == [30] * 6
        assert "stopped: 30 of 100 runs" in " ".join(harness.text().split())


@pytest.mark.slow
async def test_stopped_before_the_first_round_the_result_before_stays(open_app: Open, script: Script) -> None:
    async with open_app() as harness:
        await harness.profile()
        first = harness.state.result
        script.gate, script.rounds_before_gate = asyncio.Event(), 0
        await harness.press("p")
        await until(lambda: harness.state.progress.phase == "measuring")
        await harness.press("escape")
        await harness.idle()
        assert harness.state.result is first
        assert len(harness.state.measurements) == 1


@pytest.mark.slow
async def test_profile_again_starts_a_new_result_and_brackets_walk_through_them(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("n", "space")
        await harness.profile()
        assert "result 2 of 2" in harness.text()
        assert "p50 62.5 µs" in harness.text()
        await harness.press("left_square_bracket")
        assert "result 1 of 2" in harness.text()
        assert "is fastest" in harness.text()
        await harness.press("right_square_bracket")
        assert "result 2 of 2" in harness.text()


@pytest.mark.slow
async def test_a_bad_number_is_refused_in_the_field_with_a_sentence(open_app: Open) -> None:
    async with open_app() as harness:
        for bad in ("0", "10000001", "abc", "1.5", "-3"):
            await harness.press("r", "end", "ctrl+u", *bad, "enter", "p")
            assert harness.script.commands == []
            assert "Runs: a whole number from 1 to 10,000,000." in " ".join(harness.text().split())
            assert harness.screen.query_one("#runs").has_class("-refused")
        await harness.press("r", "end", "ctrl+u", *"25", "enter")
        assert not harness.screen.query_one("#runs").has_class("-refused")
        assert "whole number" not in "".join(line[:36] for line in harness.text().splitlines())


@pytest.mark.slow
async def test_letters_typed_into_a_field_are_no_commands(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("r", "end", "ctrl+u", *"tpanbqe13")
        assert harness.app.is_running
        assert harness.script.commands == []
        assert len(harness.state.selected) == 6
        assert harness.screen.query_one("#runs", Field).value == "tpanbqe13"
        await harness.press("down")
        assert harness.state.highlighted == "logistic-regression"
        await harness.press("enter", "n")
        assert not any(row.selected for row in harness.state.rows)


async def test_a_failing_model_gets_a_card_and_the_others_go_on(open_app: Open, script: Script) -> None:
    script.failing = {"rbf-svm"}
    script.untrainable = {"linear-svm"}
    async with open_app() as harness:
        await harness.profile()
        text = harness.text()
        assert text.count("ValueError: [bold]no[/bold]") == 2
        assert "enter shows the traceback" in text
        result = harness.state.result
        assert result is not None
        assert [c.calls for c in result.candidates if c.status == "measured"] == [100] * 4
        await harness.press("j", "j", "enter")
        assert 'File "model.py", line 7, in predict' in harness.text()
        await harness.press("escape")
        assert "Linear SVM failed" not in harness.text()


@pytest.mark.slow
async def test_when_the_engine_dies_the_app_says_so_lives_on_and_starts_another(open_app: Open, script: Script) -> None:
    script.dies_in = 4
    async with open_app() as harness:
        await harness.profile()
        assert "The engine stopped" in harness.text()
        result = harness.state.result
        assert result is not None
        assert {c.calls for c in result.candidates} == {40}
        assert {row.stage for row in harness.state.rows} == {"new"}
        script.dies_in = None
        await harness.profile()
        assert len(script.engines) == 2
        assert script.engines[0].closed
        assert harness.state.result is not None
        assert {c.calls for c in harness.state.result.candidates} == {100}


async def test_b_makes_the_highlighted_model_the_baseline_without_measuring(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        commands = len(harness.script.commands)
        await harness.press("j", "j", "b")
        await harness.idle()
        text = harness.text()
        assert len(harness.script.commands) == commands
        assert "1.14× faster  1.14–1.15" in text
        card = next(line for line in text.splitlines() if "baseline" in line)
        assert card.index("baseline") > 70
        await harness.profile()
        assert harness.script.commands[-1].plan.baseline == "linear-svm"


@pytest.mark.slow
async def test_frozen_the_screen_keeps_still_while_measuring_goes_on(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: harness.state.result is not None)
        await harness.press("f")
        assert "frozen" in harness.text()
        before = [line[36:] for line in harness.text().splitlines()[1:-1]]
        script.pause = 0.15
        script.gate.set()
        await until(lambda: harness.state.progress.done >= 6)
        await harness.pilot.pause(0.4)
        assert [line[36:] for line in harness.text().splitlines()[1:-1]] == before
        assert "round 3 of 10" in harness.text()
        await harness.press("f")
        await harness.pilot.pause(0.3)
        assert "frozen" not in harness.text()
        assert "round 3 of 10" not in harness.text()
        await harness.idle()


async def test_late_events_of_an_old_job_are_dropped(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: harness.state.progress.done == 3)
        late = RoundFinished(job="profile-0", launch=0, round=8, rounds=10, seconds_left=0.1)
        harness.screen.post_message(EventsArrived("profile-0", (late,)))
        await harness.pilot.pause(0.3)
        assert harness.state.progress.done == 3
        script.gate.set()
        await harness.idle()


@pytest.mark.slow
async def test_what_was_trained_before_is_part_of_the_next_result(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("t")
        await harness.idle()
        await harness.profile()
        result = harness.state.result
        assert result is not None
        assert result.candidate("random-forest").training_seconds == 0.236
        assert result.environment is not None


async def test_seconds_instead_of_runs_when_the_plan_says_so(open_app: Open) -> None:
    async with open_app(plan=fake_plan(runs=None, seconds=1.5)) as harness:
        assert "Seconds   1.5" in harness.text()
        await harness.profile()
        assert harness.script.commands[-1].plan.seconds == 1.5


async def test_quitting_closes_the_engine(open_app: Open, script: Script) -> None:
    async with open_app() as harness:
        await harness.press("q")
        await until(lambda: not harness.app.is_running)
    assert all(engine.closed for engine in script.engines)
    assert script.engines
