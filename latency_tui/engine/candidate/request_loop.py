"""The process of a candidate: isolates itself, then answers requests until its connection closes."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from latency_tui.engine import subreaper
from latency_tui.engine.candidate import failures
from latency_tui.engine.candidate.adapt_inputs import AdaptedData
from latency_tui.engine.candidate.block_runner import BlockRunner
from latency_tui.engine.candidate.fork_server import become_fork_server, fork_process
from latency_tui.engine.candidate.model_preparation import ModelPreparation
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate_protocol import (
    AnswerRequests,
    BecomeForkServer,
    CheckSettings,
    Failed,
    FirstCall,
    ForkProcess,
    LoadStored,
    Predict,
    Prepare,
    Prepared,
    Reply,
    Request,
    RunBlock,
    Score,
    Scored,
    StageBegun,
    StepsTimed,
    Store,
    TimeSteps,
    WarmUp,
    decode_request,
    encode,
)
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.protocol import Stage
from latency_tui.errors import LatencyTuiError, SettingsError

if TYPE_CHECKING:
    from latency_tui.engine.candidate.steps.step_pass import StepPass


class Host:
    """Handles the requests to one candidate.

    Attributes:
        prepared: The model and its data.
        runner: Calls the model.
        stage: What the candidate is doing.
    """

    def __init__(self, data: Data | None, connection: Connection, context: ProcessContext) -> None:
        self._connection = connection
        self._context = context
        self.stage: Stage = "loading"
        self.prepared = ModelPreparation(data, context, self.begin_stage)
        self.runner = BlockRunner(self.prepared, context, self.begin_stage)
        self._step_pass: StepPass | None = None

    def begin_stage(self, stage: Stage) -> None:
        """Set the stage; report the begin of training, which has a separate time limit."""
        self.stage = stage
        if stage == "training":
            self._connection.send_bytes(encode(StageBegun(stage=stage)))

    def answer(self, request: Request) -> Reply:
        """Handle a request; an exception of the model becomes the reply `Failed`."""
        try:
            match request:
                case CheckSettings():
                    return self.prepared.check_settings(request)
                case Prepare():
                    return self.prepared.prepare(request)
                case Score():
                    return self.prepared.score(
                        request, rows_per_call=self.runner.rows_per_call, fresh_per_call=self.runner.fresh_per_call
                    )
                case FirstCall():
                    return self.runner.first_call(request)
                case RunBlock():
                    return self.runner.run_block(request)
                case AnswerRequests():
                    return self.runner.answer_requests(request)
                case WarmUp():
                    return self.runner.warm_up(request)
                case Predict():
                    return self.runner.predict(request)
                case Store():
                    return self.runner.store(request)
                case LoadStored():
                    return self.runner.load_stored(request)
                case TimeSteps():
                    return self._time_steps(request)
                case BecomeForkServer():
                    return become_fork_server(request.modules, self._context.thread_limiter)
                case ForkProcess():
                    return fork_process(self._connection, request, self._serve_beside(request))
        except BaseException as error:  # noqa: BLE001 (a model may raise SystemExit or KeyboardInterrupt too)
            return failure(self.stage, error, self.prepared.origin, self.prepared.adapted)

    def _time_steps(self, request: TimeSteps) -> StepsTimed:
        """Time the steps of the model; if that fails, the model is still measured."""
        from latency_tui.engine.candidate.steps.step_pass import StepPass  # deferred: only plans with steps need it

        self.begin_stage("steps")
        if self._step_pass is None:
            self._step_pass = StepPass(self.runner, self.prepared.model)
        try:
            return self._step_pass.run(request)
        except Exception as error:  # noqa: BLE001 (a step may raise anything)
            self._step_pass = None
            return StepsTimed(error=failures.describe(error)[0])

    def _serve_beside(self, request: ForkProcess) -> Callable[[Connection], None]:
        """Return the function that a process forked from this one runs."""
        return lambda theirs: serve(theirs, Path(request.log), self.prepared.data, request.parent, self._context)


def failure(stage: Stage, error: BaseException, origin: str = "", adapted: AdaptedData | None = None) -> Failed:
    """Return the reply for an exception, with the origin of the model if that may be the reason."""
    message, story = failures.describe(error)
    kind = type(error)  # isinstance would read error.__class__, which a model's own class may override
    if origin and not issubclass(kind, LatencyTuiError):
        message += f" ({origin})"
    if adapted is not None and adapted.is_guessed and not issubclass(kind, LatencyTuiError | AttributeError):
        message += f"; no data were given, and generated inputs may not suit this model; {adapted.remedy}"
    return Failed(stage=stage, message=message, traceback=story, settings=issubclass(kind, SettingsError))


def encoded(reply: Reply, stage: Stage) -> bytes:
    """Encode a reply with a limited number of notes; if it cannot be encoded, a reply with the reason."""
    try:
        if isinstance(reply, Prepared | Scored):
            reply = msgspec.structs.replace(reply, notes=failures.limited(reply.notes))
        return encode(reply)
    except Exception as error:  # noqa: BLE001 (numbers and texts are the model's own)
        return encode(failure(stage, error))


def serve(connection: Connection, log: Path, data: Data | None, parent: int, context: ProcessContext) -> None:
    """Answer requests until the connection closes; output of the process, including crash tracebacks, goes to a log.

    Args:
        connection: The connection to the coordinator.
        log: File that receives what the model prints.
        data: The dataset if it was inherited by forking; None to prepare it in this process.
        parent: Process id of the coordinator; this process does not outlive it.
        context: What this process shares with the engine.
    """
    _isolate_process(log, parent)
    subreaper.become_subreaper()
    host = Host(data, connection, context)
    process = os.getpid()
    while True:
        try:
            request = decode_request(connection.recv_bytes())
        except (EOFError, OSError):
            return
        reply = encoded(host.answer(request), host.stage)
        if os.getpid() != process:  # the model forked this process, which returned from the call
            os._exit(0)
        try:
            connection.send_bytes(reply)
        except OSError:
            return


def _isolate_process(log: Path, parent: int) -> None:
    """Detach the process from the streams, signals and group of the engine, and end it when its parent ends."""
    if sys.platform == "linux":
        death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)
        with contextlib.suppress(OSError):  # if memory runs out, the kernel kills a model, not the app
            Path("/proc/self/oom_score_adj").write_text("1000")
    if os.getppid() != parent:
        os._exit(0)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)  # a model may signal its process group
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing, output = os.open(os.devnull, os.O_RDONLY), _open_log(log)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 (as long as the process lives)
    sys.stdout = sys.stderr = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 (as above)
    faulthandler.enable(file=2)
    warnings.simplefilter("default")


def _open_log(log: Path) -> int:
    try:
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:  # its folder was removed, or the disk is full: what the model prints is lost
        return os.open(os.devnull, os.O_WRONLY)


def main() -> None:
    """Serve in a fresh interpreter, if processes are not forked: `host.py DESCRIPTOR LOG PARENT [MODULES ...]`."""
    descriptor, log, parent, *folders = sys.argv[1:]
    serve(Connection(int(descriptor)), Path(log), None, int(parent), ProcessContext(tuple(folders)))


if __name__ == "__main__":
    main()
