"""Times the steps of one model when the user asks for it, and shows them in a dialog while they are timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.dom import DOMNode

from latency_tui.catalog.trust_store import is_trusted
from latency_tui.engine.protocol import CandidateFailed, Event
from latency_tui.engine.step_events import StepsMeasured
from latency_tui.errors import LatencyTuiError, UsageError
from latency_tui.tui import commands
from latency_tui.tui.background import run_in_background
from latency_tui.tui.engine_session import Session
from latency_tui.tui.notices import notify_error
from latency_tui.tui.plan_to_measure import plan_of_steps
from latency_tui.tui.recordings import Recordings
from latency_tui.tui.reducers import events
from latency_tui.tui.state import Progress, State
from latency_tui.tui.step_view import StepView, views_of
from latency_tui.tui.store import Store

if TYPE_CHECKING:
    from latency_tui.plan import Plan
    from latency_tui.tui.screens.steps import StepsDialog


class StepController:
    """Owns the dialog, and the events of the pass that it shows.

    Args:
        screen: The main screen.
        store: The state.
        session: Runs the pass.
        recordings: Take the steps of a model that was measured, so that reports of the result have them.
        compute_result: Computes the result of a job again.
    """

    def __init__(
        self,
        screen: DOMNode,
        store: Store,
        session: Session,
        recordings: Recordings,
        compute_result: Callable[[str], None],
    ) -> None:
        self._screen = screen
        self._store = store
        self._session = session
        self._recordings = recordings
        self._compute_result = compute_result
        self._dialog: StepsDialog | None = None
        self._events: list[StepsMeasured] = []
        self._view: StepView | None = None
        self._known: dict[str, StepView] = {}

    @property
    def _state(self) -> State:
        return self._store.state

    def show(self, ask_for_trust: Callable[[commands.Command], None]) -> None:
        """Show the steps of the highlighted model; time them first if they are not known."""
        state = self._state
        if not commands.ShowSteps.applies(state):
            return
        if views := views_of(state.result, state.highlighted):
            self._open(views)
            return
        plan = self._plan()
        if plan is None:
            return
        known = self._known.get(state.highlighted)
        if known is not None and known.workload == plan.workload:
            self._open((known,))
        elif all(is_trusted(candidate, plan.trust) for candidate in plan.candidates):
            self._start(plan)
        else:
            ask_for_trust(commands.ShowSteps())

    def _plan(self) -> Plan | None:
        """Return the plan of the pass; None, after a word to the user, if a field is not a number."""
        try:
            return plan_of_steps(self._state)
        except UsageError as error:
            notify_error(self._screen, error)
            return None

    def _again(self) -> None:
        """Time the steps of the model in the dialog again."""
        if self._dialog is None or not self._may_repeat():
            return
        self._store.change(replace(self._state, highlighted=self._dialog.views[0].slug))
        if plan := self._plan():
            self._start(plan)

    def _may_repeat(self) -> bool:
        """Return whether the model in the dialog can be timed now."""
        dialog, rows = self._dialog, self._state.rows
        return dialog is not None and self._state.work == "idle" and dialog.views[0].slug in {row.slug for row in rows}

    def _start(self, plan: Plan) -> None:
        (candidate,) = plan.candidates
        job = self._session.time_steps(plan)
        self._events = []
        self._store.change(replace(self._state, work="timing steps", job=job, progress=Progress()))
        self._view = StepView(candidate.slug, candidate.name, workload=plan.workload)
        if self._dialog is None:
            self._open((self._view,))
        self._paint()

    def add(self, new: Iterable[Event]) -> None:
        """Show new events of the pass."""
        view = self._view
        if view is None:
            return
        for event in new:
            if isinstance(event, StepsMeasured):
                self._events.append(event)
            elif isinstance(event, CandidateFailed) and event.candidate == view.slug:
                view = replace(view, error=event.message)
        from latency_tui.analysis.steps import analyse_steps  # numpy is there once the engine has answered

        if analysed := analyse_steps(self._events):
            view = replace(view, found=analysed[0], steps=analysed[1])
        self._view = view
        self._paint()

    def end(self, error: LatencyTuiError | None) -> None:
        """Show that the pass has ended, and keep what it found."""
        view, self._view = self._view, None
        if view is None:
            return
        if error is not None:
            view = replace(view, error=str(error))
        view = replace(view, progress="")
        if view.found is not None and not view.error:
            self._known[view.slug] = view
            self._add_to_result(view)
        if self._dialog is not None:
            self._dialog.show((view,))

    def _add_to_result(self, view: StepView) -> None:
        """Add the steps to the result on the screen, if that is of the same model and workload."""
        measurement = self._state.measurement
        if measurement is None or measurement.is_saved or not self._events:
            return
        plan = measurement.plan
        same = any(
            candidate.slug == view.slug and plan.workload_of(candidate) == view.workload
            for candidate in plan.candidates
        )
        if not same or self._recordings.get(measurement.job) is None:
            return
        found, job = tuple(self._events), measurement.job

        async def work() -> None:
            await self._recordings.reopen(job)
            self._recordings.add(job, found)
            self._compute_result(job)

        run_in_background(self._screen, work, group=f"steps-{job}")

    def _paint(self) -> None:
        """Show the pass that runs."""
        if self._view is not None:
            self._view = replace(self._view, progress=_progress_words(self._state))
            if self._dialog is not None:
                self._dialog.show((self._view,))

    def _open(self, views: tuple[StepView, ...]) -> None:
        from latency_tui.tui.screens.steps import StepsDialog  # imported when it is opened

        dialog = self._dialog = StepsDialog(views, stop=self._stop, again=self._again, may_repeat=self._may_repeat)
        self._screen.app.push_screen(dialog, partial(self._closed, dialog))

    def _closed(self, dialog: StepsDialog, _: object) -> None:
        if self._dialog is dialog:
            self._dialog = None

    def _stop(self) -> bool:
        """Stop the pass; return whether one was running."""
        state = self._state
        if state.work != "timing steps":
            return False
        if state.progress.phase != "stopping":
            self._session.stop(state.job)
            self._store.change(events.begin_stopping(state))
            self._paint()
        return True


def _progress_words(state: State) -> str:
    progress = state.progress
    match progress.phase:
        case "waiting":
            return "Waiting for another measurement on this machine …"
        case "training":
            return "The model is being trained …"
        case "warming up":
            return "The model is being warmed up …"
        case "steps" if progress.total:
            return f"Round {progress.done} of {progress.total}"
        case "stopping":
            return "Stopping …"
        case _:
            return "Getting ready …"
