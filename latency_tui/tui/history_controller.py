"""Lists, opens and deletes the results of all sessions, for the tab History."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.dom import DOMNode
from textual.timer import Timer

from latency_tui.errors import LatencyTuiError
from latency_tui.tui import commands
from latency_tui.tui.background import run_in_background
from latency_tui.tui.confirmation import Confirmation
from latency_tui.tui.notices import notify, notify_error, notify_refusal
from latency_tui.tui.reducers.events import replace_measurement
from latency_tui.tui.reducers.history import (
    find_neighbour,
    find_open,
    highlight_saved,
    open_saved,
    plan_of_trend,
    set_rows,
    set_trend,
    show_measurement,
)
from latency_tui.tui.saved_results import (
    find_earlier,
    list_results,
    load_result,
    load_trend,
    read_result_file,
    remove_result,
)
from latency_tui.tui.state import SavedBaseline, ShownMeasurement, State, date_text
from latency_tui.tui.store import Store
from latency_tui.tui.text import sanitize_line

if TYPE_CHECKING:
    from latency_tui.history.listing import Row
    from latency_tui.result.result import Result

_SECONDS_TO_NEXT_READ = 1.0
"""Seconds after which the list is read again while something is being measured."""
_NONE_KEPT = "This session keeps no history, so there are no earlier results to show."


class HistoryController:
    """Owns what the app reads from the history.

    Args:
        screen: The main screen.
        store: The state.
        path: The file of the history; None if none is kept.
    """

    def __init__(self, screen: DOMNode, store: Store, path: Path | None) -> None:
        self._screen = screen
        self._store = store
        self._path = path
        self._confirmation = Confirmation(screen)
        self._timer: Timer | None = None
        self._stepping = asyncio.Lock()
        self._compared: tuple[object, ...] = ()
        self._trend_of: tuple[str, ...] = ()

    @property
    def _state(self) -> State:
        return self._store.state

    def actions(self) -> dict[type[commands.Command], Callable[[], object]]:
        """Return the commands that need the history, and what each does."""
        return {
            commands.OpenSaved: self._open,
            commands.PreviousResult: partial(self._step, -1),
            commands.NextResult: partial(self._step, 1),
            commands.CompareWithSaved: self._compare,
            commands.DeleteSaved: self._delete,
            commands.FilterSaved: self._filter,
        }

    def follow(self, before: State) -> None:
        """Read what has changed: the list while the tab is open, and the earlier results of what is compared."""
        state = self._state
        self._follow_comparison()
        self._follow_trend()
        opened = before.tab != "history" or before.mode != state.mode
        ended = before.work == "profiling" and state.work != "profiling"
        if state.tab == "history" and state.mode != "tiny" and (opened or ended):
            self.read()

    def read(self) -> None:
        """Read the list, if it is on the screen."""
        if self._state.tab == "history":
            run_in_background(self._screen, self._read, group="history-list")

    async def _read(self) -> None:
        rows: tuple[Row, ...] = ()
        problem = ""
        if self._path is None:
            problem = _NONE_KEPT
        else:
            try:
                rows = await list_results(self._path)
            except LatencyTuiError as error:
                problem = str(error)
        self._store.change(set_rows(self._state, rows, problem))
        if self._timer is not None:
            self._timer.stop()
        is_measuring = self._state.work == "profiling" or any(row.state == "measuring" for row in rows)
        if is_measuring:  # here or in another process
            self._timer = self._screen.set_timer(_SECONDS_TO_NEXT_READ, self.read)

    def point(self, key: str) -> None:
        """Highlight a result that was clicked; open it if it was highlighted already."""
        again = key == self._state.history.highlighted
        self._store.change(highlight_saved(self._state, key))
        if again:
            self._screen.post_message(commands.OpenSaved())

    def _open(self) -> None:
        """Show the highlighted result."""
        row = self._state.history.row
        if row is None or not commands.OpenSaved.applies(self._state):
            return
        if known := find_open(self._state, row):
            self._store.change(show_measurement(self._state, known))
        else:
            run_in_background(self._screen, partial(self._load, row), group="history-open")

    async def _load_kept(self, row: Row, *, samples: bool) -> Result | None:
        """Return a result of the history; if it cannot be read, show why and return None."""
        if self._path is None:
            return None
        try:
            return await load_result(self._path, row.id, samples=samples)
        except LatencyTuiError as error:
            notify_error(self._screen, error)
            return None

    async def _load(self, row: Row) -> None:
        """Load a result without its samples, show it, then load these."""
        result = await self._load_kept(row, samples=False)
        if result is None:
            return
        if self._state.work == "profiling":
            notify_refusal(self._screen, commands.refusal(commands.PreviousResult, self._state))
            return
        if find_open(self._state, row) is None:
            self._store.change(open_saved(self._state, result, row.id))
        run_in_background(self._screen, partial(self._load_samples, row), group="history-samples", exclusive=False)

    async def _load_samples(self, row: Row) -> None:
        whole = await self._load_kept(row, samples=True)
        if whole is None:
            return
        found = next((one for one in self._state.measurements if one.key == row.id), None)
        if found is not None:
            self._store.change(replace_measurement(self._state, found.job, replace(found, result=whole)))

    def open_at_start(self, saved: Row | Path) -> None:
        """Load a result of the history or of a file, and show it; to be called after the first frame."""
        if isinstance(saved, Path):
            run_in_background(self._screen, partial(self._load_file, saved), group="history-open")
        else:
            run_in_background(self._screen, partial(self._load, saved), group="history-open")

    async def _load_file(self, file: Path) -> None:
        notify(self._screen, f"Reading {sanitize_line(str(file))} …")
        try:
            result = await read_result_file(file)
        except LatencyTuiError as error:
            notify_error(self._screen, error)
            return
        self._store.change(open_saved(self._state, result))

    def _step(self, step: int) -> None:
        """Show the result that was measured before or after the one on the screen, of whichever session."""
        state = self._state
        place = state.shown_index % max(len(state.measurements), 1) + step
        here, beside = state.measurement, state.measurements[place] if 0 <= place < len(state.measurements) else None
        if beside is not None and not beside.is_saved and here is not None and not here.is_saved:
            self._store.change(replace(state, shown_index=place))
        else:
            run_in_background(self._screen, partial(self._step_through_history, step), group="step", exclusive=False)

    async def _step_through_history(self, step: int) -> None:
        async with self._stepping:  # each of several quick presses moves one result
            rows: tuple[Row, ...] = ()
            if self._path is not None:
                with suppress(LatencyTuiError):  # History says why it cannot be read
                    rows = await list_results(self._path)
            found = find_neighbour(self._state, rows, step)
            if self._state.work == "profiling":
                return
            if found is None:
                notify_refusal(self._screen, f"There is no other result; {commands.Profile.key_label()} measures.")
            elif isinstance(found, ShownMeasurement):
                self._store.change(replace(self._state, shown_index=self._state.measurements.index(found)))
            else:
                await self._load(found)

    def _compare(self) -> None:
        """Compare with the highlighted result, or no longer with it."""
        row, baseline = self._state.history.row, self._state.saved_baseline
        if row is None:
            return
        if baseline is not None and baseline.key == row.id:
            self._store.change(replace(self._state, saved_baseline=None))
            notify(self._screen, "Results are compared with no saved result.")
        else:
            run_in_background(self._screen, partial(self._load_baseline, row), group="history-baseline")

    async def _load_baseline(self, row: Row) -> None:
        result = await self._load_kept(row, samples=False)
        if result is None:
            return
        baseline = SavedBaseline(row.id, _describe(row), result)
        self._store.change(replace(self._state, saved_baseline=baseline))
        notify(self._screen, f"Compare ({commands.ShowCompare.key_label()}) shows results against {baseline.title}.")

    def _follow_comparison(self) -> None:
        """Read the earlier results for the saved baseline and the result on the screen, once for each such pair."""
        baseline, measurement = self._state.saved_baseline, self._state.measurement
        if baseline is None or measurement is None or measurement.result is None or self._path is None:
            return
        wanted = (baseline.key, measurement.job, measurement.result.environment is not None)
        if wanted not in (baseline.compared, self._compared):
            self._compared = wanted
            run_in_background(
                self._screen, partial(self._read_earlier, wanted, measurement.result), group="history-earlier"
            )

    async def _read_earlier(self, compared: tuple[object, ...], result: Result) -> None:
        baseline = self._state.saved_baseline
        if baseline is None or self._path is None:
            return
        earlier = await find_earlier(self._path, baseline.result, result)
        self._compared = ()
        if self._state.saved_baseline is baseline:
            known = replace(baseline, compared=compared, earlier=earlier)
            self._store.change(replace(self._state, saved_baseline=known))

    def _follow_trend(self) -> None:
        """Compute the trend of the highlighted plan if it is shown and not known."""
        history, wanted = self._state.history, plan_of_trend(self._state)
        is_shown = self._state.tab == "history" and history.trend_model is not None and history.row is not None
        if is_shown and wanted not in (history.trend_of, self._trend_of) and history.row is not None:
            self._trend_of = wanted
            run_in_background(self._screen, partial(self._load_trend, history.row.id, wanted), group="history-trend")

    async def _load_trend(self, key: str, wanted: tuple[str, ...]) -> None:
        if self._path is None:
            return
        trend = None
        try:
            trend = await load_trend(self._path, key)
        except LatencyTuiError as error:
            notify_error(self._screen, error)
        self._trend_of = ()
        self._store.change(set_trend(self._state, trend, wanted))

    def _delete(self) -> None:
        """Delete the highlighted result, after a question."""
        row = self._state.history.row
        if row is not None and self._path is not None and self._confirmation.may_delete(row.id, _describe(row)):
            run_in_background(self._screen, partial(self._remove, row), group="history-remove", exclusive=False)

    async def _remove(self, row: Row) -> None:
        if self._path is None:
            return
        try:
            removed = await remove_result(self._path, row.id)
        except LatencyTuiError as error:
            notify_error(self._screen, error)
            return
        if removed:
            notify(self._screen, f"The result of {_describe(row)} is deleted.")
        else:
            notify_refusal(self._screen, "This result is being measured; delete it when that has ended.")
        await self._read()

    def _filter(self) -> None:
        """Let the user type a text that results must contain."""
        field = self._screen.query_one("#filter")
        field.display = True
        self._screen.call_after_refresh(field.focus)


def _describe(row: Row) -> str:
    return f"{date_text(row.created_at)} ({row.name})" if row.name else date_text(row.created_at)
