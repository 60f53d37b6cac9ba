"""The one place that talks to the engine: it starts and stops jobs, and takes what they report into the state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.dom import DOMNode
from textual.worker import Worker, WorkerState

from latency_tui.catalog.trust_store import is_trusted
from latency_tui.engine.input_consistency import InputsChangedError
from latency_tui.engine.protocol import BlockMeasured, RoundFinished
from latency_tui.errors import DataError, EngineError, HistoryError, UsageError
from latency_tui.plan import LoadTest, Plan
from latency_tui.plan.limits import Limit, applicable_limits
from latency_tui.tui import commands
from latency_tui.tui.background import run_in_background
from latency_tui.tui.confirmation import Confirmation
from latency_tui.tui.engine_session import EngineFactory, Session
from latency_tui.tui.hosts_controller import HostsController
from latency_tui.tui.messages import EngineLost, EngineMessage, EventsArrived, JobEnded, ResultComputed
from latency_tui.tui.notices import notify, notify_error
from latency_tui.tui.plan_to_measure import plan_to_measure
from latency_tui.tui.recordings import Recordings
from latency_tui.tui.reducers import events
from latency_tui.tui.reducers.tabs import open_tab
from latency_tui.tui.result_order import stable_order
from latency_tui.tui.state import Progress, ShownMeasurement, State, is_training, update_row
from latency_tui.tui.step_controller import StepController
from latency_tui.tui.store import Store
from latency_tui.tui.text import sanitize_line

if TYPE_CHECKING:
    from pathlib import Path

    from latency_tui.result.hosts import HostsResult
    from latency_tui.result.result import Result

_SNAPSHOT_PAUSE = 5.0  # a live result of many candidates takes at most a sixth of the time of a core
_LIVE_SLACK = 0.05  # neighbours closer than this keep their places while numbers still jitter


class MeasurementController:
    """Owns the session with the engine, and the recordings of what it measured.

    Args:
        screen: Gets the messages of the session, and owns its workers.
        store: The state.
        engine_factory: Makes an engine that is not started yet.
        history: The file of the history, in which results are kept; None to keep none.
    """

    def __init__(self, screen: DOMNode, store: Store, engine_factory: EngineFactory, history: Path | None) -> None:
        self._screen = screen
        self._store = store
        self._session = Session(screen, engine_factory)
        self._recordings = Recordings(history)
        self._confirmation = Confirmation(screen)
        self._steps = StepController(screen, store, self._session, self._recordings, self._compute_result)
        self._hosts = HostsController(screen, store, self._recordings, self._plan)
        self._measured_more = False
        self._next_snapshot = 0.0
        self._training_since: dict[str, float] = {}

    @property
    def _state(self) -> State:
        return self._store.state

    # --- the session -------------------------------------------------------------------------------------------------

    def start_engine(self) -> None:
        """Start the engine in the background, so that it is ready for the first job."""
        self._session.warm_up()

    async def load_statistics(self) -> None:
        """Import what the statistics need, in a thread."""
        await self._recordings.load()

    async def close(self) -> None:
        """End every process of the session."""
        await asyncio.gather(self._session.close(), self._hosts.close())

    def keep_results(self) -> tuple[str, ...]:
        """Keep all results so far in the history, and return their ids there, the newest last."""
        return self._recordings.keep_all()

    def may_quit(self) -> bool:
        """Return whether to quit now; asks first while something is measured."""
        return self._confirmation.may_quit(self._state)

    # --- what the engine reported ------------------------------------------------------------------------------------

    def update(self) -> None:
        """Take into the state what has been measured since the last call; for the clock that redraws the screen."""
        self._time_trainings()
        self._hosts.update()
        if problem := self._recordings.problem():
            notify_error(self._screen, HistoryError(f"This result is not kept. {problem}"))
        if not self._measured_more or time.monotonic() < self._next_snapshot:
            return
        self._measured_more = False
        state = events.sample_noise(self._state)
        live = state.running_measurement
        began = time.thread_time()
        result = self._recordings.snapshot(state.job) if live is not None else None
        self._next_snapshot = time.monotonic() + _SNAPSHOT_PAUSE * (time.thread_time() - began)
        if live is not None and result is not None and result.measured:
            order = stable_order(result, live.order, slack=_LIVE_SLACK)
            state = events.replace_measurement(state, live.job, replace(live, result=result, order=order))
        self._store.change(state)

    def _time_trainings(self) -> None:
        """Show how long each training has taken so far."""
        now = time.monotonic()
        for row in self._state.rows:
            if row.stage != "training":
                self._training_since.pop(row.slug, None)
                continue
            elapsed = int(now - self._training_since.setdefault(row.slug, now))
            if elapsed != row.elapsed:
                self._store.change(update_row(self._state, row.slug, elapsed=elapsed), paint=False)
                self._measured_more = True

    def handle(self, message: EngineMessage) -> None:
        """Take what the session reported into the state."""
        match message:
            case EventsArrived():
                self._handle_events(message)
            case JobEnded():
                self._end_job(message)
            case EngineLost():
                self._lose_engine(message)
            case ResultComputed():
                self._handle_result(message)

    def _handle_events(self, message: EventsArrived) -> None:
        """Take events of the running job into the state and its recording; those of an older one are dropped."""
        if message.job != self._state.job:
            return
        state = self._state
        for event in message.events:
            state = events.fold(state, event)
        if state.work == "profiling":
            self._recordings.add(message.job, message.events)
        self._measured_more = True
        frequent = all(isinstance(event, BlockMeasured | RoundFinished) for event in message.events)
        self._store.change(state, paint=not frequent)
        if state.work == "timing steps":
            self._steps.add(message.events)

    def _end_job(self, message: JobEnded) -> None:
        """Compute the exact result of a measurement that has ended; go on where Profile was pressed while training."""
        if message.job != self._state.job:
            return
        if isinstance(message.error, DataError):  # other errors are reported when the engine is lost
            notify_error(self._screen, message.error)
        elif isinstance(message.error, InputsChangedError):
            notify_error(self._screen, message.error, f"{commands.Profile.key_label()} measures again.")
        profiled = self._state.work == "profiling"
        profile_next = self._state.profile_after_training and message.error is None
        self._store.change(events.finish(events.sample_noise(self._state)))
        self._steps.end(message.error)
        if profiled:
            self._compute_result(message.job)
        elif profile_next:
            self._screen.post_message(commands.Profile())

    def _lose_engine(self, message: EngineLost) -> None:
        """Forget what was trained in a process that has ended."""
        self._store.change(events.forget_training(self._state))
        if message.error is not None:
            keys = f"{commands.Train.key_label()} or {commands.Profile.key_label()}"
            notify_error(self._screen, message.error, f"Press {keys} to start it again.")

    def handle_fault(self, event: Worker.StateChanged) -> None:
        """Report an error in a worker; the job of the engine's worker has ended with it."""
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        self._screen.log.error(repr(error))
        fault = EngineError(f"{type(error).__name__}: {sanitize_line(str(error))}")
        notify_error(self._screen, fault, "Please report this.")
        if event.worker.group == "engine":
            self._screen.post_message(JobEnded(self._state.job))

    def _handle_result(self, message: ResultComputed) -> None:
        """Show the exact result of a measurement; one without any numbers is dropped."""
        found = next((one for one in self._state.measurements if one.job == message.job), None)
        if found is None:
            return
        result = message.result
        if result is None or not any(c.statistics or c.status == "failed" for c in result.candidates):
            self._recordings.drop(message.job)
            self._store.change(events.drop_measurement(self._state, message.job))
            return
        exact = replace(found, result=result, order=stable_order(result, found.order, slack=0.0), is_exact=True)
        self._store.change(events.replace_measurement(self._state, message.job, exact))

    def _compute_result(self, job: str) -> None:
        async def work() -> None:
            self._screen.post_message(ResultComputed(job, await self._recordings.finish(job)))

        run_in_background(self._screen, work, group=f"compute-{job}")

    # --- results -----------------------------------------------------------------------------------------------------

    def results_so_far(self) -> list[Result]:
        """Return what was measured in every measurement, the oldest first; one may still be running."""
        found: list[Result] = []
        for measurement in self._state.measurements:
            result = measurement.result
            if measurement.is_saved:
                continue
            if not measurement.is_exact:
                with suppress(Exception):  # what is on the screen is better than nothing
                    result = self._recordings.result_so_far(measurement.job) or result
            if result is not None and result.measured:
                found.append(result)
        return [*found, *self._hosts.results_so_far()]

    @property
    def hosts_result(self) -> HostsResult | None:
        """The results of the last measurement on other machines; None before it has ended."""
        return self._hosts.found

    async def full_result(self, job: str) -> Result | None:
        """Return all that a job has measured so far; of a running job at once, because events keep coming in."""
        saved = next((one for one in self._state.measurements if one.job == job and one.is_saved), None)
        if saved is not None:
            return await self._recordings.load_saved(saved.key) if saved.key else saved.result
        return self._recordings.result_so_far(job) if job == self._state.job else await self._recordings.finish(job)

    # --- what the user asked for -------------------------------------------------------------------------------------

    def actions(
        self, ask_for_trust: Callable[[commands.Command], None]
    ) -> dict[type[commands.Command], Callable[[], object]]:
        """Return the commands that need the engine or a recording, and what each does.

        Args:
            ask_for_trust: Asks whether to trust the configuration file; if so, posts the command again.
        """
        return {
            commands.Train: partial(self._train, ask_for_trust),
            commands.Profile: partial(self._profile, ask_for_trust, commands.Profile()),
            commands.MeasureMore: self._measure_more,
            commands.MeasureSweep: partial(self._profile, ask_for_trust, commands.MeasureSweep()),
            **{one: partial(self._profile, ask_for_trust, one()) for one in commands.RECIPE_COMMANDS},
            commands.Stop: self._stop,
            commands.MeasureOnHosts: partial(self._hosts.show, ask_for_trust),
            commands.ShowSteps: partial(self._steps.show, ask_for_trust),
            commands.MakeBaseline: self._make_baseline,
        }

    def _train(self, ask_for_trust: Callable[[commands.Command], None]) -> None:
        """Train the chosen models."""
        plan = self._plan(commands.Train(), ask_for_trust)
        if plan is not None:
            job = self._session.train(plan)
            self._store.change(replace(self._state, work="training", job=job, progress=Progress()))

    def _profile(self, ask_for_trust: Callable[[commands.Command], None], command: commands.Command) -> None:
        """Measure the chosen models; while they are trained, afterwards."""
        if self._state.work == "training":
            self._store.change(replace(self._state, profile_after_training=True))
            return
        plan = self._plan(command, ask_for_trust)
        if plan is not None:
            if isinstance(command, commands.MeasureRecipe) and (tab := command.tab()):
                self._store.change(open_tab(self._state, tab))
            self._begin(plan)

    def measure_load(
        self, load: LoadTest, limits: tuple[Limit, ...], ask_for_trust: Callable[[commands.Command], None]
    ) -> None:
        """Measure the chosen models alone, then under load.

        Args:
            load: The load test.
            limits: Limits, which are on response times.
            ask_for_trust: Asks whether to trust the configuration file; if so, posts the command again.
        """
        plan = self._plan(commands.MeasureLoad(), ask_for_trust)
        if plan is None:
            return
        slugs = {candidate.slug for candidate in plan.candidates}
        try:
            plan = replace(plan, load=load, limits=applicable_limits(limits, slugs, cold_start=plan.cold_start))
        except UsageError as error:
            notify_error(self._screen, error)
            return
        self._begin(plan)

    def _begin(self, plan: Plan) -> None:
        """Begin to measure a plan."""
        job = self._session.profile(plan, self._recordings.is_decided)
        self._recordings.open(job, plan, self._state.colours)
        self._recordings.add(job, events.known_before(self._state, job))
        measurements = (*self._state.measurements, ShownMeasurement(job, plan))
        state = events.start_job(self._state, job, measurements)
        self._store.change(replace(state, shown_index=len(measurements) - 1))

    def _plan(self, command: commands.Command, ask_for_trust: Callable[[commands.Command], None]) -> Plan | None:
        """Return the plan to run; None, after a word to the user, if there is none or it needs trust first."""
        if self._state.work != "idle":
            return None
        try:
            plan = plan_to_measure(
                self._state,
                training=isinstance(command, commands.Train),
                sweep=isinstance(command, commands.MeasureSweep),
                recipe=command.recipe if isinstance(command, commands.MeasureRecipe) else None,
            )
            if all(is_trusted(candidate, plan.trust) for candidate in plan.candidates):
                return plan
        except UsageError as error:
            notify_error(self._screen, error)
            return None
        ask_for_trust(command)
        return None

    def _measure_more(self) -> None:
        """Continue the measurement on the screen."""
        measurement = self._state.measurement
        if measurement is None or not commands.MeasureMore.applies(self._state):
            return
        recording = self._recordings.get(measurement.job)
        more = measurement.result.more if measurement.result else None
        if recording is None or more is None:
            return
        from latency_tui.analysis.continuation import plan_to_continue  # loaded with the first result

        plan, first = plan_to_continue(measurement.plan, more, recording.active), recording.next_launch
        job = self._session.continue_measurement(
            plan,
            self._recordings.is_decided,
            lambda job: self._recordings.continue_with(job, more),
            recording.inputs,
            recording.noise_recorder.machine,
        )
        self._recordings.rename(measurement.job, job)
        longer = replace(measurement, job=job, is_exact=False, launches=first + more.launches)
        state = events.replace_measurement(self._state, measurement.job, longer)
        self._store.change(events.start_job(state, job, state.measurements, launch=first))

    def _stop(self) -> None:
        """Stop the training of the highlighted model; otherwise everything that runs, after a question."""
        state = self._state
        if not commands.Stop.applies(state):
            return
        if is_training(state, state.highlighted):
            self._session.stop_training(state.job, state.highlighted)
        elif self._confirmation.may_stop(state, self._session.seconds_running):
            self._session.stop(state.job)
            self._store.change(events.begin_stopping(state))

    def _make_baseline(self) -> None:
        """Compare with the highlighted model from now on."""
        slug, measurement = self._state.highlighted, self._state.measurement
        if measurement is None or not commands.MakeBaseline.applies(self._state):
            return
        if self._state.result is not None and self._state.result.baseline == slug and self._state.row is not None:
            notify(self._screen, f"{sanitize_line(self._state.row.candidate.name)} is the baseline.")
        self._store.change(replace(self._state, baseline=slug))
        self._recordings.rebase(measurement.job, slug)
        if measurement.job == self._state.job:
            self._measured_more = True
        else:
            self._compute_result(measurement.job)
