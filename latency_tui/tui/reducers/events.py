"""Reducers that compute the next state from an event of the engine, or from the beginning and the end of a job."""

from __future__ import annotations

from msgspec.structs import replace

from latency_tui.engine.cold_start_events import ColdStartMeasured, ColdStartStarted
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured
from latency_tui.engine.machine_events import MachineBusy
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    EngineStarted,
    Event,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.step_events import StepsMeasured, StepsStarted
from latency_tui.tui.state import NOISE_COLUMNS, Phase, Progress, ShownMeasurement, State, update_row


def fold(state: State, event: Event) -> State:
    """Return the state after an event of the running job; call `finish` after the last event."""
    match event:
        case EngineStarted(environment=environment):
            progress = state.progress
            if progress.phase in ("measuring", "cold start", "load", "steps"):  # that of the next launch
                progress = Progress(launch=progress.launch + 1)
            return replace(state, environment=environment, progress=progress)
        case MachineBusy():
            progress = Progress("waiting", launch=state.progress.launch)
            return state if state.progress.phase == "stopping" else replace(state, progress=progress)
        case TrainingStarted(candidate=slug):
            if any(row.slug == slug and row.stage != "ready" for row in state.rows):  # a later launch trains again
                state = update_row(state, slug, stage="training", error="", traceback="", elapsed=0)
            return _advance(state, "training", 0)
        case TrainingFinished():
            state = update_row(
                state,
                event.candidate,
                stage="ready",
                seconds=event.seconds,
                score=event.score,
                notes=event.notes,
                error="",
                traceback="",
            )
            return _advance(state, "training", 1)
        case CandidateScored() if event.scores:
            return update_row(state, event.candidate, score=event.scores[0].value, metric=event.scores[0].metric)
        case CandidateFailed(cause="stopped", candidate=slug):
            return update_row(state, slug, stage="new")
        case CandidateFailed():
            return update_row(
                state, event.candidate, stage="failed", error=event.message, traceback=event.traceback or event.message
            )
        case WarmUpFinished(candidate=slug):  # whatever happened to it in a launch before
            return _advance(update_row(state, slug, stage="ready", error="", traceback=""), "warming up", 1)
        case ColdStartStarted():
            return _advance(state, "cold start", 0)
        case ColdStartMeasured():
            return _advance(state, "cold start", 1)
        case StepsStarted():
            if state.progress.phase == "stopping":
                return state
            return replace(state, progress=Progress("steps", launch=state.progress.launch))
        case StepsMeasured():
            if state.progress.phase == "stopping":
                return state
            return replace(state, progress=Progress("steps", event.done, event.total, launch=state.progress.launch))
        case MeasurementStarted():
            progress = Progress("measuring", 0, event.rounds, event.seconds, event.launch)
            return replace(state, progress=progress, pinned=event.pinned)
        case BlockMeasured():
            block = event.block
            waited = block.waited_ns if block.waited_ns > 0 else block.wall_ns - block.cpu_ns  # as in the result
            lost = min(max(waited, 0), block.wall_ns)
            return replace(state, job_wall_ns=state.job_wall_ns + block.wall_ns, job_lost_ns=state.job_lost_ns + lost)
        case LoadStarted():
            return _in_load(state, 0, event.windows, event.seconds or None, event.launch)
        case LoadWindowMeasured():
            done = state.progress.done + 1
            total = done + event.windows_left if event.windows_left else state.progress.total
            return _in_load(state, done, total, event.seconds_left or None, event.launch)
        case RoundFinished():
            if state.progress.phase == "stopping":
                return state
            progress = Progress("measuring", event.round + 1, event.rounds, event.seconds_left, event.launch)
            return replace(state, progress=progress)
        case _:
            return state


def _in_load(state: State, done: int, total: int, seconds_left: float | None, launch: int) -> State:
    if state.progress.phase == "stopping":
        return state
    return replace(state, progress=Progress("load", done, max(total, done) if total else 0, seconds_left, launch))


def start_job(state: State, job: str, measurements: tuple[ShownMeasurement, ...], *, launch: int = 0) -> State:
    """Return the state in which a job starts to measure one of the measurements, from a given launch."""
    tab = "latency" if state.tab == "models" else state.tab
    state = replace(state, work="profiling", job=job, last_job=job, progress=Progress(launch=launch), noise=())
    return replace(state, measurements=measurements, tab=tab)


def finish(state: State) -> State:
    """Return the state with no job running; models whose training was not completed count as untrained."""
    rows = tuple(replace(row, stage="new") if row.stage == "training" else row for row in state.rows)
    return replace(
        state, rows=rows, work="idle", job="", progress=Progress(), frozen_at=None, profile_after_training=False
    )


def forget_training(state: State) -> State:
    """Return the state with all models untrained, because the processes of trained models have ended."""
    rows = tuple(replace(row, stage="new") if row.stage in ("training", "ready") else row for row in state.rows)
    return replace(state, rows=rows)


def sample_noise(state: State) -> State:
    """Return the state with the noise since the last redraw appended to the noise meter."""
    if not state.job_wall_ns:
        return state
    share = state.job_lost_ns / state.job_wall_ns
    return replace(state, noise=(*state.noise, share)[-NOISE_COLUMNS:], job_wall_ns=0, job_lost_ns=0)


def replace_measurement(state: State, job: str, measurement: ShownMeasurement) -> State:
    """Return the state with the measurement of a job replaced."""
    measurements = tuple(measurement if one.job == job else one for one in state.measurements)
    return replace(state, measurements=measurements)


def drop_measurement(state: State, job: str) -> State:
    """Return the state without the measurement of a job; the newest of the others is shown."""
    kept = tuple(one for one in state.measurements if one.job != job)
    return replace(state, measurements=kept, shown_index=len(kept) - 1)


def begin_stopping(state: State) -> State:
    """Return the state while the running job is being stopped."""
    return replace(
        state, frozen_at=None, profile_after_training=False, progress=replace(state.progress, phase="stopping")
    )


def known_before(state: State, job: str) -> tuple[Event, ...]:
    """Return earlier events that the engine does not send again, as events of a new job."""
    events: list[Event] = []
    if state.environment is not None:
        events.append(EngineStarted(environment=state.environment))
    events += [
        TrainingFinished(job=job, candidate=row.slug, seconds=row.seconds, score=row.score, notes=row.notes)
        for row in state.rows
        if row.stage == "ready"
    ]
    return tuple(events)


def _advance(state: State, phase: Phase, steps: int) -> State:
    progress = state.progress
    if progress.phase == "stopping":
        return state
    done = progress.done + steps if progress.phase == phase else steps
    total = sum(row.selected and row.stage != "failed" for row in state.rows)
    running = state.running_measurement
    if running is not None and running.plan.sweeps:  # its candidates are cells, which the list does not show
        done, total = min(done, len(running.plan.candidates)), len(running.plan.candidates)
    elif phase == "training" and not progress.launch:  # later launches train models again that are ready already
        done = sum(row.selected and row.stage == "ready" for row in state.rows)
    return replace(state, progress=Progress(phase, min(done, total), total, launch=progress.launch))
