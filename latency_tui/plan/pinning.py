"""The cores that candidates are pinned to, as they are typed."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Literal

from latency_tui.errors import UsageError

Pinning = Literal["auto", "none"] | tuple[int, ...]


def parse_cores(text: str) -> Pinning:
    """Return cores by number, `0,2-3`; or `none` for no pinning, `auto` for one quiet core.

    Raises:
        UsageError: These are no numbers, or this process may not use such a core.
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
    """Refuse cores that this process may not use, where the system tells which it may.

    Raises:
        UsageError: One of them is such a core.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(cores)
    if missing := sorted(set(cores) - allowed):
        known = ", ".join(str(core) for core in sorted(allowed))
        raise UsageError(f"Core {missing[0]} cannot be used here; there are {known}.")
