"""The machine: what it is, which cores may be used, which of them is quiet, and how much memory is free."""

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
"""What psutil raises about a process that has ended, and if there is no /proc."""


def describe() -> Environment:
    """Return what this machine and this Python are."""
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
    """Return the cores that this process may run on; empty where the system has no pinning."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


def pin(cores: tuple[int, ...]) -> None:
    """Keep this process on some cores: all of its threads, for a library may have started its own by now.

    If all of these cores have been taken from the machine or its container meanwhile, it stays on those that are left.
    """
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, cores)
    for thread in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):  # it has ended since
            os.sched_setaffinity(int(thread.name), cores)


def missing_cores(process: int, cores: tuple[int, ...]) -> set[int]:
    """Return the cores, of those that a process was pinned to, that it cannot run on any more."""
    try:
        return set(cores) - os.sched_getaffinity(process)
    except (AttributeError, OSError):  # it has ended, or the system has no pinning
        return set()


class CoreLoad:
    """Busy time of each core since it was made, to find a quiet one."""

    def __init__(self) -> None:
        self._before = _busy_seconds()

    def quietest(self, cores: tuple[int, ...], count: int) -> tuple[int, ...]:
        """Return the `count` cores with the least work since; of equals the last, for the first serve interrupts."""
        now = _busy_seconds()

        def load(core: int) -> tuple[float, int]:
            spent = now.get(core, 0.0) - self._before.get(core, 0.0)
            return (round(spent, 1), -core)  # a tenth of a second: what counts is a neighbour, not a blip

        return tuple(sorted(sorted(cores, key=load)[:count]))


class StealTime:
    """Time since it was made in which the host ran something else on some cores.

    Args:
        cores: Which ones; empty for all.
    """

    def __init__(self, cores: tuple[int, ...]) -> None:
        self._cores = cores
        self._began = time.monotonic()
        self._before = self._seconds()

    def share(self) -> float | None:
        """Return it as a share of the time that passed, of all these cores; None where the system does not tell."""
        stolen, passed = self._seconds(), time.monotonic() - self._began
        if not stolen or len(stolen) != len(self._before) or passed <= 0:
            return None
        lost = sum(after - before for before, after in zip(self._before, stolen, strict=True))
        return min(max(lost / passed / len(stolen), 0.0), 1.0)

    def _seconds(self) -> list[float]:
        every = enumerate(_core_times())
        return [times.steal for core, times in every if hasattr(times, "steal") and core in (self._cores or (core,))]


def load_average() -> float | None:
    """Return how many threads ran or wanted to for each core of the machine, on average over the last minute.

    Of all its cores, however few this process may use, for the system counts all threads. None where it does not.
    """
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):
        return None


def choose_cores(plan: Plan, cores: tuple[int, ...], load: CoreLoad) -> tuple[int, ...]:
    """Return the cores that candidates are pinned to, as many as they have threads: empty for no pinning.

    Raises:
        UsageError: The plan names a core that this process may not use, or cores where the system has no pinning.
    """
    if plan.pinning == "none":
        return ()
    if not cores:
        if plan.pinning == "auto":
            return ()
        raise UsageError("This system cannot keep a process on a core; leave --cpu out to measure without.")
    if isinstance(plan.pinning, tuple):
        if strange := sorted(set(plan.pinning) - set(cores)):
            raise UsageError(
                f"Core {strange[0]} cannot be used; this process may run on {', '.join(map(str, cores))} only."
            )
        return plan.pinning
    return cores if plan.threads >= len(cores) else load.quietest(cores, plan.threads)


def expand_cores(
    pinned: tuple[int, ...], candidate: Candidate, plan: Plan, cores: tuple[int, ...], jobs: int = 1
) -> tuple[int, ...]:
    """Return the cores of one candidate: those of all, and more where its own settings can use more.

    Args:
        pinned: What `choose_cores` said.
        candidate: Whose settings may ask for threads or jobs.
        plan: Which may name the cores, and then means it.
        cores: Those that this process may use.
        jobs: That its model runs at once by its own parameters; 0 for one a core.
    """
    if not pinned or isinstance(plan.pinning, tuple):
        return pinned or cores
    wanted = max(wish or len(cores) for wish in (candidate.cores_wanted, jobs))
    others = tuple(core for core in cores if core not in pinned)
    return (*pinned, *others[: max(wanted - len(pinned), 0)])


def free_memory() -> int:
    """Return the bytes that programs can take without the machine starting to swap or kill.

    If the system does not tell, as without /proc, half of its memory.
    """
    return _memory("available") or _physical_memory() // 2 or sys.maxsize


def _busy_seconds() -> dict[int, float]:
    return {
        index: times.user + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
        for index, times in enumerate(_core_times())
    }


def _core_times() -> list[Any]:
    """Return the times of each core as psutil names them; empty if the system does not tell (no /proc)."""
    try:
        return list(psutil.cpu_times(percpu=True))
    except PSUTIL_ERRORS:
        return []


def _memory(name: str) -> int:
    """Return a number of bytes as psutil names it; 0 if the system does not tell (no /proc)."""
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
