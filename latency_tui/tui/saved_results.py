"""Reads and removes saved results in a thread, because the file may be slow; loads SQLite after the first frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from latency_tui.history.listing import Row
    from latency_tui.result.result import Result
    from latency_tui.result.trend import Trend


async def list_results(path: Path) -> tuple[Row, ...]:
    """Return all results of a history, the newest first.

    Raises:
        HistoryError: The file cannot be used.
    """

    def work() -> tuple[Row, ...]:
        from latency_tui.history.store import History

        with History.open(path) as history:
            return tuple(history.list())

    return await asyncio.to_thread(work)


async def load_result(path: Path, key: str, *, samples: bool) -> Result:
    """Return the result with an id.

    Raises:
        UsageError: There is no such result, or it is being measured.
        HistoryError: The file cannot be used.
    """

    def work() -> Result:
        from latency_tui.history.store import History

        with History.open(path) as history:
            return history.load(key, samples=samples)

    return await asyncio.to_thread(work)


async def remove_result(path: Path, key: str) -> bool:
    """Remove a result, and return whether it is removed; one that is being measured stays.

    Raises:
        HistoryError: The file cannot be written.
    """

    def work() -> bool:
        from latency_tui.history.store import History

        with History.open(path) as history:
            return history.remove([key]) == 1 or history.find_row(key) is None

    return await asyncio.to_thread(work)


async def find_earlier(path: Path, baseline: Result, result: Result) -> tuple[Result, ...]:
    """Return other results of the history with the same plan and environment as one of two results."""

    def work() -> tuple[Result, ...]:
        from latency_tui.history.earlier_results import earlier_results

        return tuple(earlier_results(baseline, result, path))

    return await asyncio.to_thread(work)


async def load_trend(path: Path, key: str) -> Trend | None:
    """Return the trend of the plan and the machine of a result; None if there are no figures.

    Raises:
        HistoryError: The file cannot be used.
    """

    def work() -> Trend | None:
        from latency_tui.analysis.trend import find_trend
        from latency_tui.history.plan_results import load_plan_results
        from latency_tui.history.store import History

        with History.open(path) as history:
            results, elsewhere = load_plan_results(history, key)
        return find_trend(results, elsewhere=elsewhere) if results else None

    return await asyncio.to_thread(work)


async def read_result_file(file: Path) -> Result:
    """Return the result in a file.

    Raises:
        UsageError: The file cannot be read, or is not a result of latency-tui.
    """

    def work() -> Result:
        from latency_tui.history.reading import read_result

        return read_result(file)

    return await asyncio.to_thread(work)
