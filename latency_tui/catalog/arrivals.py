"""Reads recorded gaps between requests from a file."""

from __future__ import annotations

import math
from pathlib import Path

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.errors import UsageError
from latency_tui.plan.load import MAX_GAPS, check_gaps

_MAX_BYTES = 64 * MAX_GAPS


def read_gaps(path: Path) -> tuple[float, ...]:
    """Read gaps between arrivals in seconds, one per line; empty lines and lines that begin with `#` are skipped.

    Raises:
        UsageError: The file cannot be read, has no gaps, or a line is not a number of 0 or more.
    """
    try:
        text = read_whole(path, _MAX_BYTES, wanted="gap between arrivals").decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text; it needs one gap in seconds per line.") from None
    gaps: list[float] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not (word := line.strip()) or word.startswith("#"):
            continue
        try:
            gap = float(word)
        except ValueError:
            gap = math.nan
        if not (math.isfinite(gap) and gap >= 0):
            raise UsageError(f"Line {number} of {path} must be a gap of 0 or more seconds, not {word[:40]!r}.")
        gaps.append(gap)
    if not gaps:
        raise UsageError(f"{path} has no gaps; it needs one gap between arrivals in seconds per line.")
    check_gaps(gaps)
    return tuple(gaps)
