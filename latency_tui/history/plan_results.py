"""Reads the results of one plan on one machine, from which its trend is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.history.store import History

if TYPE_CHECKING:
    from latency_tui.result.result import Result

MAX_RESULTS = 200
"""Largest number of results of a trend, because the search for changes takes longer than linear time."""


def load_plan_results(history: History, key: str, *, most: int = MAX_RESULTS) -> tuple[dict[str, Result], int]:
    """Return the newest results with figures of the plan and the machine of a result.

    Args:
        history: The history.
        key: Id of the result.
        most: Largest number of results.

    Returns:
        The results by id, the newest first, without samples; and the number of results of the plan on other machines.
    """
    named = history.row(key)
    rows = [row for row in history.list(plan=named.plan) if row.state == "finished" and row.summary.fastest]
    here = [row for row in rows if (row.summary.host, row.summary.cpu) == (named.summary.host, named.summary.cpu)]
    return {row.id: history.load(row.id, samples=False) for row in here[:most]}, len(rows) - len(here)
