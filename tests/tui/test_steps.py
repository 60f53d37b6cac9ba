"""The dialog Where the time goes: timed on demand, stopped, failed, and as it was saved."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from rich.cells import cell_len

from latency_tui.analysis.steps import analyse_steps
from latency_tui.engine.protocol import MeasureSteps
from latency_tui.tui.screens.steps import StepsDialog, step_lines
from latency_tui.tui.step_view import StepView, views_of
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import Script, until
from tests.unit.fake_steps import PIPELINE, measured
from tests.unit.test_steps import with_steps


def words(harness: AppHarness) -> str:
    """The text of the dialog as if it were in one line; empty while it is not open."""
    dialog = harness.app.screen
    return " ".join(line.plain for line in dialog.lines(70)) if isinstance(dialog, StepsDialog) else ""


@pytest.mark.parametrize(("width", "height"), [(140, 40), (80, 24), (60, 20)])
async def test_the_steps_of_the_highlighted_model_are_timed_and_shown(
    open_app: Open, script: Script, width: int, height: int
) -> None:
    async with open_app(width, height) as harness:
        await harness.press("j", "W")
        await until(lambda: harness.state.work == "idle" and isinstance(harness.app.screen, StepsDialog))
        await harness.pilot.pause(0.1)
        text = harness.text()
        assert "Where the time goes" in text
        assert "50 % of Random Forest's 1.00 ms is columns › words" in words(harness)
        (line,) = (line for line in text.splitlines() if "words (OneHot" in line and "█" in line)
        assert "500 µs" in line
        (command,) = (one for one in script.commands if isinstance(one, MeasureSteps))
        assert [candidate.slug for candidate in command.plan.candidates] == ["random-forest"]
        assert not harness.state.measurements, "nothing was measured"
        await harness.press("escape")
        assert harness.app.screen is harness.screen


async def test_a_pass_shows_its_progress_and_escape_stops_it_then_closes(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("W")
        await until(lambda: harness.state.progress.done == 2)
        await until(lambda: "Round 2 of 10" in harness.text())
        assert "esc stops" in harness.text()
        await harness.press("escape")
        assert isinstance(harness.app.screen, StepsDialog), "what was measured stays"
        await until(lambda: harness.state.work == "idle")
        await until(lambda: "The pass was stopped after" in harness.text())
        await harness.press("escape")
        await until(lambda: harness.app.screen is harness.screen)


@pytest.mark.slow
async def test_known_steps_are_shown_without_timing_them_again(open_app: Open, script: Script) -> None:
    async with open_app() as harness:
        for _ in range(2):
            await harness.press("W")
            await until(lambda: harness.state.work == "idle" and isinstance(harness.app.screen, StepsDialog))
            await harness.press("escape")
            await until(lambda: harness.app.screen is harness.screen)
        assert sum(isinstance(command, MeasureSteps) for command in script.commands) == 1
        await harness.press("W")
        await until(lambda: isinstance(harness.app.screen, StepsDialog))
        await harness.press("W")
        await until(lambda: sum(isinstance(command, MeasureSteps) for command in script.commands) == 2)
        await harness.idle()


@pytest.mark.slow
async def test_steps_are_added_to_the_result_of_the_same_model(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("W")
        await until(lambda: bool(harness.state.result and harness.state.result.steps))
        result = harness.state.result
        assert result is not None
        assert {step.candidate for step in result.steps} == {harness.state.highlighted}
        assert result.measured, "the measured calls are still there"


async def test_a_model_that_fails_says_why_in_one_sentence(open_app: Open, script: Script) -> None:
    script.untrainable = {"logistic-regression"}
    async with open_app() as harness:
        await harness.press("W")
        await until(lambda: "could not be timed" in harness.text())
        await until(lambda: harness.state.work == "idle")
        assert "[bold]no[/bold] such row" in harness.text(), "it is not parsed as markup"
        assert "Traceback" not in harness.text()


async def test_a_pass_that_fails_says_why_in_one_sentence(open_app: Open, script: Script) -> None:
    script.steps = [measured(rounds=0, error="the step words failed while it was timed: no", done=0, total=10)]
    async with open_app() as harness:
        await harness.press("W")
        await until(lambda: "the step words failed while it was timed" in words(harness))
        await until(lambda: harness.state.work == "idle")


async def test_nothing_is_timed_while_something_runs(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: harness.state.progress.done > 0)
        await harness.press("W")
        await until(lambda: "Something is running" in harness.text())
        assert harness.app.screen is harness.screen
        script.gate.set()
        await harness.idle()


def test_a_saved_result_shows_the_highlighted_model_or_all() -> None:
    result = with_steps()
    assert [view.slug for view in views_of(result, "churn")] == ["churn"]
    assert [view.slug for view in views_of(result, "not-in-it")] == ["churn"]
    assert views_of(None, "churn") == ()
    other = msgspec.structs.replace(result.candidates[0], slug="other", name="Other")
    both = msgspec.structs.replace(result, candidates=(*result.candidates, other))
    assert views_of(both, "other") == (), "its steps were not timed"


@pytest.mark.parametrize("width", [34, 56, 76, 120])
def test_no_line_of_the_dialog_is_wider_than_the_dialog(width: int) -> None:
    found = analyse_steps([measured(PIPELINE, unchecked=900, array=700, timed=1300)])
    assert found is not None
    view = StepView("churn", "A [name] with \x1b[31m marks", *found, progress="Round 3 of 10")
    lines = step_lines(view, width)
    assert all(cell_len(line.plain) <= width for line in lines)
    assert not any("\x1b" in line.plain for line in lines)
    assert any("█" in line.plain for line in lines)
