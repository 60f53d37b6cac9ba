"""Opens the saved results that arguments of the command line name."""

from __future__ import annotations

from pathlib import Path

from latency_tui.errors import UsageError
from latency_tui.result.result import Result, load


def open_result(reference: str) -> Result:
    """Return the result that a reference names: the path of a file.

    Raises:
        UsageError: There is no such result, or it cannot be read.
    """
    if not Path(reference).exists():
        raise UsageError(f"There is no file {reference}; name a result that 'latency-tui run -o FILE.json' wrote.")
    return load(reference)
