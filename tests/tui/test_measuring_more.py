"""The key `m`: it measures what is missing, and adds it to the result on the screen."""

from __future__ import annotations

import asyncio

import msgspec

from latency_tui.engine.protocol import Measure
from latency_tui.tui.widgets.cards import Card
from tests.tui.conftest import Open
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
        assert f"m measures {100 - kept} more runs" in " ".join(harness.text().split())
        script.gate = None
        await harness.press("m")
        await harness.idle()
        last = harness.script.commands[-1]
        assert isinstance(last, Measure)
        assert (last.launch, last.plan.runs) == (1, 100 - kept)
        assert {c.calls for c in harness.state.result.candidates} == {100}
        assert len(harness.state.measurements) == 1


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
        card.paint(measurement.result, candidate, ("#7aa2f7", "●"), highlighted=True, running=False)
        card._repaint_regions.clear()
        changed = msgspec.structs.replace(changed, mean=changed.mean * 1.5)
        candidate = msgspec.structs.replace(candidate, statistics=changed)
        card.paint(measurement.result, candidate, ("#7aa2f7", "●"), highlighted=True, running=False)
        regions = card._repaint_regions
        assert 0 < sum(region.area for region in regions) < card.size.area / 2
