"""Detects a process that retries an allocation forever because a limit of the system refuses it more memory."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from latency_tui.engine.machine import PSUTIL_ERRORS

CPU_SECONDS = 4.0
SYSTEM_SHARE = 0.5
FREE_SHARE = 0.25
_LIMITS = {"RLIMIT_AS": ("vms", "ulimit -v"), "RLIMIT_DATA": ("data", "ulimit -d")}


@dataclass(frozen=True)
class _Usage:
    """Memory of a process and its CPU time, at one moment."""

    size: int
    resident: int
    user_seconds: float
    system_seconds: float


class RefusedMemory:
    """Watches one process for a loop of refused allocations, such as OpenBLAS runs when it gets no memory.

    The process is close to its limit, its memory does not change, and most of its CPU time is spent in the kernel.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._first: _Usage | None = None

    def find_limit(self) -> str | None:
        """Return the limit that keeps the process from making progress, as text; None if there is none."""
        try:
            process = psutil.Process(self._pid)
            for name, (size, command) in _LIMITS.items():
                limit = process.rlimit(getattr(psutil, name))[0]
                if limit == psutil.RLIM_INFINITY:
                    continue
                memory, times = process.memory_info(), process.cpu_times()
                look = _Usage(getattr(memory, size), memory.rss, times.user, times.system)
                if look.size > limit * (1 - FREE_SHARE):
                    return f"{limit / 2**20:,.0f} MiB ({command})" if self._repeats(look) else None
        except (*PSUTIL_ERRORS, AttributeError):  # it has ended, or the system has no such limits
            return None
        self._first = None
        return None

    def _repeats(self, look: _Usage) -> bool:
        first = self._first
        if first is None or (first.size, first.resident) != (look.size, look.resident):
            self._first = look
            return False
        system = look.system_seconds - first.system_seconds
        spent = look.user_seconds - first.user_seconds + system
        return spent > CPU_SECONDS and system > SYSTEM_SHARE * spent
