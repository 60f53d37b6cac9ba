"""A fork server process, which has imported the libraries of a candidate, and from which its replicas are forked.

Importing a library such as torch takes seconds, and a candidate has up to 24 processes. Each replica still loads the
model itself after the fork, so that its memory layout is independent of that of the other replicas.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable, Collection
from multiprocessing import reduction
from multiprocessing.connection import Connection

from latency_tui.engine.candidate.threads import ThreadLimiter
from latency_tui.engine.candidate_protocol import Forked, ForkProcess, ForkServerReady

_PR_SET_CHILD_SUBREAPER = 36
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_ADOPTION_SECONDS = 5.0


def find_new_libraries(before: Collection[str]) -> tuple[str, ...]:
    """Return the modules of installed libraries that were imported since, in order.

    Args:
        before: Names of the modules that were imported before.
    """
    found = []
    for name, module in list(sys.modules.items()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if name not in before and isinstance(origin, str) and any(part in origin for part in _INSTALLED):
            found.append(name)
    return tuple(found)


def become_fork_server(modules: Collection[str], thread_limiter: ThreadLimiter) -> ForkServerReady:
    """Import modules in this process; those that cannot be imported are left to the processes that need them."""
    for name in modules:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    thread_limiter.limit(1)  # finds the libraries, which forked processes inherit
    # Orphans must become children of the engine, the next subreaper among the ancestors.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0)
    gc.collect()
    gc.freeze()
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 (names, to be counted)
    except OSError:
        threads = 0
    return ForkServerReady(threads=threads)


def fork_process(connection: Connection, request: ForkProcess, serve: Callable[[Connection], None]) -> Forked:
    """Fork a process through an intermediate process, so that the engine becomes its parent.

    Args:
        connection: The connection of this fork server, which receives the descriptor for the new process.
        request: The request with the process id of the parent.
        serve: What the new process runs; it does not return.

    Raises:
        OSError: No process or memory is left.
    """
    descriptor = reduction.recv_handle(connection)
    reading, writing = os.pipe()
    between = os.fork()
    if not between:
        try:
            if process := os.fork():
                os.write(writing, str(process).encode())
                os._exit(0)
            connection.close()
            os.close(reading)
            os.close(writing)
            deadline = time.monotonic() + _ADOPTION_SECONDS
            while os.getppid() != request.parent and time.monotonic() < deadline:
                time.sleep(0.0005)
            serve(Connection(descriptor))
        finally:
            os._exit(0)
    os.close(descriptor)
    os.close(writing)
    os.waitpid(between, 0)
    answer = os.read(reading, 32)
    os.close(reading)
    if not answer:
        raise OSError("no process could be forked")
    return Forked(pid=int(answer))
