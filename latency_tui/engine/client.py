"""The client: starts an engine and iterates over its events. It imports little, so a front end starts quickly."""

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
from typing import TYPE_CHECKING

import msgspec

from latency_tui.engine import process_environment
from latency_tui.engine.load_events import LoadStarted
from latency_tui.engine.memory_limit import describe_memory_limit
from latency_tui.engine.message_codec import decode_event, encode
from latency_tui.engine.protocol import (
    Command,
    EngineFailed,
    EngineReady,
    EngineStarted,
    Environment,
    Event,
    Job,
    JobFinished,
    MeasurementStarted,
    Reason,
    Stop,
    StopTraining,
)
from latency_tui.errors import DataError, EngineError

if TYPE_CHECKING:
    from latency_tui.engine.allocation_stall import RefusedMemory

START_SECONDS = 300.0
"""How long the process may take until its first event: importing scikit-learn from a slow disk takes up to a minute."""
START_CHECK_SECONDS = 1.0
"""How often a process that is not ready is checked for an allocation that it retries forever."""
MAX_LINE = 256 * 2**20
LOG_TAIL_BYTES = 4000
_OUT_OF_MEMORY_MESSAGES = ("MemoryError", "Cannot allocate memory", "cannot allocate memory", "failed to map segment")


class Engine:
    """One engine process and the pipes to it.

    The process imports scikit-learn as soon as it starts, so start it before it is needed. It keeps trained candidates
    from job to job. It ends, with everything that it started, when it is closed or when this process ends.

    Args:
        fork: Whether candidates may be forked from the engine. Otherwise, and on systems that cannot fork, each is a
            fresh interpreter, which takes longer to start.
        modules: Folders that may contain a model's module, besides the working directory and Python's own path.

    Attributes:
        environment: The engine's machine and software; None until its first event has been read.
    """

    def __init__(self, *, fork: bool = True, modules: Iterable[Path] = ()) -> None:
        self.environment: Environment | None = None
        self._arguments = [_absolute(folder) for folder in modules]
        self._arguments += [] if fork else ["--spawn"]
        self._folder: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._start_error = ""
        self._log_tail = b""
        self._ready = False
        self._has_sent_event = False
        self._changing = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Engine:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start the process and return at once; does nothing if it runs already.

        Raises:
            EngineError: The system refuses to start a process.
        """
        async with self._changing:
            if self.running:
                return
            try:
                self._remove_folder()  # of a process that was killed: nothing reads it again
                self._folder = tempfile.mkdtemp(prefix="latency-tui-", dir=process_environment.temporary_parent())
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
                    limit=MAX_LINE,
                    start_new_session=True,
                )
            except BaseException as error:  # cancellation too
                self._remove_folder()
                if isinstance(error, OSError):
                    why = error.strerror or error
                    raise EngineError(f"The measuring process could not be started: {why}.") from error
                raise
            self._log_tail, self._ready, self._has_sent_event, self._start_error = b"", False, False, ""
            self._stderr = asyncio.create_task(self._drain_stderr(self._process))
            self._ending = asyncio.create_task(_end_with(self._process))
            if self._starting is not None:
                self._starting.cancel()
            self._starting = asyncio.create_task(self._watch_start(self._process))

    async def ready(self) -> None:
        """Wait until the process has imported the modules that most plans need; call this before it has a job.

        Raises:
            EngineError: The process cannot be started, has ended, or sent an invalid event.
        """
        await self.start()
        while not self._ready:
            event = await self._next()
            if isinstance(event, EngineStarted):
                self.environment = event.environment
            self._ready = isinstance(event, EngineReady)

    async def run(self, command: Job) -> AsyncGenerator[Event, None]:
        """Send a command and yield the events of its job: `EngineStarted` first, `JobFinished` last.

        Events of earlier jobs that were abandoned are dropped. While candidates are pinned, this thread leaves their
        cores.

        Raises:
            EngineError: The process ended, sent an invalid event, or could not do the job.
        """
        await self.start()
        await self._send(command)
        if self.environment is not None:  # the engine sends it once, and every result needs it
            yield EngineStarted(environment=self.environment)
        with _CoreAvoidance() as keep_off:
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
                if isinstance(event, LoadStarted):
                    keep_off.cores(event.cores)
                yield event
                if isinstance(event, JobFinished):
                    return

    async def stop(self, job: str, reason: Reason = "stopped") -> None:
        """Stop a job. Its iterator continues until `JobFinished`, which follows at once."""
        if self.running:
            with contextlib.suppress(EngineError):
                await self._send(Stop(job=job, reason=reason))

    async def stop_training(self, job: str, candidate: str) -> None:
        """Stop the training of one candidate. `CandidateFailed` follows, and the others continue."""
        if self.running:
            with contextlib.suppress(EngineError):
                await self._send(StopTraining(job=job, candidate=candidate))

    async def close(self) -> None:
        """End the process and everything that it started. It may be called at any time, and more than once."""
        async with self._changing:
            process, self._process = self._process, None
            try:
                if process is not None:
                    self._kill(process)
                    await _reap(process)
            finally:
                self._remove_folder()  # here, because a killed process removes nothing
            if self._starting is not None:
                self._starting.cancel()
            if self._ending is not None:
                await asyncio.shield(self._ending)
            if self._stderr is not None:
                self._stderr.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._stderr

    def _remove_folder(self) -> None:
        if self._folder is not None:
            with contextlib.suppress(OSError):
                Path(self._folder).rmdir()  # it is mostly empty, and this works even if no file can be opened
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
                self._has_sent_event = True
                return decode_event(line)
        except (ValueError, msgspec.MsgspecError) as error:
            raise EngineError(f"The measuring process sent an invalid message: {error}.") from error
        raise EngineError(await self._exit_message(process))

    async def _watch_start(self, process: asyncio.subprocess.Process) -> None:
        """Kill a process that cannot become ready; the error that follows is `_start_error`."""
        deadline = time.monotonic() + START_SECONDS
        memory: RefusedMemory | None = None
        while not self._ready and process.returncode is None:
            await asyncio.sleep(min(START_CHECK_SECONDS, START_SECONDS))
            if memory is None:
                from latency_tui.engine.allocation_stall import RefusedMemory  # most processes are ready by now

                memory = RefusedMemory(process.pid)
            if limit := memory.find_limit():
                self._start_error = (
                    f"The measuring process could not start because its memory is limited to {limit}; raise the limit."
                )
            elif not self._has_sent_event and time.monotonic() > deadline:
                self._start_error = (
                    f"The measuring process did not start within {START_SECONDS:g} s; close other programs, or raise "
                    "its memory limit (ulimit -v)."
                )
            if self._start_error:
                self._kill(process)
                return

    async def _exit_message(self, process: asyncio.subprocess.Process) -> str:
        if self._start_error:
            return self._start_error
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1.0)
        if self._stderr is not None:
            await asyncio.wait([self._stderr], timeout=0.2)
        lines = self._log_tail.decode(errors="replace").strip().splitlines()
        code = process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        limit = describe_memory_limit()
        if any(sign in line for sign in _OUT_OF_MEMORY_MESSAGES for line in lines) or (limit and not self._ready):
            advice = f"memory is limited to {limit}; raise the limit" if limit else "close other programs"
            return f"The measuring process ran out of memory ({how}); {advice}."
        return f"The measuring process ended unexpectedly ({how}){': ' + lines[-1] if lines else ''}."

    async def _drain_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(1 << 16):
            self._log_tail = (self._log_tail + chunk)[-LOG_TAIL_BYTES:]


def _absolute(folder: Path) -> str:
    """Return the absolute path of a folder; unchanged if the working directory was deleted."""
    try:
        return str(folder.absolute())
    except FileNotFoundError:
        return str(folder)


@contextlib.contextmanager
def _killing_descendants(leader: int) -> Iterator[None]:
    """Kill, on exit, all processes that descend from an engine now, in any session, except resource trackers."""
    from latency_tui.engine import subreaper  # deferred until after the first frame

    ending = [pid for pid in subreaper.descendants(leader) if not subreaper.is_tracker(pid)]
    yield
    for pid in ending:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


async def _end_with(process: asyncio.subprocess.Process) -> None:
    """End the rest of an engine's session once the engine has ended.

    Candidates notice by themselves, but the processes that they started do not. The end is known once the engine's
    pipes are closed; no candidate or process of a candidate holds one. Resource trackers ignore the first signal, and
    get a moment to remove semaphores and shared memory.
    """
    await process.wait()
    from latency_tui.engine import subreaper  # deferred until after the first frame

    try:
        deadline = time.monotonic() + subreaper.TRACKER_SECONDS
        subreaper.signal_session(process.pid, signal.SIGTERM)
        while subreaper.trackers(process.pid) and time.monotonic() < deadline:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.01)
    finally:
        subreaper.signal_session(process.pid, signal.SIGKILL)


async def _reap(process: asyncio.subprocess.Process) -> None:
    """Wait for a killed process even if this is cancelled meanwhile: otherwise it would stay a zombie."""
    cancelled: asyncio.CancelledError | None = None
    while process.returncode is None:
        try:
            await process.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class _CoreAvoidance:
    """Keeps this thread off the measured cores, and lets it use them again on exit."""

    def __init__(self) -> None:
        self._before: set[int] | None = None

    def cores(self, measured: tuple[int, ...]) -> None:
        if not measured or not hasattr(os, "sched_getaffinity"):
            return
        before = os.sched_getaffinity(0)
        if others := before - set(measured):
            self._before = self._before or before
            os.sched_setaffinity(0, others)

    def __enter__(self) -> _CoreAvoidance:
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, self._before)
