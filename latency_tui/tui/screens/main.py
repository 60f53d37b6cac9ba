"""The main screen: owns the state, and answers what the user does and what the engine tells."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.worker import Worker, WorkerState

from latency_tui.catalog.trust_store import is_trusted
from latency_tui.engine.consistency import InputsChangedError
from latency_tui.engine.protocol import BlockMeasured, RoundFinished
from latency_tui.errors import DataError, EngineError, LatencyTuiError, UsageError
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.limits import applicable_limits
from latency_tui.report import render
from latency_tui.tui import commands
from latency_tui.tui import state as states
from latency_tui.tui.background import run_in_background
from latency_tui.tui.confirmation import Confirmation
from latency_tui.tui.messages import (
    EngineLost,
    EventsArrived,
    JobEnded,
    ResultComputed,
)
from latency_tui.tui.recordings import Recordings
from latency_tui.tui.result_order import settled_order
from latency_tui.tui.screens.plan_handlers import PlanHandlers
from latency_tui.tui.session import EngineFactory, Session
from latency_tui.tui.state import Measurement, State
from latency_tui.tui.text import clean
from latency_tui.tui.widgets.measure_panel import MeasurePanel

if TYPE_CHECKING:
    from latency_tui.catalog.configuration import LoadedConfiguration
    from latency_tui.result.result import Result

REDRAWS_PER_SECOND = 4
REDRAWS_PER_SECOND_BY_SSH = 2
_LIVE_SLACK = 0.05  # neighbours closer than this keep their places while numbers still jitter


class MainScreen(PlanHandlers):
    """Models and plan on one side, results on the other; or a tab for each where the terminal is narrow."""

    def __init__(
        self,
        plan: Plan,
        candidates: tuple[Candidate, ...],
        engine_factory: EngineFactory,
        configuration: LoadedConfiguration | None = None,
        *,
        spooled: bool = False,
    ) -> None:
        super().__init__(plan, candidates, configuration)
        self.records = Recordings(spooled=spooled)
        self.session = Session(self, engine_factory)
        self._dirty = False
        self._began: dict[str, float] = {}
        self._confirmation = Confirmation(self)

    def on_mount(self) -> None:
        """Start the clock, and leave everything that takes time until the first frame is out."""
        by_ssh = "SSH_CONNECTION" in os.environ
        self.set_interval(1 / (REDRAWS_PER_SECOND_BY_SSH if by_ssh else REDRAWS_PER_SECOND), self.redraw)

    def begin(self) -> None:
        """Start what takes time; to be called when the first frame is out."""
        self.session.warm_up()
        run_in_background(self, self.load_results, group="load")

    async def on_unmount(self) -> None:
        """Leave no process behind."""
        await self.session.close()

    # --- what the engine told ----------------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Show what has been measured since the last time; called by the clock."""
        self._time_trainings()
        if not self._dirty:
            return
        self._dirty = False
        state = states.sample_noise(self.state)
        result = self.records.snapshot(state.job) if state.work == "profiling" else None
        if result is not None and result.measured and (live := state.live) is not None:
            order = settled_order(result, live.order, slack=_LIVE_SLACK)
            first = live.result is None
            state = _with_measurement(state, replace(live, result=result, order=order))
            self.change(state, arrange=first and not state.frozen)
        elif not state.frozen:
            self.change(state)
        self.state = state

    def _time_trainings(self) -> None:
        """Show how long each training takes by now."""
        for row in self.state.rows:
            if row.stage == "training":
                elapsed = int(time.monotonic() - self._began.setdefault(row.slug, time.monotonic()))
                if elapsed != row.elapsed:
                    self.state = states.update_row(self.state, row.slug, elapsed=elapsed)
                    self._dirty = True
            else:
                self._began.pop(row.slug, None)

    @on(EventsArrived)
    def _take_events(self, message: EventsArrived) -> None:
        if message.job != self.state.job:
            return
        state = self.state
        for event in message.events:
            state = states.fold(state, event)
        if state.work == "profiling":
            self.records.add(message.job, message.events)
        self.state = state
        self._dirty = True
        if not all(isinstance(event, BlockMeasured | RoundFinished) for event in message.events):
            self.change(state)

    @on(JobEnded)
    def _end_job(self, message: JobEnded) -> None:
        if message.job != self.state.job:
            return
        if isinstance(message.error, DataError):  # others are told with the engine that they ended
            self.show_error(message.error)
        elif isinstance(message.error, InputsChangedError):
            self.show_error(message.error, f"{commands.Profile.key_label()} measures afresh.")
        profiled = self.state.work == "profiling"
        goes_on = self.state.then_profile and message.error is None
        self._still = None
        self.change(states.finish(states.sample_noise(self.state)))
        if profiled:
            self.records.flush(message.job)
            self._conclude(message.job)
        elif goes_on:
            self.post_message(commands.Profile())

    @on(EngineLost)
    def _lose_engine(self, message: EngineLost) -> None:
        self.change(states.forget_training(self.state))
        if message.error is None:
            return
        again = f"Press {commands.Train.key_label()} or {commands.Profile.key_label()} to start it again."
        self.show_error(message.error, again)

    @on(Worker.StateChanged)
    def _notice_fault(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        self.log.error(repr(error))
        self.show_error(EngineError(f"{type(error).__name__}: {clean(str(error))}"), "Please report this.")
        if event.worker.group == "engine":
            self.post_message(JobEnded(self.state.job))

    @on(ResultComputed)
    def _take_result(self, message: ResultComputed) -> None:
        state, result = self.state, message.result
        found = next((m for m in state.measurements if m.job == message.job), None)
        if found is None:
            return
        if result is None or not any(c.statistics or c.status == "failed" for c in result.candidates):
            kept = tuple(m for m in state.measurements if m is not found)
            self.records.drop(message.job)
            self.change(replace(state, measurements=kept, shown=len(kept) - 1), arrange=True)
            return
        order = settled_order(result, found.order, slack=0.0)
        self.change(_with_measurement(state, replace(found, result=result, order=order, whole=True)), arrange=True)

    def _conclude(self, job: str) -> None:
        async def work() -> None:
            self.post_message(ResultComputed(job, await self.records.exact(job)))

        run_in_background(self, work, group=f"conclude-{job}")

    def results_so_far(self) -> list[Result]:
        """Return what was measured in every measurement, the oldest first; one may be running still."""
        found: list[Result] = []
        for measurement in self.state.measurements:
            result = measurement.result
            if not measurement.whole:
                with suppress(Exception):  # what is on the screen is better than nothing
                    result = self.records.whole(measurement.job) or result
            if result is not None and result.measured:
                found.append(result)
        return found

    def show_error(self, error: LatencyTuiError, remedy: str = "") -> None:
        """Show an error for a while; the app lives on."""
        self.app.notify(f"{error} {remedy}".strip(), title=error.title, severity="error", timeout=8, markup=False)

    # --- what the user did -------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key does something now; while the user types, only help and palette do."""
        if action != "command":
            return True
        name = str(parameters[0])
        return not self.typing or name in ("ShowHelp", "ShowPalette")

    def action_command(self, name: str) -> None:
        """Do what a key stands for; escape leaves an enlarged chart before it stops anything."""
        if name == commands.Stop.__name__ and self.maximized is not None:
            self.leave_chart()
            return
        command = commands.COMMANDS[name]
        if command.applies(self.state):
            self.post_message(command())
        elif words := commands.refusal(command, self.state):
            self.app.notify(words, title="Not now", severity="warning", timeout=4, markup=False)

    @on(commands.Train)
    def _train(self) -> None:
        plan = self._plan(training=True)
        if plan is not None:
            job = self.session.train(plan)
            self.change(replace(self.state, work="training", job=job, progress=states.Progress()))

    @on(commands.Profile)
    def _profile(self) -> None:
        if self.state.work == "training":
            self.change(replace(self.state, then_profile=True))
            return
        plan = self._plan()
        if plan is None:
            return
        job = self.session.profile(plan, self.records.settled)
        self.records.open(job, plan, self.colours)
        self.records.add(job, states.known_before(self.state, job))
        measurements = (*self.state.measurements, Measurement(job, plan))
        state = states.start_job(self.state, job, measurements)
        self.change(replace(state, shown=len(measurements) - 1), arrange=True)

    @on(commands.MeasureMore)
    def _measure_more(self) -> None:
        measurement = self.state.measurement
        if measurement is None or not commands.MeasureMore.applies(self.state):
            return
        recording, more = self.records.get(measurement.job), measurement.result.more if measurement.result else None
        if recording is None or more is None:
            return
        from latency_tui.analysis.continuation import plan_to_continue  # loaded with the first result

        plan, first = plan_to_continue(measurement.plan, more, recording.active), recording.next_launch
        job = self.session.go_on(
            plan,
            self.records.settled,
            lambda job: self.records.continue_with(job, more),
            recording.inputs,
            recording.noise_recorder.machine,
        )
        self.records.rename(measurement.job, job)
        longer = replace(measurement, job=job, whole=False, launches=first + more.launches)
        measurements = tuple(longer if one is measurement else one for one in self.state.measurements)
        self.change(states.start_job(self.state, job, measurements, launch=first), arrange=True)

    def _plan(self, *, training: bool = False) -> Plan | None:
        """Return the plan with the chosen models and the numbers in the fields; None, and a word, where it is none."""
        if self.state.work != "idle":
            return None
        try:
            until_known = self.state.until_known
            runs, seconds, batch = self.query_one(MeasurePanel).numbers(until_known=until_known)
            if training and until_known:  # which takes two, but one can be trained
                runs, until_known = 1, False
            plan, chosen = self.state.plan, self.state.chosen
            slugs, fresh = {c.slug for c in chosen}, self.state.cold_start
            if not all(is_trusted(candidate.model, plan.trust) for candidate in chosen):
                self.ask_for_trust(commands.Train() if training else commands.Profile())
                return None
            baseline = self.state.baseline if self.state.baseline in slugs else None
            workload = msgspec.structs.replace(plan.workload, batch_size=batch)
            return msgspec.structs.replace(
                plan,
                candidates=chosen,
                limits=applicable_limits(plan.limits, slugs, cold_start=fresh),
                workload=workload,
                runs=runs,
                seconds=seconds,
                until_known=until_known,
                control=self.state.control,
                cold_start=fresh,
                baseline=baseline,
            )
        except UsageError as error:
            self.show_error(error)
            return None

    @on(commands.Stop)
    def _stop(self) -> None:
        highlighted = self.state.highlighted
        if commands.Stop.applies(self.state) and states.trains(self.state, highlighted):
            self.session.stop_training(self.state.job, highlighted)
        elif commands.Stop.applies(self.state) and self._confirmation.may_stop(
            self.state, self.session.seconds_running
        ):
            self.session.stop(self.state.job)
            self._still = None
            progress = replace(self.state.progress, phase="stopping")
            self.change(replace(self.state, frozen=False, then_profile=False, progress=progress))

    @on(commands.Freeze)
    def _freeze(self) -> None:
        if not commands.Freeze.applies(self.state):  # it may have ended since the key was pressed
            return
        frozen = not self.state.frozen
        self._still = self.state if frozen else None
        self.change(replace(self.state, frozen=frozen), arrange=True)

    @on(commands.MakeBaseline)
    def _make_baseline(self) -> None:
        slug, measurement = self.state.highlighted, self.state.measurement
        if measurement is None or not commands.MakeBaseline.applies(self.state):
            return
        self.change(replace(self.state, baseline=slug))
        self.records.rebase(measurement.job, slug)
        if measurement.job == self.state.job:
            self._dirty = True
        else:
            self._conclude(measurement.job)

    @on(commands.ShowFailure)
    def _show_failure(self) -> None:
        failed = commands.failure(self.state)
        if failed is not None:
            from latency_tui.tui.screens.failure import FailureScreen  # with the next two 3 ms of the first frame

            self.app.push_screen(FailureScreen(*failed))

    @on(commands.PreviousResult)
    @on(commands.NextResult)
    def _walk_results(self, message: commands.Command) -> None:
        if message.applies(self.state):
            step = 1 if isinstance(message, commands.NextResult) else -1
            self.change(replace(self.state, shown=self.state.shown + step), arrange=True)

    @on(commands.ShowNoise)
    def _show_noise(self) -> None:
        if self.state.result is not None:
            from latency_tui.tui.screens.noise import NoiseScreen  # not before the first frame

            self.app.push_screen(NoiseScreen(self.state.result))

    @on(commands.SaveAs)
    def _save_as(self) -> None:
        measurement = self.state.measurement
        if measurement is not None and measurement.result is not None:
            from latency_tui.tui.screens.save import SaveScreen

            self.app.push_screen(
                SaveScreen(lambda: self._exact(measurement.job), lambda: self._forget_samples(measurement.job))
            )

    def _forget_samples(self, job: str) -> None:
        """Remove the samples on disk of a measurement that has ended and was saved whole."""
        if job != self.state.job or self.state.work != "profiling":
            self.records.discard_samples(job)

    async def _exact(self, job: str) -> Result | None:
        """Return all that was measured in a job by now; while it runs at once, for events come in meanwhile."""
        return self.records.whole(job) if job == self.state.job else await self.records.exact(job)

    @on(commands.CopyTable)
    def _copy(self) -> None:
        if self.state.result is not None:
            self.app.copy_to_clipboard(render(self.state.result))
            self.app.notify("The table is on the clipboard, if the terminal allows it.", title="Copied", timeout=3)

    @on(commands.ShowHelp)
    def _show_help(self) -> None:
        from latency_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    @on(commands.ShowPalette)
    def _show_palette(self) -> None:
        self.app.action_command_palette()

    @on(commands.ChangeTheme)
    def _change_theme(self) -> None:
        self.app.search_themes()

    @on(commands.Quit)
    async def _quit(self) -> None:
        if self._confirmation.may_quit(self.state):
            await self.app.action_quit()


def _with_measurement(state: State, measurement: Measurement) -> State:
    """Return the state with one measurement replaced by its newer self."""
    measurements = tuple(measurement if m.job == measurement.job else m for m in state.measurements)
    return replace(state, measurements=measurements)
