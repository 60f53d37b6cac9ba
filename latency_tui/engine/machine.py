"""The machine: its description, usable cores, idle cores, pinning, load and free memory."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from latency_tui.engine.protocol import Environment
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Plan

PACKAGES = ("latency-tui", "numpy", "scikit-learn", "scipy", "joblib")
MEMORY_SHARE = 0.8
PSUTIL_ERRORS = (psutil.Error, OSError, IndexError, KeyError, ValueError)
"""Exceptions of psutil for a process that has ended, or without /proc."""


def describe() -> Environment:
    """Return a description of this machine and this Python."""
    return Environment(
        host=platform.node(),
        os=f"{platform.system()} {platform.release()}",
        cpu=_cpu_name(),
        cores=len(allowed_cores()) or os.cpu_count() or 1,
        python=platform.python_version(),
        versions=versions_of(PACKAGES),
        governor=_read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        memory_bytes=_memory("total"),
    )


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    return {name: found for name in packages if (found := _version(name))}


def allowed_cores() -> tuple[int, ...]:
    """Return the cores that this process may run on; empty if the system does not support pinning."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


def pin(cores: tuple[int, ...]) -> None:
    """Pin all threads of this process, including those of libraries, to some cores.

    If none of the cores is available any more, the process stays on the available ones.
    """
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, cores)
    for thread in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):  # the thread has ended
            os.sched_setaffinity(int(thread.name), cores)


def missing_cores(process: int, cores: tuple[int, ...]) -> set[int]:
    """Return the cores to which a process was pinned and on which it can no longer run."""
    try:
        return set(cores) - os.sched_getaffinity(process)
    except (AttributeError, OSError):  # it has ended, or the system does not support pinning
        return set()


class CoreLoad:
    """Measures the busy time of each core since its creation, to find idle cores."""

    def __init__(self) -> None:
        self._before = _busy_seconds()

    def quietest(self, cores: tuple[int, ...], count: int) -> tuple[int, ...]:
        """Return the `count` least busy cores; of equal ones the last, because the first handle interrupts."""
        now = _busy_seconds()

        def load(core: int) -> tuple[float, int]:
            spent = now.get(core, 0.0) - self._before.get(core, 0.0)
            return (round(spent, 1), -core)  # rounded to 0.1 s to ignore short activity

        return tuple(sorted(sorted(cores, key=load)[:count]))


class StealTime:
    """Measures the time since its creation in which the host ran other machines on some cores.

    Args:
        cores: The cores; empty for all.
    """

    def __init__(self, cores: tuple[int, ...]) -> None:
        self._cores = cores
        self._began = time.monotonic()
        self._before = self._seconds()

    def share(self) -> float | None:
        """Return the average share of stolen time of these cores; None if the system does not report it."""
        stolen, passed = self._seconds(), time.monotonic() - self._began
        if not stolen or len(stolen) != len(self._before) or passed <= 0:
            return None
        lost = sum(after - before for before, after in zip(self._before, stolen, strict=True))
        return min(max(lost / passed / len(stolen), 0.0), 1.0)

    def _seconds(self) -> list[float]:
        every = enumerate(_core_times())
        return [times.steal for core, times in every if hasattr(times, "steal") and core in (self._cores or (core,))]


def load_average() -> float | None:
    """Return the load average of the last minute per core of the machine; None if the system does not report it.

    All cores count, even if this process may use only some of them, because the system counts all threads.
    """
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):
        return None


def choose_cores(plan: Plan, cores: tuple[int, ...], load: CoreLoad) -> tuple[int, ...]:
    """Return the cores to which candidates are pinned, one per thread; empty for no pinning.

    Raises:
        UsageError: This process may not use a core of the plan, or the system does not support pinning.
    """
    if plan.pinning == "none":
        return ()
    if not cores:
        if plan.pinning == "auto":
            return ()
        raise UsageError("This system does not support pinning; omit --cpu.")
    if isinstance(plan.pinning, tuple):
        if strange := sorted(set(plan.pinning) - set(cores)):
            raise UsageError(
                f"Core {strange[0]} is not available to this process; choose from {', '.join(map(str, cores))}."
            )
        return plan.pinning
    return cores if plan.threads >= len(cores) else load.quietest(cores, plan.threads)


def expand_cores(
    pinned: tuple[int, ...], candidate: Candidate, plan: Plan, cores: tuple[int, ...], jobs: int = 1
) -> tuple[int, ...]:
    """Return the cores for one candidate: the common ones, and more if its settings can use more.

    Args:
        pinned: The cores that `choose_cores` returned.
        candidate: The candidate; its settings may ask for threads or jobs.
        plan: The plan; if it names the cores, they are not extended.
        cores: The cores that this process may use.
        jobs: Number of parallel jobs of the model; 0 for one per core.
    """
    if not pinned or isinstance(plan.pinning, tuple):
        return pinned or cores
    wanted = max(wish or len(cores) for wish in (candidate.cores_wanted, jobs))
    others = tuple(core for core in cores if core not in pinned)
    return (*pinned, *others[: max(wanted - len(pinned), 0)])


def free_memory() -> int:
    """Return the number of bytes that can be allocated without swapping.

    If the system does not report it (no /proc), it is half of the physical memory.
    """
    return _memory("available") or _physical_memory() // 2 or sys.maxsize


def _busy_seconds() -> dict[int, float]:
    return {
        index: times.user + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
        for index, times in enumerate(_core_times())
    }


def _core_times() -> list[Any]:
    """Return the CPU times of each core; empty if the system does not report them (no /proc)."""
    try:
        return list(psutil.cpu_times(percpu=True))
    except PSUTIL_ERRORS:
        return []


def _memory(name: str) -> int:
    """Return a field of `psutil.virtual_memory`; 0 if the system does not report it (no /proc)."""
    try:
        return int(getattr(psutil.virtual_memory(), name))
    except PSUTIL_ERRORS:
        return _physical_memory() if name == "total" else 0


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


def _cpu_name() -> str:
    if sys.platform == "linux":
        for line in (_read(Path("/proc/cpuinfo")) or "").splitlines():
            if line.startswith(("model name", "Hardware", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None
