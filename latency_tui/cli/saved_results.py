"""Opens saved results that are named on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from latency_tui.result.other_tools import Suite
    from latency_tui.result.result import Result

_MAX_EARLIER = 20
"""Largest number of earlier results from which the variance between results is estimated."""


def open_result(reference: str, history: Path | None = None) -> Result | Suite:
    """Return the result that a reference names: a file, or an id, a name, a tag or `last~2` of the history.

    Args:
        reference: The reference.
        history: File of the history; None for the user's.

    Raises:
        UsageError: There is no such result, or it cannot be read.
    """
    from latency_tui.history.reading import read_result_or_suite

    return read_result_or_suite(reference, history, samples=False)


def earlier_results(result: Result | Suite, other: Result | Suite, history: Path | None = None) -> list[Result]:
    """Return other results of the history with the same plan and environment as one of two results.

    There are none if the history cannot be read: a comparison works without them.
    """
    from latency_tui.errors import LatencyTuiError
    from latency_tui.history.fingerprint import environment_fingerprint, plan_fingerprint, result_id
    from latency_tui.history.store import History
    from latency_tui.result.result import Result

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
