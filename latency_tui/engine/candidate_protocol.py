"""The messages between the engine and one candidate's process: per request one reply, and `StageBegun` before it."""

from __future__ import annotations

import hashlib
import inspect
import typing
from collections.abc import Iterator

import msgspec

from latency_tui.engine.protocol import Block, CallInput, Stage
from latency_tui.engine.score_events import MetricScore
from latency_tui.engine.step_events import StepTimings
from latency_tui.plan import Candidate, Trust, Workload

PROTOCOL_VERSION = 1
"""Increase this if the meaning of a message changes. Its fields are part of `protocol()` by themselves."""


class TrainedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that another process has fitted.

    Attributes:
        path: File in which that process has stored it.
        seconds: Duration of `fit` there.
        notes: Its notes and warnings.
        alternatives: Number of forms of the data that it could not be fitted on.
    """

    path: str
    seconds: float
    notes: tuple[str, ...]
    alternatives: int


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Load the model, and fit it unless it is fitted.

    Attributes:
        candidate: Whose model it is.
        workload: What it computes.
        threads: Threads that it may use.
        trust: Which files may run their author's code.
        arrays: File with the prepared dataset, for a process under another interpreter; empty to prepare it there.
        trained: The fitted model, if another process has fitted it.
    """

    candidate: Candidate
    workload: Workload
    threads: int
    trust: Trust = Trust()
    arrays: str = ""
    trained: TrainedModel | None = None


class CheckSettings(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Load the model and check that it has the parameters that are set. Nothing is fitted."""

    candidate: Candidate
    threads: int
    trust: Trust = Trust()


class Score(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Convert the model if its runtime is not its own library and it is not converted, and score it on the test rows.

    Attributes:
        candidate: Whose model it is.
        threads: Threads that it may use.
        metrics: Names of the metrics; empty for the default of the task.
        seed: Seed of the resamples of the test rows.
    """

    candidate: Candidate
    threads: int
    metrics: tuple[str, ...] = ("",)
    seed: int = 0


class FirstCall(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Prepare the inputs, move to the given cores, and make one call."""

    workload: Workload
    seed: int
    pinned: tuple[int, ...]


class WarmUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Call until the latencies are steady; `brief` if another process of the candidate is warm already."""

    brief: bool = False


class Predict(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Return the predictions for the first inputs: at most `rows` rows, and no further call after `seconds`."""

    rows: int
    seconds: float


class RunBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make some calls that are discarded, then the calls of a block.

    Attributes:
        calls: Timed calls.
        offset: Index of the first input, the same for all candidates of a round.
        discard_calls: Discarded calls, in addition to a first one whose answer is checked.
    """

    calls: int
    offset: int
    discard_calls: int


class AnswerRequests(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer requests of one window of a load test, together with the other workers of the candidate.

    Attributes:
        queue: Path of the window's `RequestQueue`.
        worker: Number of the worker, from 0; that of the first one if there are several.
        workers: Number of workers in this process, each a thread if there are several.
        as_threads: Whether a worker is a thread even if it is the only one.
        threads: Threads that BLAS and OpenMP may use for each call.
        pinned: Cores that the process moves to.
        is_exclusive: Whether each worker has a core of its own, so that it may poll the clock.
    """

    queue: str
    worker: int
    workers: int
    as_threads: bool
    threads: int
    pinned: tuple[int, ...]
    is_exclusive: bool


class Store(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write the model and its inputs, at most `max_inputs` of them, to a file that another process can load."""

    path: str
    max_inputs: int | None = None


class LoadStored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Become a replica: load the model and the inputs that the candidate's first process has stored.

    The replica warms up on any core, then it moves to the given cores.
    """

    path: str
    candidate: Candidate
    threads: int
    pinned: tuple[int, ...]


class TimeSteps(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Time the steps of the model for some rounds, and go on with the next request.

    Attributes:
        seconds: Intended duration of all rounds.
        reply_seconds: Time after which the rounds so far are reported.
    """

    seconds: float
    reply_seconds: float


class BecomeForkServer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Import modules, so that processes that are forked from this one do not have to."""

    modules: tuple[str, ...]


class ForkProcess(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Fork a process that becomes a child of `parent`. The descriptor of its connection follows this message."""

    log: str
    parent: int


Request = (
    BecomeForkServer
    | ForkProcess
    | CheckSettings
    | Prepare
    | Score
    | FirstCall
    | WarmUp
    | Predict
    | RunBlock
    | AnswerRequests
    | Store
    | LoadStored
    | TimeSteps
)


class SettingsChecked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model is loaded and has the parameters that are set."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model is fitted.

    Attributes:
        seconds: Duration of `fit`; None if the model was fitted already.
        notes: Warnings raised meanwhile, one line each.
        jobs: Jobs that the model runs at once; 0 for one per core.
        alternatives: Number of forms of the data that it could not be fitted on.
    """

    seconds: float | None
    notes: tuple[str, ...]
    jobs: int = 1
    alternatives: int = 0


class StageBegun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Sent before the reply: the candidate has begun another stage."""

    stage: Stage


class Scored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model can be measured.

    Attributes:
        scores: Its score by each metric; empty if there are no targets.
        notes: Warnings raised meanwhile, one line each.
    """

    scores: tuple[MetricScore, ...]
    notes: tuple[str, ...]


class Called(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first call has returned.

    Attributes:
        nanoseconds: Its duration.
        received: The input of the call.
        notes: What the call showed about the model's inputs.
    """

    nanoseconds: int
    received: CallInput
    notes: tuple[str, ...] = ()


class Warmed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model is warm, or the time for warming it up is over."""

    calls: int
    nanoseconds: int
    steady: bool
    first_calls: bytes
    call_ns: float
    timer_floor_ns: float


class Predicted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Predictions, row by row.

    Attributes:
        rows: Number of rows; 0 if the predictions are not of a kind that can be compared.
        numbers: Float64, little-endian, `(rows, n)` in C order; empty if they are texts.
        texts: One text per row, if they are no numbers.
    """

    rows: int
    numbers: bytes = b""
    texts: tuple[str, ...] = ()


class BlockDone(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The calls of a block were made."""

    block: Block


class RequestsAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The workers of this process have ended; the times are in the window's `RequestQueue`."""


class Stored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file has been written.

    Attributes:
        modules: Modules that a process needs for the model.
        libraries: Modules of installed libraries that this process imported since it was forked.
    """

    modules: tuple[str, ...]
    libraries: tuple[str, ...] = ()


class ForkServerReady(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The modules are imported. The process has `threads` threads; only a process with one can be forked."""

    threads: int


class Forked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process was forked."""

    pid: int


class StepsTimed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Some rounds are complete.

    Attributes:
        timings: Their times.
        done: Rounds so far.
        total: Rounds planned.
        error: Why the steps cannot be timed, in one line; empty if they can.
    """

    timings: StepTimings = StepTimings()
    done: int = 0
    total: int = 0
    error: str = ""


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model raised an exception, or returned something that is no answer."""

    stage: Stage
    message: str
    traceback: str
    settings: bool = False


Reply = (
    ForkServerReady
    | Forked
    | StageBegun
    | SettingsChecked
    | Prepared
    | Scored
    | Called
    | Warmed
    | Predicted
    | BlockDone
    | RequestsAnswered
    | Stored
    | StepsTimed
    | Failed
)

_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_reply_decoder: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)

encode = _encoder.encode
decode_request = _request_decoder.decode
decode_reply = _reply_decoder.decode


def protocol() -> str:
    """Return the version of the protocol: a number, and a digest of the fields of all messages and their types."""
    structs: dict[type, list[str]] = {}
    for kind in (Request, Reply):
        _collect(kind, structs)
    written = sorted(f"{kind.__qualname__}({', '.join(fields)})" for kind, fields in structs.items())
    return f"{PROTOCOL_VERSION}-{hashlib.sha256(' '.join(written).encode()).hexdigest()[:12]}"


def _collect(kind: object, found: dict[type, list[str]]) -> None:
    """Add the structs that a type consists of, each with its fields as they are written."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind in found:
            return
        found[kind] = [f"{name}: {written}" for name, written in _annotations(kind)]
        for hint in typing.get_type_hints(kind).values():
            _collect(hint, found)
    for part in typing.get_args(kind):
        _collect(part, found)


def _annotations(kind: type) -> Iterator[tuple[str, str]]:
    for base in reversed(kind.__mro__):
        yield from ((name, str(written)) for name, written in inspect.get_annotations(base).items())
