"""Builds the plan that the app measures from the options, the selected models and the text of the fields."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from msgspec.structs import replace

from latency_tui.errors import UsageError
from latency_tui.plan import MAX_RUNS, LoadTest, Plan, Workload, expand, parse_sweep
from latency_tui.plan.limits import applicable_limits, parse_limit
from latency_tui.plan.pinning import count_usable_cores
from latency_tui.plan.recipes import RECIPES, Recipe, recipe_values
from latency_tui.tui.plan_options import DEFAULT_RUNS, some_seconds, whole_number, with_batch
from latency_tui.tui.state import State


def _texts(value: object) -> tuple[str, ...]:
    """Return the values of an option that is repeatable; empty if it is not set."""
    return value if isinstance(value, tuple) else ()


DEFAULT_SWEEP = parse_sweep(_texts(RECIPES["batch"].options["sweeps"])[0])
"""What a sweep measures if the options do not say."""


def workload_to_measure(state: State) -> Workload:
    """Return the workload with the rows per call in the field Batch.

    Raises:
        UsageError: The text of the field Batch is neither a valid number nor a mix.
    """
    return with_batch(state.batch_text, state.plan.workload)


def length(state: State) -> tuple[int | None, float | None]:
    """Return the number of runs and of seconds per model; one of the two is None.

    Raises:
        UsageError: The text of the field is not a valid number.
    """
    if state.plan.seconds is not None:
        return None, some_seconds(state.runs_text)
    return whole_number(state.runs_text, "Runs", MAX_RUNS), None


def refusals(state: State) -> dict[str, str]:
    """Return the error message of each invalid field, by the name of the field."""
    found: dict[str, str] = {}
    for name, read in (("runs", length), ("batch", workload_to_measure)):
        try:
            read(state)
        except UsageError as error:
            found[name] = str(error)
    return found


def plan_to_measure(state: State, *, training: bool = False, sweep: bool = False, recipe: Recipe | None = None) -> Plan:
    """Return the plan with the selected models and the numbers in the fields.

    Args:
        state: The state of the main screen.
        training: Whether the models are only trained, which is possible with one model even if `until_known` is set.
        sweep: Whether to sweep the batch size if the options have no sweep.
        recipe: A recipe whose options replace those of the plan.

    Raises:
        UsageError: The text of a field is not a number, or the plan cannot be measured.
    """
    if recipe is not None:
        return _plan_of_recipe(state, recipe)
    sweeps = () if training else state.plan.sweeps or ((DEFAULT_SWEEP,) if sweep else ())
    until_known = state.until_known and not training and not sweeps
    workload = workload_to_measure(state)
    runs, seconds = (
        (1, None)
        if training and state.until_known
        else (DEFAULT_RUNS, None)
        if sweeps and state.until_known
        else (None, None)
        if until_known
        else length(state)
    )
    candidates = expand(state.selected, sweeps) if sweeps else state.selected
    slugs = {candidate.slug for candidate in candidates}
    return msgspec.structs.replace(
        state.plan,
        candidates=candidates,
        sweeps=sweeps,
        limits=applicable_limits(state.plan.limits, slugs, cold_start=state.cold_start),
        workload=workload,
        runs=runs,
        seconds=seconds,
        until_known=until_known,
        control=state.control,
        cold_start=state.cold_start,
        baseline=state.baseline if state.baseline in slugs else None,
    )


def _plan_of_recipe(state: State, recipe: Recipe) -> Plan:
    """Return the plan of a recipe: it replaces a sweep or load test of the options, and adds to the others.

    Raises:
        UsageError: As `plan_to_measure`.
    """
    values = recipe_values(recipe, (), count_usable_cores())
    sweeps = tuple(parse_sweep(str(text)) for text in _texts(values.get("sweeps")))
    plan = plan_to_measure(replace(state, plan=msgspec.structs.replace(state.plan, sweeps=sweeps, load=None)))
    limits = plan.limits or tuple(parse_limit(text) for text in _texts(values.get("limits")))
    simple = {name: values[name] for name in ("launches", "control", "cold_start", "steps") if name in values}
    load = LoadTest(find_rate=True) if values.get("find_rate") else None
    return msgspec.structs.replace(plan, limits=limits, load=load, **simple)


def plan_of_steps(state: State) -> Plan:
    """Return the plan of the pass that times the steps of the highlighted model.

    Raises:
        UsageError: The text of the field Batch is invalid, or no model is highlighted.
    """
    if state.row is None:
        raise UsageError("No model is highlighted.")
    return msgspec.structs.replace(
        state.plan,
        candidates=(state.row.candidate,),
        workload=workload_to_measure(state),
        limits=(),
        load=None,
        sweeps=(),
        runs=1,
        seconds=None,
        until_known=False,
        control=False,
        cold_start=False,
        steps=True,
        launches=1,
        baseline=None,
    )


def plan_typed(state: State) -> Plan:
    """Return the plan with the selected models and the valid numbers in the fields; invalid ones are ignored."""
    plan = state.plan
    candidates = state.selected or plan.curves
    with suppress(UsageError):
        candidates = expand(candidates, plan.sweeps) if plan.sweeps else candidates
    slugs = {candidate.slug for candidate in candidates}
    plan = msgspec.structs.replace(
        plan,
        candidates=candidates,
        limits=applicable_limits(plan.limits, slugs, cold_start=state.cold_start),
        cold_start=state.cold_start,
        baseline=None,
        control=False,
    )
    if state.until_known and len(candidates) > 1 and not plan.sweeps:
        plan = msgspec.structs.replace(plan, runs=None, seconds=None, until_known=True)
    with suppress(UsageError):
        workload = workload_to_measure(state)
        runs, seconds = (None, None) if plan.until_known else length(state)
        plan = msgspec.structs.replace(plan, runs=runs, seconds=seconds, workload=workload)
    return plan
