"""The functions that run in a Dask worker. They take and return JSON, so that a front end sends no pickles of its own.

The engine is a fresh subprocess of the task and never the worker, whose event loop would disturb what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.analysis.recorder import Recorder
from latency_tui.cluster.host_protocol import HostOutcome, HostRequest
from latency_tui.engine.launches import measure
from latency_tui.engine.machine import describe, free_memory, load_average
from latency_tui.engine.message_codec import encode
from latency_tui.engine.protocol import Event
from latency_tui.errors import DataError, LatencyTuiError
from latency_tui.result.hosts import HostDescription

RESOURCE = "latency-tui"
"""Dask resource of which a worker has one unit, so that it measures one plan at a time."""
BATCH_SECONDS = 0.2
"""Events travel at most this often: each batch wakes the worker, the scheduler and the front end."""
WATCH_SECONDS = 0.2
"""How often a task checks whether it was cancelled or its worker has lost the scheduler."""
_FOLDER = "latency-tui-files"
_NOT_FOR_MODELS = ("MALLOC_TRIM_THRESHOLD_",)
"""Variables that Dask sets for its workers and that would change the latencies of a model."""


def describe_host(dask_worker: Any = None) -> bytes:  # Any: Dask passes its worker by this name
    """Return a `HostDescription` as JSON."""
    environment = describe()
    resources = getattr(getattr(dask_worker, "state", None), "total_resources", {})
    return msgspec.json.encode(
        HostDescription(
            host=environment.host,
            cpu=environment.cpu,
            cores=environment.cores,
            os=environment.os,
            python=environment.python,
            versions=environment.versions,
            governor=environment.governor,
            load=load_average(),
            free_memory=free_memory(),
            has_resource=RESOURCE in resources,
        )
    )


def missing_files(names: list[str], dask_worker: Any = None) -> list[str]:
    """Return those of some files, named `DIGEST/NAME`, that the host does not have."""
    return [name for name in names if not (_folder(dask_worker) / name).is_file()]


def begin_file(name: str, dask_worker: Any = None) -> str:
    """Create a partial file for `DIGEST/NAME`, and return its path."""
    partial = _folder(dask_worker) / f"{name}.part"
    partial.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial.write_bytes(b"")
    return str(partial)


def append_to_file(partial: str, content: bytes) -> None:
    """Append to a partial file, which is removed if there is no space for it."""
    try:
        with open(partial, "ab") as file:  # noqa: PTH123
            file.write(content)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise


def finish_file(partial: str, digest: str) -> str:
    """Check the content of a partial file, give it its final name, and return its path.

    Raises:
        ValueError: The content does not have this SHA-256.
    """
    path = Path(partial)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        path.unlink()
        raise ValueError(f"{path.name} arrived damaged")
    return str(path.replace(path.with_suffix("")))


def path_of_file(name: str, dask_worker: Any = None) -> str:
    """Return the path of `DIGEST/NAME` on the host."""
    return str(_folder(dask_worker) / name)


def _folder(worker: Any) -> Path:
    """Return the folder of shipped files, which Dask removes with its worker."""
    return Path(worker.local_directory) / _FOLDER


def measure_on_host(request: bytes) -> bytes:
    """Measure a plan in a fresh engine, and send its events to a topic of the scheduler.

    Args:
        request: A `HostRequest` as JSON.

    Returns:
        A `HostOutcome` as JSON.
    """
    from distributed import get_worker

    worker = get_worker()
    sender = _Sender(worker, msgspec.json.decode(request, type=HostRequest))
    return msgspec.json.encode(asyncio.run(sender.run(worker.get_current_task())))


class _Sender:
    """Sends the events of one measurement in batches."""

    def __init__(self, worker: Any, request: HostRequest) -> None:
        self._worker = worker
        self._request = request
        self._lines: list[bytes] = []
        self._sent_at = 0.0
        self._batches = 0

    async def run(self, key: Any) -> HostOutcome:
        """Measure until the plan is done, the task is cancelled, or the worker has lost its scheduler."""
        for name in _NOT_FOR_MODELS:
            os.environ.pop(name, None)
        task = asyncio.create_task(self._measure())
        watching = asyncio.create_task(self._watch(key, task))
        error, is_data = "", False
        try:
            await task
        except asyncio.CancelledError:
            error = "The measurement was stopped."
        except LatencyTuiError as failed:
            error, is_data = str(failed), isinstance(failed, DataError)
        finally:
            watching.cancel()
        self._flush()
        return HostOutcome(batches=self._batches, error=error, is_data_error=is_data)

    async def _measure(self) -> None:
        async with aclosing(self._events()) as events:
            async for event in events:
                self._lines.append(encode(event))
                if time.monotonic() - self._sent_at >= BATCH_SECONDS:
                    self._flush()

    async def _events(self) -> AsyncGenerator[Event, None]:
        request = self._request
        recording = Recorder(request.plan) if request.plan.until_known else None  # only its stopping rule is needed
        is_decided = None
        if recording is not None:
            is_decided = recording.limits_are_decided if request.until_limits else recording.is_decided
        events = measure(request.plan, job=request.job, is_decided=is_decided, first_launch=request.first_launch)
        async with aclosing(events):
            async for event in events:
                if recording is not None:
                    recording.add(event)
                yield event

    def _flush(self) -> None:
        self._sent_at = time.monotonic()
        if self._lines:
            batch = {"number": self._batches, "lines": b"".join(self._lines)}
            self._worker.log_event(self._request.topic, batch)
            self._lines, self._batches = [], self._batches + 1

    async def _watch(self, key: Any, task: asyncio.Task[None]) -> None:
        """End the measurement when nobody waits for it any more."""
        while not task.done():
            await asyncio.sleep(WATCH_SECONDS)
            state = self._worker.state.tasks.get(key)
            wanted = state is not None and state.state in ("executing", "long-running")
            if not wanted or self._worker.status.name not in ("running", "paused"):
                task.cancel()
                return


def remove_files(dask_worker: Any = None) -> None:
    """Remove the shipped files of a host."""
    with contextlib.suppress(OSError):
        shutil.rmtree(_folder(dask_worker))
