"""`history trend --confirm`: measures both sides of the changes of a trend in turns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from latency_tui.analysis.trend_confirmation import plan_to_confirm
from latency_tui.catalog.trust_store import remember, trust_for
from latency_tui.catalog.validate import check_plan
from latency_tui.cli.headless import measure_and_report
from latency_tui.cli.output import emit, print_status
from latency_tui.plan import Plan
from latency_tui.result.result import Result
from latency_tui.result.trend import Trend
from latency_tui.text.sanitize import clean


def confirm_changes(trend: Trend, results: Mapping[str, Result], trusted: Sequence[str]) -> int:
    """Measure both sides of the newest change of each candidate in turns, or print why that is impossible.

    Args:
        trend: The trend.
        results: Its results by id.
        trusted: Model files that may run their author's code.

    Returns:
        The exit code of the first measurement that did not end well, or 0.
    """
    changed = [(one, one.changes[-1]) for one in trend.candidates if one.changes]
    if not changed:
        print_status("There is no change to confirm.")
    code = 0
    for candidate, change in changed:
        plan = plan_to_confirm(candidate.candidate, results[change.before], results[change.since])
        if isinstance(plan, str):
            print_status(clean(f"The change of {candidate.name} cannot be confirmed: {plan}"))
            continue
        plan = msgspec.structs.replace(plan, trust=trust_for(plan.candidates, files=_used(plan, trusted)))
        check_plan(plan)
        remember(plan.candidates, plan.trust)
        emit([f"\n{clean(candidate.name)} before and after the change, in turns:"])
        code = code or measure_and_report(plan, report_format="table", path=None, samples=False)
    return code


def _used(plan: Plan, trusted: Sequence[str]) -> list[str]:
    """Return the trusted files that a plan measures."""
    files = {os.path.realpath(one.model.file) for one in plan.candidates if one.model.file}
    return [text for text in trusted if os.path.realpath(text) in files]
