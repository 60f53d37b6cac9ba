"""From one state to the next: what a command of the user changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import msgspec

from latency_tui.plan import Candidate, Dataset, Plan
from latency_tui.plan.datasets import task_of
from latency_tui.tui import commands
from latency_tui.tui.reducers.history import filter_saved, highlight_next_saved
from latency_tui.tui.reducers.tabs import open_next_tab
from latency_tui.tui.state import ModelRow, State, is_variant, length_text, update_row, with_rows


def choose(state: State) -> State:
    """Return the state with the highlighted model chosen, or no longer chosen."""
    row = state.row
    return state if row is None else update_row(state, row.slug, chosen=not row.chosen)


def choose_all(state: State, *, chosen: bool = True) -> State:
    """Return the state with every model chosen, or none."""
    return replace(state, rows=tuple(replace(row, chosen=chosen) for row in state.rows))


def highlight(state: State, index: int) -> State:
    """Return the state with the model at a place in the list highlighted; the first or the last beyond its ends."""
    if not state.rows:
        return state
    return replace(state, highlighted=state.rows[min(max(index, 0), len(state.rows) - 1)].slug)


def highlight_next(state: State, step: int = 1) -> State:
    """Return the state with the model highlighted that is `step` lines below; a negative step is above."""
    places = [row.slug for row in state.rows]
    here = places.index(state.highlighted) if state.highlighted in places else 0
    return highlight(state, here + step)


def highlight_named(state: State, text: str) -> State:
    """Return the state with the first model highlighted whose name holds the text; the same state if none does."""
    wanted = text.strip().casefold()
    names = (row.candidate.name.casefold() for row in state.rows)
    found = next((index for index, name in enumerate(names) if wanted and wanted in name), None)
    return state if found is None else highlight(state, found)


def show_next_result(state: State, step: int = 1) -> State:
    """Return the state with the result shown that was measured `step` measurements later."""
    return replace(state, shown=state.shown + step)


def freeze(state: State) -> State:
    """Return the state with the screen frozen, or following the measurement again."""
    return replace(state, frozen_at=None if state.frozen else state)


def type_text(state: State, field: str, text: str) -> State:
    """Return the state after the user has typed into the field `runs`, `batch` or `filter`."""
    if field == "filter":
        return filter_saved(state, text)
    return replace(state, runs_text=text) if field == "runs" else replace(state, batch_text=text)


def take_plan(state: State, plan: Plan, candidates: Iterable[Candidate] = ()) -> State:
    """Return the state with another plan, whose numbers are in the fields.

    Args:
        state: The state before.
        plan: How to measure; its candidates are not meant, but those that its limits apply to.
        candidates: What to choose instead of the models that are chosen now; empty for no change.
    """
    state = replace(
        state,
        plan=plan,
        until_known=plan.until_known,
        cold_start=plan.cold_start,
        runs_text=length_text(plan) or state.runs_text,
        batch_text=str(plan.workload.batch_size),
        fields_set=state.fields_set + 1,
    )
    wanted = tuple(candidates)
    if not wanted:
        return state
    slugs = {candidate.slug for candidate in wanted}
    rows = (replace(row, chosen=row.slug in slugs) for row in state.rows)
    return add_rows(replace(state, rows=tuple(rows)), wanted)


def add_rows(state: State, candidates: Iterable[Candidate], *, after: str = "") -> State:
    """Return the state with more candidates listed, chosen and the last of them highlighted; known ones get chosen.

    Args:
        state: The state before.
        candidates: What to list.
        after: Slug of the line that they follow, with the lines of the same model; empty for the end of the list.
    """
    wanted = {candidate.slug: candidate for candidate in candidates}
    rows = [replace(row, chosen=True) if row.slug in wanted else row for row in state.rows]
    fresh = [ModelRow(candidate) for slug, candidate in wanted.items() if slug not in {row.slug for row in rows}]
    place = next((index for index, row in enumerate(rows) if row.slug == after), len(rows) - 1)
    while 0 <= place < len(rows) - 1 and is_variant(rows[place + 1], rows[place]):
        place += 1
    rows[place + 1 : place + 1] = fresh
    return replace(with_rows(state, rows), highlighted=next(reversed(wanted), state.highlighted))


def remove_row(state: State, slug: str) -> State:
    """Return the state without that line; the one after it is highlighted, or else the one before."""
    rows = tuple(row for row in state.rows if row.slug != slug)
    place = next((index for index, row in enumerate(state.rows) if row.slug == slug), 0)
    highlighted = rows[min(place, len(rows) - 1)].slug if rows else ""
    return replace(state, rows=rows, highlighted=highlighted)


def change_dataset(state: State, dataset: Dataset, usual: Iterable[Candidate]) -> State:
    """Return the state with other data, and so with every model untrained.

    Models for another task leave the list; where any does, the usual ones of the new task come instead.

    Args:
        state: The state before.
        dataset: What the models are asked from now on.
        usual: What an app that is opened with that dataset lists.
    """
    task = task_of(dataset)
    rows = [
        ModelRow(row.candidate, chosen=row.chosen)
        for row in state.rows
        if row.candidate.model.task in ("", task or row.candidate.model.task)
    ]
    if len(rows) < len(state.rows):
        known = {row.slug for row in rows}
        rows = [*(ModelRow(candidate) for candidate in usual if candidate.slug not in known), *rows]
    highlighted = state.highlighted if state.highlighted in {row.slug for row in rows} else rows[0].slug if rows else ""
    workload = msgspec.structs.replace(state.plan.workload, dataset=dataset)
    plan = msgspec.structs.replace(state.plan, workload=workload)
    return replace(with_rows(state, rows), plan=plan, highlighted=highlighted)


REDUCERS: Mapping[type[commands.Command], Callable[[State], State]] = {
    commands.Choose: choose,
    commands.ChooseAll: choose_all,
    commands.ChooseNone: lambda state: choose_all(state, chosen=False),
    commands.RemoveModel: lambda state: remove_row(state, state.highlighted),
    commands.HighlightNext: highlight_next,
    commands.HighlightPrevious: lambda state: highlight_next(state, -1),
    commands.UntilKnown: lambda state: replace(state, until_known=not state.until_known),
    commands.TakeControl: lambda state: replace(state, control=not state.control),
    commands.MeasureColdStart: lambda state: replace(state, cold_start=not state.cold_start),
    commands.Freeze: freeze,
    commands.PreviousResult: lambda state: show_next_result(state, -1),
    commands.NextResult: show_next_result,
    commands.NextSaved: highlight_next_saved,
    commands.PreviousSaved: lambda state: highlight_next_saved(state, -1),
    commands.NextTab: open_next_tab,
    commands.PreviousTab: lambda state: open_next_tab(state, -1),
}
"""Commands that do nothing but change the state."""
