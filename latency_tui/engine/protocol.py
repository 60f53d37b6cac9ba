"""The messages between a front end and the engine: commands in, past-tense events out, one JSON object per line."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.catalog.working_tree import WorkingTree
from latency_tui.engine.cold_start_events import ColdStartMeasured, ColdStartStarted
from latency_tui.engine.environment_events import EnvironmentIdentified, PredictionsCompared
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished
from latency_tui.engine.machine_events import MachineBusy
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.step_events import StepsMeasured, StepsStarted
from latency_tui.plan import Plan

Stage = Literal["loading", "training", "warm-up", "measuring", "cold start", "steps"]
Cause = Literal["raised", "settings", "crashed", "timed out", "memory", "stopped"]
Reason = Literal["completed", "stopped", "decided", "out of time", "nothing left to measure"]


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and the software of a measurement."""

    host: str
    os: str
    cpu: str
    cores: int
    python: str
    versions: dict[str, str]
    threads: int | None = None
    pinned: tuple[int, ...] = ()
    governor: str | None = None
    memory_bytes: int | None = None


class CallInput(msgspec.Struct, frozen=True, kw_only=True):
    """The input of one call of a candidate.

    Attributes:
        kind: `array`, `sparse matrix`, `data frame`, `texts`, `records`, `named arrays` or `rows` of another kind.
        rows: Rows per call.
        shape: Of the whole input, `(rows, ...)`; empty if it has none.
        dtype: Type of its numbers; empty for data frames and lists.
        count: Number of arrays, texts or records.
        generated: Whether no data were given, so that values were generated from what the model declares.
    """

    kind: str
    rows: int
    shape: tuple[int, ...] = ()
    dtype: str = ""
    count: int = 1
    generated: bool = False


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive calls of one candidate, as its process measured them.

    The counters are read before the discarded calls and after the timed ones. `cpu_ns` and `waited_ns` are the timed
    calls' share of that whole turn, by time.

    Attributes:
        samples: Latencies, int64 nanoseconds, little-endian.
        discarded: Latencies of the calls made just before, to warm the caches again; the first is the call after a
            switch. Same encoding.
        started_ns: When the first timed call began, on the machine's monotonic clock.
        wall_ns: Time from the first timed call to the end of the last.
        cpu_ns: CPU time of the candidate's process during the timed calls.
        switches: Involuntary context switches in the turn.
        waited_ns: Time during the timed calls in which the process was ready to run but had no core; 0 if the system
            does not report it.
        gc_calls: Indices of the calls that a pause of the garbage collector interrupted.
        gc_ns: How long each pause took.
        batch_sizes: Rows of each timed call of a request mix, int32, little-endian; empty if all are the same.
    """

    samples: bytes
    discarded: bytes
    started_ns: int
    wall_ns: int
    cpu_ns: int
    switches: int
    waited_ns: int = 0
    gc_calls: tuple[int, ...] = ()
    gc_ns: tuple[int, ...] = ()
    batch_sizes: bytes = b""


# --- commands -------------------------------------------------------------------------------------------------------


class Train(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get every candidate of the plan ready. Candidates that are ready already are not changed.

    A `Measure` of the same job and launch may follow.
    """

    job: str
    plan: Plan
    launch: int = 0


class Measure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get every candidate ready, then measure one launch of the plan.

    Attributes:
        job: The job.
        plan: The plan.
        launch: Which launch, from 0.
        rates: Request rates per candidate, by slug, that a load test measures instead of searching them.
        load_only: Whether to measure only under load, and not alone.
    """

    job: str
    plan: Plan
    launch: int = 0
    rates: dict[str, tuple[float, ...]] | None = None
    load_only: bool = False


class MeasureSteps(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get every candidate ready and warm, then time its steps; nothing else is measured."""

    job: str
    plan: Plan
    launch: int = 0


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """End the running job at once, or (`decided`) when the round is complete. Measured blocks stay valid."""

    job: str
    reason: Reason = "stopped"


class StopTraining(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """End the training or loading of one candidate of the running job. The others continue."""

    job: str
    candidate: str


Job = Train | Measure | MeasureSteps
Command = Job | Stop | StopTraining


# --- events ---------------------------------------------------------------------------------------------------------


class EngineStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The engine runs and takes commands."""

    environment: Environment


class EngineReady(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The engine has imported the modules that most plans need, and is idle until there is a job."""


class InputsIdentified(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The files, modules and libraries that will be measured are known. None of them has been loaded.

    Attributes:
        job: The job that asked for it.
        inputs: SHA-256 of each file and module, and version of each library, by name.
        working_tree: The git working tree that models come from; None if they come from none.
    """

    job: str
    inputs: dict[str, str]
    working_tree: WorkingTree | None = None


class DatasetPrepared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Inputs and targets are in memory."""

    job: str
    training_rows: int
    test_rows: int
    features: int


class TrainingStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A candidate's process has begun to load or fit its model."""

    job: str
    candidate: str


class TrainingFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A candidate is ready to be measured.

    Attributes:
        job: The job that asked for it.
        candidate: The candidate's slug.
        seconds: Duration of `fit`; None if the model was fitted already.
        score: Score on the test rows by the metric of the plan; None if it is unknown.
        notes: Warnings raised meanwhile, one line each.
    """

    job: str
    candidate: str
    seconds: float | None
    score: float | None
    notes: tuple[str, ...] = ()


class CandidateFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A candidate cannot be measured, or its measurement cannot continue. The others continue.

    Attributes:
        job: The job that asked for it.
        candidate: The candidate's slug.
        stage: What it was doing.
        message: One line: the exception's last line, or how its process ended.
        traceback: The details; may be empty.
        cause: Whether it raised (or its answer is invalid), its process crashed, it hung, it filled the memory, or the
            client stopped its training.
    """

    job: str
    candidate: str
    stage: Stage
    message: str
    traceback: str = ""
    cause: Cause = "raised"


class WarmUpFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A candidate has been called until its latencies were steady, or until the time for that was over.

    Attributes:
        job: The job that asked for it.
        launch: Which launch, from 0.
        candidate: The candidate's slug.
        calls: Number of warm-up calls.
        seconds: Their total duration.
        steady: Whether the medians of the last windows agreed.
        first_calls: Durations of the very first calls (at most 100) of a fresh process, int64 nanoseconds,
            little-endian; the first is the cold start.
        call_seconds: Median duration of the last window.
        received: The input of a call.
    """

    job: str
    launch: int
    candidate: str
    calls: int
    seconds: float
    steady: bool
    first_calls: bytes
    call_seconds: float
    received: CallInput | None = None


class MeasurementStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The rounds begin.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        rounds: Number of rounds planned.
        calls: Calls planned for each candidate, by slug.
        seconds: Expected duration of all timed calls together, without the time between blocks.
        timer_floor_ns: Median duration that the timed loop reports for a call that does nothing.
        pinned: Cores that the candidates are pinned to; empty if they are not pinned.
        load: Load average per core in the minute before the job began; None if the system does not report it.
        max_replicas: Processes per candidate if there were many rounds; 0 if that is not known.
        rounds_per_replica: Fewest rounds that a schedule has for each process.
        calls_per_long_block: Calls per block of each candidate if the measurement were long, by slug.
    """

    job: str
    launch: int
    rounds: int
    calls: dict[str, int]
    seconds: float
    timer_floor_ns: float
    pinned: tuple[int, ...] = ()
    load: float | None = None
    max_replicas: int = 0
    rounds_per_replica: int = 1
    calls_per_long_block: dict[str, int] = {}


class BlockMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One candidate has made the calls of one block.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        round: Which round of the launch, from 0.
        position: Position within the round, from 0.
        candidate: The candidate's slug.
        replica: Number of the candidate's process that answered, from 0. In one round it is the same for every
            candidate that has several processes.
        block: What was measured.
    """

    job: str
    launch: int
    round: int
    position: int
    candidate: str
    block: Block
    replica: int = 0


class RoundFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every candidate that has not failed has been measured in this round.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        round: Which round of the launch, from 0.
        rounds: Number of rounds planned.
        seconds_left: Estimated time until the last round ends.
        steal: Share of the rounds' time so far in which the host ran something else on the measured cores; None if it
            was not read this time, or if the system does not report it.
        lost_cores: Cores of the candidates that they can no longer run on, found when the steal was.
    """

    job: str
    launch: int
    round: int
    rounds: int
    seconds_left: float
    steal: float | None = None
    lost_cores: tuple[int, ...] = ()


class JobFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last event of a job, however it ended."""

    job: str
    reason: Reason


class EngineFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The engine could not continue a job.

    Attributes:
        job: The job.
        message: What happened, in one line.
        traceback: The details.
        data: Whether the reason is that the dataset's file does not hold what it should.
    """

    job: str
    message: str
    traceback: str = ""
    data: bool = False


Event = (
    EngineStarted
    | EngineReady
    | InputsIdentified
    | EnvironmentIdentified
    | PredictionsCompared
    | MachineBusy
    | DatasetPrepared
    | TrainingStarted
    | TrainingFinished
    | CandidateScored
    | CandidateFailed
    | WarmUpFinished
    | MeasurementStarted
    | BlockMeasured
    | ColdStartStarted
    | ColdStartMeasured
    | StepsStarted
    | StepsMeasured
    | RoundFinished
    | LoadStarted
    | LoadWindowMeasured
    | RateSearchFinished
    | JobFinished
    | EngineFailed
)
