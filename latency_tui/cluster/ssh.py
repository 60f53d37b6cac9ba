"""Starts Dask workers on other hosts over SSH, with asyncssh and the user's SSH configuration."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from typing import Any

import asyncssh
import msgspec
from distributed.deploy.ssh import Worker

CONNECT_SECONDS = 20.0
"""How long a host may take to accept a connection."""
CHECK_SECONDS = 60.0
"""How long its interpreter may take to import Dask from a slow disk."""
DEATH_SECONDS = 20
"""After this time without its scheduler a worker that has just started gives up; later it ends at once."""
_CHECK = "import distributed, latency_tui.cluster.host_tasks, os; print(os.environ.get('SSH_CONNECTION', ''))"


class _HostWorker(Worker):
    """A worker on a host that knows this machine by another address than the scheduler's own."""

    def __init__(self, scheduler: str, *, seen_as: str, **options: Any) -> None:
        port = scheduler.rpartition(":")[2]
        super().__init__(f"tcp://[{seen_as}]:{port}" if ":" in seen_as else f"tcp://{seen_as}:{port}", **options)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a host after it was reached, or not.

    Attributes:
        here: Address by which the host knows this machine.
        there: Address of the host to which this machine connects; empty if it is unknown.
        problem: Why the host cannot be used; empty if it can.
    """

    here: str = ""
    there: str = ""
    problem: str = ""


async def check(host: str, python: str) -> Answer:
    """Check that a host can be reached and that its interpreter has what a worker needs.

    Args:
        host: A name as the user's SSH configuration knows it.
        python: Path of the interpreter there.
    """
    try:
        connecting = asyncssh.connect(host, connect_timeout=CONNECT_SECONDS)
        async with connecting as connection:
            ours = str(connection.get_extra_info("sockname")[0])
            command = f"{shlex.quote(python)} -c {shlex.quote(_CHECK)}"
            done = await asyncio.wait_for(connection.run(command), CHECK_SECONDS)
    except (OSError, TimeoutError, asyncssh.Error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Answer(problem=f"It cannot be reached over SSH: {reason}.")
    if done.exit_status == 0:
        ends = str(done.stdout or "").split()  # of the connection as the host sees it: address and port of each side
        return Answer(here=ours, there=ends[2] if len(ends) == 4 else "")
    lines = str(done.stderr or "").strip().splitlines()
    if lines and lines[-1].startswith("ModuleNotFoundError"):
        return Answer(problem=f"{python} there lacks what is needed ({lines[-1]}); install latency-tui[cluster].")
    said = f": {lines[-1]}" if lines else ""
    return Answer(problem=f"{python} cannot be run there{said}; name the interpreter with --remote-python.")


def worker(host: str, answer: Answer, python: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the specification of a worker on a host.

    A worker without a nanny ends when it loses its scheduler, and so when this process is killed. Anyone who
    can connect to a worker can run code on it, so it listens only on the address to which this machine connects.

    Args:
        host: A name as the user's SSH configuration knows it.
        answer: What the host answered to `check`.
        python: Path of the interpreter there.
        options: Options of the worker.
    """
    return {
        "cls": _HostWorker,
        "options": {
            "address": host,
            "seen_as": answer.here,
            "connect_options": {},
            "kwargs": {**options, "name": host, "host": answer.there or None, "death_timeout": DEATH_SECONDS},
            "worker_class": "distributed.Worker",
            "remote_python": python,
        },
    }
