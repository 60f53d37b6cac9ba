"""Models that misbehave, processes that die, clients that vanish: the others are measured, and nothing is left over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    Event,
    JobFinished,
    Measure,
    RoundFinished,
    Train,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.errors import EngineError
from latency_tui.plan import Plan, SyntheticDataset, Workload
from tests.engine.conftest import eventually, faulty, plan_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "cause", "said"),
    [
        ("FailsToFit", "raised", "ValueError: the data is [red]not[/red] to my taste"),
        ("FailsToPredict", "raised", "RuntimeError: no answer today"),
        ("FailsLater", "raised", "RuntimeError: tired after 400 calls"),
        ("WrongLength", "raised", "predict returned 3 outputs for 1 row"),
        ("Nothing", "raised", "predict returned None"),
        ("RaisesSystemExit", "raised", "SystemExit: enough"),
        ("Hangs", "timed out", "did not answer within 0.5 s"),
        ("HangsOnMany", "timed out", "did not answer within 0.5"),
        ("Segfaults", "crashed", "SIGSEGV"),
        ("Exits", "crashed", "exit code 3"),
        ("FillsMemory", "memory", "of memory and was stopped"),
    ],
)
async def test_a_failure_is_told_and_the_others_are_measured_to_the_end(
    engine: Engine, kind: str, cause: str, said: str
) -> None:
    plan = plan_of(faulty(kind, "bad"), faulty("Planted", "good"), runs=500, call_timeout=0.5, memory_limit=600_000_000)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.candidate == "bad"
    assert failure.cause == cause
    assert said in failure.message
    assert "\n" not in failure.message
    good = [event for event in events if isinstance(event, BlockMeasured) and event.candidate == "good"]
    assert sum(len(block.block.samples) for block in good) == 500 * 8
    assert events[-1] == JobFinished(job="a", reason="completed")


async def test_a_crash_leaves_the_traceback_that_the_interpreter_wrote(engine: Engine) -> None:
    events = [event async for event in engine.run(Measure(job="a", plan=plan_of(faulty("Segfaults"), runs=5)))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert "Segmentation fault" in failure.traceback
    assert "faulty_models.py" in failure.traceback


async def test_all_failing_ends_the_job_without_numbers(engine: Engine) -> None:
    events = [event async for event in engine.run(Measure(job="a", plan=plan_of(faulty("Exits"), runs=5)))]
    assert events[-1] == JobFinished(job="a", reason="nothing left to measure")


async def test_a_model_that_cannot_be_found_is_told(engine: Engine) -> None:
    events = [event async for event in engine.run(Train(job="a", plan=plan_of(faulty("NoSuchModel"))))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.stage == "loading"
    assert "NoSuchModel" in failure.message


async def test_an_impossible_dataset_is_an_error_and_the_engine_lives_on(engine: Engine) -> None:
    impossible = Workload(dataset=SyntheticDataset(samples=1))
    with pytest.raises(EngineError, match="could not be carried out"):
        [
            event
            async for event in engine.run(
                Train(job="a", plan=Plan(candidates=(faulty("Planted"),), workload=impossible))
            )
        ]
    events = [event async for event in engine.run(Train(job="b", plan=plan_of(faulty("Planted"))))]
    assert events[-1] == JobFinished(job="b", reason="completed")


@pytest.mark.slow
async def test_stop_keeps_what_was_measured_and_the_candidates(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), runs=10**7)
    events: list[Event] = []
    async for event in engine.run(Measure(job="a", plan=plan)):
        events.append(event)
        if isinstance(event, RoundFinished) and event.round == 20:
            await engine.stop("a")
    assert events[-1] == JobFinished(job="a", reason="stopped")
    assert sum(isinstance(event, BlockMeasured) for event in events) >= 20
    again = [event async for event in engine.run(Measure(job="b", plan=plan_of(faulty("Sleeper"), runs=10)))]
    assert not any(isinstance(event, TrainingStarted) for event in again), "it was still there"


@pytest.mark.parametrize("kind", ["Hangs", "HangsInFit"])
async def test_stop_does_not_wait_for_a_call_that_hangs(engine: Engine, kind: str) -> None:
    async def stop_soon() -> None:
        await asyncio.sleep(0.3)
        await engine.stop("a")

    await engine.start()
    [event async for event in engine.run(Train(job="0", plan=plan_of(faulty("Planted"))))]
    stopping = asyncio.create_task(stop_soon())
    plan = plan_of(faulty(kind), runs=5, call_timeout=3600)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    await stopping
    assert events[-1] == JobFinished(job="a", reason="stopped")


async def test_a_stop_while_copies_are_made_takes_nothing_from_the_next_job(engine: Engine) -> None:
    plan = plan_of(faulty("SlowToPickle"), runs=100)
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, WarmUpFinished):
            await engine.stop("a")
    events = [event async for event in engine.run(Measure(job="b", plan=plan))]
    assert not any(isinstance(event, CandidateFailed) for event in events)
    assert sum(isinstance(event, BlockMeasured) for event in events) >= 10


@pytest.mark.slow
async def test_a_stop_that_comes_with_its_job_is_answered(new_engine: Engine) -> None:
    """As p and then esc, while the engine still imports."""
    await new_engine.start()
    events: list[Event] = []

    async def run() -> None:
        events.extend([event async for event in new_engine.run(Measure(job="a", plan=plan_of(faulty("Hangs"))))])

    running = asyncio.create_task(run())
    await asyncio.sleep(0)
    await new_engine.stop("a")
    await asyncio.wait_for(running, 300)
    assert events[-1] == JobFinished(job="a", reason="stopped")
    again = [event async for event in new_engine.run(Measure(job="b", plan=plan_of(faulty("Sleeper"), runs=10)))]
    assert again[-1] == JobFinished(job="b", reason="completed")


@pytest.mark.slow
async def test_a_stop_of_another_job_is_not_heeded(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), runs=50)
    stops = 0
    async for event in engine.run(Measure(job="new", plan=plan)):
        if isinstance(event, RoundFinished):
            stops += 1
            await engine.stop("old")
        last = event
    assert stops
    assert last == JobFinished(job="new", reason="completed")


@pytest.mark.slow
async def test_the_end_of_the_engine_is_an_error_that_says_so(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), runs=100_000)
    with pytest.raises(EngineError, match="ended unexpectedly"):
        async for event in engine.run(Measure(job="a", plan=plan)):
            if isinstance(event, BlockMeasured):
                assert engine._process is not None
                os.kill(engine._process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="semaphores are no files elsewhere")
async def test_pools_leave_nothing_in_shared_memory(tmp_path: Path) -> None:
    def left() -> set[str]:
        return {one.name for one in Path("/dev/shm").iterdir() if any(f"-{pid}-" in one.name for pid in _workers(note))}

    note = tmp_path / "processes"
    async with Engine() as engine:
        plan = plan_of(faulty("UsesAPool", note=str(note)), runs=60)
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
        assert not [event for event in events if isinstance(event, CandidateFailed)]
        assert len(_workers(note)) > 2
        assert left(), "those of the process that stays trained"
    assert not left()


async def test_a_crash_is_noticed_though_what_was_forked_lives_on(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "worker"
    plan = plan_of(faulty("DiesBehindAWorker", note=str(note)), faulty("Sleeper"), runs=20)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failed,) = [event for event in events if isinstance(event, CandidateFailed)]
    assert (failed.cause, failed.stage) == ("crashed", "training")
    assert "SIGSEGV" in failed.message
    assert await eventually(lambda: sys.platform != "linux" or _gone(int(note.read_text())))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "StartsAProcess",
        pytest.param(
            "StartsADaemon", marks=pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is the system's")
        ),
    ],
)
async def test_closing_ends_what_models_have_started(tmp_path: Path, kind: str) -> None:
    note = tmp_path / "process"
    async with Engine() as engine:
        [e async for e in engine.run(Train(job="a", plan=plan_of(faulty(kind, note=str(note)))))]
        started = int(note.read_text())
        assert psutil.pid_exists(started)
    assert await eventually(lambda: _gone(started))


def _workers(note: Path) -> list[int]:
    return [int(word) for word in note.read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they are the system's")
async def test_what_copies_started_goes_with_them(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "workers"
    plan = plan_of(faulty("StartsAWorker", note=str(note)), faulty("Sleeper"), runs=60)
    [event async for event in engine.run(Measure(job="a", plan=plan))]
    workers = _workers(note)
    assert len(workers) > 2
    assert await eventually(lambda: all(_gone(pid) for pid in workers[1:]))
    assert not _gone(workers[0]), "that of the process that stays trained"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["StartsAHelper", "StartsADaemon"])
async def test_a_background_helper_stays_as_long_as_its_parent(engine: Engine, tmp_path: Path, kind: str) -> None:
    note = tmp_path / "helpers"
    plan = plan_of(faulty(kind, note=str(note)), faulty("Sleeper"), runs=60)
    for job in ("a", "b"):
        events = [event async for event in engine.run(Measure(job=job, plan=plan))]
        assert not [event for event in events if isinstance(event, CandidateFailed)], "it was ended between"
    first, *others = _workers(note)
    assert await eventually(lambda: sys.platform != "linux" or all(_gone(pid) for pid in others))
    assert not _gone(first)


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
async def test_what_a_failed_model_started_does_not_disturb_the_others(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "workers"
    plan = plan_of(faulty("StartsAWorker", note=str(note), fails=True), faulty("Sleeper"), runs=2000)
    told = False
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, CandidateFailed):
            assert "the pool is broken" in event.message
            assert await eventually(lambda: all(_gone(pid) for pid in _workers(note)))
            told = True
            await engine.stop("a")
    assert told


@pytest.mark.slow
async def test_a_worker_that_outlives_a_fresh_start_is_not_waited_for(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "workers"
    plan = plan_of(faulty("StartsAWorker", note=str(note)), runs=6, cold_start=True)
    async with asyncio.timeout(500):
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert any(isinstance(event, ColdStartMeasured) for event in events)
    if sys.platform == "linux":
        assert await eventually(lambda: all(_gone(pid) for pid in _workers(note)[1:]))
        assert not _gone(_workers(note)[0])


@pytest.mark.slow
async def test_what_a_model_started_ends_with_an_engine_that_was_killed(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "process"
    [e async for e in engine.run(Train(job="a", plan=plan_of(faulty("StartsAProcess", note=str(note)))))]
    assert engine._process is not None
    os.kill(engine._process.pid, signal.SIGKILL)
    assert await eventually(lambda: _gone(int(note.read_text())))


@pytest.mark.slow
async def test_an_engine_that_was_ended_can_be_started_again(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), runs=10)
    for job in ("a", "b"):
        events = [event async for event in engine.run(Measure(job=job, plan=plan))]
        assert any(isinstance(event, BlockMeasured) for event in events)
        assert engine._process is not None
        if job == "a":
            os.kill(engine._process.pid, signal.SIGTERM)
            await engine._process.wait()


async def test_a_close_while_it_starts_ends_it() -> None:
    engine = Engine()
    starting = asyncio.create_task(engine.start())
    await asyncio.sleep(0)
    await engine.close()
    await starting
    assert not engine.running
    assert engine._folder is None


async def test_a_start_that_is_given_up_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = Engine()
    starting = asyncio.create_task(engine.start())
    while not list(tmp_path.iterdir()):
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not engine.running
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_an_engine_that_cannot_go_on_says_why(engine: Engine) -> None:
    await engine.ready()
    assert engine._process is not None
    assert engine._process.stdin is not None
    engine._process.stdin.write(b'{"type": "Nope"}\n')
    with pytest.raises(EngineError, match="Nope"):
        async for _ in engine.run(Measure(job="a", plan=plan_of(faulty("Sleeper")))):
            pass


CLIENT = """
import asyncio, os, sys
from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import Measure
from tests.engine.conftest import plan_of, faulty

async def main():
    engine = Engine()
    await engine.start()
    print(engine._process.pid, flush=True)
    plan = plan_of(faulty("Sleeper"), faulty({kind!r}, "bad"), runs=10**6)
    async for event in engine.run(Measure(job="a", plan=plan)):
        print(type(event).__name__, flush=True)

asyncio.run(main())
"""


async def test_a_close_that_is_given_up_again_and_again_still_waits_for_the_end() -> None:
    engine = Engine()
    await engine.start()
    process = engine._process
    closing = asyncio.create_task(engine.close())
    for _ in range(8):
        await asyncio.sleep(0)
        closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert process is not None
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "kind", "when"),
    [
        (signal.SIGKILL, "Sleeper", "BlockMeasured"),
        pytest.param(signal.SIGTERM, "Sleeper", "BlockMeasured", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, "Sleeper", "BlockMeasured", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, "HangsInFit", "TrainingStarted", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "HangsInFit", "TrainingStarted", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, "Planted", "", marks=pytest.mark.slow),
    ],
)
async def test_a_client_that_is_killed_leaves_no_process(number: signal.Signals, kind: str, when: str) -> None:
    client = subprocess.Popen([sys.executable, "-c", CLIENT.format(kind=kind)], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    engine = int(client.stdout.readline())
    while when and when not in client.stdout.readline():
        pass
    family = [engine, *_children(engine)]
    client.send_signal(number)
    client.wait()
    assert await eventually(lambda: all(_gone(pid) for pid in family))


def _children(pid: int) -> list[int]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def _gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
