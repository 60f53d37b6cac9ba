"""The key `m`: it measures what is missing, and adds it to the result on the screen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from latency_tui.engine.protocol import Measure
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, Workload
from latency_tui.plan.datasets import FileDataset
from latency_tui.tui.widgets.cards import Card
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import Script, fake_plan, until


async def test_m_continues_what_was_stopped(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("escape")
        await harness.idle()
        assert harness.state.result is not None
        kept = {c.calls for c in harness.state.result.candidates}.pop()
        assert 0 < kept < 100
        shown = " ".join(part.strip(" │") for line in harness.text().splitlines() for part in line[:37].split("│"))
        assert "m measures the rest" in " ".join(shown.split())
        script.gate = None
        await harness.press("m")
        await harness.idle()
        last = harness.script.commands[-1]
        assert isinstance(last, Measure)
        assert (last.launch, last.plan.runs) == (1, 100 - kept)
        assert {c.calls for c in harness.state.result.candidates} == {100}
        assert len(harness.state.measurements) == 1


@pytest.mark.slow
async def test_what_m_measures_can_be_read_on_a_small_screen(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app(60, 20) as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("escape")
        await harness.idle()
        await harness.press("0")
        panel = " ".join(line[38:58].strip(" │") for line in harness.text().splitlines()[2:12])
        assert "of 100 runs; m: the rest" in panel


@pytest.mark.slow
async def test_m_measures_until_decided_where_that_was_asked(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app(plan=fake_plan(runs=None, until_known=True)) as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("escape")
        await harness.idle()
        script.gate = None
        await harness.press("m")
        await harness.idle()
        last = harness.script.commands[-1]
        assert isinstance(last, Measure)
        assert (last.launch, last.plan.until_known) == (1, True)


async def test_m_says_why_it_does_nothing(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("m")
        assert "There is no result yet" in " ".join(harness.text().split())


@pytest.mark.slow
async def test_a_continued_result_can_be_stopped_and_continued(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        for _ in range(2):
            await harness.press("p" if not harness.state.measurements else "m")
            await until(lambda: harness.state.progress.phase == "measuring" and harness.state.progress.done > 1)
            await harness.press("escape")
            await harness.idle()
            script.gate = asyncio.Event()
        assert harness.state.result is not None
        kept = {c.calls for c in harness.state.result.candidates}.pop()
        assert harness.state.result.more is not None
        assert harness.state.result.more.runs == 100 - kept
        assert len(harness.state.measurements) == 1


async def stop_early(harness: AppHarness, key: str = "p") -> None:
    """Measure some of the rounds of a result."""
    harness.script.gate = asyncio.Event()
    await harness.press(key)
    await until(lambda: harness.state.progress.phase == "measuring" and harness.state.progress.done > 1)
    await harness.press("escape")
    await harness.idle()
    harness.script.gate = None


def calls_of(harness: AppHarness, place: int) -> set[int]:
    result = harness.state.measurements[place].result
    return {candidate.calls for candidate in result.candidates} if result else set()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["model", "data"])
async def test_m_adds_nothing_once_a_file_was_replaced(open_app: Open, tmp_path: Path, what: str) -> None:
    file = tmp_path / "old.ubj"
    file.write_bytes(b"{L\x00old")
    model = ModelSpec(name="Old", file=str(file)) if what == "model" else BUILTIN_MODELS[0]
    workload = Workload(dataset=FileDataset(path=str(file), target="y")) if what == "data" else Workload()
    plan = Plan(candidates=(Candidate(model=model), Candidate(model=BUILTIN_MODELS[2])), workload=workload)
    async with open_app(plan=plan) as harness:
        await stop_early(harness)
        before = calls_of(harness, 0)
        file.write_bytes(b"{L\x00new")
        for _ in range(2):
            await harness.press("m")
            await harness.idle()
            told = [note.message for note in harness.app._notifications]
            assert f"what was measured has changed: the content of {file}. p measures again." in told[-1]
            assert calls_of(harness, 0) == before
        await harness.press("p")
        await harness.idle()
        assert calls_of(harness, 0) == before
        assert calls_of(harness, 1) == {100}
        file.write_bytes(b"{L\x00old")
        await harness.press("left_square_bracket", "m")
        await harness.idle()
        assert calls_of(harness, 0) == {100}


async def test_a_file_replaced_between_two_launches_ends_the_measurement(open_app: Open, tmp_path: Path) -> None:
    file = tmp_path / "old.ubj"
    file.write_bytes(b"{L\x00old")
    models = (ModelSpec(name="Old", file=str(file)), BUILTIN_MODELS[0])
    plan = Plan(candidates=tuple(Candidate(model=model) for model in models), launches=2)
    async with open_app(plan=plan) as harness:
        harness.script.gate = asyncio.Event()
        await harness.press("p")
        await until(lambda: harness.state.progress.phase == "measuring" and harness.state.progress.done > 1)
        file.write_bytes(b"{L\x00new")
        harness.script.gate.set()
        await harness.idle()
        told = [note.message for note in harness.app._notifications]
        assert f"the content of {file}. p measures again." in told[-1]
        assert calls_of(harness, 0) == {100}


@pytest.mark.slow
async def test_m_on_an_earlier_result_keeps_its_place_and_number(open_app: Open) -> None:
    async with open_app() as harness:
        await stop_early(harness)
        await harness.profile()
        await harness.profile()
        later = [harness.state.measurements[place].result for place in (1, 2)]
        await harness.press("left_square_bracket", "left_square_bracket")
        harness.script.gate = asyncio.Event()
        await harness.press("m")
        await until(lambda: harness.state.progress.phase == "measuring" and harness.state.progress.done > 1)
        assert harness.state.running_measurement is harness.state.measurement
        assert "result 1 of 3" in harness.text()
        harness.script.gate.set()
        await harness.idle()
        assert "result 1 of 3" in harness.text()
        assert calls_of(harness, 0) == {100}
        assert [harness.state.measurements[place].result for place in (1, 2)] == later
        assert [len(one.candidates) for one in harness.screen.controller.results_so_far()] == [6, 6, 6]
        assert harness.state.running_measurement is None


async def test_a_card_sends_only_the_figures_that_changed(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        card = harness.screen.query(Card).first()
        measurement = harness.state.measurements[-1]
        candidate = measurement.candidates[0]
        assert measurement.result is not None
        assert candidate.statistics is not None
        changed = msgspec.structs.replace(candidate.statistics, mean=candidate.statistics.mean * 1.5)
        candidate = msgspec.structs.replace(candidate, statistics=changed)
        card._repaint_regions.clear()
        card.paint(measurement.result, candidate, candidate.name, ("#7aa2f7", "●"), highlighted=True, running=False)
        card._repaint_regions.clear()
        changed = msgspec.structs.replace(changed, mean=changed.mean * 1.5)
        candidate = msgspec.structs.replace(candidate, statistics=changed)
        card.paint(measurement.result, candidate, candidate.name, ("#7aa2f7", "●"), highlighted=True, running=False)
        regions = card._repaint_regions
        assert 0 < sum(region.area for region in regions) < card.size.area / 2
