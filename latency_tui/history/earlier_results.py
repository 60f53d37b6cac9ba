"""Finds earlier results of the same plan and environment, from which the variance between measurements is estimated."""

from __future__ import annotations

from pathlib import Path

from latency_tui.errors import LatencyTuiError
from latency_tui.history.fingerprint import environment_fingerprint, plan_fingerprint, result_id
from latency_tui.history.store import History
from latency_tui.result.other_tools import Suite
from latency_tui.result.result import Result

_MAX_EARLIER = 20
"""Largest number of earlier results from which the variance between results is estimated."""


def earlier_results(result: Result | Suite, other: Result | Suite, history: Path | None = None) -> list[Result]:
    """Return other results of the history with the same plan and environment as one of two results.

    There are none if the history cannot be read: a comparison works without them.
    """
    found = dict[str, Result]()
    sides = [one for one in (result, other) if isinstance(one, Result)]
    compared = {result_id(one.created_at, one.plan) for one in sides}
    try:
        with History.open(history) as store:
            for one in sides:
                rows = store.list(
                    most=_MAX_EARLIER,
                    plan=plan_fingerprint(one.plan),
                    environment=environment_fingerprint(one.environment),
                )
                for row in rows:
                    if row.id not in compared and row.id not in found and row.state == "finished":
                        found[row.id] = store.load(row.id, samples=False)
    except LatencyTuiError:
        return []
    return [*found.values()]
