"""Helpers of the engine's tests: plans of planted models, and engines that are surely closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from latency_tui.engine.client import Engine
from latency_tui.plan import Candidate, ModelSpec, Plan


def planted(kind: str, name: str | None = None, **parameters: Any) -> Candidate:
    """A candidate of `tests.engine.planted`."""
    spec = ModelSpec(name=name or kind, factory=f"tests.engine.planted:{kind}", parameters=parameters)
    return Candidate(model=spec)


def plan_of(*candidates: Candidate, **fields: Any) -> Plan:
    return Plan(candidates=candidates, **fields)


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
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
