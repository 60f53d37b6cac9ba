"""Launches: each a fresh engine, the next of which starts where that disturbs nothing."""

from __future__ import annotations

import os
import signal
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    EngineStarted,
    Event,
    JobFinished,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    TrainingStarted,
)
from latency_tui.errors import EngineError
from tests.engine.conftest import faulty, plan_of


@pytest.mark.slow
async def test_launches_are_fresh_processes_and_one_stream(tmp_path: Path) -> None:
    note = tmp_path / "processes"
    plan = plan_of(faulty("NotesItsProcess", note=str(note)), faulty("FailsToFit"), runs=8, launches=2)
    events = [event async for event in measure(plan)]
    assert len(set(note.read_text().split())) == 2
    assert [event.launch for event in events if isinstance(event, MeasurementStarted)] == [0, 1]
    assert sum(isinstance(event, JobFinished) for event in events) == 1
    assert sum(len(event.block.samples) // 8 for event in events if isinstance(event, BlockMeasured)) == 16
    failures = [event.stage for event in events if isinstance(event, CandidateFailed)]
    assert failures == ["training"] * 2, "it is tried once per launch"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="there is no pinning here")
async def test_a_later_launch_has_all_cores_that_the_first_had() -> None:
    every, seen = os.sched_getaffinity(0), list[set[int]]()

    def look() -> Engine:
        seen.append(os.sched_getaffinity(0))
        return Engine()

    plan = plan_of(faulty("Sleeper"), runs=10, launches=3)
    async with Engine() as first:
        async for _ in measure(plan, engine=first, new_engine=look):
            pass
    assert seen == [every, every]


@pytest.mark.slow
async def test_the_next_launch_starts_while_this_one_trains() -> None:
    told: list[str] = []

    class Watched(Engine):
        def __init__(self) -> None:
            super().__init__()
            self.number = sum("made" in line for line in told)
            told.append(f"{self.number} made")

        async def start(self) -> None:
            if not self.running:
                told.append(f"{self.number} starts")
            await super().start()

        async def ready(self) -> None:
            await super().ready()
            told.append(f"{self.number} ready")

    plan = plan_of(faulty("Sleeper"), runs=6, launches=3)
    async for event in measure(plan, new_engine=Watched):
        if isinstance(event, EngineStarted | TrainingFinished | MeasurementStarted):
            told.append(type(event).__name__)  # noqa: PERF401 (one by one, between what engines tell)
    one, two, three = (
        ["EngineStarted", "TrainingFinished", *between, "MeasurementStarted"]
        for between in (["1 ready"], ["2 ready"], [])
    )
    assert [line for line in told if "made" not in line and "starts" not in line] == [*one, *two, *three]
    places = {line: told.index(line) for line in told if "starts" in line}
    assert list(places) == ["0 starts", "1 starts", "2 starts"]
    assert places["2 starts"] > told.index("MeasurementStarted")


@pytest.mark.slow
async def test_an_engine_that_ends_before_its_launch_is_started_anew() -> None:
    made: list[Engine] = []

    def make() -> Engine:
        made.append(Engine())
        return made[-1]

    started = 0
    async for event in measure(plan_of(faulty("Sleeper"), runs=6, launches=2), new_engine=make):
        started += isinstance(event, MeasurementStarted)
        if isinstance(event, MeasurementStarted) and event.launch == 0:
            assert made[1]._process is not None
            os.kill(made[1]._process.pid, signal.SIGKILL)
            await made[1]._process.wait()
    assert started == 2


@pytest.mark.slow
async def test_nothing_is_measured_when_the_next_engine_was_ended() -> None:
    made: list[Engine] = []

    class Slow(Engine):
        async def ready(self) -> None:
            for engine in made:
                await engine.close()

    def make() -> Engine:
        made.append(Slow())
        return made[-1]

    with pytest.raises(EngineError, match="was ended"):
        async for _ in measure(plan_of(faulty("Sleeper"), runs=6, launches=2), new_engine=make):
            pass
    assert not any(engine.running for engine in made)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TrainingStarted, MeasurementStarted, RoundFinished])
async def test_whenever_it_is_left_no_engine_stays(kind: type[Event]) -> None:
    made: list[Engine] = []

    def make() -> Engine:
        made.append(Engine())
        return made[-1]

    async with aclosing(measure(plan_of(faulty("Sleeper"), runs=50, launches=3), new_engine=make)) as events:
        async for event in events:
            if isinstance(event, kind):
                processes = [engine._process for engine in made if engine._process is not None]
                break
    assert len(processes) == 2
    assert not any(psutil.pid_exists(process.pid) for process in processes)
