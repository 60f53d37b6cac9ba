"""The state of the main screen: an immutable object from which all widgets are painted.

The functions in `reducers` compute the next state from an event of the engine or from a command of the user. They need
no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from latency_tui.engine.protocol import Environment
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.colors import assign_colours
from latency_tui.plan.sweep import without
from latency_tui.tui.layout import Mode
from latency_tui.tui.plan_options import DEFAULT_RUNS, batch_text

if TYPE_CHECKING:
    from datetime import datetime

    from latency_tui.history.listing import Row
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.trend import Trend

Stage = Literal["new", "training", "ready", "failed"]
Work = Literal["idle", "training", "profiling", "timing steps"]
Phase = Literal[
    "preparing", "waiting", "training", "warming up", "measuring", "load", "cold start", "steps", "stopping"
]

NOISE_COLUMNS = 8


class ModelRow(msgspec.Struct, frozen=True):
    """One line of the list of models.

    Attributes:
        candidate: The model and its settings.
        selected: Whether it is selected for Train and Profile.
        stage: Its stage in the engine.
        seconds: Training time; None before it is trained, or if it was fitted already.
        score: Score on the test rows.
        metric: Metric of the score; empty if it is unknown.
        notes: Warnings raised while training.
        error: The error in one line; empty if there is none.
        traceback: The traceback of the error.
        elapsed: Duration of the current training so far, in whole seconds.
    """

    candidate: Candidate
    selected: bool = True
    stage: Stage = "new"
    seconds: float | None = None
    score: float | None = None
    metric: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    traceback: str = ""
    elapsed: int = 0

    @property
    def slug(self) -> str:
        """The name as typed, unique in the list."""
        return self.candidate.slug


class Progress(msgspec.Struct, frozen=True):
    """The progress of the running job.

    Attributes:
        phase: `preparing`, `waiting` (for another measurement on this machine), `training`, `warming up`, `measuring`,
            `cold start`, `steps` or `stopping`.
        done: Completed steps: candidates that are trained, warmed up or restarted, or rounds.
        total: Planned steps; 0 if the number is unknown.
        seconds_left: Estimated remaining time; None if it is unknown.
        launch: Number of the launch, from 0.
    """

    phase: Phase = "preparing"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    launch: int = 0


class ShownMeasurement(msgspec.Struct, frozen=True, eq=False):
    """A measurement and its result so far. Compares by identity, because results contain arrays.

    Attributes:
        job: The id of its job, which all its events carry.
        plan: The plan that is measured.
        result: The latest result; None before the first figures.
        order: Slugs in the order shown, the fastest first.
        is_exact: Whether the result is computed from all samples; otherwise it is a live snapshot.
        launches: Total number of launches if it was continued; 0 for the number in the plan.
        is_saved: Whether it was measured in an earlier session, or comes from a file.
        key: Its id in the history; empty for one of this session or from a file.
        host: The host that measured it in this session, if it is not this machine; empty otherwise.
    """

    job: str
    plan: Plan
    result: Result | None = None
    order: tuple[str, ...] = ()
    is_exact: bool = False
    launches: int = 0
    is_saved: bool = False
    key: str = ""
    host: str = ""

    @property
    def candidates(self) -> tuple[CandidateResult, ...]:
        """The candidates in the order shown; empty before the first figures."""
        if self.result is None:
            return ()
        if self.plan.sweeps:
            return self._first_cells(self.result)
        place = {slug: index for index, slug in enumerate(self.order)}
        return tuple(sorted(self.result.candidates, key=lambda c: place.get(c.slug, len(place))))

    def _first_cells(self, result: Result) -> tuple[CandidateResult, ...]:
        """Return the cells at the first value of each sweep: one per model, in the order shown."""
        shown = {*self.plan.first_cells}
        place = {slug: index for index, slug in enumerate(self.order)}
        cells = (candidate for candidate in result.candidates if candidate.slug in shown)
        return tuple(sorted(cells, key=lambda c: place.get(c.slug, len(place))))

    def model_of(self, slug: str) -> str:
        """Return the slug of the model that a candidate is a cell of; the same slug without a sweep."""
        found = next((one for one in self.plan.candidates if one.slug == slug), None) if self.plan.sweeps else None
        return slug if found is None else without(found, self.plan.swept).slug

    def cell_of(self, slug: str) -> str:
        """Return the slug of the cell that is shown for a model; the same slug without a sweep."""
        if not self.plan.sweeps:
            return slug
        return next((one.slug for one in self.candidates if self.model_of(one.slug) == slug), slug)


class SavedBaseline(msgspec.Struct, frozen=True, eq=False):
    """A saved result with which results are compared. Compares by identity, because results contain arrays.

    Attributes:
        key: Its id in the history.
        title: Its date, and its name if it has one.
        result: The result, without samples.
        compared: The measurement and environment for which `earlier` was read; empty before that.
        earlier: Other results of the same plan and environment, which show how much separate measurements differ.
    """

    key: str
    title: str
    result: Result
    compared: tuple[object, ...] = ()
    earlier: tuple[Result, ...] = ()


class HistoryList(msgspec.Struct, frozen=True):
    """Content of the tab History.

    Attributes:
        all_rows: The results of all sessions, the newest first; None before they are read.
        problem: Why they cannot be read; empty if they can.
        filter: A text that the listed results contain; empty for all results.
        rows: The results that contain it.
        highlighted: Id of the highlighted result.
        trend_model: Which model's trend is shown, from 0; None for no trend.
        trend: The trend of the plan of `trend_of`; None before it is computed, or if there are no figures.
        trend_of: The plan and the machine of the trend.
    """

    all_rows: tuple[Row, ...] | None = None
    problem: str = ""
    filter: str = ""
    rows: tuple[Row, ...] = ()
    highlighted: str = ""
    trend_model: int | None = None
    trend: Trend | None = None
    trend_of: tuple[str, ...] = ()

    @property
    def row(self) -> Row | None:
        """The highlighted result."""
        return next((row for row in self.rows if row.id == self.highlighted), None)


class State(msgspec.Struct, frozen=True):
    """The state of the main screen.

    Attributes:
        plan: The plan of the next measurement, except for its candidates, which are the selected rows.
        rows: The models, in the order listed.
        runs_text: Text of the field Runs or Seconds.
        batch_text: Text of the field Batch.
        field_resets: Number of times that the app, not the user, has changed the text of these fields.
        colours: Colour, `#rrggbb`, by slug; of removed models too, because results still show them.
        highlighted: Slug of the model to which `space`, `b` and `enter` apply.
        mode: Layout mode; see `layout`.
        tab: Name of the open tab.
        work: What the engine is doing.
        job: Id of the running job; empty if no job runs.
        progress: Progress of the running job.
        measurements: The measurements of this session, and saved results that were opened.
        shown_index: Index of the measurement on the screen.
        history: Content of the tab History.
        saved_baseline: The saved result with which the result on the screen is compared; None for none.
        last_job: Id of the last measuring job, to which `pinned` and `noise` belong.
        frozen_at: The state that the screen keeps showing while the measurement continues; None if it is not frozen.
        profile_after_training: Whether a measurement follows the training, because Profile was pressed meanwhile.
        baseline: Slug of the baseline of the next measurement; None for the fastest model.
        until_known: Whether the next measurement continues until all verdicts are decided, instead of for some runs.
        control: Whether the next measurement includes a hidden copy of the first model.
        cold_start: Whether the next measurement includes start-up and memory.
        environment: The machine and the software; None until the engine has reported them.
        pinned: Cores to which candidates are pinned.
        noise: Share of time in which other processes ran, 0 to 1, in each of the last redraws.
        job_wall_ns: Wall time of the blocks since the last redraw, in nanoseconds.
        job_lost_ns: Part of that time in which other processes ran, in nanoseconds.
    """

    plan: Plan
    rows: tuple[ModelRow, ...]
    runs_text: str = ""
    batch_text: str = ""
    field_resets: int = 0
    colours: Mapping[str, str] = {}
    highlighted: str = ""
    mode: Mode = "wide"
    tab: str = "models"
    work: Work = "idle"
    job: str = ""
    progress: Progress = Progress()
    measurements: tuple[ShownMeasurement, ...] = ()
    shown_index: int = -1
    history: HistoryList = HistoryList()
    saved_baseline: SavedBaseline | None = None
    last_job: str = ""
    frozen_at: State | None = None
    profile_after_training: bool = False
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
        """Whether the screen is frozen."""
        return self.frozen_at is not None

    @property
    def displayed(self) -> State:
        """The state that the screen shows; while it is frozen, with the figures of the moment when it was frozen."""
        if self.frozen_at is None:
            return self
        return replace(
            self.frozen_at,
            mode=self.mode,
            tab=self.tab,
            highlighted=self.highlighted,
            history=self.history,
            saved_baseline=self.saved_baseline,
            frozen_at=self.frozen_at,
        )

    @property
    def selected(self) -> tuple[Candidate, ...]:
        """The candidates that are selected for Train and Profile."""
        return tuple(row.candidate for row in self.rows if row.selected)

    @property
    def row(self) -> ModelRow | None:
        """The highlighted model."""
        return next((row for row in self.rows if row.slug == self.highlighted), None)

    @property
    def measurement(self) -> ShownMeasurement | None:
        """The measurement on the screen; None before the first one."""
        return self.measurements[self.shown_index] if self.measurements else None

    @property
    def running_measurement(self) -> ShownMeasurement | None:
        """The running measurement, which may be an older one that is continued; None if none runs."""
        return next((one for one in self.measurements if self.work == "profiling" and one.job == self.job), None)

    @property
    def result(self) -> Result | None:
        """The result of the measurement on the screen."""
        return self.measurement.result if self.measurement else None


def start(plan: Plan, candidates: Iterable[Candidate]) -> State:
    """Return the initial state: the plan's candidates come first and are selected, then the others follow."""
    selected = {candidate.slug for candidate in plan.curves}
    listed = {candidate.slug: candidate for candidate in plan.curves}
    for candidate in candidates:
        listed.setdefault(candidate.slug, candidate)
    rows = tuple(ModelRow(candidate, selected=slug in selected) for slug, candidate in listed.items())
    return State(
        plan=plan,
        rows=rows,
        runs_text=length_text(plan) or str(DEFAULT_RUNS),
        batch_text=batch_text(plan.workload),
        colours=assign_colours(listed.values()),
        highlighted=rows[0].slug if rows else "",
        baseline=plan.baseline,
        until_known=plan.until_known,
        control=plan.control,
        cold_start=plan.cold_start,
    )


def arrangement(state: State) -> tuple[object, ...]:
    """Return the values that determine the layout; while a measurement runs, the answer keeps its number of lines."""
    displayed = state.displayed
    measurement = displayed.measurement
    if measurement is None:
        return displayed.tab, len(displayed.selected)
    answer = measurement.result.answer if measurement.is_exact and measurement.result else ""
    return displayed.tab, measurement.job, len(measurement.candidates), answer


def date_text(date: datetime) -> str:
    """Return a date and time of day in the local time zone."""
    return date.astimezone().strftime("%Y-%m-%d %H:%M")


def length_text(plan: Plan) -> str:
    """Return the seconds or the runs of a plan as the text of its field; empty if it has neither."""
    return f"{plan.seconds:g}" if plan.seconds is not None else str(plan.runs or "")


def with_rows(state: State, rows: Iterable[ModelRow]) -> State:
    """Return the state with a new list of models; models that were listed before keep their colours."""
    listed = tuple(rows)
    return replace(state, rows=listed, colours=assign_colours((row.candidate for row in listed), state.colours))


def is_training(state: State, slug: str) -> bool:
    """Return whether a model is being trained."""
    return any(row.slug == slug and row.stage == "training" for row in state.rows)


def mean_calls(state: State) -> dict[str, float]:
    """Return the mean duration of a call in seconds, by slug, from the latest measurement of each model."""
    found: dict[str, float] = {}
    for measurement in state.measurements:
        if measurement.result is not None and not measurement.is_saved:  # it may be from another machine
            for candidate in measurement.result.candidates:
                if candidate.statistics is not None and candidate.statistics.mean:
                    found[candidate.slug] = candidate.statistics.mean
    return found


def is_variant(row: ModelRow, above: ModelRow | None) -> bool:
    """Return whether a row is a variant of the row above: the same model with other settings."""
    return above is not None and bool(row.candidate.settings) and row.candidate.model == above.candidate.model


def update_row(state: State, slug: str, **changes: object) -> State:
    """Return the state with one row changed; an unknown slug changes nothing."""
    rows = tuple(replace(row, **changes) if row.slug == slug else row for row in state.rows)
    return replace(state, rows=rows)
