"""A candidate's own process: gets one model ready, then answers requests for blocks of calls until it is told to go."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import faulthandler
import gc
import os
import pickle
import resource
import signal
import sys
import time
import warnings
from array import array
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.engine import machine, subreaper, user_imports
from latency_tui.engine.caller_objects import dumps
from latency_tui.engine.candidate import failures
from latency_tui.engine.candidate.call_inputs import CallInputs
from latency_tui.engine.candidate.calls import call_value_of, caller, finish_of
from latency_tui.engine.candidate.failures import notes_of
from latency_tui.engine.candidate.inputs import AdaptedData, adapt_inputs
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.models.model_traits import check_batch_size
from latency_tui.engine.candidate.models.runtimes.conversion import convert
from latency_tui.engine.candidate.not_finite import note_not_finite
from latency_tui.engine.candidate.template import become_template, fork_process, libraries_since
from latency_tui.engine.candidate.threads import limit
from latency_tui.engine.candidate.timed_loop import NOT_YET, PauseWatch, time_calls, timer_floor
from latency_tui.engine.candidate.warm_up import warm_up
from latency_tui.engine.candidate_protocol import (
    Adopt,
    BecomeTemplate,
    BlockDone,
    Called,
    CheckSettings,
    Failed,
    FirstCall,
    ForkProcess,
    Prepare,
    Prepared,
    Reply,
    Request,
    RunBlock,
    Score,
    Scored,
    SettingsChecked,
    StageBegun,
    Store,
    Stored,
    Warmed,
    WarmUp,
    decode_request,
    encode,
)
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.rows import batches, describe
from latency_tui.engine.data.standardized import data_for
from latency_tui.engine.library_state import WithState
from latency_tui.engine.protocol import Block, Stage
from latency_tui.errors import LatencyTuiError, SettingsError
from latency_tui.plan import Workload
from latency_tui.plan.candidates import NATIVE

FIRST_CALLS = 100
CHECK_SECONDS = 0.25
"""Time to call with inputs that the warm-up left out: a model may change only some rows in place."""


class Host:
    """One candidate: its model, its inputs, and what it was asked.

    Attributes:
        data: What it was given to learn and to answer.
        model: As it was loaded, fitted or converted.
        method: What is called.
        call: The same, bound to the model.
        inputs: What it is called with, in turn; None before the first call.
        order: Of arrays in memory, C or F.
        rows_per_call: The workload's batch size.
        adapted: The data as the model gets them.
        workload: What the first calls were of.
        first_calls: Nanoseconds of the first that this process ever made, at most 100.
        fresh: Whether these are of what is asked now; else there are none to tell.
        latest: Nanoseconds of the call that was made to see whether it answers.
        origin: Which other version of scikit-learn made the model, to be told when it fails; empty if none is known.
    """

    def __init__(self, data: Data | None, connection: Connection) -> None:
        self._connection = connection
        self._modules = frozenset(sys.modules)
        self.data = data
        self.model: Any = None
        self.method = "predict"
        self.call: Any = None
        self.inputs: CallInputs | None = None
        self.adapted: AdaptedData | None = None
        self.order = "C"
        self.rows_per_call = 1
        self.workload: Workload | None = None
        self.first_calls: list[int] = []
        self.fresh = True
        self.latest = 0
        self.stage: Stage = "loading"
        self.origin = ""
        self._loaded: loading.LoadedModel | None = None
        self._waiting = RunQueueDelay()

    @property
    def stage(self) -> Stage:
        """What it is doing."""
        return self._stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._stage = stage
        if stage == "training":  # which may take longer than loading may
            self._connection.send_bytes(encode(StageBegun(stage=stage)))

    def answer(self, request: Request) -> Reply:
        """Do what is asked; whatever the model raises becomes a reply."""
        try:
            match request:
                case CheckSettings():
                    return self.check_settings(request)
                case Prepare():
                    return self.prepare(request)
                case Score():
                    return self.score(request)
                case FirstCall():
                    return self.first_call(request)
                case RunBlock():
                    return self.run_block(request)
                case WarmUp():
                    return self.warm_up(request)
                case Store():
                    return self.store(request)
                case Adopt():
                    return self.adopt(request)
                case BecomeTemplate():
                    return become_template(request.modules)
                case ForkProcess():
                    return fork_process(self._connection, request, self._serve_beside(request))
        except BaseException as error:  # noqa: BLE001 (a model may raise SystemExit or KeyboardInterrupt too)
            return failure(self.stage, error, self.origin, self.adapted)

    def check_settings(self, request: CheckSettings) -> SettingsChecked:
        """Load, and set the parameters, before any candidate is trained; what is loaded is kept for `prepare`."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = self._load(request)
        self._loaded = replace(loaded, notes=(*loaded.notes, *notes_of(caught)))
        return SettingsChecked()

    def _load(self, request: CheckSettings | Prepare) -> loading.LoadedModel:
        """Return the model with its parameters set, as it was loaded to check these or anew."""
        if (loaded := self._loaded) is None:
            threads = int(request.candidate.settings.get("threads", request.threads))
            loaded = loading.load(request.candidate, request.trust, threads)
            loading.apply_settings(loaded.model, request.candidate.settings)
        self._loaded = None
        self.model, self.origin = loaded.model, loaded.origin
        return loaded

    def _serve_beside(self, request: ForkProcess) -> Callable[[Connection], None]:
        """Return what a process forked from this one does."""
        return lambda theirs: serve(theirs, Path(request.log), self.data, request.parent)

    def prepare(self, request: Prepare) -> Prepared:
        """Load and fit."""
        self.stage = "loading"
        if self.data is None:
            self.data = prepare(request.workload.dataset, request.trust)
        settings = request.candidate.settings
        threads = int(settings.get("threads", request.threads))
        self.order = str(settings.get("order", "C"))
        self.method = request.workload.method
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = self._load(request)
            if not loaded.fitted:
                self.data = data_for(self.data, request.candidate.model)
            self.adapted = adapt_inputs(
                self.data, self.model, settings, fitted=loaded.fitted, workload=request.workload
            )
            limit(threads)
            seconds = None
            if not loaded.fitted:
                self.stage = "training"
                seconds = self._fit()
                limit(threads)  # for what was only loaded by fitting
            self.data = self.adapted.data
        gc.collect()  # what fitting left behind is not to be collected during a call
        return Prepared(
            seconds=seconds,
            notes=(*loaded.notes, *self.adapted.notes, *notes_of(caught)),
            jobs=loading.job_count(self.model),
        )

    def _fit(self) -> float:
        """Fit on the data as adapted, else on one of their other forms; return the seconds that it took."""
        assert self.adapted is not None
        while True:
            data, started = self.adapted.data, time.perf_counter()
            try:
                self.model.fit(data.X_train, data.y_train)
            except Exception as error:
                if not self._adapt_otherwise(error):
                    raise
                self.model = loading.unfitted(self.model)
            else:
                return time.perf_counter() - started

    def _adapt_otherwise(self, error: Exception) -> bool:
        """Take the next form of the data if there is one; return whether there was."""
        assert self.adapted is not None
        if not self.adapted.alternatives or issubclass(type(error), LatencyTuiError):
            return False
        self.adapted = self.adapted.alternatives[0]()
        return True

    def score(self, request: Score) -> Scored:
        """Convert if another runtime is wanted, and score: everything that asks the model before anything is timed."""
        assert self.data is not None
        self.stage = "loading"
        notes: tuple[str, ...] = ()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if request.candidate.runtime != NATIVE:
                settings = request.candidate.settings
                threads = int(settings.get("threads", request.threads))
                converted = convert(request.candidate.runtime, self.model, self.data, threads, settings)
                self.model, self.data, notes = converted.model, converted.data, converted.notes
                self.fresh = False  # it has answered all that is held out by now, to show that it answers the same
            changes = self.inputs is not None and self.inputs.fresh_per_call
            score = loading.score(self.model, copy.deepcopy(self.data) if changes else self.data)
        rows = copy.deepcopy(self.data.X_test) if changes else self.data.X_test
        if note := note_not_finite(self.model, self.method, rows, self.rows_per_call):
            notes = (note, *notes)
        gc.collect()
        return Scored(score=score, notes=(*notes, *notes_of(caught)))

    def first_call(self, request: FirstCall) -> Called:
        """Prepare the inputs, move to the cores and call once."""
        assert self.data is not None
        self.stage = "warm-up"
        if request.pinned:
            machine.pin(request.pinned)
        self.method, self.rows_per_call = request.workload.method, request.workload.batch_size
        check_batch_size(self.model, self.rows_per_call)
        self.call = caller(self.model, self.method)
        notes: tuple[str, ...] = ()
        while True:
            self.inputs = CallInputs(
                batches(self.data.X_test, self.rows_per_call, request.seed, order=self.order), call_value_of(self.model)
            )
            (value,) = self.inputs.values(0, 1)
            try:
                started = time.perf_counter_ns()
                answer = self.call(value)
                elapsed = time.perf_counter_ns() - started
                break
            except Exception as error:
                if not self._adapt_otherwise(error):
                    raise
                assert self.adapted is not None
                self.data, notes = self.adapted.data, self.adapted.notes[-1:]
        self._check(answer)
        loading.check_two_rows(self.model, self.method, self.data.X_test)
        if self.inputs.detect_changes():
            notes = (*notes, "the model changes the rows that it receives, so each call gets a fresh copy")
        self.latest = elapsed
        if self.workload is None and self.fresh:
            self.workload = request.workload
        self.fresh = self.workload == request.workload
        self._keep([elapsed])
        made_up = self.adapted is not None and self.adapted.made_up
        received = describe(self.inputs.rows[0], self.rows_per_call, made_up=made_up)
        return Called(nanoseconds=elapsed, received=received, notes=notes)

    def _check(self, answer: Any) -> None:
        """Refuse an answer that is not one per row; tensors of a fixed size have whatever axes they have."""
        answer = finish_of(self.model)(self.method, answer)
        fixed = self.rows_per_call == 1 or getattr(self.model, "fixed_rows", None) is not None
        free = fixed and getattr(self.model, "tensors", None)
        loading.check(answer, None if free else self.rows_per_call, self.method)

    def warm_up(self, request: WarmUp) -> Warmed:
        """Call until steady."""
        self.stage = "warm-up"
        assert self.inputs is not None
        self.latest = self.latest or self._time(0, 1)[0]
        position = 1

        def run(count: int) -> list[int]:
            nonlocal position
            durations = self._time(position, count)
            position += count
            self._keep(durations)
            return durations

        done = warm_up(run, self.latest, brief=request.brief)
        if not request.brief:
            self._call_the_others(position)
        return Warmed(
            calls=done.calls + 1,
            nanoseconds=done.nanoseconds,
            steady=done.steady,
            first_calls=array("q", self.first_calls if self.fresh else ()).tobytes(),
            call_ns=done.call_ns,
            timer_floor_ns=0.0 if request.brief else timer_floor(),
        )

    def _call_the_others(self, called: int) -> None:
        """Call with the inputs that have not been used yet, as long as `CHECK_SECONDS` last, and look for changes."""
        assert self.inputs is not None
        until = time.perf_counter() + CHECK_SECONDS
        for position in range(called, len(self.inputs)):
            if time.perf_counter() > until:
                break
            self._time(position, 1)
        self.inputs.detect_changes()

    def run_block(self, request: RunBlock) -> BlockDone:
        """Warm the caches again, then time the calls of a block.

        Calls that are thrown away go first in the same loop: whatever stood between them and the timed ones would cool
        what they have warmed. The very first goes alone, for its answer is looked at.
        """
        self.stage = "measuring"
        thrown = request.discard_calls
        begin, *inputs = self._inputs(request.offset - thrown - 1, 1 + thrown + request.calls)
        durations = [NOT_YET] * len(inputs)
        with PauseWatch(durations) as pauses:
            switches, waited = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw, self._waiting.nanoseconds()
            cpu, started = time.process_time_ns(), time.perf_counter_ns()
            answer = self.call(begin)
            first = time.perf_counter_ns() - started
            pauses.forget()
            time_calls(self.call, inputs, durations)
            wall, cpu = time.perf_counter_ns() - started, time.process_time_ns() - cpu
            switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
            waited = self._waiting.nanoseconds() - waited
        self._check(answer)
        discarded, samples = durations[:thrown], durations[thrown:]
        spent = first + sum(discarded)
        share = (wall - spent) / max(wall, 1)  # of the timed calls; the counters cannot be read in between
        block = Block(
            samples=array("q", samples).tobytes(),
            discarded=array("q", [first, *discarded]).tobytes(),
            started_ns=started + spent,
            wall_ns=wall - spent,
            cpu_ns=round(cpu * share),
            switches=switches,
            waited_ns=round(waited * share),
            gc_calls=tuple(call - thrown for call in pauses.calls if call >= thrown),
            gc_ns=tuple(ns for call, ns in zip(pauses.calls, pauses.nanoseconds, strict=True) if call >= thrown),
        )
        return BlockDone(block=block)

    def store(self, request: Store) -> Stored:
        """Write the model and its inputs to a file."""
        self.stage = "cold start"
        assert self.inputs is not None
        with Path(request.path).open("wb") as file:
            file.write(dumps((WithState(self.model, environment=True), self.method)))
            file.write(dumps((self.inputs.rows[: request.most_inputs], self.inputs.fresh_per_call, self.rows_per_call)))
        return Stored(modules=loading.modules_of(self.model), libraries=libraries_since(self._modules))

    def adopt(self, request: Adopt) -> Warmed:
        """Take over the model and the inputs that another process of the same candidate stored, and warm up.

        Where the calls go that warm it up does not matter, so it moves to its cores when it is ready.
        """
        self.stage = "loading"
        self.model, self.method, stored = user_imports.import_with_fallback(lambda: _read_stored(Path(request.path)))
        rows, fresh_per_call, self.rows_per_call = stored
        loading.configure(request.candidate.settings)  # the model has its own with it, converted or not
        limit(int(request.candidate.settings.get("threads", request.threads)), known=True)
        self.call = caller(self.model, self.method)
        self.inputs = CallInputs(rows, call_value_of(self.model), fresh_per_call=fresh_per_call)
        warmed = self.warm_up(WarmUp(brief=True))
        if request.pinned:
            machine.pin(request.pinned)
        return warmed

    def _keep(self, durations: list[int]) -> None:
        if self.fresh:
            self.first_calls.extend(durations[: FIRST_CALLS - len(self.first_calls)])

    def _time(self, offset: int, count: int) -> list[int]:
        durations = [NOT_YET] * count
        time_calls(self.call, self._inputs(offset, count), durations)
        return durations

    def _inputs(self, offset: int, count: int) -> list[Any]:
        assert self.inputs is not None
        return self.inputs.values(offset, count)


def _read_stored(path: Path) -> tuple[Any, str, tuple[list[Any], bool, int]]:
    with path.open("rb") as file:  # written by this engine's own candidate just now
        return (*pickle.load(file), pickle.load(file))  # noqa: S301 (as said)


class RunQueueDelay:
    """Tells how long the thread that made it has stood ready to run while something else had its core.

    The file stays open: to open it takes ten times as long as to read it, twice a block.
    """

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def nanoseconds(self) -> int:
        """Return how long until now; 0 where nobody tells."""
        try:
            return int(os.pread(self._file, 64, 0).split()[1])
        except (OSError, IndexError, ValueError):
            return 0


def failure(stage: Stage, error: BaseException, origin: str = "", adapted: AdaptedData | None = None) -> Failed:
    """Return the reply that says what was raised, and where the model comes from if that may be the reason."""
    message, story = failures.describe(error)
    kind = type(error)  # isinstance would ask the error itself, which a model's own class may answer with an error
    if origin and not issubclass(kind, LatencyTuiError):
        message += f" ({origin})"
    if adapted is not None and adapted.is_guessed and not issubclass(kind, LatencyTuiError | AttributeError):
        message += f"; no data were given, and made-up inputs may not suit this model: {adapted.way_out}"
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
