"""What the engine reports of a load test."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished, decode_window
from latency_tui.engine.protocol import CandidateFailed, Event, JobFinished, Measure, RoundFinished
from latency_tui.plan import LoadTest, Plan
from latency_tui.plan.limits import parse_limit
from latency_tui.stats.arrivals import draw_arrivals
from latency_tui.stats.load_windows import throughput
from tests.engine.conftest import faulty, plan_of
from tests.parameters import one_quick

FEW = 20
"""Calls that are measured alone, before the load."""


def load_plan(*candidates: Any, limit: str | None = None, **load: Any) -> Plan:
    fields: dict[str, Any] = {"rates": (150.0,), "duration": 0.9} | load
    test = LoadTest(**fields)
    return plan_of(*candidates, runs=FEW, load=test, limits=(parse_limit(limit),) if limit else ())


def windows_of(events: list[Event], slug: str | None = None) -> list[LoadWindowMeasured]:
    found = [event for event in events if isinstance(event, LoadWindowMeasured)]
    return [event for event in found if slug in (None, event.candidate)]


async def run(engine: Engine, plan: Plan) -> list[Event]:
    return [event async for event in engine.run(Measure(job="a", plan=plan))]


@pytest.mark.parametrize(("workers", "kind"), one_quick([(2, "thread"), (1, "process"), (2, "process")]))
async def test_every_request_of_the_schedule_is_answered_once(engine: Engine, workers: int, kind: str) -> None:
    plan = load_plan(faulty("Sleeper"), faulty("Planted"), workers=workers, worker_kind=kind)
    events = await run(engine, plan)
    started = next(event for event in events if isinstance(event, LoadStarted))
    found = windows_of(events)
    assert (started.workers, started.worker_kind, started.windows) == (workers, kind, len(found))
    assert events[-1] == JobFinished(job="a", reason="completed")
    for event in found:
        times = decode_window(event)
        assert event.end == "completed"
        assert times.arrivals.size == event.requests
        assert (times.starts >= times.arrivals).all()
        assert (times.response >= times.service).all()
        assert set(times.workers.tolist()) <= set(range(workers))
        for worker in range(workers):
            assert_one_at_a_time(times.starts[times.workers == worker], times.ends[times.workers == worker])
        if event.candidate == "sleeper":
            assert times.service.min() >= 2_000_000


def assert_one_at_a_time(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    order = np.argsort(starts)
    assert (starts[order][1:] >= ends[order][:-1]).all()


@pytest.mark.slow
async def test_all_candidates_get_the_same_schedule_which_is_drawn_from_the_seed(engine: Engine) -> None:
    plan = load_plan(faulty("Sleeper"), faulty("Planted"), rates=(100.0, 200.0))
    events = await run(engine, plan)
    sleeper = {(event.rate, event.window): decode_window(event).arrivals for event in windows_of(events, "sleeper")}
    planted = {(event.rate, event.window): decode_window(event).arrivals for event in windows_of(events, "planted")}
    assert sleeper.keys() == planted.keys()
    assert {rate for rate, _ in sleeper} == {100.0, 200.0}
    for (rate, window), arrivals in sleeper.items():
        assert np.array_equal(arrivals, planted[rate, window])
        seconds = next(event.seconds for event in windows_of(events) if event.rate == rate)
        assert np.array_equal(arrivals, draw_arrivals(rate, seconds, seed=(plan.seed, 0, window)))


@pytest.mark.slow
async def test_windows_of_two_candidates_take_turns(engine: Engine) -> None:
    plan = load_plan(faulty("Sleeper"), faulty("Planted"), duration=2.0)
    order = [event.candidate for event in windows_of(await run(engine, plan))]
    assert len(order) >= 8
    assert all({*order[place : place + 2]} == {"sleeper", "planted"} for place in range(0, len(order), 2))


@pytest.mark.slow
async def test_a_backlog_that_grows_ends_the_window_early(engine: Engine) -> None:
    plan = load_plan(faulty("Sleeper", seconds=0.02), rates=(500.0,), duration=1.0)
    found = windows_of(await run(engine, plan))
    assert {event.end for event in found} == {"backlog"}
    assert all(0 < decode_window(event).ends.size < event.requests for event in found)


@pytest.mark.slow
async def test_a_stop_keeps_the_requests_that_were_answered(engine: Engine) -> None:
    plan = load_plan(faulty("Sleeper"), rates=(200.0,), duration=600.0)
    events: list[Event] = []

    async def stop_soon() -> None:
        await asyncio.sleep(1.0)
        await engine.stop("a")

    stopping: asyncio.Task[None] | None = None
    async for event in engine.run(Measure(job="a", plan=plan)):
        events.append(event)
        if isinstance(event, LoadStarted):
            stopping = asyncio.create_task(stop_soon())
    assert stopping is not None
    await stopping
    (found,) = windows_of(events)
    times = decode_window(found)
    assert found.end == "stopped"
    assert 0 < times.ends.size < found.requests
    assert np.array_equal(times.arrivals, np.sort(times.arrivals))
    assert events[-1] == JobFinished(job="a", reason="stopped")
    again = await run(engine, load_plan(faulty("Sleeper")))
    assert windows_of(again), "the workers answer again"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["process", "thread"])
async def test_a_model_that_fails_under_load_leaves_the_others_alone(engine: Engine, kind: str) -> None:
    tired = faulty("FailsLater", after=150)
    plan = load_plan(tired, faulty("Sleeper"), rates=(300.0,), workers=2, worker_kind=kind, duration=3.0)
    events = await run(engine, plan)
    (failed,) = [event for event in events if isinstance(event, CandidateFailed)]
    assert failed.candidate == "failslater"
    assert "tired after 150 calls" in failed.message
    assert len(windows_of(events, "sleeper")) >= 4
    assert events[-1] == JobFinished(job="a", reason="completed")


@pytest.mark.slow
async def test_a_model_that_crashes_under_load_leaves_the_others_alone(engine: Engine) -> None:
    plan = load_plan(faulty("CrashesLater", seconds=3.0), faulty("Sleeper"), duration=8.0, workers=2)
    events = await run(engine, plan)
    (failed,) = [event for event in events if isinstance(event, CandidateFailed)]
    assert failed.cause == "crashed"
    started = next(event for event in events if isinstance(event, LoadStarted))
    assert len(windows_of(events, "sleeper")) == started.windows // 2


@pytest.mark.slow
async def test_the_highest_rate_is_searched_and_measured_again_in_a_fresh_launch() -> None:
    plan = load_plan(faulty("Sleeper", seconds=0.01), rates=(), find_rate=True, limit="p99 < 100ms", duration=1.0)
    async with aclosing(measure(plan)) as stream:
        events = [event async for event in stream]
    (search,) = [event for event in events if isinstance(event, RateSearchFinished)]
    assert search.fails is not None
    again = [event for event in windows_of(events) if event.launch == 1]
    assert {event.rate for event in again} == {rate for rate in (search.passes, search.fails) if rate is not None}
    assert {event.launch for event in events if isinstance(event, RoundFinished)} == {0}
    assert [event for event in events if isinstance(event, JobFinished)] == [events[-1]]


@pytest.mark.slow
async def test_offline_requests_are_there_at_once_and_end_with_the_time(engine: Engine) -> None:
    plan = load_plan(faulty("Sleeper"), rates=(), offline=True, workers=2, duration=1.0)
    found = windows_of(await run(engine, plan))
    assert len(found) == 5
    for event in found:
        times = decode_window(event)
        assert (times.arrivals == 0).all()
        assert times.ends.size < event.requests
        assert (event.rate, event.end) == (0.0, "backlog")
        assert 0 < throughput(times) <= 2 / 0.002
