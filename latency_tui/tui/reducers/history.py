"""From one state to the next: what the tab History lists, and which saved results are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from latency_tui.plan.colors import PALETTE, assign_colours
from latency_tui.tui.result_order import stable_order
from latency_tui.tui.state import ShownMeasurement, State, date_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from latency_tui.history.listing import Row
    from latency_tui.result.result import Result
    from latency_tui.result.trend import Trend


def set_rows(state: State, rows: tuple[Row, ...], problem: str = "") -> State:
    """Return the state with the results of the history, the newest first, or why they cannot be read."""
    return filter_saved(replace(state, history=replace(state.history, all_rows=rows, problem=problem)))


def filter_saved(state: State, text: str | None = None) -> State:
    """Return the state with only those results listed that contain a text; None for the text so far."""
    history = state.history
    text = history.filter if text is None else text
    wanted = text.strip().casefold()
    rows = history.all_rows or ()
    shown = tuple(row for row in rows if wanted in _searched(row)) if wanted else rows
    place = next((index for index, row in enumerate(history.rows) if row.id == history.highlighted), 0)
    known = any(row.id == history.highlighted for row in shown)
    highlighted = history.highlighted if known else shown[min(place, len(shown) - 1)].id if shown else ""
    return replace(state, history=replace(history, filter=text, rows=shown, highlighted=highlighted))


def highlight_saved(state: State, key: str) -> State:
    """Return the state with the result of an id highlighted."""
    return replace(state, history=replace(state.history, highlighted=key))


def highlight_next_saved(state: State, step: int = 1) -> State:
    """Return the state with the result highlighted that is `step` lines below; it stops at both ends."""
    rows = state.history.rows
    if not rows:
        return state
    here = next((index for index, row in enumerate(rows) if row.id == state.history.highlighted), 0)
    return highlight_saved(state, rows[min(max(here + step, 0), len(rows) - 1)].id)


def show_next_trend(state: State) -> State:
    """Return the state with the trend of the first model, of the next one, or after the last one with none."""
    history = state.history
    shown = history.trend_model
    count = len(history.trend.candidates) if history.trend else 1
    following = 0 if shown is None else shown + 1 if shown + 1 < count else None
    return replace(state, history=replace(history, trend_model=following))


def set_trend(state: State, trend: Trend | None, trend_of: tuple[str, ...]) -> State:
    """Return the state with the trend of a plan on a machine; the model that is shown stays if there is one."""
    history = state.history
    count = len(trend.candidates) if trend else 1
    shown = history.trend_model if history.trend_model is None else min(history.trend_model, count - 1)
    return replace(state, history=replace(history, trend=trend, trend_of=trend_of, trend_model=shown))


def plan_of_trend(state: State) -> tuple[str, ...]:
    """Return the plan and the machine of the highlighted result, and its number of results; empty without a result."""
    row, rows = state.history.row, state.history.all_rows or ()
    if row is None:
        return ()
    count = sum(one.plan == row.plan and one.state == "finished" for one in rows)
    return row.plan, row.summary.host, row.summary.cpu, str(count)


def show_measurement(state: State, measurement: ShownMeasurement) -> State:
    """Return the state with one of its measurements on the screen."""
    tab = "latency" if state.tab in ("models", "history") else state.tab
    return replace(state, shown_index=state.measurements.index(measurement), tab=tab)


def find_open(state: State, row: Row) -> ShownMeasurement | None:
    """Return the measurement that shows a result of the history already; None if there is none."""
    return next((one for one in state.measurements if one.result and one.result.created_at == row.created_at), None)


def find_neighbour(state: State, rows: Iterable[Row], step: int) -> ShownMeasurement | Row | None:
    """Return what was measured next before or after the result on the screen: an open result, or one of the history.

    Args:
        state: The state.
        rows: The results of the history; those that are being measured are ignored.
        step: -1 for the result before, 1 for the one after. Without a result on the screen, the newest is before.
    """
    kept = (row for row in rows if row.state == "unfinished" or (row.state == "finished" and row.summary.fastest))
    found: dict[datetime, ShownMeasurement | Row] = {row.created_at: row for row in kept}
    found |= {one.result.created_at: one for one in state.measurements if one.result is not None}
    here = state.result.created_at if state.result is not None else None
    if here is None:
        dates = found if step < 0 else {}
    else:
        dates = {date: one for date, one in found.items() if (date < here if step < 0 else date > here)}
    return found[max(dates) if step < 0 else min(dates)] if dates else None


def open_saved(state: State, result: Result, key: str = "", *, job: str = "", host: str = "") -> State:
    """Return the state with a saved result on the screen; saved results precede those of this session, by date.

    Args:
        state: The state before.
        result: The result; its samples may follow.
        key: Its id in the history; empty if it is from a file, or measured on a host in this session.
        job: Name of its measurement; empty for a name that is made from its id or date.
        host: The host that measured it in this session.
    """
    opened = ShownMeasurement(
        job or f"saved-{key or date_text(result.created_at)}",
        result.plan,
        result,
        stable_order(result, (), slack=0.0),
        is_exact=True,
        is_saved=True,
        key=key,
        host=host,
    )
    saved = [opened, *(one for one in state.measurements if one.is_saved)]
    saved.sort(key=lambda one: one.result.created_at.timestamp() if one.result else 0.0)
    measurements = (*saved, *(one for one in state.measurements if not one.is_saved))
    colours = assign_colours(result.plan.curves, state.colours)
    if result.plan.sweeps:  # cells have the colours of their models
        return show_measurement(replace(state, measurements=measurements, colours=colours), opened)
    colours |= {c.slug: c.colour or PALETTE[-1] for c in result.candidates if c.slug not in colours}
    return show_measurement(replace(state, measurements=measurements, colours=colours), opened)


def _searched(row: Row) -> str:
    """Return the text in which a filter is looked for."""
    what = row.summary
    parts = (row.id, date_text(row.created_at), row.state, row.name, *row.tags, what.dataset, what.host, *what.models)
    return "\n".join(parts).casefold()
