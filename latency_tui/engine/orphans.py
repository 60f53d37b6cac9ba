"""Orphans: processes that a model started and that outlived it, such as the workers of a pool whose owner was killed.

On Linux the engine takes them in, for it is the nearest ancestor that asked to; elsewhere they are the system's. A
helper that was started in the background is an orphan from the start: it carries the mark of the candidate's process
that it belongs to, and stays for as long as that does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Collection

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_MARK = "LATENCY_TUI_CANDIDATE"


def take_in() -> None:
    """Become the parent of all orphans among this process's descendants; those that it forks do not."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def mark() -> None:
    """Have all that this process starts from now on carry its id."""
    os.environ[_MARK] = str(os.getpid())


def end(own: Collection[int]) -> None:
    """Kill every child of this process but its own and theirs, and what these leave behind, and wait for them.

    Args:
        own: Process ids of the children that it started itself, and which are to live.
    """
    while orphans := [child.pid for child in psutil.Process().children() if not {child.pid, _owner(child)} & {*own}]:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _owner(process: psutil.Process) -> int:
    """Return the id of the candidate's process whose mark a process carries; 0 for none, or where it has ended."""
    try:
        return int(process.environ().get(_MARK, 0))
    except (psutil.Error, OSError, ValueError):
        return 0
