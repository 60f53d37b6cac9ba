"""Connects to a running Dask cluster, or starts one over SSH for the time of a measurement."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import warnings
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from latency_tui.cluster.host_tasks import RESOURCE
from latency_tui.cluster.hosts import UnusableHost
from latency_tui.errors import EngineError, UsageError

CONNECT_SECONDS = 20.0
"""How long the scheduler may take to answer."""
START_SECONDS = 60.0
"""How long a worker on a host may take until it is there."""
_LOOPBACK = "127.0.0.1"
_PORT_TRIALS = 20
_SILENT = logging.CRITICAL + 1
LOCAL = "local"
"""Name of this machine among the hosts."""
_STATUS_PAGE = f"{_LOOPBACK}:0"
WORKER_OPTIONS = {"nthreads": 1, "resources": {RESOURCE: 1}, "memory_limit": 0, "dashboard_address": _STATUS_PAGE}
"""Options of the workers that are started here: one plan at a time, and no limit but that of the plan. Dask always has
a status page; it is reachable from its own host only.
"""


@contextlib.asynccontextmanager
async def connect(address: str) -> AsyncGenerator[tuple[Any, list[UnusableHost]], None]:  # Any: Dask has no types
    """Connect to the scheduler of a running cluster.

    TLS is configured as for every client of Dask (`distributed.comm.tls`).

    Args:
        address: Address of the scheduler, such as `tcp://10.0.0.1:8786`, or its scheduler file.

    Yields:
        A Dask client, and an empty list: which hosts are usable is found out later.

    Raises:
        UsageError: Dask is not installed, or the scheduler file cannot be read.
        EngineError: The scheduler does not answer.
    """
    distributed = _import_dask()
    async with _client(distributed, address, **_where(address)) as client:
        yield client, []


@contextlib.asynccontextmanager
async def start_on(
    hosts: Sequence[str], *, remote_python: str | None = None
) -> AsyncGenerator[tuple[Any, list[UnusableHost]], None]:
    """Start a worker on each host over SSH, and a scheduler on this machine; end them on exit.

    The user's SSH configuration applies: names, users, keys and jump hosts.

    Args:
        hosts: Names of hosts; `local` is this machine.
        remote_python: Interpreter on the hosts with latency-tui; None for the path of the one here.

    Yields:
        A Dask client, and the hosts that cannot be used.

    Raises:
        UsageError: Dask or asyncssh is not installed, or a host is named twice.
        EngineError: No host can be used, or the workers do not start.
    """
    distributed = _import_dask()
    try:
        from latency_tui.cluster import ssh
    except ImportError as error:
        raise UsageError("--hosts needs asyncssh; install latency-tui[cluster].") from error
    if duplicates := sorted({host for host in hosts if [*hosts].count(host) > 1}):
        raise UsageError(f"The host {duplicates[0]} is named twice.")
    python = remote_python or sys.executable
    remote = [host for host in hosts if host != LOCAL]
    answers = dict(zip(remote, await asyncio.gather(*(ssh.check(host, python) for host in remote)), strict=True))
    unusable = [UnusableHost(name=host, reason=one.problem) for host, one in answers.items() if one.problem]
    usable = [host for host in hosts if host not in {one.name for one in unusable}]
    if not usable:
        raise EngineError(" ".join(f"{one.name}: {one.reason}" for one in unusable))
    here = sorted({one.here for one in answers.values() if not one.problem}) or [_LOOPBACK]
    workers = {
        host: {
            "cls": distributed.Nanny,
            "options": {**WORKER_OPTIONS, "name": host, "host": _LOOPBACK, "silence_logs": _SILENT},
        }
        if host == LOCAL
        else ssh.worker(host, answers[host], python, WORKER_OPTIONS)
        for host in usable
    }
    # Anyone who can connect to a scheduler or a worker can run code on all of them, so neither listens on all
    # interfaces. The scheduler listens on the addresses that the hosts use for this machine. Hosts in different
    # networks use different ones, with the same port, because Dask gives workers only one. The local worker listens
    # on the loopback interface.
    options = {"host": here, "port": free_port(here) if len(here) > 1 else 0}
    options |= {"dashboard": False, "dashboard_address": _STATUS_PAGE}
    try:
        cluster = await distributed.SpecCluster(
            workers=workers,
            scheduler={"cls": distributed.Scheduler, "options": options},
            asynchronous=True,
            silence_logs=_SILENT,
        )
    except Exception as error:
        raise EngineError(f"The workers could not be started: {str(error) or type(error).__name__}.") from error
    try:
        async with _client(distributed, "this machine", address=cluster) as client:
            missing = await _wait_for_workers(client, set(usable))
            reason = f"Its worker did not reach this machine within {START_SECONDS:g} s."
            yield client, [*unusable, *(UnusableHost(name=host, reason=reason) for host in missing)]
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(cluster.close(), CONNECT_SECONDS)


def free_port(addresses: Sequence[str]) -> int:
    """Return a port that is free on each of these addresses of this machine.

    Raises:
        EngineError: There is none.
    """
    for _ in range(_PORT_TRIALS):
        with contextlib.ExitStack() as opened, contextlib.suppress(OSError):
            port = 0
            for address in addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                bound = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
                bound.bind((address, port))
                port = int(bound.getsockname()[1])
            return port
    raise EngineError(f"No port is free on all of {', '.join(addresses)}, by which the hosts know this machine.")


async def _wait_for_workers(client: Any, names: set[str]) -> list[str]:
    """Wait until the workers of these names are there, and return the names of those that are not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_SECONDS
    while True:
        known = (await client.scheduler.identity())["workers"].values()
        missing = names - {worker["id"] for worker in known}
        if not missing or loop.time() > deadline:
            return sorted(missing)
        await asyncio.sleep(0.1)


def _where(address: str) -> dict[str, str]:
    """Return the argument with which Dask finds a scheduler."""
    is_file = Path(address).is_file()
    if "://" not in address and (is_file or Path(address).suffix == ".json"):
        if not is_file:
            raise UsageError(f"There is no scheduler file {address}.")
        return {"scheduler_file": address}
    return {"address": address}


def _import_dask() -> Any:
    """Return the module `distributed`, with logging that leaves stderr to us.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise UsageError("Measuring on hosts needs Dask; install latency-tui[cluster].") from error
    for name in [*logging.root.manager.loggerDict]:  # Dask gives each of its loggers a level of its own
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(_SILENT)
    return distributed


def _report_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report an error that nobody handles, unless it is of a task of Dask that has lost its connection."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


@contextlib.asynccontextmanager
async def _client(distributed: Any, name: str, **where: Any) -> AsyncGenerator[Any, None]:
    asyncio.get_running_loop().set_exception_handler(_report_error)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # versions that differ are reported per host
        try:
            client = await distributed.Client(**where, asynchronous=True, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise EngineError(f"The scheduler at {name} does not answer: {error}.") from error
        except Exception as error:
            raise UsageError(f"{name} is not a scheduler of Dask: {str(error) or type(error).__name__}.") from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):
            await client.close(CONNECT_SECONDS)
