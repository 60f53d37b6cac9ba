"""Helpers of the engine's tests: plans of planted models, and engines that are surely closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import Train
from latency_tui.errors import EngineError
from latency_tui.plan import Candidate, ModelSpec, Plan, SyntheticDataset, Workload


def faulty(kind: str, name: str | None = None, **parameters: Any) -> Candidate:
    """A candidate of `tests.engine.faulty_models`."""
    spec = ModelSpec(name=name or kind, factory=f"tests.engine.faulty_models:{kind}", parameters=parameters)
    return Candidate(model=spec)


def plan_of(*candidates: Candidate, **fields: Any) -> Plan:
    return Plan(candidates=candidates, **fields)


# Another dataset ends all candidates, and this one cannot be loaded.
_NOTHING = Plan(
    candidates=(faulty("NoSuchModel"),), workload=Workload(dataset=SyntheticDataset(samples=20, features=2))
)


@pytest.fixture(scope="session")
async def _shared_engine() -> AsyncIterator[Engine]:
    async with Engine() as engine:
        yield engine


@pytest.fixture
async def engine(_shared_engine: Engine) -> AsyncIterator[Engine]:
    """An engine without candidates. Tests share its process, because starting one takes as long as most tests."""
    yield _shared_engine
    try:
        async with asyncio.timeout(20):
            async for _ in _shared_engine.run(Train(job="forget", plan=_NOTHING)):
                pass
    except (EngineError, TimeoutError):  # the test ended it or left it busy: the next one starts another
        await _shared_engine.close()


@pytest.fixture
async def new_engine() -> AsyncIterator[Engine]:
    """An engine that was just started."""
    async with Engine() as engine:
        yield engine


async def eventually(true: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Wait until something is true, as long as a machine under load may take; return whether it became so."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
