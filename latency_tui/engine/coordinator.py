"""The engine process: starts the candidates' processes, decides whose turn it is, and says what happened.

One thread, one loop: whatever it waits for, it hears commands too, so that a stop takes effect at once and the end of
its standard input ends everything.
"""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from pathlib import Path
from typing import TypeVar

import msgspec

from latency_tui.engine import machine
from latency_tui.engine.candidate import CAN_FORK, CandidateProcess
from latency_tui.engine.dataset import Data, prepare, rows_of
from latency_tui.engine.host import last_line
from latency_tui.engine.host_protocol import (
    BlockDone,
    Called,
    Failed,
    FirstCall,
    Prepare,
    Prepared,
    Reply,
    RunBlock,
    Warmed,
    WarmUp,
)
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    Cause,
    Command,
    DatasetPrepared,
    EngineFailed,
    EngineStarted,
    Event,
    JobFinished,
    Measure,
    MeasurementStarted,
    Reason,
    RoundFinished,
    Stage,
    Stop,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
    decode_command,
    encode,
)
from latency_tui.engine.turns import orders, schedule
from latency_tui.plan import Candidate, Dataset, Plan, SyntheticDataset

POLL_SECONDS = 0.05
FLUSH_SECONDS = 0.1
GRACE_SECONDS = 0.1
TRAINING_TIMEOUT = float("inf")  # training may take hours; `escape` ends it
WARM_UP_SECONDS = 5.0
DISCARD_CALLS = 5
DISCARD_NS = 800_000

R = TypeVar("R", bound=Reply)


class JobStopped(Exception):  # noqa: N818 (not an error: it ends a job from within)
    """The client asked to stop."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason


class InputClosed(Exception):  # noqa: N818 (as above)
    """The client is gone."""


class CandidateLost(Exception):  # noqa: N818 (as above)
    """A candidate failed; what happened has been said."""


class Coordinator:
    """The engine's one loop.

    Args:
        commands: Descriptor that commands are read from.
        events: Descriptor that events are written to.
        fork: Whether candidates are forked from this process or started afresh.
    """

    def __init__(self, commands: int, events: int, *, fork: bool = CAN_FORK) -> None:
        self._commands = commands
        self._events = events
        self._fork = fork
        self._unread = b""
        self._queue: deque[Command] = deque()
        self._unsent: list[bytes] = []
        self._sent_at = 0.0
        self._job = ""
        self._settled: Reason | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="latency-tui-")
        self._hosts: dict[str, CandidateProcess] = {}
        self._known: dict[str, Candidate] = {}
        self._dataset: Dataset | None = None
        self._threads = 0
        self._data: Data | None = None
        self._logs = 0
        self._memory_limit = 0
        self._cores = machine.allowed_cores()
        self._load = machine.CoreLoad()

    # --- commands and events --------------------------------------------------------------------------------------

    def serve(self, started: Callable[[], None]) -> None:
        """Work until standard input closes. `started` is called once the client has been greeted."""
        try:
            self._say(EngineStarted(environment=machine.describe()))
            self._flush()
            started()
            while True:
                self._do(self._next_command())
        except InputClosed:
            return
        finally:
            for process in self._hosts.values():
                process.end()
            self._folder.cleanup()

    def _do(self, command: Command) -> None:
        if isinstance(command, Stop):
            return  # of a job that is over
        self._job, self._settled = command.job, None
        reason: Reason = "completed"
        try:
            self._prepare(command.plan)
            if isinstance(command, Measure):
                reason = self._measure(command.plan, command.launch)
        except JobStopped as stopped:
            reason = stopped.reason
        except InputClosed:
            raise
        except Exception as error:  # noqa: BLE001 (a dataset that cannot be made, a bug: said, and the engine lives on)
            self._say(EngineFailed(job=self._job, message=last_line(error), traceback=traceback.format_exc()))
        self._say(JobFinished(job=self._job, reason=reason))
        self._flush()

    def _next_command(self) -> Command:
        while not self._queue:
            wait([self._commands])
            self._listen()
        return self._queue.popleft()

    def _listen(self) -> None:
        """Read what stands at the input and queue the commands in it."""
        read = os.read(self._commands, 1 << 16)
        if not read:
            raise InputClosed
        *lines, self._unread = (self._unread + read).split(b"\n")
        self._queue.extend(decode_command(line) for line in lines if line)

    def _heed_stops(self) -> None:
        for command in list(self._queue):
            if isinstance(command, Stop):
                self._queue.remove(command)
                if command.job != self._job:
                    continue
                if command.reason == "stopped":
                    raise JobStopped(command.reason)
                self._settled = command.reason

    def _say(self, event: Event) -> None:
        self._unsent.append(encode(event))

    def _flush(self, *, at_most_every: float = 0.0) -> None:
        now = time.monotonic()
        if now - self._sent_at < at_most_every:
            return
        self._sent_at = now
        waiting, self._unsent = memoryview(b"".join(self._unsent)), []
        while waiting:
            waiting = waiting[os.write(self._events, waiting) :]

    # --- getting ready --------------------------------------------------------------------------------------------

    def _prepare(self, plan: Plan) -> None:
        """Make the dataset and get every candidate ready, several at once where there are cores."""
        self._memory_limit = plan.memory_limit or int(machine.free_memory() * machine.MEMORY_SHARE)
        if plan.workload.dataset != self._dataset or plan.threads != self._threads:
            self._forget(list(self._hosts))
            self._data = None
            self._dataset, self._threads = plan.workload.dataset, plan.threads
        self._forget([slug for slug, process in self._hosts.items() if not process.ready])
        self._forget([c.slug for c in plan.candidates if self._known.get(c.slug, c) != c])
        missing = deque(candidate for candidate in plan.candidates if candidate.slug not in self._hosts)
        if not missing:
            return
        self._flush()
        if self._data is None and self._fork and isinstance(self._dataset, SyntheticDataset):
            self._data = prepare(self._dataset)
        if self._data is not None:
            rows, columns = self._data.X_train.shape
            self._say(
                DatasetPrepared(
                    job=self._job, training_rows=rows, test_rows=rows_of(self._data.X_test), features=columns
                )
            )
        at_once = max(1, len(self._cores) or os.cpu_count() or 1)
        training: list[CandidateProcess] = []
        try:
            while missing or training:
                while missing and len(training) < at_once:
                    training.append(self._begin_training(missing.popleft()))
                self._flush()
                for process in self._ready(training):
                    training.remove(process)
                    self._finish_training(process)
        except JobStopped:
            self._forget([process.slug for process in training])
            raise

    def _begin_training(self, candidate: Candidate) -> CandidateProcess:
        self._logs += 1
        log = Path(self._folder.name) / f"{self._logs}.log"
        process = CandidateProcess(candidate.slug, log, self._data, fork=self._fork)
        self._hosts[candidate.slug], self._known[candidate.slug] = process, candidate
        assert self._dataset is not None
        process.ask(
            Prepare(candidate=candidate, dataset=self._dataset, threads=self._threads), "training", TRAINING_TIMEOUT
        )
        self._say(TrainingStarted(job=self._job, candidate=candidate.slug))
        return process

    def _finish_training(self, process: CandidateProcess) -> None:
        try:
            done = self._expect(process, Prepared)
        except CandidateLost:
            return
        process.ready = True
        self._say(
            TrainingFinished(
                job=self._job, candidate=process.slug, seconds=done.seconds, score=done.score, notes=done.notes
            )
        )

    def _forget(self, slugs: Iterable[str]) -> None:
        for slug in slugs:
            self._known.pop(slug, None)
            if process := self._hosts.pop(slug, None):
                process.end()

    # --- measuring ------------------------------------------------------------------------------------------------

    def _measure(self, plan: Plan, launch: int) -> Reason:
        pinned = machine.cores_for(plan, self._cores, self._load)
        if pinned and (others := set(self._cores) - set(pinned)):
            os.sched_setaffinity(0, others)
        try:
            call_seconds, floor = self._warm_up(plan, launch, pinned)
            if not call_seconds:
                return "nothing left to measure"
            return self._run_rounds(plan, launch, pinned, call_seconds, floor)
        finally:
            if pinned:
                os.sched_setaffinity(0, self._cores)

    def _warm_up(self, plan: Plan, launch: int, pinned: tuple[int, ...]) -> tuple[dict[str, float], float]:
        call_seconds: dict[str, float] = {}
        floors: list[float] = []
        for candidate in plan.candidates:
            process = self._hosts.get(candidate.slug)
            if process is None:
                continue
            try:
                first = FirstCall(workload=plan.workload, seed=plan.seed, pinned=pinned or self._cores)
                called = self._ask(process, first, Called, "warm-up", plan.call_timeout)
                patience = plan.call_timeout + max(WARM_UP_SECONDS, 20 * called.nanoseconds / 1e9)
                warmed = self._ask(process, WarmUp(), Warmed, "warm-up", patience)
            except CandidateLost:
                continue
            call_seconds[candidate.slug] = warmed.call_ns / 1e9
            floors.append(warmed.timer_floor_ns)
            self._say(
                WarmUpFinished(
                    job=self._job,
                    launch=launch,
                    candidate=candidate.slug,
                    calls=warmed.calls,
                    seconds=warmed.nanoseconds / 1e9,
                    steady=warmed.steady,
                    first_calls=warmed.first_calls,
                    call_seconds=warmed.call_ns / 1e9,
                )
            )
            self._flush(at_most_every=FLUSH_SECONDS)
        return call_seconds, sorted(floors)[len(floors) // 2] if floors else 0.0

    def _run_rounds(
        self, plan: Plan, launch: int, pinned: tuple[int, ...], call_seconds: dict[str, float], floor: float
    ) -> Reason:
        cut = schedule(plan, call_seconds)
        self._say(
            MeasurementStarted(
                job=self._job,
                launch=launch,
                rounds=cut.rounds,
                calls={slug: sum(sizes) for slug, sizes in cut.calls.items()},
                seconds=cut.seconds,
                timer_floor_ns=floor,
                pinned=pinned,
            )
        )
        self._flush()
        running, offset, began = set(call_seconds), 0, time.monotonic()
        for number, order in enumerate(orders(list(call_seconds), cut.rounds, f"{plan.seed}/{launch}")):
            for position, slug in enumerate(name for name in order if name in running):
                size = cut.calls[slug][number]
                request = RunBlock(calls=size, offset=offset, discard_calls=DISCARD_CALLS, discard_ns=DISCARD_NS)
                patience = plan.call_timeout + 10 * (size + DISCARD_CALLS) * call_seconds[slug]
                try:
                    done = self._ask(self._hosts[slug], request, BlockDone, "measuring", patience)
                except CandidateLost:
                    running.discard(slug)
                    continue
                self._say(_block_measured(self._job, launch, number, position, slug, done))
                self._flush(at_most_every=2 * FLUSH_SECONDS)
            offset += max(cut.calls[slug][number] for slug in order)
            left = (time.monotonic() - began) / (number + 1) * (cut.rounds - number - 1)
            self._say(RoundFinished(job=self._job, launch=launch, round=number, rounds=cut.rounds, seconds_left=left))
            self._flush(at_most_every=FLUSH_SECONDS)
            self._glance()
            if self._settled:
                return self._settled
            if not running:
                return "nothing left to measure"
        return "completed"

    # --- asking and waiting ---------------------------------------------------------------------------------------

    def _ask(
        self,
        process: CandidateProcess,
        request: FirstCall | WarmUp | RunBlock,
        kind: type[R],
        stage: Stage,
        timeout: float,
    ) -> R:
        process.ask(request, stage, timeout)
        try:
            while not self._ready([process]):
                pass
        except JobStopped:
            if wait([process.connection], GRACE_SECONDS):
                process.reply()
            else:  # in the middle of a long call
                self._forget([process.slug])
            raise
        return self._expect(process, kind)

    def _expect(self, process: CandidateProcess, kind: type[R]) -> R:
        """Return the reply that has come; anything else ends the candidate, says so, and raises `CandidateLost`."""
        if process.slug not in self._hosts:
            raise CandidateLost
        reply = process.reply()
        if isinstance(reply, kind):
            return reply
        if isinstance(reply, Failed):
            process.stage = reply.stage
            self._lose(process, "raised", reply.message, reply.traceback)
        else:
            self._lose(process, "crashed", process.fate(), process.last_words())
        raise CandidateLost

    def _lose(self, process: CandidateProcess, cause: Cause, message: str, story: str) -> None:
        self._say(
            CandidateFailed(
                job=self._job,
                candidate=process.slug,
                stage=process.stage,
                message=message,
                traceback=story,
                cause=cause,
            )
        )
        self._forget([process.slug])

    def _ready(self, processes: list[CandidateProcess]) -> list[CandidateProcess]:
        """Wait a moment; return those that replied or ended, having ended those that hang or fill the memory."""
        found = wait([self._commands, *(process.connection for process in processes)], POLL_SECONDS)
        if self._commands in found:
            self._listen()
            self._heed_stops()
        ready = [process for process in processes if process.connection in found]
        if not found:
            self._flush()
            ready += self._end_the_unruly(processes)
        return ready

    def _end_the_unruly(self, processes: list[CandidateProcess]) -> list[CandidateProcess]:
        now, ended = time.monotonic(), []
        short = machine.free_memory() < (1 - machine.MEMORY_SHARE) / 4 * self._memory_limit
        largest = max((process.resident_bytes() for process in processes), default=0)
        for process in processes:
            resident = process.resident_bytes()
            if now > process.deadline:
                patience = f"{process.timeout:.3g} s"
                self._lose(process, "timed out", f"did not answer within {patience}", process.last_words())
                ended.append(process)
            elif resident > self._memory_limit or (short and resident == largest):
                taken = f"{resident / 2**30:.2g} GiB"
                self._lose(process, "memory", f"took {taken} of memory and was stopped", process.last_words())
                ended.append(process)
        return ended

    def _glance(self) -> None:
        """Hear commands without waiting."""
        if wait([self._commands], 0):
            self._listen()
            self._heed_stops()


def _block_measured(job: str, launch: int, number: int, position: int, slug: str, done: BlockDone) -> BlockMeasured:
    fields = msgspec.structs.asdict(done)
    return BlockMeasured(job=job, launch=launch, round=number, position=position, candidate=slug, **fields)
