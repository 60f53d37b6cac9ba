"""Orphans: processes that a model started and that outlived their parent, such as the workers of a killed pool.

On Linux the nearest ancestor that asked to takes them in; elsewhere they are the system's. Candidates' processes ask,
so that a helper in the background stays for as long as its model's process, and the engine does, which gets what such a
process leaves behind and ends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection

import psutil

from latency_tui.engine.machine import PSUTIL_ERRORS

_PR_SET_CHILD_SUBREAPER = 36
_PASSES = 3
"""A process may start another one between being listed and being killed."""
TRACKER_SECONDS = 2.0
"""Seconds that trackers of semaphores and shared memory have to remove these; two dozen take about half a one."""


def become_subreaper() -> None:
    """Become the parent of all orphans among this process's descendants; those that it forks do not."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end(own: Collection[int]) -> None:
    """Kill every child of this process but its own, and what these leave behind, and wait for them.

    Those that outlive their parent to remove its semaphores and shared memory get a moment to do so.

    Args:
        own: Process ids of the children that it started itself, and which are to live.
    """
    spared, deadline = {*own}, time.monotonic() + TRACKER_SECONDS
    while orphans := set(_children()) - spared:
        cleaning = {pid for pid in orphans if time.monotonic() < deadline and is_tracker(pid)}
        for pid in orphans - cleaning:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            except PermissionError:  # it runs as somebody else, as what sudo starts does
                spared.add(pid)
        for pid in orphans - spared:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG if pid in cleaning else 0)
        if cleaning:
            time.sleep(0.005)


def members(session: int) -> list[int]:
    """Return the process ids of a session's processes; empty if the system does not tell (no /proc)."""
    try:
        return [pid for pid in psutil.pids() if _session_of(pid) == session]
    except PSUTIL_ERRORS:
        return []


def signal_session(session: int, number: int) -> None:
    """Send a signal to an engine and to what it has started: candidates have process groups of their own."""
    own = os.getpid()
    for _ in range(_PASSES if number == signal.SIGKILL else 1):
        for pid in members(session):
            if pid != own:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if session != own:
            os.killpg(session, number)


def trackers(session: int) -> list[int]:
    """Return the process ids of the resource trackers of a session."""
    return [pid for pid in members(session) if is_tracker(pid)]


def is_tracker(pid: int) -> bool:
    """Whether a process is a resource tracker of multiprocessing's or joblib's, and lives."""
    try:
        return any("resource_tracker" in word for word in psutil.Process(pid).cmdline())
    except PSUTIL_ERRORS:
        return False


def descendants(pid: int) -> list[int]:
    """Return the process ids of all that descend from a process."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except PSUTIL_ERRORS:
        return []


def _children() -> list[int]:
    try:
        return [child.pid for child in psutil.Process().children()]
    except PSUTIL_ERRORS:
        return []


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it has ended, or is none of ours
        return None
