"""Reducers that compute the next state from a command of the user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from latency_tui.plan import Candidate, Dataset, Plan
from latency_tui.plan.datasets import task_of
from latency_tui.tui import commands
from latency_tui.tui.plan_options import batch_text
from latency_tui.tui.reducers.history import filter_saved, highlight_next_saved, show_next_trend
from latency_tui.tui.reducers.tabs import open_next_tab
from latency_tui.tui.state import ModelRow, State, is_variant, length_text, update_row, with_rows

_PAGE_ROWS = 10


def choose(state: State) -> State:
    """Return the state with the highlighted model selected, or deselected if it was selected."""
    row = state.row
    return state if row is None else update_row(state, row.slug, selected=not row.selected)


def choose_all(state: State, *, selected: bool = True) -> State:
    """Return the state with all models selected, or none."""
    return replace(state, rows=tuple(replace(row, selected=selected) for row in state.rows))


def highlight(state: State, index: int) -> State:
    """Return the state with the model at an index highlighted; the index is clipped to the list."""
    if not state.rows:
        return state
    return replace(state, highlighted=state.rows[min(max(index, 0), len(state.rows) - 1)].slug)


def highlight_next(state: State, step: int = 1) -> State:
    """Return the state with the highlight moved down by `step` lines, or up if it is negative."""
    places = [row.slug for row in state.rows]
    here = places.index(state.highlighted) if state.highlighted in places else 0
    return highlight(state, here + step)


def highlight_named(state: State, text: str) -> State:
    """Return the state with the first model highlighted whose name contains the text; unchanged if there is none."""
    wanted = text.strip().casefold()
    names = (row.candidate.name.casefold() for row in state.rows)
    found = next((index for index, name in enumerate(names) if wanted and wanted in name), None)
    return state if found is None else highlight(state, found)


def freeze(state: State) -> State:
    """Return the state with the screen frozen, or unfrozen if it was frozen."""
    return replace(state, frozen_at=None if state.frozen else state)


def type_text(state: State, field: str, text: str) -> State:
    """Return the state after the user has typed into the field `runs`, `batch` or `filter`."""
    if field == "filter":
        return filter_saved(state, text)
    return replace(state, runs_text=text) if field == "runs" else replace(state, batch_text=text)


def apply_plan(state: State, plan: Plan, candidates: Iterable[Candidate] = ()) -> State:
    """Return the state with another plan, and its numbers in the fields.

    Args:
        state: The previous state.
        plan: How to measure; its candidates are ignored, except by its limits.
        candidates: The candidates to select instead of the current ones; empty for no change.
    """
    state = replace(
        state,
        plan=plan,
        until_known=plan.until_known,
        cold_start=plan.cold_start,
        runs_text=length_text(plan) or state.runs_text,
        batch_text=batch_text(plan.workload),
        field_resets=state.field_resets + 1,
    )
    wanted = tuple(candidates)
    if not wanted:
        return state
    slugs = {candidate.slug for candidate in wanted}
    rows = (replace(row, selected=row.slug in slugs) for row in state.rows)
    return add_rows(replace(state, rows=tuple(rows)), wanted)


def add_rows(state: State, candidates: Iterable[Candidate], *, after: str = "") -> State:
    """Return the state with candidates added to the list and selected, and the last one highlighted.

    Candidates that are in the list already are only selected.

    Args:
        state: The previous state.
        candidates: The candidates to add.
        after: Slug of the row whose model they follow, after all rows of that model; empty for the end of the list.
    """
    wanted = {candidate.slug: candidate for candidate in candidates}
    rows = [replace(row, selected=True) if row.slug in wanted else row for row in state.rows]
    fresh = [ModelRow(candidate) for slug, candidate in wanted.items() if slug not in {row.slug for row in rows}]
    place = next((index for index, row in enumerate(rows) if row.slug == after), len(rows) - 1)
    while 0 <= place < len(rows) - 1 and is_variant(rows[place + 1], rows[place]):
        place += 1
    rows[place + 1 : place + 1] = fresh
    return replace(with_rows(state, rows), highlighted=next(reversed(wanted), state.highlighted))


def remove_row(state: State, slug: str) -> State:
    """Return the state without a row; the next row is highlighted, or the previous one if there is none."""
    rows = tuple(row for row in state.rows if row.slug != slug)
    place = next((index for index, row in enumerate(state.rows) if row.slug == slug), 0)
    highlighted = rows[min(place, len(rows) - 1)].slug if rows else ""
    return replace(state, rows=rows, highlighted=highlighted)


def change_dataset(state: State, dataset: Dataset, usual: Iterable[Candidate]) -> State:
    """Return the state with another dataset and with all models untrained.

    Models for another task are removed from the list; if any is removed, the default models of the new task are added.

    Args:
        state: The previous state.
        dataset: The new dataset.
        usual: The default models for the dataset.
    """
    task = task_of(dataset)
    rows = [
        ModelRow(row.candidate, selected=row.selected)
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
    commands.ChooseNone: lambda state: choose_all(state, selected=False),
    commands.RemoveModel: lambda state: remove_row(state, state.highlighted),
    commands.HighlightNext: highlight_next,
    commands.HighlightPrevious: lambda state: highlight_next(state, -1),
    commands.UntilKnown: lambda state: replace(state, until_known=not state.until_known),
    commands.TakeControl: lambda state: replace(state, control=not state.control),
    commands.MeasureColdStart: lambda state: replace(state, cold_start=not state.cold_start),
    commands.Freeze: freeze,
    commands.HighlightFirst: lambda state: highlight(state, 0),
    commands.HighlightLast: lambda state: highlight(state, len(state.rows) - 1),
    commands.HighlightPageDown: lambda state: highlight_next(state, _PAGE_ROWS),
    commands.HighlightPageUp: lambda state: highlight_next(state, -_PAGE_ROWS),
    commands.NextSaved: highlight_next_saved,
    commands.PreviousSaved: lambda state: highlight_next_saved(state, -1),
    commands.FirstSaved: lambda state: highlight_next_saved(state, -len(state.history.rows)),
    commands.LastSaved: lambda state: highlight_next_saved(state, len(state.history.rows)),
    commands.SavedPageDown: lambda state: highlight_next_saved(state, _PAGE_ROWS),
    commands.SavedPageUp: lambda state: highlight_next_saved(state, -_PAGE_ROWS),
    commands.ShowTrend: show_next_trend,
    commands.NextTab: open_next_tab,
    commands.PreviousTab: lambda state: open_next_tab(state, -1),
}
"""Commands that do nothing but change the state."""
