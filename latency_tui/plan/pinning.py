"""Parses and checks the cores to which candidates are pinned."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Literal

from latency_tui.errors import UsageError

Pinning = Literal["auto", "none"] | tuple[int, ...]


def parse_cores(text: str) -> Pinning:
    """Parse core numbers such as `0,2-3`; `none` disables pinning, and `auto` selects one idle core.

    Raises:
        UsageError: The text is invalid, or this process may not use one of the cores.
    """
    if text in ("auto", "none"):
        return "auto" if text == "auto" else "none"
    cores: set[int] = set()
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(first + last) > 10:
            raise UsageError(f"Cores are numbers such as 0 or 0,2-3, or none, not {text!r}.")
        if int(last or first) - int(first) not in range(4096):
            raise UsageError(f"{part.strip()} is not a range of cores.")
        cores.update(range(int(first), int(last or first) + 1))
    check_cores(cores)
    return tuple(sorted(cores))


def check_cores(cores: Collection[int]) -> None:
    """Check that this process may use some cores, if the system reports which ones it may use.

    Raises:
        UsageError: One of the cores cannot be used.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(cores)
    if missing := sorted(set(cores) - allowed):
        known = ", ".join(str(core) for core in sorted(allowed))
        raise UsageError(f"Core {missing[0]} cannot be used here; choose from {known}.")


def count_usable_cores() -> int:
    """Return the number of cores that this process, and therefore a model, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
