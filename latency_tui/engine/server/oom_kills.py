"""Counts how often Linux has killed a process because memory ran out, to explain why a candidate's process ended."""

from __future__ import annotations

import re
from pathlib import Path

_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def count_oom_kills(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the number of processes killed for lack of memory so far, on the host and in the cgroup; 0 if unknown.

    Only an increase is meaningful, because one kill may be counted in both.

    Args:
        proc: Where the system reports on processes.
        cgroups: Where it reports on control groups, of version 1 or 2.
    """
    files = [proc / "vmstat"]
    for line in _read(proc / "self" / "cgroup").splitlines():
        controllers, folder = line.split(":", 2)[1:] if line.count(":") >= 2 else ("", "")
        if line.startswith("0::"):
            files.append(cgroups / folder.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            files.append(cgroups / "memory" / folder.lstrip("/") / "memory.oom_control")
    return sum(int(count) for file in files for count in _COUNT.findall(_read(file)))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
