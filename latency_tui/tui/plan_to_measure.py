"""The plan that the app measures: what is set, what is chosen, and what is typed into the fields."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan import MAX_RUNS, Plan
from latency_tui.plan.limits import applicable_limits
from latency_tui.tui.plan_options import MAX_ROWS_PER_CALL, some_seconds, whole_number
from latency_tui.tui.state import State


def batch_size(state: State) -> int:
    """Return the number of rows per call.

    Raises:
        UsageError: The field Batch holds no such number.
    """
    return whole_number(state.batch_text, "Batch", MAX_ROWS_PER_CALL)


def length(state: State) -> tuple[int | None, float | None]:
    """Return the runs, or the seconds, per model; the other one is None.

    Raises:
        UsageError: The field holds no such number.
    """
    if state.plan.seconds is not None:
        return None, some_seconds(state.runs_text)
    return whole_number(state.runs_text, "Runs", MAX_RUNS), None


def refusals(state: State) -> dict[str, str]:
    """Return what is wrong with the numbers in the fields: a sentence by the field's name."""
    found: dict[str, str] = {}
    for name, read in (("runs", length), ("batch", batch_size)):
        try:
            read(state)
        except UsageError as error:
            found[name] = str(error)
    return found


def plan_to_measure(state: State, *, training: bool = False) -> Plan:
    """Return the plan with the chosen models and the numbers in the fields.

    Args:
        state: What is chosen and typed.
        training: Whether the models are only trained. One model can be trained, but two are compared until known.

    Raises:
        UsageError: A field holds no number, or the plan cannot be measured.
    """
    until_known = state.until_known and not training
    rows = batch_size(state)
    runs, seconds = (1, None) if training and state.until_known else (None, None) if until_known else length(state)
    slugs = {candidate.slug for candidate in state.chosen}
    return msgspec.structs.replace(
        state.plan,
        candidates=state.chosen,
        limits=applicable_limits(state.plan.limits, slugs, cold_start=state.cold_start),
        workload=msgspec.structs.replace(state.plan.workload, batch_size=rows),
        runs=runs,
        seconds=seconds,
        until_known=until_known,
        control=state.control,
        cold_start=state.cold_start,
        baseline=state.baseline if state.baseline in slugs else None,
    )


def plan_typed(state: State) -> Plan:
    """Return the plan with the chosen models, and the numbers in the fields as far as they are numbers."""
    plan = state.plan
    candidates = state.chosen or plan.candidates
    slugs = {candidate.slug for candidate in candidates}
    plan = msgspec.structs.replace(
        plan,
        candidates=candidates,
        limits=applicable_limits(plan.limits, slugs, cold_start=state.cold_start),
        cold_start=state.cold_start,
        baseline=None,
        control=False,
    )
    if state.until_known and len(candidates) > 1:
        plan = msgspec.structs.replace(plan, runs=None, seconds=None, until_known=True)
    with suppress(UsageError):
        workload = msgspec.structs.replace(plan.workload, batch_size=batch_size(state))
        runs, seconds = (None, None) if plan.until_known else length(state)
        plan = msgspec.structs.replace(plan, runs=runs, seconds=seconds, workload=workload)
    return plan
