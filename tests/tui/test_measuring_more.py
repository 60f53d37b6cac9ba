"""The key `m`: it measures what is missing, and adds it to the result on the screen."""

from __future__ import annotations

import asyncio

import msgspec

from latency_tui.engine.protocol import Measure
from latency_tui.tui.widgets.cards import Card
from tests.tui.conftest import Open
from tests.tui.made import Script, made_plan, until


async def test_m_continues_what_was_stopped(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as desk:
        await desk.press("p")
        await until(lambda: bool(desk.state.result))
        await desk.press("escape")
        await desk.idle()
        assert desk.state.result is not None
        kept = {c.calls for c in desk.state.result.candidates}.pop()
        assert 0 < kept < 100
        assert f"m measures {100 - kept} more runs" in " ".join(desk.text().split())
        script.gate = None
        await desk.press("m")
        await desk.idle()
        last = desk.script.commands[-1]
        assert isinstance(last, Measure)
        assert (last.launch, last.plan.runs) == (1, 100 - kept)
        assert {c.calls for c in desk.state.result.candidates} == {100}
        assert len(desk.state.measurements) == 1


async def test_m_measures_until_decided_where_that_was_asked(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app(plan=made_plan(runs=None, until_known=True)) as desk:
        await desk.press("p")
        await until(lambda: bool(desk.state.result))
        await desk.press("escape")
        await desk.idle()
        script.gate = None
        await desk.press("m")
        await desk.idle()
        last = desk.script.commands[-1]
        assert isinstance(last, Measure)
        assert (last.launch, last.plan.until_known) == (1, True)


async def test_m_says_why_it_does_nothing(open_app: Open) -> None:
    async with open_app() as desk:
        await desk.press("m")
        assert "There is no result yet" in " ".join(desk.text().split())


async def test_a_continued_result_can_be_stopped_and_continued(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as desk:
        for _ in range(2):
            await desk.press("p" if not desk.state.measurements else "m")
            await until(lambda: desk.state.progress.phase == "measuring" and desk.state.progress.done > 1)
            await desk.press("escape")
            await desk.idle()
            script.gate = asyncio.Event()
        assert desk.state.result is not None
        kept = {c.calls for c in desk.state.result.candidates}.pop()
        assert desk.state.result.more is not None
        assert desk.state.result.more.runs == 100 - kept
        assert len(desk.state.measurements) == 1


async def test_a_card_sends_only_the_figures_that_changed(open_app: Open) -> None:
    async with open_app() as desk:
        await desk.profile()
        card = desk.screen.query(Card).first()
        measurement = desk.state.measurements[-1]
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
