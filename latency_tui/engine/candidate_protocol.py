"""What passes between the coordinator and one candidate's process: a request, then one reply, after any stages."""

from __future__ import annotations

import msgspec

from latency_tui.engine.protocol import Block, CallInput, Stage
from latency_tui.plan import Candidate, Trust, Workload


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Load the model, and fit it unless it is fitted."""

    candidate: Candidate
    workload: Workload
    threads: int
    trust: Trust = Trust()


class CheckSettings(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Load the model, and see whether it has the parameters that are set; nothing is fitted."""

    candidate: Candidate
    threads: int
    trust: Trust = Trust()


class Score(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Put the model under its runtime, where that is another than its own, and score it on the rows held out."""

    candidate: Candidate
    threads: int


class FirstCall(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get the inputs ready, move to the cores given, and make one call."""

    workload: Workload
    seed: int
    pinned: tuple[int, ...]


class WarmUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Call until steady; `brief` where another process of it is warm."""

    brief: bool = False


class RunBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make some calls that are thrown away, then the calls of a block.

    Attributes:
        calls: Timed calls.
        offset: Index of the first input, the same for all candidates of a round.
        discard_calls: Calls thrown away, besides a first one whose answer is looked at.
    """

    calls: int
    offset: int
    discard_calls: int


class Store(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write the model and its inputs, all or so many of them, to a file for another process to start from."""

    path: str
    most_inputs: int | None = None


class Adopt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Become another process of a candidate that is ready: take its model and inputs from the file that it stored.

    It is warmed up then, wherever there is room, and moves to the cores given.
    """

    path: str
    candidate: Candidate
    threads: int
    pinned: tuple[int, ...]


class BecomeTemplate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Import modules, so that processes forked from this one need not."""

    modules: tuple[str, ...]


class ForkProcess(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Fork a further process, a child of the `parent`; the descriptor that it answers through follows."""

    log: str
    parent: int


Request = BecomeTemplate | ForkProcess | CheckSettings | Prepare | Score | FirstCall | WarmUp | RunBlock | Store | Adopt


class SettingsChecked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model is loaded and has the parameters that are set."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model is fitted, `seconds` long if it was not before; it uses so many `jobs`, 0 for all cores."""

    seconds: float | None
    notes: tuple[str, ...]
    jobs: int = 1


class StageBegun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Sent before the reply itself: the candidate does something else from now on."""

    stage: Stage


class Scored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model can be measured."""

    score: float | None
    notes: tuple[str, ...]


class Called(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first call came back.

    Attributes:
        nanoseconds: What it took.
        received: What it was called with.
        notes: What was found out about the model's inputs by calling it.
    """

    nanoseconds: int
    received: CallInput
    notes: tuple[str, ...] = ()


class Warmed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model is warm, or as warm as it gets."""

    calls: int
    nanoseconds: int
    steady: bool
    first_calls: bytes
    call_ns: float
    timer_floor_ns: float


class BlockDone(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The calls of a block were made."""

    block: Block


class Stored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file is there.

    Attributes:
        modules: What a process imports for the model.
        libraries: Modules of installed libraries that this process imported since it was forked.
    """

    modules: tuple[str, ...]
    libraries: tuple[str, ...] = ()


class TemplateReady(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The modules are imported; the process has so many threads, and only with one it can be forked."""

    threads: int


class Forked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The further process."""

    pid: int


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The model raised, or answered with rubbish."""

    stage: Stage
    message: str
    traceback: str
    settings: bool = False


Reply = (
    TemplateReady
    | Forked
    | StageBegun
    | SettingsChecked
    | Prepared
    | Scored
    | Called
    | Warmed
    | BlockDone
    | Stored
    | Failed
)

_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_reply_decoder: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)

encode = _encoder.encode
decode_request = _request_decoder.decode
decode_reply = _reply_decoder.decode
