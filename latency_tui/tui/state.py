"""What the screen shows, as one immutable snapshot: widgets are painted from it, only handlers of messages replace it.

Everything in here is computed from what the engine told (`fold`) or from what the user pressed. It stands apart from
the screens so that it can be understood, and tested, without a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    ColdStartMeasured,
    ColdStartStarted,
    EngineStarted,
    Environment,
    Event,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.plan import Candidate, Dataset, Plan
from latency_tui.plan.datasets import task_of

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

Stage = Literal["new", "training", "ready", "failed"]
Work = Literal["idle", "training", "profiling"]
Phase = Literal["preparing", "training", "warming up", "measuring", "cold start", "stopping"]
Tab = Literal["models", "latency", "compare"]

NOISE_COLUMNS = 8


@dataclass(frozen=True)
class ModelRow:
    """One line of the list of models.

    Attributes:
        candidate: What would be measured.
        chosen: Whether Train and Profile include it.
        stage: How far the engine is with it.
        seconds: Training time; None until it is trained, or where it came trained.
        score: Held-out accuracy or R².
        notes: Warnings raised while training.
        error: One line on what went wrong, where something did.
        traceback: The whole story of the error.
        elapsed: Whole seconds that its training takes by now.
    """

    candidate: Candidate
    chosen: bool = True
    stage: Stage = "new"
    seconds: float | None = None
    score: float | None = None
    notes: tuple[str, ...] = ()
    error: str = ""
    traceback: str = ""
    elapsed: int = 0

    @property
    def slug(self) -> str:
        """The name as typed, unique in the list."""
        return self.candidate.slug


@dataclass(frozen=True)
class Progress:
    """How far the running job is.

    Attributes:
        phase: `preparing`, `training`, `warming up`, `measuring`, `cold start` or `stopping`.
        done: Steps taken: candidates trained, warmed up or started afresh, or rounds finished.
        total: Steps planned; 0 while that is not known.
        seconds_left: What the engine expects; None while that is not known.
        launch: Which launch, from 0.
    """

    phase: Phase = "preparing"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    launch: int = 0


@dataclass(frozen=True, eq=False)
class Measurement:
    """One press of Profile: what was asked for and what is known so far. Equal to itself only: results hold arrays.

    Attributes:
        job: The id that every event of it carries.
        plan: What was asked for.
        result: The latest snapshot; None before the first numbers.
        order: Slugs in the order shown, the fastest first.
        whole: Whether the result is of everything measured, and not a snapshot on the way.
        launches: Launches in all where it was continued; 0 for those of the plan.
    """

    job: str
    plan: Plan
    result: Result | None = None
    order: tuple[str, ...] = ()
    whole: bool = False
    launches: int = 0

    @property
    def candidates(self) -> tuple[CandidateResult, ...]:
        """What to show, in the order to show it; empty before the first numbers."""
        if self.result is None:
            return ()
        place = {slug: index for index, slug in enumerate(self.order)}
        return tuple(sorted(self.result.candidates, key=lambda c: place.get(c.slug, len(place))))


@dataclass(frozen=True)
class State:
    """Everything that the main screen is painted from.

    Attributes:
        plan: What Profile would measure, but for the candidates chosen.
        rows: The models, in the order listed.
        highlighted: Slug of the model that `space`, `b` and `enter` mean.
        tab: Which tab is open.
        work: What the engine is busy with.
        job: Id of the running job; empty where none runs.
        progress: How far that job is.
        measurements: What was measured since the start, the oldest first.
        shown: Index of the measurement on the screen.
        last_job: Id of the job that measured last, of which cores and noise are.
        frozen: The screen keeps still while the measuring goes on.
        then_profile: Profile was pressed while models are trained, and follows.
        baseline: Slug that the next measurement compares with; None for its fastest.
        until_known: Whether the next one goes on until all is known, and not for so many runs.
        control: Whether the next one takes a hidden copy of the first model along.
        cold_start: Whether the next one measures start-up and memory too.
        environment: The machine, once the engine has told.
        pinned: Cores that candidates are pinned to.
        noise: Share of time lost to other work, 0 to 1, in each of the last redraws.
        job_wall_ns: Wall time of blocks since the last redraw.
        job_lost_ns: Time of those that went to other work.
    """

    plan: Plan
    rows: tuple[ModelRow, ...]
    highlighted: str = ""
    tab: Tab = "models"
    work: Work = "idle"
    job: str = ""
    progress: Progress = field(default_factory=Progress)
    measurements: tuple[Measurement, ...] = ()
    shown: int = -1
    last_job: str = ""
    frozen: bool = False
    then_profile: bool = False
    baseline: str | None = None
    until_known: bool = False
    control: bool = False
    cold_start: bool = False
    environment: Environment | None = None
    pinned: tuple[int, ...] = ()
    noise: tuple[float, ...] = ()
    job_wall_ns: int = 0
    job_lost_ns: int = 0

    @property
    def chosen(self) -> tuple[Candidate, ...]:
        """What Train and Profile include."""
        return tuple(row.candidate for row in self.rows if row.chosen)

    @property
    def row(self) -> ModelRow | None:
        """The highlighted model."""
        return next((row for row in self.rows if row.slug == self.highlighted), None)

    @property
    def measurement(self) -> Measurement | None:
        """What is on the screen; None before the first Profile."""
        return self.measurements[self.shown] if self.measurements else None

    @property
    def live(self) -> Measurement | None:
        """The measurement that is running; it need not be the newest, since more can be measured of any."""
        return next((one for one in self.measurements if self.work == "profiling" and one.job == self.job), None)

    @property
    def result(self) -> Result | None:
        """What is known of the measurement on the screen."""
        return self.measurement.result if self.measurement else None


def start(plan: Plan, candidates: Iterable[Candidate]) -> State:
    """Return the state that the app opens with: the plan's candidates listed first and chosen, then the others."""
    chosen = {candidate.slug for candidate in plan.candidates}
    listed = {candidate.slug: candidate for candidate in plan.candidates}
    for candidate in candidates:
        listed.setdefault(candidate.slug, candidate)
    rows = tuple(ModelRow(candidate, chosen=slug in chosen) for slug, candidate in listed.items())
    return State(
        plan=plan,
        rows=rows,
        highlighted=rows[0].slug if rows else "",
        baseline=plan.baseline,
        until_known=plan.until_known,
        control=plan.control,
        cold_start=plan.cold_start,
    )


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
    return replace(state, rows=tuple(rows), highlighted=next(reversed(wanted), state.highlighted))


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
    return replace(state, plan=plan, rows=tuple(rows), highlighted=highlighted)


def mean_calls(state: State) -> dict[str, float]:
    """Return mean seconds of a call by slug, of every model measured in this session; the latest counts."""
    found: dict[str, float] = {}
    for measurement in state.measurements:
        if measurement.result is not None:
            for candidate in measurement.result.candidates:
                if candidate.statistics is not None and candidate.statistics.mean:
                    found[candidate.slug] = candidate.statistics.mean
    return found


def is_variant(row: ModelRow, above: ModelRow | None) -> bool:
    """Return whether a line is the model of the line above with other settings."""
    return above is not None and bool(row.candidate.settings) and row.candidate.model == above.candidate.model


def known_before(state: State, job: str) -> tuple[Event, ...]:
    """Return what earlier jobs have told and the engine will not tell again, as events of a new job."""
    events: list[Event] = []
    if state.environment is not None:
        events.append(EngineStarted(environment=state.environment))
    events += [
        TrainingFinished(job=job, candidate=row.slug, seconds=row.seconds, score=row.score, notes=row.notes)
        for row in state.rows
        if row.stage == "ready"
    ]
    return tuple(events)


def update_row(state: State, slug: str, **changes: object) -> State:
    """Return the state with one model's row changed; unknown slugs change nothing."""
    rows = tuple(replace(row, **changes) if row.slug == slug else row for row in state.rows)  # type: ignore[arg-type]  # fields by name
    return replace(state, rows=rows)


def fold(state: State, event: Event) -> State:
    """Return the state after one event of the running job; that it has ended is told apart, see `finish`."""
    match event:
        case EngineStarted(environment=environment):
            progress = state.progress
            if progress.phase in ("measuring", "cold start"):  # that of the next launch
                progress = Progress(launch=progress.launch + 1)
            return replace(state, environment=environment, progress=progress)
        case TrainingStarted(candidate=slug):
            if any(row.slug == slug and row.stage != "ready" for row in state.rows):  # else a later launch trains anew
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
        case MeasurementStarted():
            progress = Progress("measuring", 0, event.rounds, event.seconds, event.launch)
            return replace(state, progress=progress, pinned=event.pinned)
        case BlockMeasured():
            block = event.block
            told = block.waited_ns if block.waited_ns > 0 else block.wall_ns - block.cpu_ns  # as in the result
            lost = min(max(told, 0), block.wall_ns)
            return replace(state, job_wall_ns=state.job_wall_ns + block.wall_ns, job_lost_ns=state.job_lost_ns + lost)
        case RoundFinished():
            if state.progress.phase == "stopping":
                return state
            progress = Progress("measuring", event.round + 1, event.rounds, event.seconds_left, event.launch)
            return replace(state, progress=progress)
        case _:
            return state


def start_job(state: State, job: str, measurements: tuple[Measurement, ...], *, launch: int = 0) -> State:
    """Return the state in which a job begins to measure one of the measurements, from a launch on."""
    tab: Tab = "latency" if state.tab == "models" else state.tab
    state = replace(state, work="profiling", job=job, last_job=job, progress=Progress(launch=launch), noise=())
    return replace(state, measurements=measurements, tab=tab)


def trains(state: State, slug: str) -> bool:
    """Return whether that model is being trained now."""
    return any(row.slug == slug and row.stage == "training" for row in state.rows)


def finish(state: State) -> State:
    """Return the state with no job running; models that were being trained are as if never begun."""
    rows = tuple(replace(row, stage="new") if row.stage == "training" else row for row in state.rows)
    return replace(state, rows=rows, work="idle", job="", progress=Progress(), frozen=False, then_profile=False)


def forget_training(state: State) -> State:
    """Return the state with every trained model untrained: its process is gone."""
    rows = tuple(replace(row, stage="new") if row.stage in ("training", "ready") else row for row in state.rows)
    return replace(state, rows=rows)


def sample_noise(state: State) -> State:
    """Return the state with the noise since the last redraw appended to the meter's history."""
    if not state.job_wall_ns:
        return state
    share = state.job_lost_ns / state.job_wall_ns
    return replace(state, noise=(*state.noise, share)[-NOISE_COLUMNS:], job_wall_ns=0, job_lost_ns=0)


def _advance(state: State, phase: Phase, steps: int) -> State:
    progress = state.progress
    if progress.phase == "stopping":
        return state
    done = progress.done + steps if progress.phase == phase else steps
    total = sum(row.chosen and row.stage != "failed" for row in state.rows)
    if phase == "training" and not progress.launch:  # later ones train anew what is ready already
        done = sum(row.chosen and row.stage == "ready" for row in state.rows)
    return replace(state, progress=Progress(phase, min(done, total), total, launch=progress.launch))
