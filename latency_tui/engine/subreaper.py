"""Ends orphans: processes that a model started and that outlived their parent, such as workers of a killed pool.

On Linux they become children of the nearest ancestor that is a subreaper. The processes of candidates are subreapers,
so that background helpers live as long as their model's process. The engine is one too, and ends what is left.
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
"""Number of passes, because a process may start another one before it is killed."""
TRACKER_SECONDS = 2.0
"""Time in seconds for resource trackers to remove semaphores and shared memory; 24 trackers take about 0.5 s."""


def become_subreaper() -> None:
    """Make this process the parent of orphans among its descendants; forked processes do not inherit this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_orphans(own: Collection[int]) -> None:
    """Kill the orphans among the children of this process, and their children, and wait for them.

    Resource trackers, which remove semaphores and shared memory of their parent, get time to do so.

    Args:
        own: Process ids of the children that are not orphans.
    """
    spared, deadline = {*own}, time.monotonic() + TRACKER_SECONDS
    while orphans := set(_children()) - spared:
        cleaning = {pid for pid in orphans if time.monotonic() < deadline and is_tracker(pid)}
        for pid in orphans - cleaning:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            except PermissionError:  # it runs as another user, such as a process started by sudo
                spared.add(pid)
        for pid in orphans - spared:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG if pid in cleaning else 0)
        if cleaning:
            time.sleep(0.005)


def members(session: int) -> list[int]:
    """Return the process ids of a session; empty if the system does not report them (no /proc)."""
    try:
        return [pid for pid in psutil.pids() if _session_of(pid) == session]
    except PSUTIL_ERRORS:
        return []


def signal_session(session: int, number: int) -> None:
    """Send a signal to all processes of a session; candidates have separate process groups."""
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
    """Return whether a process is a running resource tracker of multiprocessing or joblib."""
    try:
        return any("resource_tracker" in word for word in psutil.Process(pid).cmdline())
    except PSUTIL_ERRORS:
        return False


def descendants(pid: int) -> list[int]:
    """Return the process ids of all descendants of a process."""
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
    except OSError:  # it has ended, or belongs to another user
        return None
