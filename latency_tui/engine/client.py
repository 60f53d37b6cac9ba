"""The client: starts an engine and iterates its events. All that a front end needs of the engine; imports little."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from pathlib import Path

import msgspec

from latency_tui.engine import process_environment
from latency_tui.engine.protocol import (
    Command,
    EngineFailed,
    EngineReady,
    EngineStarted,
    Environment,
    Event,
    JobFinished,
    Measure,
    MeasurementStarted,
    Reason,
    Stop,
    StopTraining,
    Train,
    decode_event,
    encode,
)
from latency_tui.errors import DataError, EngineError

LONGEST_LINE = 256 * 2**20
LOG_TAIL_BYTES = 4000


class Engine:
    """One engine process and the pipes to it.

    The process starts importing scikit-learn as soon as it is started, so start it before it is needed. It keeps
    trained candidates from job to job, and ends with everything it started when it is closed, or when this process
    ends in whatever way.

    Args:
        fork: Whether candidates may be forked from the engine; otherwise each is a fresh interpreter, which takes
            longer and is what happens anyway where processes cannot be forked.
        modules: Folders in which a model's module may lie, besides the working directory and where Python looks.

    Attributes:
        environment: What the engine said of its machine; None until its first event was read.
    """

    def __init__(self, *, fork: bool = True, modules: Iterable[Path] = ()) -> None:
        self.environment: Environment | None = None
        self._arguments = [_absolute(folder) for folder in modules]
        self._arguments += [] if fork else ["--spawn"]
        self._folder: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._log_tail = b""
        self._ready = False
        self._changing = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Engine:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start the process and return at once; a second call does nothing, and after it has ended begins anew.

        Raises:
            EngineError: The system refuses to start a process.
        """
        async with self._changing:
            if self.running:
                return
            try:
                self._remove_folder()  # of one that was killed: what its models printed is not to be read again
                self._folder = tempfile.mkdtemp(prefix="latency-tui-", dir=process_environment.temporary_base())
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",  # the working directory comes last on the path: a stray random.py in it must not hurt
                    "-m",
                    "latency_tui.engine",
                    self._folder,
                    *self._arguments,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LONGEST_LINE,
                    start_new_session=True,
                )
            except BaseException as error:  # given up meanwhile, too
                self._remove_folder()
                if isinstance(error, OSError):
                    why = error.strerror or error
                    raise EngineError(f"The measuring process could not be started: {why}.") from error
                raise
            self._log_tail, self._ready = b"", False
            self._stderr = asyncio.create_task(self._drain_stderr(self._process))
            self._ending = asyncio.create_task(_end_with(self._process))

    async def ready(self) -> None:
        """Wait until the process has imported what most plans need; to be asked before it has a job.

        Raises:
            EngineError: The process cannot be started, ended, or spoke rubbish.
        """
        await self.start()
        while not self._ready:
            event = await self._next()
            if isinstance(event, EngineStarted):
                self.environment = event.environment
            self._ready = isinstance(event, EngineReady)

    async def run(self, command: Train | Measure) -> AsyncGenerator[Event, None]:
        """Send a command and yield the events of its job: `EngineStarted` first, `JobFinished` last.

        Events of jobs that were given up before are dropped. While candidates are pinned, this thread keeps off
        their cores.

        Raises:
            EngineError: The process ended, spoke rubbish, or could not do the job at all.
        """
        await self.start()
        await self._send(command)
        if self.environment is not None:  # said once by the engine, and part of every result
            yield EngineStarted(environment=self.environment)
        with _KeepOff() as keep_off:
            while True:
                event = await self._next()
                if isinstance(event, EngineReady):
                    self._ready = True
                    continue
                if isinstance(event, EngineStarted):
                    self.environment = event.environment
                    yield event
                    continue
                if event.job != command.job:
                    continue
                if isinstance(event, EngineFailed):
                    if event.data:
                        raise DataError(event.message)
                    raise EngineError(f"The plan could not be carried out: {event.message}")
                if isinstance(event, MeasurementStarted):
                    keep_off.cores(event.pinned)
                yield event
                if isinstance(event, JobFinished):
                    return

    async def stop(self, job: str, reason: Reason = "stopped") -> None:
        """Ask for the end of a job; its iterator goes on until `JobFinished`, which follows at once."""
        if self.running:
            with contextlib.suppress(EngineError):
                await self._send(Stop(job=job, reason=reason))

    async def stop_training(self, job: str, candidate: str) -> None:
        """Ask for the end of one candidate's training; `CandidateFailed` says so, and the others go on."""
        if self.running:
            with contextlib.suppress(EngineError):
                await self._send(StopTraining(job=job, candidate=candidate))

    async def close(self) -> None:
        """End the process and everything that it started. May be called at any time, and again."""
        async with self._changing:
            process, self._process = self._process, None
            try:
                if process is not None:
                    self._kill(process)
                    await _reap(process)
            finally:
                self._remove_folder()  # here, for a killed process removes nothing
            if self._ending is not None:
                await asyncio.shield(self._ending)
            if self._stderr is not None:
                self._stderr.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._stderr

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @staticmethod
    def _kill(process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is not None:
            return
        with _killing_descendants(process.pid), contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _send(self, command: Command) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise EngineError("The measuring process is not running.")
        try:
            process.stdin.write(encode(command))
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EngineError(await self._exit_message(process)) from error

    async def _next(self) -> Event:
        process = self._process
        if process is None or process.stdout is None:
            raise EngineError("The measuring process is not running.")
        try:
            line = await process.stdout.readline()
            if line.endswith(b"\n"):
                return decode_event(line)
        except (ValueError, msgspec.MsgspecError) as error:
            raise EngineError(f"The measuring process said something that makes no sense: {error}.") from error
        raise EngineError(await self._exit_message(process))

    async def _exit_message(self, process: asyncio.subprocess.Process) -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1.0)
        if self._stderr is not None:
            await asyncio.wait([self._stderr], timeout=0.2)
        said = self._log_tail.decode(errors="replace").strip().splitlines()
        code = process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"The measuring process ended unexpectedly ({how}){': ' + said[-1] if said else ''}."

    async def _drain_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(1 << 16):
            self._log_tail = (self._log_tail + chunk)[-LOG_TAIL_BYTES:]


def _absolute(folder: Path) -> str:
    """Return the whole path of a folder; what is relative to a working directory that was deleted stays as it is."""
    try:
        return str(folder.absolute())
    except FileNotFoundError:
        return str(folder)


@contextlib.contextmanager
def _killing_descendants(leader: int) -> Iterator[None]:
    """Kill, in the end, what descends from an engine now, of its session or another one, but no tracker."""
    from latency_tui.engine import subreaper  # not before there is something on the screen

    ending = [pid for pid in subreaper.descendants(leader) if not subreaper.is_tracker(pid)]
    yield
    for pid in ending:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


async def _end_with(process: asyncio.subprocess.Process) -> None:
    """End what is left of an engine's session once it has ended: candidates notice, but not what they started.

    That it has is known once its pipes are closed, and no candidate, nor what it starts, holds one of these. Trackers
    of semaphores and shared memory let the first signal pass, and have a moment to remove these.
    """
    await process.wait()
    from latency_tui.engine import subreaper  # not before there is something on the screen

    try:
        deadline = time.monotonic() + subreaper.PATIENCE
        subreaper.signal_session(process.pid, signal.SIGTERM)
        while subreaper.trackers(process.pid) and time.monotonic() < deadline:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.01)
    finally:
        subreaper.signal_session(process.pid, signal.SIGKILL)


async def _reap(process: asyncio.subprocess.Process) -> None:
    """Wait for a killed process, however often this is cancelled meanwhile: outliving the loop, it stays a zombie."""
    cancelled: asyncio.CancelledError | None = None
    while process.returncode is None:
        try:
            await process.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class _KeepOff:
    """Keeps this thread off the cores that something is measured on, and lets it back in the end."""

    def __init__(self) -> None:
        self._before: set[int] | None = None

    def cores(self, measured: tuple[int, ...]) -> None:
        if not measured or not hasattr(os, "sched_getaffinity"):
            return
        before = os.sched_getaffinity(0)
        if others := before - set(measured):
            self._before = self._before or before
            os.sched_setaffinity(0, others)

    def __enter__(self) -> _KeepOff:
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, self._before)
