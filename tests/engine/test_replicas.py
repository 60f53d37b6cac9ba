"""Rounds rotate over copies of each candidate's process, each another draw of memory, that go when they are over."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

import psutil
import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    EngineFailed,
    JobFinished,
    Measure,
    RoundFinished,
)
from latency_tui.engine.server.schedule import replica_count
from tests.engine.conftest import eventually, faulty, plan_of


@pytest.mark.slow
async def test_rounds_rotate_over_copies_the_same_for_all_of_a_round(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper", "a", seconds=0.0005), faulty("Sleeper", "b", seconds=0.0005), runs=1200)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    copies = defaultdict(set)
    for block in blocks:
        copies[block.round].add(block.replica)
    assert all(len(used) == 1 for used in copies.values())
    used = Counter(next(iter(used)) for used in copies.values())
    assert len(used) == 24
    assert max(used.values()) - min(used.values()) <= 1


@pytest.mark.slow
async def test_few_rounds_have_few_copies(engine: Engine) -> None:
    blocks = [
        e
        async for e in engine.run(Measure(job="a", plan=plan_of(faulty("Sleeper"), runs=6)))
        if isinstance(e, BlockMeasured)
    ]
    assert {block.replica for block in blocks} == {0, 1, 2}


@pytest.mark.slow
async def test_copies_are_processes_of_their_own_and_end_with_the_rounds(engine: Engine) -> None:
    most = 0
    plan = plan_of(faulty("Sleeper"), runs=100)
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, RoundFinished):
            assert engine._process is not None
            most = max(most, len(psutil.Process(engine._process.pid).children(recursive=True)))
    assert most == 25, "the original and twenty-four copies"
    assert engine._process is not None
    family = psutil.Process(engine._process.pid)
    assert await eventually(lambda: len(family.children(recursive=True)) == 1)


def test_many_candidates_have_fewer_copies_each() -> None:
    forked = [replica_count(candidates, 1000, fork=True) for candidates in (1, 2, 3, 4, 6, 20)]
    assert forked == [24, 24, 24, 18, 12, 12]
    assert [replica_count(2, rounds, fork=True) for rounds in (1, 10, 47, 48)] == [0, 5, 23, 24]
    assert replica_count(2, 1000, fork=False) == 12


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SlowWhereFitted", "ColdAtFirst"])
async def test_a_bad_moment_makes_no_shorter_blocks(engine: Engine, kind: str) -> None:
    """Told three times the duration of a call, blocks would have a third of the calls.

    The first process says so, or all others do, whose warm-up is short.
    """
    plan = plan_of(faulty("Sleeper", "a"), faulty(kind, "b"), runs=None, seconds=0.5)
    shares = []
    for job in ("a", "b", "c"):  # under load even the estimate of the one that is never slow is far off now and then
        calls = defaultdict(list)
        async for event in engine.run(Measure(job=job, plan=plan)):
            if isinstance(event, BlockMeasured):
                calls[event.candidate].append(len(event.block.samples) // 8)
        shares.append(mean(calls["b"]) / mean(calls["a"]))
        if shares[-1] > 0.6:
            break
    assert max(shares) > 0.6


@pytest.mark.slow
async def test_a_copy_that_crashes_is_told_like_any_process(engine: Engine) -> None:
    plan = plan_of(faulty("CrashesLater", "bad", seconds=4.0), faulty("Planted", "good"), runs=30_000)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.stage == "measuring"
    assert "SIGSEGV" in failure.message
    assert events[-1] == JobFinished(job="a", reason="completed")


async def test_a_model_that_cannot_be_stored_is_prepared_once_more_in_each_copy(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "processes"
    plan = plan_of(faulty("CannotBePickled", note=str(note)), runs=400)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    assert sum(len(block.block.samples) // 8 for block in blocks) == 400
    assert len({block.replica for block in blocks}) == 5
    assert len(set(note.read_text().split())) == 6


async def test_without_copies_the_first_process_measures_alone(engine: Engine) -> None:
    plan = plan_of(faulty("CannotBeUnpickled", "bad"), faulty("Planted", "good"), runs=300)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert not any(isinstance(event, CandidateFailed | EngineFailed) for event in events)
    copies = defaultdict(set)
    for block in (event for event in events if isinstance(event, BlockMeasured)):
        copies[block.candidate].add(block.replica)
    assert copies["bad"] == {0}
    assert len(copies["good"]) > 2


@pytest.mark.slow
async def test_a_copy_that_fills_the_memory_ends_its_candidate_alone(engine: Engine) -> None:
    plan = plan_of(
        faulty("FillsMemoryWhenUnpickled", "bad"), faulty("Planted", "good"), runs=300, memory_limit=600_000_000
    )
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert (failure.candidate, failure.cause) == ("bad", "memory")
    assert not any(isinstance(event, EngineFailed) for event in events)
    assert (
        sum(len(e.block.samples) // 8 for e in events if isinstance(e, BlockMeasured) and e.candidate == "good") == 300
    )


async def test_a_copy_that_cannot_answer_is_told(engine: Engine) -> None:
    plan = plan_of(faulty("AnswersWhereFitted", "bad"), faulty("Planted", "good"), runs=300)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert (failure.candidate, failure.stage, failure.cause) == ("bad", "warm-up", "raised")
    assert "not here" in failure.message


async def test_one_that_takes_long_to_prepare_is_measured_in_one_process(engine: Engine) -> None:
    plan = plan_of(faulty("CannotBePickled", patience=0.7), runs=400)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    assert sum(len(block.block.samples) // 8 for block in blocks) == 400
    assert {block.replica for block in blocks} == {0}
