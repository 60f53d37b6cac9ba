"""`history trend --confirm`: measures both sides of the changes of a trend in turns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from latency_tui.analysis.trend_confirmation import plan_to_confirm
from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.revision_candidates import candidate_of_result
from latency_tui.catalog.trust_store import check_trusted, recall, remember, trust_for
from latency_tui.catalog.validate import check_plan
from latency_tui.cli.headless import HeadlessRun, run_and_report
from latency_tui.cli.output import emit, print_status
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.trust import EVERYTHING, Trust
from latency_tui.result.result import Result
from latency_tui.result.trend import Trend
from latency_tui.text.sanitize import clean
from latency_tui.text.trend import describe_confirmation


def confirm_changes(
    trend: Trend, results: Mapping[str, Result], trusted: Sequence[str], configuration: LoadedConfiguration
) -> int:
    """Measure both sides of the newest change of each candidate in turns, or print why that is impossible.

    Args:
        trend: The trend.
        results: Its results by id.
        trusted: Model files that may run their author's code.
        configuration: The configuration, which may name the command that builds the environment of a revision.

    Returns:
        The exit code of the first measurement that did not end well, or 0.
    """
    changed = [(one, one.changes[-1]) for one in trend.candidates if one.changes]
    if not changed:
        print_status("There is no change to confirm.")

    def at_commit(candidate: Candidate, result: Result, when: str) -> Candidate:
        assert result.working_tree is not None
        _check_trust(candidate, result, trusted)
        return candidate_of_result(candidate, result.working_tree, result.inputs, when, configuration, print_status)

    code = 0
    for candidate, change in changed:
        plan = plan_to_confirm(candidate.candidate, results[change.before], results[change.since], at_commit)
        if isinstance(plan, str):
            print_status(clean(f"The change of {candidate.name} cannot be confirmed: {plan}"))
            continue
        plan = msgspec.structs.replace(plan, trust=trust_for(plan.candidates, files=_used(plan, trusted)))
        check_plan(plan)
        remember(plan.candidates, plan.trust)
        emit([f"\n{clean(candidate.name)} before and after the change, in turns:"])
        measurement = HeadlessRun(plan, configuration.folder)
        code = run_and_report(measurement, report_format="table", path=None, samples=False) or code
        for pair in measurement.recording.result(samples=False).comparisons:
            emit([describe_confirmation(candidate, change, pair)])
    return code


def _check_trust(candidate: Candidate, result: Result, trusted: Sequence[str]) -> None:
    """Check that the model file of a result is trusted, before its commit is built.

    Raises:
        UsageError: Loading it would run its author's code; the message says what to add.
    """
    model, names = candidate.model, {Path(text).name for text in trusted}
    if model.file and model.file_format:
        digest = result.inputs.get(model.file, "")
        trust = Trust(files={digest: (EVERYTHING,)}) if Path(model.file).name in names else Trust(files=recall())
        check_trusted(Path(model.file), model.file_format, digest, trust)


def _used(plan: Plan, trusted: Sequence[str]) -> list[str]:
    """Return the trusted files that a plan measures."""
    files = [one.model.file for one in plan.candidates if one.model.file]
    found = [text for text in trusted if os.path.realpath(text) in map(os.path.realpath, files)]
    names = {Path(text).name for text in trusted}  # of the same path at each commit
    return found + [one.model.file for one in plan.candidates if one.revision and Path(one.model.file).name in names]
