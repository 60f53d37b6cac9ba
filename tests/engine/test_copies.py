"""Rounds rotate over copies of each candidate's process, each another draw of memory, that go when they are over."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import psutil

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    EngineFailed,
    JobFinished,
    Measure,
    RoundFinished,
)
from tests.engine.conftest import eventually, plan_of, planted


async def test_rounds_rotate_over_copies_the_same_for_all_of_a_round(engine: Engine) -> None:
    plan = plan_of(planted("Sleeper", "a", seconds=0.0005), planted("Sleeper", "b", seconds=0.0005), runs=1200)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    copies = defaultdict(set)
    for block in blocks:
        copies[block.round].add(block.copy)
    assert all(len(used) == 1 for used in copies.values())
    used = Counter(next(iter(used)) for used in copies.values())
    assert len(used) == 12
    assert max(used.values()) - min(used.values()) <= 1


async def test_few_rounds_have_few_copies(engine: Engine) -> None:
    blocks = [
        e
        async for e in engine.run(Measure(job="a", plan=plan_of(planted("Sleeper"), runs=6)))
        if isinstance(e, BlockMeasured)
    ]
    assert {block.copy for block in blocks} == {0, 1, 2}


async def test_copies_are_processes_of_their_own_and_end_with_the_rounds(engine: Engine) -> None:
    most = 0
    plan = plan_of(planted("Sleeper"), runs=300)
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, RoundFinished):
            assert engine._process is not None
            most = max(most, len(psutil.Process(engine._process.pid).children(recursive=True)))
    assert most == 13, "the original and twelve copies"
    assert engine._process is not None
    family = psutil.Process(engine._process.pid)
    assert await eventually(lambda: len(family.children(recursive=True)) == 1)


async def test_a_copy_that_crashes_is_told_like_any_process(engine: Engine) -> None:
    plan = plan_of(planted("CrashesLater", "bad", seconds=4.0), planted("Planted", "good"), runs=30_000)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.stage == "measuring"
    assert "SIGSEGV" in failure.message
    assert events[-1] == JobFinished(job="a", reason="completed")


async def test_a_model_that_cannot_be_stored_is_prepared_once_more_in_each_copy(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "processes"
    plan = plan_of(planted("CannotBePickled", note=str(note)), runs=400)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    assert sum(len(block.samples) // 8 for block in blocks) == 400
    assert len({block.copy for block in blocks}) == 5
    assert len(set(note.read_text().split())) == 6


async def test_copies_that_cannot_be_made_leave_the_first_process_to_measure_alone(engine: Engine) -> None:
    plan = plan_of(planted("CannotBeUnpickled", "bad"), planted("Planted", "good"), runs=300)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert not any(isinstance(event, CandidateFailed | EngineFailed) for event in events)
    copies = defaultdict(set)
    for block in (event for event in events if isinstance(event, BlockMeasured)):
        copies[block.candidate].add(block.copy)
    assert copies["bad"] == {0}
    assert len(copies["good"]) > 2


async def test_one_that_takes_long_to_prepare_is_measured_in_one_process(engine: Engine) -> None:
    plan = plan_of(planted("CannotBePickled", patience=0.7), runs=400)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    assert sum(len(block.samples) // 8 for block in blocks) == 400
    assert {block.copy for block in blocks} == {0}
