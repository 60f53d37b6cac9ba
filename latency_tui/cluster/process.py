"""The process that talks to a cluster for a front end, which does not import Dask.

It reads requests from stdin and writes replies to stdout. When stdin ends, because the measurement was stopped or the
front end was killed, it ends the measurement on every host and exits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path
from typing import Any

from latency_tui.cluster.connection import connect, start_on
from latency_tui.cluster.hosts import Host, find_hosts
from latency_tui.cluster.measuring import measure_on
from latency_tui.cluster.process_protocol import (
    Connect,
    Failed,
    HostEnded,
    HostEvents,
    HostProgressed,
    HostsFound,
    Measure,
    Reply,
    Request,
    decode_request,
    encode,
)
from latency_tui.cluster.shared_work import SharedWork
from latency_tui.cluster.shipping import files_of
from latency_tui.engine.protocol import BlockMeasured, EngineStarted, Event, RoundFinished
from latency_tui.errors import EngineError, LatencyTuiError
from latency_tui.plan import Plan
from latency_tui.plan.shared_launches import SharedLaunch, share_launches
from latency_tui.report.progress import Progress

END_SECONDS = 1.5
"""How long the hosts may take to end after stdin has ended; the process then exits, and their workers notice that."""
BATCH_SECONDS = 0.2
"""Frequent events are sent at most this often per host."""
MAX_LINE = 256 * 2**20

Send = Callable[[Reply], None]


async def run(requests: asyncio.Queue[Request], send: Send) -> None:
    """Connect, report the hosts, measure the plan that is asked for, and report what they send."""
    try:
        wanted = await requests.get()
        assert isinstance(wanted, Connect)
        async with _connection(wanted) as (client, unreachable):
            hosts, unusable = await find_hosts(client)
            reasons = {one.name: one.reason for one in (*unreachable, *unusable)}
            send(HostsFound(hosts={host.name: host.description for host in hosts}, unusable=reasons))
            asked = await requests.get()
            assert isinstance(asked, Measure)
            files = await asyncio.to_thread(files_of, asked.plan)
            if asked.share:
                await _share(client, hosts, asked.plan, files, send)
                return
            async with asyncio.TaskGroup() as group:
                for host in hosts:
                    group.create_task(_measure(client, host, asked.plan, files, send))
    except LatencyTuiError as error:
        send(Failed(message=str(error)))


def _connection(wanted: Connect) -> AbstractAsyncContextManager[Any]:
    return connect(wanted.cluster) if wanted.cluster else start_on(wanted.hosts, remote_python=wanted.remote_python)


async def _measure(client: Any, host: Host, plan: Plan, files: dict[Path, str], send: Send) -> None:
    """Measure the whole plan on one host."""
    batch: list[Event] = []
    loop = asyncio.get_running_loop()
    sent_at, error = 0.0, ""

    def flush() -> None:
        if batch:
            send(HostEvents(host=host.name, events=tuple(batch)))
            batch.clear()

    try:
        async with aclosing(measure_on(client, host, plan, files, job="measurement")) as events:
            async for event in events:
                batch.append(event)
                frequent = isinstance(event, BlockMeasured | RoundFinished)
                if not frequent or loop.time() - sent_at >= BATCH_SECONDS:
                    flush()
                    sent_at = loop.time()
    except EngineError as failed:
        error = str(failed)
    finally:
        flush()
    send(HostEnded(host=host.name, error=error))


async def _share(client: Any, hosts: list[Host], plan: Plan, files: dict[Path, str], send: Send) -> None:
    """Distribute the launches of a plan over hosts of one kind."""
    progress = {host.name: Progress(plan, shown=False) for host in hosts}
    sent_at = dict.fromkeys(progress, 0.0)
    loop = asyncio.get_running_loop()

    def record(event: Event) -> None:
        send(HostEvents(host="", events=(event,)))

    def follow(host: str, launch: SharedLaunch, event: Event | None) -> None:
        if event is None:
            send(HostProgressed(host=host, words="failed"))
            return
        if isinstance(event, EngineStarted):
            progress[host] = Progress(launch.plan, shown=False)
        frequent = isinstance(event, BlockMeasured | RoundFinished)
        words = progress[host].describe(event)
        if words and (not frequent or loop.time() - sent_at[host] >= BATCH_SECONDS):
            send(HostProgressed(host=host, words=f"{launch.label}: {words}"))
            sent_at[host] = loop.time()

    launches = share_launches(plan, len(hosts))
    work = SharedWork(client, hosts, launches, files, record=record, follow=follow)
    await work.measure()
    send(HostEnded(host="", error=" ".join(work.problems)))


async def serve() -> None:
    """Run until the work is done or stdin ends."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the replies
    requests: asyncio.Queue[Request] = asyncio.Queue()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    def send(reply: Reply) -> None:
        output.write(encode(reply))
        output.flush()

    async def read() -> None:
        while line := await reader.readline():
            requests.put_nowait(decode_request(line))

    working, reading = asyncio.create_task(run(requests, send)), asyncio.create_task(read())
    await asyncio.wait([working, reading], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        working.cancel()
        await asyncio.wait([working], timeout=END_SECONDS)
    code = 0
    if working.done() and not working.cancelled() and (error := working.exception()) is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
        code = 1
    os._exit(code)  # the threads and exit handlers of Dask may wait for hosts that are gone
