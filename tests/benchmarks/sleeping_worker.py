"""Preloaded by a Dask worker (`--preload`): its measurements sleep for half a second instead of measuring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from latency_tui.cluster import host_tasks
from latency_tui.engine.protocol import Event, JobFinished

SECONDS = 0.5


async def _sleep(plan: Any, *, job: str, **_: Any) -> AsyncGenerator[Event, None]:
    await asyncio.sleep(SECONDS)
    yield JobFinished(job=job, reason="completed")


def dask_setup(worker: Any) -> None:
    """Called by Dask in the worker."""
    setattr(host_tasks, "measure", _sleep)  # noqa: B010 (the name is imported there)
