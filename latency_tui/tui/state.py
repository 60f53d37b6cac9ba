"""The state of the main screen: one immutable snapshot, from which every widget is painted.

The functions in `reducers` compute the next state from an event of the engine or from a command of the user. Neither
needs a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from latency_tui.engine.protocol import Environment
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.colors import assign_colours
from latency_tui.tui.layout import Mode
from latency_tui.tui.plan_options import DEFAULT_RUNS

if TYPE_CHECKING:
    from datetime import datetime

    from latency_tui.history.listing import Row
    from latency_tui.result.result import CandidateResult, Result

Stage = Literal["new", "training", "ready", "failed"]
Work = Literal["idle", "training", "profiling"]
Phase = Literal["preparing", "training", "warming up", "measuring", "cold start", "stopping"]

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
        is_saved: Whether it was measured in an earlier session, or comes from a file.
        key: Its id in the history; empty for one of this session or from a file.
    """

    job: str
    plan: Plan
    result: Result | None = None
    order: tuple[str, ...] = ()
    whole: bool = False
    launches: int = 0
    is_saved: bool = False
    key: str = ""

    @property
    def candidates(self) -> tuple[CandidateResult, ...]:
        """What to show, in the order to show it; empty before the first numbers."""
        if self.result is None:
            return ()
        place = {slug: index for index, slug in enumerate(self.order)}
        return tuple(sorted(self.result.candidates, key=lambda c: place.get(c.slug, len(place))))


@dataclass(frozen=True)
class HistoryList:
    """What the tab History lists.

    Attributes:
        all_rows: The results of all sessions, the newest first; None before they are read.
        problem: Why they cannot be read; empty if they can.
        filter: A text that the listed results contain; empty for all results.
        rows: The results that contain it.
        highlighted: Id of the highlighted result.
    """

    all_rows: tuple[Row, ...] | None = None
    problem: str = ""
    filter: str = ""
    rows: tuple[Row, ...] = ()
    highlighted: str = ""

    @property
    def row(self) -> Row | None:
        """The highlighted result."""
        return next((row for row in self.rows if row.id == self.highlighted), None)


@dataclass(frozen=True)
class State:
    """Everything that the main screen is painted from.

    Attributes:
        plan: What Profile would measure, but for the candidates chosen.
        rows: The models, in the order listed.
        runs_text: What is in the field Runs, or Seconds.
        batch_text: What is in the field Batch.
        fields_set: How many times the app, and not the user, has filled in these fields.
        colours: Colour, `#rrggbb`, by slug; of removed models too, because results still show them.
        highlighted: Slug of the model that `space`, `b` and `enter` mean.
        mode: How the terminal is divided; see `layout`.
        tab: Name of the open tab.
        work: What the engine is busy with.
        job: Id of the running job; empty where none runs.
        progress: How far that job is.
        measurements: What was measured since the start, the oldest first.
        shown: Index of the measurement on the screen.
        history: What the tab History lists.
        last_job: Id of the job that measured last, of which cores and noise are.
        frozen_at: The state that the screen keeps showing while the measurement continues; None if it is not frozen.
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
    runs_text: str = ""
    batch_text: str = ""
    fields_set: int = 0
    colours: Mapping[str, str] = field(default_factory=dict)
    highlighted: str = ""
    mode: Mode = "wide"
    tab: str = "models"
    work: Work = "idle"
    job: str = ""
    progress: Progress = field(default_factory=Progress)
    measurements: tuple[Measurement, ...] = ()
    shown: int = -1
    history: HistoryList = field(default_factory=HistoryList)
    last_job: str = ""
    frozen_at: State | None = None
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
    def frozen(self) -> bool:
        """Whether the screen keeps showing the same numbers."""
        return self.frozen_at is not None

    @property
    def seen(self) -> State:
        """What the screen shows: while frozen, the numbers of that moment."""
        if self.frozen_at is None:
            return self
        return replace(
            self.frozen_at,
            mode=self.mode,
            tab=self.tab,
            highlighted=self.highlighted,
            history=self.history,
            frozen_at=self.frozen_at,
        )

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
        runs_text=length_text(plan) or str(DEFAULT_RUNS),
        batch_text=str(plan.workload.batch_size),
        colours=assign_colours(listed.values()),
        highlighted=rows[0].slug if rows else "",
        baseline=plan.baseline,
        until_known=plan.until_known,
        control=plan.control,
        cold_start=plan.cold_start,
    )


def arrangement(state: State) -> tuple[object, ...]:
    """Return what the places of the parts depend on; while a measurement runs, the answer keeps its lines."""
    seen = state.seen
    measurement = seen.measurement
    if measurement is None:
        return seen.tab, len(seen.chosen)
    answer = measurement.result.answer if measurement.whole and measurement.result else ""
    return seen.tab, measurement.job, len(measurement.candidates), answer


def date_text(date: datetime) -> str:
    """Return a date and time of day in the local time zone."""
    return date.astimezone().strftime("%Y-%m-%d %H:%M")


def length_text(plan: Plan) -> str:
    """Return the seconds or the runs of a plan, as its field shows them; empty if it has neither."""
    return f"{plan.seconds:g}" if plan.seconds is not None else str(plan.runs or "")


def with_rows(state: State, rows: Iterable[ModelRow]) -> State:
    """Return the state with other models listed; models that were listed before keep their colours."""
    listed = tuple(rows)
    return replace(state, rows=listed, colours=assign_colours((row.candidate for row in listed), state.colours))


def is_training(state: State, slug: str) -> bool:
    """Return whether a model is being trained."""
    return any(row.slug == slug and row.stage == "training" for row in state.rows)


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


def update_row(state: State, slug: str, **changes: object) -> State:
    """Return the state with one model's row changed; an unknown slug changes nothing."""
    rows = tuple(replace(row, **changes) if row.slug == slug else row for row in state.rows)  # type: ignore[arg-type]  # fields by name
    return replace(state, rows=rows)
