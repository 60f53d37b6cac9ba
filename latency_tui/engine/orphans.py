"""Orphans: processes that a model started and that outlived it, such as the workers of a pool whose owner was killed.

On Linux the engine takes them in, for it is the nearest ancestor that asked to; elsewhere they are the system's.
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


def take_in() -> None:
    """Become the parent of all orphans among this process's descendants; those that it forks do not."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end(own: Collection[int]) -> None:
    """Kill every child of this process but its own, and what these leave behind, and wait for them.

    Args:
        own: Process ids of the children that it started itself.
    """
    while orphans := [child.pid for child in psutil.Process().children() if child.pid not in own]:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
