"""The supervisor: starts the candidates' processes, asks them, watches their time and memory, and ends them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

from latency_tui.engine import machine, process_environment, subreaper
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate_protocol import Failed, Reply, Request
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.protocol import CandidateFailed, Cause, Stage
from latency_tui.engine.server.candidate_process import CandidateProcess, Interpreter, shorten_log
from latency_tui.engine.server.channel import POLL_SECONDS, Channel, JobStopped
from latency_tui.engine.server.fork_servers import ForkServers
from latency_tui.engine.server.interpreters import Interpreters
from latency_tui.errors import EngineError

GRACE_SECONDS = 0.1
"""How long a busy process may take to reply when the job is stopped, before it is ended."""

SUSPENDED_SECONDS = 1.0
"""A wait that takes this much longer than asked for means that the machine or its processes were suspended."""

R = TypeVar("R", bound=Reply)


class CandidateLost(Exception):  # noqa: N818 (not an error: `CandidateFailed` has been sent)
    """A candidate has failed, and its processes have been ended."""


class Supervisor:
    """The processes of the candidates, by slug.

    It knows nothing about models or plans: `Training` decides what the processes are asked to get ready, the
    coordinator what they are asked to measure.

    Args:
        channel: Commands are read from it while a process is awaited.
        folder: A private folder for the logs and stored models of the candidates.
        context: What processes share with the engine.
        fork: Whether processes are forked from this one or started as fresh interpreters.

    Attributes:
        job: The job that events are sent for.
        max_parallel: How many processes there are cores for.
        fork_servers: Processes from which replicas are forked.
        interpreters: The other interpreters under which candidates run.
        context: What processes share with the engine.
    """

    def __init__(self, channel: Channel, folder: Path, context: ProcessContext, *, fork: bool) -> None:
        self.job = ""
        self.max_parallel = max(1, len(machine.allowed_cores()) or os.cpu_count() or 1)
        self.interpreters = Interpreters(channel, lambda: self.folder, context, fork=fork)
        self.fork_servers = ForkServers(channel, self._launch, context, fork=fork)
        self.context = context
        self._channel = channel
        self._folder = folder
        self._fork = fork
        self._processes: dict[str, CandidateProcess] = {}
        self._failed: set[str] = set()
        self._memory_limit = 0
        self._logs = 0

    def __contains__(self, slug: str) -> bool:
        return slug in self._processes

    @property
    def folder(self) -> Path:
        """A folder that only this user can read, removed with the engine; it is created again if it is missing.

        Raises:
            EngineError: It cannot be created.
        """
        try:
            process_environment.make_private_folder(self._folder)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise EngineError(f"{self._folder} cannot be created: {why}; set TMPDIR to another folder") from error
        return self._folder

    def begin_job(self, job: str, memory_limit: int) -> None:
        """Begin a job: candidates that failed before may be tried again.

        Args:
            job: Name of the job.
            memory_limit: Bytes that each process may take.
        """
        self.job, self._memory_limit = job, memory_limit
        self._failed.clear()

    def has_failed(self, slug: str) -> bool:
        """Return whether a candidate has failed in this job."""
        return slug in self._failed

    def process(self, slug: str) -> CandidateProcess | None:
        """Return the first process of a candidate, the one that was trained; None if it has ended."""
        return self._processes.get(slug)

    def replicas(self, slug: str) -> list[CandidateProcess]:
        """Return the replicas of a candidate. Replicas that were prepared anew are not warm: they have no inputs."""
        return self._processes[slug].replicas

    def processes(self, slug: str) -> list[CandidateProcess]:
        """Return all processes of a candidate; none if it has ended."""
        process = self._processes.get(slug)
        return [] if process is None else [process, *process.replicas]

    def job_count(self, slug: str) -> int:
        """Return how many jobs a candidate's model runs at once; 0 for one per core."""
        return self._processes[slug].jobs if slug in self else 1

    # --- start --------------------------------------------------------------------------------------------------------

    def start(self, slug: str, data: Data | None, interpreter: Interpreter | None = None) -> CandidateProcess:
        """Start the first process of a candidate.

        Args:
            slug: The candidate's slug.
            data: The dataset that the process inherits if it is forked from this one.
            interpreter: The interpreter that it runs under; None for that of the engine.

        Raises:
            OSError: There is no process, memory or descriptor left.
        """
        self._logs += 1
        log = self.folder / f"{self._logs}.log"
        process = self._processes[slug] = self._launch(slug, log, interpreter, data)
        return process

    def _launch(
        self, slug: str, log: Path, interpreter: Interpreter | None, data: Data | None = None
    ) -> CandidateProcess:
        """Start a process: forked from this one, or from one of its interpreter, or a fresh one.

        Raises:
            OSError: There is no process, memory or descriptor left.
        """
        if interpreter is None:
            return CandidateProcess(slug, log, data, self.context, fork=self._fork)
        if parent := self.interpreters.parent(interpreter, log):
            with contextlib.suppress(OSError):
                return CandidateProcess(slug, log, None, self.context, fork_server=parent, interpreter=interpreter)
        return CandidateProcess(slug, log, None, self.context, interpreter=interpreter)

    def refuse(self, slug: str, message: str) -> None:
        """Report that a candidate cannot be started, because of its settings."""
        self._failed.add(slug)
        self._channel.send(
            CandidateFailed(job=self.job, candidate=slug, stage="loading", message=message, cause="settings")
        )

    def start_replica(self, slug: str, request: Request, timeout: float) -> CandidateProcess:
        """Start a replica of a candidate's process and send it a request.

        Raises:
            OSError: There is no process, memory or descriptor left.
        """
        process = self._processes[slug]
        replica = self.fork_servers.fork(process)
        replica = replica or self._launch(slug, process.log, process.interpreter, process.data)
        replica.ask(request, "loading", timeout)
        process.replicas.append(replica)
        return replica

    # --- ask and wait -------------------------------------------------------------------------------------------------

    def ask(
        self, slug: str, request: Request, kind: type[R], stage: Stage, timeout: float, *, replica: int | None = None
    ) -> R:
        """Send a request to a candidate, or to one of its replicas, and return the reply.

        Args:
            slug: The candidate's slug.
            request: What is asked.
            kind: Type of the reply.
            stage: What the candidate is doing meanwhile.
            timeout: Seconds after which it counts as hung.
            replica: Number of the replica, modulo how many there are; None for the first process.

        Raises:
            CandidateLost: It raised, crashed, hung or filled the memory. `CandidateFailed` was sent, and it was ended.
            JobStopped: The client stopped the job. A candidate in a long call was ended for that.
        """
        process = self._processes[slug]
        if replica is not None and process.replicas:
            process = process.replicas[replica % len(process.replicas)]
        process.ask(request, stage, timeout)
        self.wait_for(process)
        shorten_log(process.log)
        return self.expect(process, kind)

    def wait_for(self, process: CandidateProcess) -> None:
        """Wait until a process has replied or ended.

        Raises:
            JobStopped: The client stopped the job. If the reply comes at once it is read, so that the next request
                gets its own reply; a candidate in a long call is ended.
        """
        try:
            while not self.ready([process]):
                pass
        except JobStopped:
            if process.connection.poll(GRACE_SECONDS):
                process.reply()
            elif process is self._processes.get(process.slug):
                self.end([process.slug])
            raise

    def ready(self, processes: list[CandidateProcess], poll_seconds: float = POLL_SECONDS) -> list[CandidateProcess]:
        """Wait a moment, end the processes that hang or fill the memory, and return those that replied or ended.

        Time in which this process was suspended does not count as time in which the others hang.
        """
        began = time.monotonic()
        found = self._channel.wait([process.connection for process in processes], poll_seconds)
        if (suspended := time.monotonic() - began - poll_seconds) > SUSPENDED_SECONDS:
            for process in processes:
                process.deadline += suspended
        if stopped := [
            process for process in processes if self._channel.is_stop_requested(process.slug) and not process.ready
        ]:
            for process in stopped:
                if process.slug in self:
                    self.mark_failed(process, "stopped", f"{process.stage} was stopped", "")
            return stopped
        if found:
            return [process for process in processes if process.connection in found and process.receive()]
        self._channel.flush()
        for process in processes:
            shorten_log(process.log)
        return [process for process in processes if self._check_health(process, processes)]

    def expect(self, process: CandidateProcess, *kinds: type[R]) -> R:
        """Return the reply that has come.

        Raises:
            CandidateLost: It is of no expected type. `CandidateFailed` was sent, and the candidate was ended.
        """
        if process.slug not in self:
            raise CandidateLost
        reply = process.reply()
        if isinstance(reply, kinds):
            return reply
        if isinstance(reply, Failed):
            process.stage = reply.stage
            self.mark_failed(process, "settings" if reply.settings else "raised", reply.message, reply.traceback)
        else:
            if reply is not None:
                process.break_protocol()
            self.mark_failed(process, "crashed", process.exit_reason(), process.log_tail())
        raise CandidateLost

    # --- failures -----------------------------------------------------------------------------------------------------

    def _check_health(self, process: CandidateProcess, running: list[CandidateProcess]) -> bool:
        """End a process that hangs or fills the memory; return whether it has ended, for this or another reason."""
        if process.slug not in self:
            return True
        if process.has_ended():
            self.mark_failed(process, "crashed", process.exit_reason(), process.log_tail())
            return True
        if process.is_late():
            self.mark_failed(process, "timed out", _timeout_message(process), process.log_tail())
            return True
        if limit := process.refused_memory.find_limit():
            message = f"made no progress because its memory is limited to {limit}, and was ended; raise the limit"
            self.mark_failed(process, "memory", message, process.log_tail())
            return True
        resident = process.resident_bytes()
        short = machine.free_memory() < (1 - machine.MEMORY_SHARE) / 4 * self._memory_limit
        if resident > self._memory_limit or (short and resident == max(p.resident_bytes() for p in running)):
            taken = f"{resident / 2**30:.2g} GiB"
            self.mark_failed(process, "memory", f"took {taken} of memory and was stopped", process.log_tail())
            return True
        return False

    def mark_failed(self, process: CandidateProcess, cause: Cause, message: str, traceback: str) -> None:
        """Report that a candidate failed in one of its processes, and end all of them."""
        self._failed.add(process.slug)
        self._channel.send(
            CandidateFailed(
                job=self.job,
                candidate=process.slug,
                stage=process.stage,
                message=message,
                traceback=traceback,
                cause=cause,
            )
        )
        self.end([process.slug])

    def fail(self, slug: str, cause: Cause, message: str, traceback: str = "") -> NoReturn:
        """Report that a candidate failed at its cold start, which runs in another process, and end it.

        Raises:
            CandidateLost: Always.
        """
        process = self._processes[slug]
        process.stage = "cold start"
        self.mark_failed(process, cause, message, traceback)
        raise CandidateLost

    # --- end ----------------------------------------------------------------------------------------------------------

    def end(self, slugs: Iterable[str]) -> None:
        """End all processes of some candidates; slugs without a process are skipped."""
        for slug in slugs:
            if process := self._processes.pop(slug, None):
                process.end()
                self.end_orphans()

    def end_unready(self) -> None:
        """End the candidates whose training was not completed."""
        self.end([slug for slug, process in self._processes.items() if not process.ready])

    def end_all(self) -> None:
        """End all candidates."""
        self.end(list(self._processes))
        self.interpreters.end()

    def end_replicas(self) -> None:
        """End all replicas of all candidates."""
        for process in self._processes.values():
            for replica in process.replicas:
                replica.kill()
        for process in self._processes.values():
            process.end_replicas()
        self.end_orphans()

    def end_orphans(self) -> None:
        """End orphans of models, which would take cores and memory from the measurement."""
        processes = self._processes.values()
        own = {process.pid for one in processes for process in (one, *one.replicas)}
        subreaper.end_orphans(own | self.fork_servers.pids | self.interpreters.pids)


def _timeout_message(process: CandidateProcess) -> str:
    match process.stage:
        case "training":
            return f"training took longer than {process.timeout:.3g} s and was ended"
        case "loading" if not process.ready:
            return f"loading took longer than {process.timeout:.3g} s and was ended"
    return f"did not answer within {process.timeout:.3g} s"
