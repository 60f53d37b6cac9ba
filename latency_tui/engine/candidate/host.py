"""A candidate's own process: sets itself up, then answers requests until its connection closes."""

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

import msgspec

from latency_tui.engine import subreaper, user_imports
from latency_tui.engine.candidate import failures
from latency_tui.engine.candidate.block_runner import BlockRunner
from latency_tui.engine.candidate.inputs import AdaptedData
from latency_tui.engine.candidate.model_preparation import ModelPreparation
from latency_tui.engine.candidate.template import become_template, fork_process
from latency_tui.engine.candidate_protocol import (
    Adopt,
    BecomeTemplate,
    CheckSettings,
    Failed,
    FirstCall,
    ForkProcess,
    Predict,
    Prepare,
    Prepared,
    Reply,
    Request,
    RunBlock,
    Score,
    Scored,
    StageBegun,
    Store,
    WarmUp,
    decode_request,
    encode,
)
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.protocol import Stage
from latency_tui.errors import LatencyTuiError, SettingsError


class Host:
    """One candidate: passes each request on to what prepares its model or what calls it.

    Attributes:
        prepared: The model and its data.
        runner: What calls the model.
        stage: What the candidate is doing.
    """

    def __init__(self, data: Data | None, connection: Connection) -> None:
        self._connection = connection
        self.stage: Stage = "loading"
        self.prepared = ModelPreparation(data, self.begin_stage)
        self.runner = BlockRunner(self.prepared, self.begin_stage)

    def begin_stage(self, stage: Stage) -> None:
        """Note what the candidate is doing, and report when training begins: it has a time limit of its own."""
        self.stage = stage
        if stage == "training":
            self._connection.send_bytes(encode(StageBegun(stage=stage)))

    def answer(self, request: Request) -> Reply:
        """Do what is asked; an exception that the model raises becomes a reply."""
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
                case WarmUp():
                    return self.runner.warm_up(request)
                case Predict():
                    return self.runner.predict(request)
                case Store():
                    return self.runner.store(request)
                case Adopt():
                    return self.runner.adopt(request)
                case BecomeTemplate():
                    return become_template(request.modules)
                case ForkProcess():
                    return fork_process(self._connection, request, self._serve_beside(request))
        except BaseException as error:  # noqa: BLE001 (a model may raise SystemExit or KeyboardInterrupt too)
            return failure(self.stage, error, self.prepared.origin, self.prepared.adapted)

    def _serve_beside(self, request: ForkProcess) -> Callable[[Connection], None]:
        """Return what a process that is forked from this one runs."""
        return lambda theirs: serve(theirs, Path(request.log), self.prepared.data, request.parent)


def failure(stage: Stage, error: BaseException, origin: str = "", adapted: AdaptedData | None = None) -> Failed:
    """Return the reply that says what was raised, and where the model comes from if that may be the reason."""
    message, story = failures.describe(error)
    kind = type(error)  # isinstance would ask the error itself, which a model's own class may answer with an error
    if origin and not issubclass(kind, LatencyTuiError):
        message += f" ({origin})"
    if adapted is not None and adapted.is_guessed and not issubclass(kind, LatencyTuiError | AttributeError):
        message += f"; no data were given, and made-up inputs may not suit this model: {adapted.remedy}"
    return Failed(stage=stage, message=message, traceback=story, settings=issubclass(kind, SettingsError))


def encoded(reply: Reply, stage: Stage) -> bytes:
    """Return a reply as it is sent: its notes limited, or the reason why it cannot be sent."""
    try:
        if isinstance(reply, Prepared | Scored):
            reply = msgspec.structs.replace(reply, notes=failures.limited(reply.notes))
        return encode(reply)
    except Exception as error:  # noqa: BLE001 (numbers and texts are the model's own)
        return encode(failure(stage, error))


def serve(connection: Connection, log: Path, data: Data | None, parent: int) -> None:
    """Answer requests until the connection closes. The process's output goes to `log`, a crash's traceback too.

    Args:
        connection: To the coordinator.
        log: File that receives what the model prints.
        data: The dataset where it came along by forking, or None to prepare it here.
        parent: The coordinator's process id; this process does not outlive it.
    """
    _isolate_process(log, parent)
    subreaper.become_subreaper()
    host = Host(data, connection)
    process = os.getpid()
    while True:
        try:
            request = decode_request(connection.recv_bytes())
        except (EOFError, OSError):
            return
        reply = encoded(host.answer(request), host.stage)
        if os.getpid() != process:  # a process that the model forked and that returned from its call
            os._exit(0)
        try:
            connection.send_bytes(reply)
        except OSError:
            return


def _isolate_process(log: Path, parent: int) -> None:
    """Give the process an input, an output, signals and a group of its own, and have it end with its parent."""
    if sys.platform == "linux":
        death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)
        with contextlib.suppress(OSError):  # should memory run out, let the kernel choose a model, not the screen
            Path("/proc/self/oom_score_adj").write_text("1000")
    if os.getppid() != parent:
        os._exit(0)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)  # what signals its process group means its own processes, not the engine and the other models
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
    """Serve in a fresh interpreter, where processes cannot be forked: `host.py DESCRIPTOR LOG PARENT [MODULES ...]`."""
    descriptor, log, parent, *user_imports.FOLDERS[:] = sys.argv[1:]
    serve(Connection(int(descriptor)), Path(log), None, int(parent))


if __name__ == "__main__":
    main()
