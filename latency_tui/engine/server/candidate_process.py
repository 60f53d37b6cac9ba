"""A candidate's process, seen from the engine: start it, send requests, read replies, end it."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import psutil

from latency_tui.engine import machine
from latency_tui.engine.allocation_stall import RefusedMemory
from latency_tui.engine.candidate import request_loop
from latency_tui.engine.candidate.models import model_files
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate_protocol import (
    Forked,
    ForkProcess,
    Prepare,
    Prepared,
    Reply,
    Request,
    Score,
    StageBegun,
    decode_reply,
    encode,
)
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.protocol import Stage
from latency_tui.engine.score_events import MetricScore
from latency_tui.engine.server.oom_kills import count_oom_kills

_LOADING = re.compile(
    rf"{model_files.__name__.rpartition('.')[2]}\.py\", line \d+ in {model_files.load_file.__name__}\b"
)
MAX_REPLY = 64 * 2**20
MAX_LOG = 16 * 2**20
PIPE_SECONDS = 10
"""How long the rest of a reply may take once it has begun to arrive."""
CAN_FORK = sys.platform == "linux"  # macOS has fork, but its frameworks do not survive it

_HOST = "import sys; sys.path[:] = {path!r}; from latency_tui.engine.candidate.request_loop import main; main()"
"""Code of a fresh interpreter, which has the same module path as this one."""


_HOST_ELSEWHERE = "from latency_tui.engine.candidate.request_loop import main; main()"
"""Code of another interpreter, which has latency-tui and all libraries of its own."""


class Interpreter(NamedTuple):
    """Another interpreter than that of the engine.

    Attributes:
        python: Its absolute path.
        shown: Its path as the user typed it.
        name: Name of its environment.
        folder: Working directory of its processes; None for that of the engine.
        folders: Folders in which a model's modules are searched once Python does not find them.
        python_path: The variable `PYTHONPATH` of its processes; None for that of the engine.
    """

    python: str
    shown: str
    name: str
    folder: str | None
    folders: tuple[str, ...]
    python_path: str | None = None

    def environment(self) -> dict[str, str]:
        """Return the environment variables of its processes."""
        changed = {} if self.python_path is None else {"PYTHONPATH": self.python_path}
        return {**os.environ, **changed}


class CandidateProcess:
    """One process, and the pipe to it.

    Args:
        slug: The candidate's slug.
        log: File that receives what it prints.
        data: The dataset that it inherits if it is forked; None if it prepares the dataset itself.
        context: What it shares with the engine.
        fork: Whether it is forked from this process or started as a fresh interpreter.
        fork_server: Process from which it is forked instead.

    Attributes:
        slug: The candidate's slug.
        log: File that receives what it prints.
        data: The dataset that it inherited if it was forked; None if it prepares the dataset itself.
        connection: Readable when a reply has arrived or the process has ended.
        deadline: When, on the monotonic clock, the current request counts as hung.
        stage: What it is doing.
        sent_at: When, on that clock, the current request was sent.
        timeout: Seconds that the current request, or its stage, may take.
        training_timeout: Seconds that training may take once it has begun; None to keep the limit of the request.
        refused_memory: Detects that it makes no progress because a limit refuses it memory.
        ready: Whether the model can answer.
        replicas: Further processes of the same candidate.
        libraries: Modules of installed libraries that it has imported; empty until it stored its model.
        fitted: Its reply when the model was fitted; None before.
        scored_by: The request by which its model was scored; None before.
        scores: Scores of its model.
        jobs: How many jobs its model runs at once; 0 for one per core.
        call_notes: Notes on its inputs from its first call.
        prepared_in: Seconds from the request to the reply `fitted`.
        call_ns: Duration of a call as the warm-up of a replica found it; None before.
        interpreter: The interpreter that it runs under; None for that of the engine.
        preparation: The request that had it load and fit its model; None before.
    """

    def __init__(
        self,
        slug: str,
        log: Path,
        data: Data | None,
        context: ProcessContext,
        *,
        fork: bool = CAN_FORK,
        fork_server: CandidateProcess | None = None,
        interpreter: Interpreter | None = None,
    ) -> None:
        self.slug = slug
        self.log = log
        self.data = data
        self.jobs = 1
        self.scored_by: Score | None = None
        self.scores: tuple[MetricScore, ...] = ()
        self.ready = False
        self.stage: Stage = "loading"
        self.timeout = self.deadline = float("inf")
        self.connection, theirs = Pipe()
        _limit_waiting(self.connection)
        self.sent_at = self.prepared_in = 0.0
        self.replicas: list[CandidateProcess] = []
        self.libraries: tuple[str, ...] = ()
        self.fitted: Prepared | None = None
        self.call_notes: tuple[str, ...] = ()
        self.call_ns: float | None = None
        self.training_timeout: float | None = None
        self.interpreter = interpreter
        self.preparation: Prepare | None = None
        self._received: tuple[Reply | None] | None = None
        self._broke_protocol = False
        self._was_killed = False
        self._exit_status: int | None = None
        self._spawned: subprocess.Popen[bytes] | None = None
        if fork_server is not None:
            try:
                self.pid = fork_server.fork(theirs, log)
            except OSError:
                self.connection.close()
                theirs.close()
                raise
        elif fork and interpreter is None:
            self.pid = self._fork(theirs, data, context)
        else:
            self.pid = self._spawn(theirs, context)
        theirs.close()
        self.refused_memory = RefusedMemory(self.pid)
        self._oom_kills = count_oom_kills()

    def _fork(self, theirs: Connection, data: Data | None, context: ProcessContext) -> int:
        parent = os.getpid()
        # Else the first full collection in a candidate would copy all that this process has imported, 46 MB and 0.1 s
        # of page faults, and might do so in a timed call.
        gc.freeze()
        pid = os.fork()
        if pid:
            return pid
        try:  # from here on this is the candidate; it never returns into the coordinator's code
            keep = theirs.fileno()  # nothing else of the coordinator's: its pipes would seem open while this lives
            os.closerange(3, keep)
            os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
            request_loop.serve(theirs, self.log, data, parent, context)
            os._exit(0)
        except BaseException:  # noqa: BLE001 (as what a model's signal handler raises between two requests)
            traceback.print_exc()
        finally:
            os._exit(1)

    def _spawn(self, theirs: Connection, context: ProcessContext) -> int:
        number = theirs.fileno()
        python, code, folder = sys.executable, _HOST.format(path=sys.path), None
        folders, environment = context.import_folders, dict(os.environ)
        if self.interpreter is not None:
            python, folder, folders = self.interpreter.python, self.interpreter.folder, self.interpreter.folders
            code, environment = _HOST_ELSEWHERE, self.interpreter.environment()
        words = [python, "-P", "-c", code, str(number), str(self.log), str(os.getpid()), *folders]
        self._spawned = subprocess.Popen(  # noqa: S603 (our own, or checked for trust before)
            words, stdin=subprocess.DEVNULL, pass_fds=[number], cwd=folder, env=environment
        )
        return self._spawned.pid

    def fork(self, theirs: Connection, log: Path) -> int:
        """Have this process, a fork server, fork a child of the coordinator; return its process id.

        Raises:
            OSError: It could not, or did not answer.
        """
        self.connection.send_bytes(encode(ForkProcess(log=str(log), parent=os.getpid())))
        reduction.send_handle(self.connection, theirs.fileno(), self.pid)
        reply = self.reply()
        if not isinstance(reply, Forked):
            raise OSError("the fork server did not fork")
        return reply.pid

    def end_replicas(self) -> None:
        """End all replicas, killing all before waiting for any."""
        for replica in self.replicas:
            replica.kill()
        while self.replicas:
            self.replicas.pop().end()

    def kill(self) -> None:
        """Kill the process without waiting for its end."""
        if self._exit_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def ask(self, request: Request, stage: Stage, timeout: float) -> None:
        """Send a request; it counts as hung if there is no reply within `timeout` seconds."""
        self.stage, self.timeout = stage, timeout
        self.sent_at = time.monotonic()
        self.deadline = self.sent_at + timeout
        with contextlib.suppress(OSError):  # an ended process is noticed when its reply is awaited
            self.connection.send_bytes(encode(request))

    def is_late(self) -> bool:
        """Return whether the current request has exceeded its time limit."""
        return time.monotonic() > self.deadline

    def has_ended(self) -> bool:
        """Return whether the process has ended, even if a process that it forked still holds its end of the pipe."""
        if self._exit_status is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                ended, status = self.pid, 0
            if ended:
                self._set_exit_status(status)
        return self._exit_status is not None

    def reply(self) -> Reply | None:
        """Return the reply, waiting for it; None if the process ended or sent anything else."""
        while self._received is None:
            self.receive()
        self.deadline = float("inf")
        (reply,), self._received = self._received, None
        return reply

    def receive(self) -> bool:
        """Read a message; return whether it is the reply, or the end of the process, and not a stage."""
        if self._received is None:
            reply = self._read()
            if isinstance(reply, StageBegun):
                self.stage = reply.stage
                if self.training_timeout is not None:
                    self.timeout = self.training_timeout
                    self.deadline = time.monotonic() + self.timeout
                return False
            self._received = (reply,)
        return True

    def _read(self) -> Reply | None:
        try:
            return decode_reply(self.connection.recv_bytes(MAX_REPLY))
        except (EOFError, ConnectionError):
            return None
        except Exception:  # noqa: BLE001 (a model that writes to whatever is open can write anything here)
            self.break_protocol()
            return None

    def break_protocol(self) -> None:
        """Note that what the process sent is no reply to what it was asked."""
        self._broke_protocol = True

    def resident_bytes(self) -> int:
        """Return the resident memory of the process; 0 if the system does not report it."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except machine.PSUTIL_ERRORS:
            return 0

    def end(self) -> None:
        """Kill the process, and its replicas, and wait for them."""
        self.end_replicas()
        if self._exit_status is None:
            self._reap()
        self.connection.close()

    def exit_reason(self) -> str:
        """Return how the process ended, in words; call this once it closed its pipe or broke the protocol.

        If the interpreter's last traceback shows that it was loading a file, its stage becomes "loading".
        """
        status = self._reap(patience=0 if self._broke_protocol else 0.5)
        if self._broke_protocol:
            return "wrote something to the pipe of the measurement, which is for replies only"
        if self._was_killed:
            return "its process closed its connection to the measurement and was ended"
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            name = signal.Signals(number).name
            if number == signal.SIGKILL:
                if count_oom_kills() > self._oom_kills:
                    return f"its process was killed ({name}), most likely because memory ran out"
                return f"its process was killed ({name}) by another process or by itself, or because memory ran out"
            crashed = f"its process crashed ({name}: {signal.strsignal(number)})"
            if not _LOADING.search(self.log_tail()):
                return crashed
            self.stage = "loading"
            return f"{crashed} while loading its file, which may be truncated or damaged"
        return f"its process ended by itself (exit code {os.WEXITSTATUS(status)})"

    def log_tail(self, most: int = 20_000) -> str:
        """Return the end of what the process printed, a crash's traceback included."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - most, 0))
                text = file.read(most).decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(line for line in text.splitlines() if not line.startswith("Extension modules:"))

    def _reap(self, patience: float = 0.0) -> int:
        """Wait for the process, and kill it if it still runs after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(0.005)
        if self._exit_status is None:
            self._was_killed = True
            try:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
            except (ChildProcessError, ProcessLookupError):
                status = 0
            self._set_exit_status(status)
        return self._exit_status or 0

    def _set_exit_status(self, status: int) -> None:
        self._exit_status = status
        if self._spawned is not None:
            self._spawned.returncode = status  # it is not to be waited for again


def shorten_log(log: Path) -> None:
    """Empty a log that has become too long; later output starts again at its beginning."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_LOG:
            os.truncate(log, 0)


def _limit_waiting(connection: Connection) -> None:
    """Let slow reads and writes fail: invalid bytes may announce a longer message than ever arrives."""
    span = struct.pack("ll", PIPE_SECONDS, 0)
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)
