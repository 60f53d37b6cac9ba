"""One measurement at a time per machine, with real engines."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.machine_events import MachineBusy
from latency_tui.engine.process_environment import LOCK_VARIABLE
from latency_tui.engine.protocol import BlockMeasured, Event, JobFinished, Measure
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan

PLAN = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),), runs=20)


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the lock file that engines of this test use."""
    path = tmp_path / "lock"
    monkeypatch.setenv(LOCK_VARIABLE, str(path))
    return path


async def _events(engine: Engine, started: asyncio.Event | None = None) -> list[Event]:
    found = []
    async for event in engine.run(Measure(job="job", plan=PLAN)):
        found.append(event)
        if started is not None and isinstance(event, MachineBusy):
            started.set()
    return found


@pytest.mark.slow
async def test_a_measurement_waits_until_another_one_has_ended(lock_file: Path) -> None:
    with lock_file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with Engine() as engine:
            waiting = asyncio.Event()
            task = asyncio.create_task(_events(engine, waiting))
            await asyncio.wait_for(waiting.wait(), 60)
            assert not task.done()
            fcntl.flock(held, fcntl.LOCK_UN)
            events = await task
    busy = [event for event in events if isinstance(event, MachineBusy)]
    assert len(busy) == 1
    assert busy[0].process is not None
    assert any(isinstance(event, BlockMeasured) for event in events[events.index(busy[0]) :])
    assert isinstance(events[-1], JobFinished)
    assert events[-1].reason == "completed"


@pytest.mark.slow
async def test_a_waiting_measurement_can_be_stopped(lock_file: Path) -> None:
    with lock_file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with Engine() as engine:
            waiting = asyncio.Event()
            task = asyncio.create_task(_events(engine, waiting))
            await asyncio.wait_for(waiting.wait(), 60)
            await engine.stop("job")
            events = await task
    assert isinstance(events[-1], JobFinished)
    assert events[-1].reason == "stopped"
    assert not any(isinstance(event, BlockMeasured) for event in events)


@pytest.mark.slow
async def test_the_lock_is_free_after_a_measurement_and_after_a_killed_engine(lock_file: Path) -> None:
    async with Engine() as first:
        async for event in first.run(Measure(job="one", plan=PLAN)):
            if isinstance(event, BlockMeasured):
                break
        await first.close()
    async with Engine() as second:
        events = await _events(second)
        assert not any(isinstance(event, MachineBusy) for event in events)
        with lock_file.open() as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_lock_file_that_cannot_be_opened_hinders_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latency_tui.engine.server.machine_lock import machine_lock

    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "missing" / "lock"))
    with machine_lock(None, "job"):  # type: ignore[arg-type]  # nothing is sent
        pass


async def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from latency_tui.engine.server.machine_lock import machine_lock

    target, link = tmp_path / "target", tmp_path / "lock"
    link.symlink_to(target)
    monkeypatch.setenv(LOCK_VARIABLE, str(link))
    with machine_lock(None, "job"):  # type: ignore[arg-type]  # nothing is sent
        assert not target.exists()
