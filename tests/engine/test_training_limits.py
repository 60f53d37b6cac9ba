"""Training and loading that take too long, or that the client ends: one model fails and the others are measured."""

from __future__ import annotations

import re
import resource
import sys

import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    JobFinished,
    Measure,
    TrainingFinished,
    TrainingStarted,
)
from latency_tui.errors import EngineError, UsageError
from latency_tui.plan import Plan
from tests.engine.conftest import faulty, plan_of


async def failure_beside_a_good_one(engine: Engine, kind: str, **fields: float) -> CandidateFailed:
    plan = plan_of(faulty(kind, "bad"), faulty("Planted", "good"), runs=100, **fields)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert events[-1] == JobFinished(job="a", reason="completed")
    assert (
        sum(len(e.block.samples) for e in events if isinstance(e, BlockMeasured) and e.candidate == "good") == 100 * 8
    )
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.candidate == "bad"
    return failure


async def test_training_that_takes_too_long_is_ended(engine: Engine) -> None:
    failure = await failure_beside_a_good_one(engine, "HangsInFit", training_timeout=0.5)
    assert (failure.stage, failure.cause) == ("training", "timed out")
    assert failure.message == "training took longer than 0.5 s and was ended"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
async def test_training_that_is_refused_memory_is_ended(engine: Engine) -> None:
    failure = await failure_beside_a_good_one(engine, "RefusedMemory")
    assert (failure.stage, failure.cause) == ("training", "memory")
    assert re.fullmatch(
        r"made no progress because its memory is limited to [\d,]+ MiB \(ulimit -v\), and was ended; raise the limit",
        failure.message,
    )


@pytest.mark.slow
async def test_loading_that_hangs_is_ended(engine: Engine) -> None:
    failure = await failure_beside_a_good_one(engine, "HangsInLoading", call_timeout=2)
    assert (failure.stage, failure.cause) == ("loading", "timed out")
    assert failure.message == "loading took longer than 62 s and was ended"


@pytest.mark.parametrize("kind", ["HangsInFit", "HangsInLoading"])
async def test_the_training_of_one_model_can_be_stopped(engine: Engine, kind: str) -> None:
    plan = plan_of(faulty(kind, "bad"), faulty("Planted", "good"), runs=100)
    failed, measured = [], 0
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, TrainingStarted) and event.candidate == "bad":
            await engine.stop_training("another job", "bad")
        if isinstance(event, TrainingFinished):
            await engine.stop_training("a", "bad")
        if isinstance(event, CandidateFailed):
            failed.append((event.candidate, event.cause))
        measured += len(event.block.samples) if isinstance(event, BlockMeasured) else 0
    assert failed == [("bad", "stopped")]
    assert measured == 100 * 8


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_training_timeout_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="training timeout"):
        Plan(candidates=(faulty("Planted"),), training_timeout=seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
async def test_an_engine_without_memory_says_what_to_do() -> None:
    async with Engine() as engine:
        assert engine._process is not None
        resource.prlimit(engine._process.pid, resource.RLIMIT_AS, (64 * 2**20, 64 * 2**20))
        with pytest.raises(EngineError, match=r"ran out of memory \(exit code \d+\); close other programs\."):
            async for _ in engine.run(Measure(job="a", plan=plan_of(faulty("Planted")))):
                pass
