"""Keys at odd moments: on the tiniest terminals, while something runs, in the instant in which it ends."""

from __future__ import annotations

import asyncio
import errno
import io
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from latency_tui.engine.protocol import (
    CandidateFailed,
    EngineStarted,
    Reason,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from latency_tui.result.result import load
from latency_tui.tui import commands
from latency_tui.tui import state as states
from latency_tui.tui.reducers import events
from latency_tui.tui.screens.help import HelpScreen
from latency_tui.tui.text import wrap
from latency_tui.tui.textual_guards import tolerate_any_input
from tests.tui.conftest import Open
from tests.tui.fake_engine import ENVIRONMENT, FakeEngine, Script, fake_plan, until


@pytest.mark.parametrize("size", [(50, 12), (12, 4), (3, 3)])
async def test_tabs_are_walked_on_a_tiny_terminal_before_there_is_any(open_app: Open, size: tuple[int, int]) -> None:
    async with open_app(*size) as harness:
        await harness.press("l", "h", "right", "left")
        await harness.profile()
        assert harness.app.is_running


def test_a_wide_letter_is_wrapped_into_a_column_of_one() -> None:
    assert wrap("漢字", 1) == ["漢", "字"]


@pytest.mark.slow
async def test_a_path_in_a_home_that_nobody_has_is_refused_with_a_sentence(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("s", "ctrl+u", *"~nobody-here/x.json", "enter")
        await until(lambda: "Cannot write" in harness.text())
        assert "home directory. " in harness.text()
        await harness.press("escape", "plus", *"~nobody-here/")
        await harness.pilot.pause(0.3)
        assert "report this" not in harness.text()


@pytest.mark.slow
async def test_what_is_saved_is_all_that_there_is_when_enter_is_pressed(
    open_app: Open, script: Script, tmp_path: Path
) -> None:
    script.gate = asyncio.Event()
    async with open_app(plan=Plan(candidates=fake_plan().candidates, runs=20_000)) as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("s", "ctrl+u")
        await harness.paste(tmp_path / "half.json")
        await harness.press("enter")
        await until(lambda: (tmp_path / "half.json").exists())
        half = {c.calls for c in load(tmp_path / "half.json").candidates}
        assert max(half) < 20_000
        await harness.press("s", "ctrl+u")
        await harness.paste(tmp_path / "whole.json")
        script.gate.set()
        await harness.idle()
        await harness.press("enter")
        await until(lambda: (tmp_path / "whole.json").exists())
        for candidate in load(tmp_path / "whole.json").candidates:
            assert candidate.samples is not None
            assert candidate.calls == len(candidate.samples) == 20_000


async def test_a_freeze_that_comes_too_late_freezes_nothing(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        harness.screen.post_message(commands.Freeze())
        await harness.pilot.pause()
        assert not harness.state.frozen


async def test_the_table_before_is_printed_where_the_next_has_no_numbers_yet(open_app: Open, script: Script) -> None:
    async with open_app() as harness:
        await harness.profile()
        script.gate, script.rounds_before_gate = asyncio.Event(), 0
        await harness.press("p")
        await until(lambda: harness.state.work == "profiling")
        assert harness.state.result is None
        assert harness.app.last_result is not None
        assert "is fastest" in harness.app.last_result.answer


@pytest.mark.parametrize("key", ["n", "a"])
async def test_nobody_is_chosen_or_dropped_while_something_runs(open_app: Open, script: Script, key: str) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("space", "p")
        await until(lambda: harness.state.work == "profiling")
        await harness.press(key)
        harness.screen.post_message(commands.ChooseNone())
        await harness.pilot.pause()
        assert [row.selected for row in harness.state.rows] == [False] + [True] * 5


def test_a_later_launch_says_nothing_of_the_processes_that_are_kept() -> None:
    candidates = tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2])
    state = states.start(Plan(candidates=candidates), candidates)
    one, other = (row.slug for row in state.rows)
    state = states.update_row(state, one, stage="ready", seconds=0.1)
    state = events.fold(state, TrainingStarted(job="j", candidate=one))
    assert events.finish(state).rows[0].stage == "ready"
    state = events.fold(state, CandidateFailed(job="j", candidate=other, stage="measuring", message="It crashed."))
    warm = WarmUpFinished(
        job="j", launch=0, candidate=other, calls=1, seconds=0.1, steady=True, first_calls=b"", call_seconds=1e-4
    )
    assert (events.fold(state, warm).rows[1].stage, events.fold(state, warm).rows[1].error) == ("ready", "")


def test_a_later_launch_is_counted_from_its_start() -> None:
    candidates = tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2])
    state = states.start(Plan(candidates=candidates, launches=2), candidates)
    for row in state.rows:
        state = states.update_row(state, row.slug, stage="ready", seconds=0.1)
    state = replace(state, progress=states.Progress("measuring", 10, 10, 0.0, 0))
    state = events.fold(state, EngineStarted(environment=ENVIRONMENT))
    assert (state.progress.phase, state.progress.launch) == ("preparing", 1)
    state = events.fold(state, TrainingStarted(job="j", candidate=state.rows[0].slug))
    assert (state.progress.phase, state.progress.done, state.progress.launch) == ("training", 0, 1)
    state = events.fold(
        state, TrainingFinished(job="j", candidate=state.rows[0].slug, seconds=0.1, score=0.9, notes=())
    )
    assert (state.progress.done, state.progress.launch) == (1, 1)


@pytest.mark.slow
async def test_a_click_in_a_table_that_was_scrolled_picks_the_row_beneath(open_app: Open) -> None:
    models = tuple(
        ModelSpec(name=f"Model {index}", factory=BUILTIN_MODELS[index % 6].factory, parameters={"random_state": index})
        for index in range(14)
    )
    plan = Plan(candidates=tuple(Candidate(model=model) for model in models), runs=100)
    async with open_app(80, 24, plan=plan, models=models) as harness:
        await harness.profile()
        table = harness.app.screen.query_one("#table")
        for _ in range(13):
            await harness.press("j")
        await harness.pilot.pause(0.2)
        assert table.scroll_offset.y > 0
        place = next(
            y for y, line in enumerate(harness.text().splitlines()) if y > table.region.y + 1 and "Model" in line
        )
        name = next(model for model in models if f" {model.name} " in harness.text().splitlines()[place])
        await harness.pilot.click(offset=(10, place))
        await harness.pilot.pause(0.2)
        assert harness.state.row is not None
        assert harness.state.row.candidate.model.name == name.name


@pytest.mark.slow
async def test_setting_runs_and_finding_leave_the_comparison_where_it_is(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("3", "r")
        await harness.pilot.pause(0.1)
        assert "against Logistic Regression" in harness.text()
        await harness.press("escape", "slash")
        await harness.pilot.pause(0.1)
        harness.screen.set_focus(harness.screen.query_one("#list"))
        await harness.press("slash")
        await harness.pilot.pause(0.1)
        assert harness.screen.focused is harness.screen.query_one("#find")
        await harness.press(*"forest")
        assert harness.state.highlighted == "random-forest"


@pytest.mark.slow
async def test_the_title_of_an_older_result_has_its_own_cores_and_no_meter(open_app: Open, script: Script) -> None:
    script.lost_share = 0.2
    async with open_app() as harness:
        await harness.profile()
        assert "█" in harness.text().splitlines()[0]
        await harness.profile()
        await harness.press("left_square_bracket")
        title = harness.text().splitlines()[0]
        assert "cpu 1" in title
        assert "noisy" in title
        assert "█" not in title


@pytest.mark.slow
async def test_an_enlarged_chart_says_what_esc_does(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("e")
        await until(lambda: "e next · esc back" in harness.text())
        script.gate.set()
        await harness.idle()
        await until(lambda: "e next · esc back" in harness.text())


@pytest.mark.slow
async def test_an_engine_that_does_not_react_to_stop_is_ended(
    open_app: Open, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latency_tui.errors import EngineError
    from latency_tui.tui import engine_session

    asked: list[Reason] = []

    async def deaf(self: FakeEngine, job: str, reason: Reason = "stopped") -> None:
        asked.append(reason)

    async def close(self: FakeEngine) -> None:
        self.script.dies_in = 3
        if self.script.gate is not None:
            self.script.gate.set()

    monkeypatch.setattr(FakeEngine, "stop", deaf)
    monkeypatch.setattr(FakeEngine, "close", close)
    monkeypatch.setattr(engine_session, "_STOP_SECONDS", 0.2)
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("escape")
        await harness.idle()
        assert len(asked) > 3, "between two launches nobody hears the first"
        assert "unexpectedly" not in harness.text()
        assert {row.stage for row in harness.state.rows} == {"new"}
    assert EngineError.exit_code


def test_a_terminal_that_has_gone_never_blocks_the_screen() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    tolerate_any_input()
    writer = WriterThread(Gone())
    writer.start()

    def draw() -> None:
        for _ in range(2 * MAX_QUEUED_WRITES):
            writer.write("a frame")
        writer.stop()

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    drawing.join(20)
    assert not drawing.is_alive()


async def test_the_main_screen_is_painted_whatever_a_dialog_over_it_does(open_app: Open) -> None:
    """A dialog that closes before it is idle would drop what it was to call, and the screen would stay out of date."""
    async with open_app() as harness:
        screen, dialog, done = harness.screen, HelpScreen(), asyncio.Event()
        await harness.app.push_screen(dialog)
        dialog.call_later(done.wait)
        rows = tuple(replace(row, selected=False) for row in harness.state.rows)
        screen.store.change(replace(harness.state, rows=rows))
        try:
            await until(lambda: "0 of 6 selected" in str(screen.query_one("#list").border_subtitle))
        finally:
            done.set()
