"""Measures a plan on one host of a cluster, and yields the events of its engine."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import time
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.cluster import host_tasks
from latency_tui.cluster.host_protocol import HostOutcome, HostRequest
from latency_tui.cluster.hosts import Host
from latency_tui.cluster.shipping import relocate, ship
from latency_tui.engine.message_codec import decode_event
from latency_tui.engine.protocol import Event
from latency_tui.errors import DataError, EngineError
from latency_tui.plan import Plan

LATE_BATCH_SECONDS = 30.0
"""How long the last events may take after a task has ended; they travel by another connection than its result."""
SILENT_SECONDS = 90.0
"""After this time without a sign of life a host counts as lost. One that is suspended for a minute goes on."""
CONNECT_SECONDS = 10.0
"""How long the scheduler may take to answer."""
WATCH_SECONDS = 0.5
"""How often the host is looked for in the cluster."""
_SCHEDULER_LOST = "The connection to the scheduler was lost; what was measured is kept."


async def measure_on(
    client: Any,  # Any: Dask has no types
    host: Host,
    plan: Plan,
    files: dict[Path, str],
    *,
    job: str,
    first_launch: int = 0,
    until_limits: bool = False,
) -> AsyncGenerator[Event, None]:
    """Yield the events of a measurement on a host, as `engine.launches.measure` does on this machine.

    Closing the generator stops the measurement.

    Args:
        client: An asynchronous Dask client.
        host: The host.
        plan: What to measure, with the paths of files on this machine.
        files: Its files, as `shipping.files_of` returns them.
        job: Name of the job.
        first_launch: Number of the first launch.
        until_limits: Whether an until-known plan ends when its limits are decided, whatever the comparisons.

    Raises:
        EngineError: The host or the connection is lost, or its engine ended before its work was done.
        DataError: The dataset cannot be read.
    """
    topic = f"latency-tui-{uuid.uuid4().hex}"
    batches: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    client.subscribe_topic(topic, lambda event: batches.put_nowait((event[1]["number"], event[1]["lines"])))
    future = ended = None
    try:
        paths = await _ship(client, host, files)
        request = HostRequest(
            job=job, plan=relocate(plan, paths), first_launch=first_launch, topic=topic, until_limits=until_limits
        )
        future = client.submit(
            host_tasks.measure_on_host,
            msgspec.json.encode(request),
            workers=[host.address],
            allow_other_workers=False,  # what one host lost is not measured on another without a word
            resources={host_tasks.RESOURCE: 1} if host.description.has_resource else None,
            key=topic,
            pure=False,
            retries=0,
        )
        ended = asyncio.create_task(_outcome(host, future))
        local_names = [(_escaped(there), _escaped(str(here))) for here, there in paths.items()]
        presence = _Presence(client, host)
        received, outcome = 0, None
        while outcome is None or received < outcome.batches:
            ready = await _next(host, presence, batches, ended if outcome is None else None)
            if isinstance(ready, HostOutcome):
                outcome = ready
                continue
            number, lines = ready
            if number != received:
                raise EngineError(f"Events of {host.name} were lost on the way; what came before is kept.")
            received += 1
            for there, here in local_names:
                lines = lines.replace(there, here)
            for line in lines.splitlines():
                yield decode_event(line)
        if outcome.error:
            raise (DataError if outcome.is_data_error else EngineError)(outcome.error)
    except OSError as error:
        raise EngineError(f"The connection to the cluster was lost: {error}.") from error
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.unsubscribe_topic(topic)
        if ended is not None:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)
        if future is not None:
            with contextlib.suppress(Exception):
                await client.cancel([future], force=True)


async def _ship(client: Any, host: Host, files: dict[Path, str]) -> dict[Path, str]:
    try:
        return await ship(client, host.address, files)
    except (OSError, ValueError) as error:
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        remedy = "; free disk space there" if is_full else ""
        raise EngineError(f"The files could not be copied to {host.name}: {why}{remedy}.") from error


async def _next(
    host: Host,
    presence: _Presence,
    batches: asyncio.Queue[tuple[int, bytes]],
    ended: asyncio.Task[HostOutcome] | None,
) -> tuple[int, bytes] | HostOutcome:
    """Return the next batch of events, or the outcome once the task has ended.

    Raises:
        EngineError: The host or the scheduler is lost, or the last events do not arrive.
    """
    batch = asyncio.create_task(batches.get())
    waited = 0.0
    try:
        while True:
            wanted = [task for task in (batch, ended) if task is not None]
            await asyncio.wait(wanted, timeout=WATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if batch.done():
                return batch.result()
            if ended is not None and ended.done():
                return ended.result()
            waited += WATCH_SECONDS
            if ended is None and waited >= LATE_BATCH_SECONDS:
                raise EngineError(f"The last events of {host.name} did not arrive; what came before is kept.")
            await presence.check()
    finally:
        batch.cancel()


async def _outcome(host: Host, future: Any) -> HostOutcome:
    try:
        return msgspec.json.decode(await future, type=HostOutcome)
    except asyncio.CancelledError:
        if future.cancelled():  # by Dask, which has lost its scheduler or the worker; otherwise by our caller
            raise EngineError(f"{host.name} has left the cluster; what it measured is kept.") from None
        raise
    except Exception as error:
        if getattr(error, "reason", "") == "scheduler-connection-lost":
            raise EngineError(_SCHEDULER_LOST) from error
        raise EngineError(f"The measurement on {host.name} ended: {str(error) or type(error).__name__}.") from error


class _Presence:
    """Watches whether the scheduler still hears from a host."""

    def __init__(self, client: Any, host: Host) -> None:
        self._client = client
        self._host = host
        self._last_seen = 0.0
        self._changed_at = time.monotonic()

    async def check(self) -> None:
        """Check that the host is there.

        Raises:
            EngineError: It is not, or the scheduler does not answer.
        """
        name = self._host.name
        try:
            known = await asyncio.wait_for(self._client.scheduler.identity(), CONNECT_SECONDS)
        except (OSError, TimeoutError, AttributeError) as error:
            raise EngineError(_SCHEDULER_LOST) from error
        worker = known["workers"].get(self._host.address)
        if worker is None:
            raise EngineError(f"{name} has left the cluster; what it measured is kept.")
        if worker["last_seen"] != self._last_seen:
            self._last_seen, self._changed_at = worker["last_seen"], time.monotonic()
        elif time.monotonic() - self._changed_at > SILENT_SECONDS:
            raise EngineError(f"{name} has not answered for {SILENT_SECONDS:g} s; what it measured is kept.")


def _escaped(path: str) -> bytes:
    """Return a path as it stands inside a JSON string."""
    return json.dumps(path, ensure_ascii=False)[1:-1].encode()
