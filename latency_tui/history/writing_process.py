"""Identifies the process that writes a result, and checks whether it is still running."""

from __future__ import annotations

import os
import platform
from typing import Literal

State = Literal["finished", "measuring", "unfinished"]


def describe() -> str:
    """Return host, process id and start time of this process as text."""
    return f"{platform.node()} {os.getpid()} {_started(os.getpid()):.2f}"


def is_running(writer: str) -> bool:
    """Return whether a process, as described by `describe`, is still running; True for a process on another host."""
    host, _, rest = writer.rpartition(" ")[0].rpartition(" ")
    number, began = rest, writer.rpartition(" ")[2]
    if host != platform.node():
        return bool(host)
    return f"{_started(int(number)):.2f}" == began


def _started(process: int) -> float:
    """Return when a process began, in seconds; 0 if it does not exist."""
    import psutil  # deferred: 15 ms, and most lists have only finished results

    try:
        return float(psutil.Process(process).create_time())
    except (psutil.Error, OSError):
        return 0.0
