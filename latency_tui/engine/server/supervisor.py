"""The supervisor: the candidates' processes, from their start through training to their end; all ask them here."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

from latency_tui.catalog.named_models import is_built_in
from latency_tui.engine import machine, process_environment, subreaper
from latency_tui.engine.candidate_protocol import (
    BecomeTemplate,
    Called,
    CheckSettings,
    Failed,
    FirstCall,
    Prepare,
    Prepared,
    Reply,
    Request,
    Score,
    Scored,
    SettingsChecked,
    TemplateReady,
)
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.rows import rows_of
from latency_tui.engine.data.standardized import check_columns, standardised
from latency_tui.engine.data.targets import check_targets
from latency_tui.engine.protocol import (
    CandidateFailed,
    Cause,
    DatasetPrepared,
    Stage,
    TrainingFinished,
    TrainingStarted,
)
from latency_tui.engine.server.candidate_process import CandidateProcess, shorten_log
from latency_tui.engine.server.channel import Channel, JobStopped
from latency_tui.plan import Candidate, Plan, StoredDataset, Trust, Workload
from latency_tui.plan.candidates import NATIVE

POLL_SECONDS = 0.05
GRACE_SECONDS = 0.1
CONVERSION_SECONDS = 60.0
CONVERSION_CALLS = 10
LOADING_SECONDS = 60.0
"""That loading a model and what it imports may take, besides the time that a call may take."""
MOST_ROWS = 10_000

R = TypeVar("R", bound=Reply)


class CandidateLost(Exception):  # noqa: N818 (not an error: what happened has been said)
    """A candidate failed."""


class Supervisor:
    """The candidates that are there, by slug.

    Args:
        channel: Where commands are heard while a candidate is waited for.
        folder: A folder that only this user can read, for what candidates print and store.
        fork: Whether candidates are forked from this process or started afresh.

    Attributes:
        max_parallel: How many processes there are cores for.
    """

    def __init__(self, channel: Channel, folder: Path, *, fork: bool) -> None:
        self._channel = channel
        self._fork = fork
        self._folder = folder
        self._processes: dict[str, CandidateProcess] = {}
        self._candidates: dict[str, Candidate] = {}
        self._fingerprints: dict[str, object] = {}
        self._workload: Workload | None = None
        self._data_fingerprint: object = None
        self._trust = Trust()
        self._data: Data | None = None
        self.max_parallel = max(1, len(machine.allowed_cores()) or os.cpu_count() or 1)
        self._threads = 0
        self._logs = 0
        self._memory_limit = 0
        self._job = ""
        self._lost: set[str] = set()
        self._templates: dict[frozenset[str], CandidateProcess] = {}
        self._call_timeout = 0.0
        self._training_timeout = float("inf")

    def __contains__(self, slug: str) -> bool:
        return slug in self._processes

    @property
    def folder(self) -> Path:
        """A folder that only this user can read, and which goes with the engine; made again if it was removed.

        Raises:
            OSError: It cannot be made.
        """
        process_environment.make_private(self._folder)
        return self._folder

    def close(self) -> None:
        """End every process."""
        self._forget(list(self._processes))

    def prepare(self, plan: Plan, job: str, *, is_continuation: bool = False) -> None:
        """Make the dataset and get every candidate of the plan ready, several at once where there are cores.

        Those that are ready already are left alone; those that fail are told and left out.

        Args:
            plan: Says which.
            job: Whose events they are.
            is_continuation: Whether the same was asked for just before: who has failed then is not tried again.

        Raises:
            DataError: The dataset's file does not hold what it should, or not what the candidates can learn.
        """
        self._job = job
        if not is_continuation:
            self._lost = set()
            self._memory_limit = plan.memory_limit or int(machine.free_memory() * machine.MEMORY_SHARE)
        self._trust, self._call_timeout = plan.trust, plan.call_timeout
        self._training_timeout = float("inf") if plan.training_timeout is None else plan.training_timeout
        fingerprint, before, now = (
            fingerprint_of(getattr(plan.workload.dataset, "path", "")),
            self._workload,
            plan.workload,
        )
        if (
            before is None
            or (now.dataset, now.shapes, plan.threads) != (before.dataset, before.shapes, self._threads)
            or fingerprint != self._data_fingerprint
        ):
            self._forget(list(self._processes))
            self._threads, self._data, self._data_fingerprint = plan.threads, None, fingerprint
        self._workload = now
        self._forget([slug for slug, process in self._processes.items() if not process.ready])
        self._forget([c.slug for c in plan.turns if self._candidates.get(c.slug, c) != c])
        self._forget([c.slug for c in plan.turns if self._fingerprints.get(c.slug) != fingerprint_of(c.model.file)])
        missing = deque(c for c in plan.turns if c.slug not in self and c.slug not in self._lost)
        if missing:
            self._prepare_data()
            check_columns(now.dataset, self._data, missing)
            check_targets(now.dataset, self._data, missing)
            self._check_settings(missing)
            missing = deque(c for c in missing if c.slug not in self._lost)
            if self._data is not None and any(is_built_in(one.model) for one in missing):
                standardised(self._data)  # here, where every candidate that is forked inherits it
            self._train(missing, plan)

    def _prepare_data(self) -> None:
        """Make the dataset here, where every candidate that is forked inherits it."""
        if self._data is not None or not self._fork or self._workload is None:
            return
        if isinstance(self._workload.dataset, StoredDataset):
            return  # it may need code of the caller's to be read, which is for the candidates' processes alone
        self._data = prepare(self._workload.dataset, self._trust)
        self._channel.send(
            DatasetPrepared(
                job=self._job,
                training_rows=0 if self._data.X_train is None else rows_of(self._data.X_train),
                test_rows=rows_of(self._data.X_test),
                features=self._data.features,
            )
        )

    def _check_settings(self, missing: Iterable[Candidate]) -> None:
        """Load the models whose parameters are set, and end those that lack them before anything is trained."""
        for candidate in missing:
            if not candidate.parameters:
                continue
            process = self._start(candidate)
            request = CheckSettings(candidate=candidate, threads=self._threads, trust=self._trust)
            process.ask(request, "loading", timeout=LOADING_SECONDS + self._call_timeout)
            self.wait_for(process)
            with contextlib.suppress(CandidateLost):
                self._expect(process, SettingsChecked)

    def _train(self, missing: deque[Candidate], plan: Plan) -> None:
        training: list[CandidateProcess] = []
        try:
            while missing or training:
                while missing and len(training) < self.max_parallel:
                    training.append(self._begin_training(missing.popleft()))
                self._channel.flush()
                for process in self.ready(training):
                    if not self._advance_training(process, plan):
                        training.remove(process)
        except JobStopped:
            self._forget([process.slug for process in training])
            raise

    def _start(self, candidate: Candidate) -> CandidateProcess:
        self._logs += 1
        log = self.folder / f"{self._logs}.log"
        process = CandidateProcess(candidate.slug, log, self._data, fork=self._fork)
        self._processes[candidate.slug], self._candidates[candidate.slug] = process, candidate
        self._fingerprints[candidate.slug] = fingerprint_of(candidate.model.file)
        return process

    def _begin_training(self, candidate: Candidate) -> CandidateProcess:
        process = self._processes.get(candidate.slug) or self._start(candidate)
        process.ask(self.preparation_of(candidate), "loading", timeout=LOADING_SECONDS + self._call_timeout)
        process.training_timeout = self._training_timeout
        self._channel.send(TrainingStarted(job=self._job, candidate=candidate.slug))
        return process

    def _advance_training(self, process: CandidateProcess, plan: Plan) -> bool:
        """Take a reply while training and ask for the next step; return whether there is one.

        Fitting may take as long as the plan says. Then the model is asked for one answer, which may take as long as any
        call, and for all rows held out, which may take as much longer as they are more: a model that hangs is noticed.
        """
        try:
            reply = self._expect(process, Prepared, Called, Scored)
        except CandidateLost:
            return False
        candidate = self._candidates[process.slug]
        score = Score(candidate=candidate, threads=self._threads)
        match reply:
            case Prepared():
                process.fitted = reply
                process.prepared_in = time.monotonic() - process.asked_at
                if candidate.runtime == NATIVE:
                    process.ask(
                        FirstCall(workload=plan.workload, seed=plan.seed, pinned=()), "warm-up", plan.call_timeout
                    )
                else:
                    process.ask(score, "loading", CONVERSION_SECONDS + CONVERSION_CALLS * plan.call_timeout)
            case Called():
                process.call_notes = reply.notes
                rows = MOST_ROWS if self._data is None else rows_of(self._data.X_test)
                process.ask(score, "warm-up", plan.call_timeout + rows * reply.nanoseconds / 1e9)
            case Scored() if process.fitted is not None:
                process.ready = True
                self._channel.send(
                    TrainingFinished(
                        job=self._job,
                        candidate=process.slug,
                        seconds=process.fitted.seconds,
                        score=reply.score,
                        notes=(*process.fitted.notes, *process.call_notes, *reply.notes),
                    )
                )
                return False
        return True

    def process(self, slug: str) -> CandidateProcess | None:
        """Return the first process of a candidate, the one that was trained; None where it is gone."""
        return self._processes.get(slug)

    def preparation_of(self, candidate: Candidate) -> Prepare:
        """Return what a process is asked to get a candidate ready; only once there is a dataset."""
        assert self._workload is not None
        return Prepare(candidate=candidate, workload=self._workload, threads=self._threads, trust=self._trust)

    def start_replica(self, slug: str, request: Request, timeout: float) -> CandidateProcess:
        """Start a further process of a candidate and ask it for something.

        Raises:
            OSError: There is no process, no memory or no descriptor left.
        """
        process = self._processes[slug]
        copy: CandidateProcess | None = None
        if template := self._templates.get(_key_of(process.libraries)):
            try:
                copy = CandidateProcess(slug, process.log, self._data, template=template)
            except OSError:  # it has ended, say
                self._templates.pop(_key_of(process.libraries)).end()
        copy = copy or CandidateProcess(slug, process.log, self._data, fork=self._fork)
        copy.ask(request, "loading", timeout)
        process.replicas.append(copy)
        return copy

    def start_templates(self, slugs: Iterable[str], timeout: float) -> None:
        """Start a template for each set of libraries that candidates have imported, and wait for them.

        One that fails, hangs or has threads is ended: further processes then import the libraries themselves.

        Raises:
            JobStopped: The client wants the job to end.
        """
        starting: list[CandidateProcess] = []
        for process in (self._processes[slug] for slug in slugs):
            key = _key_of(process.libraries)
            if not self._fork or not key or key in self._templates:
                continue
            try:
                template = CandidateProcess(process.slug, process.log, None)
            except OSError:
                continue
            self._templates[key] = template
            template.libraries = process.libraries
            template.ask(BecomeTemplate(modules=process.libraries), "loading", timeout)
            starting.append(template)
        while starting:
            self._channel.flush()
            heard = self._channel.wait([template.connection for template in starting], POLL_SECONDS)
            for template in [one for one in starting if one.connection in heard or one.has_ended() or one.is_late()]:
                starting.remove(template)
                reply = template.reply() if template.connection in heard else None
                if not isinstance(reply, TemplateReady) or reply.threads != 1:
                    self._templates.pop(_key_of(template.libraries)).end()

    def end_templates(self) -> None:
        """End the templates; what was forked from them lives on."""
        while self._templates:
            self._templates.popitem()[1].end()

    def replicas(self, slug: str) -> list[CandidateProcess]:
        """Return the replicas of a candidate; those that prepared themselves are not warm: they have no inputs yet."""
        return self._processes[slug].replicas

    def job_count(self, slug: str) -> int:
        """Return how many jobs a candidate's model runs at once; 0 for one a core."""
        fitted = self._processes[slug].fitted if slug in self else None
        return fitted.jobs if fitted is not None and self._candidates[slug].runtime == NATIVE else 1

    def end_replicas(self) -> None:
        """End all replicas of all candidates."""
        for process in self._processes.values():
            for copy in process.replicas:
                copy.kill()
        for process in self._processes.values():
            process.end_replicas()
        self.end_orphans()

    def end_orphans(self) -> None:
        """End what models started and left behind: it would take the cores, and memory, of those that are measured."""
        processes = self._processes.values()
        own = {process.pid for one in processes for process in (one, *one.replicas)}
        subreaper.end(own | {template.pid for template in self._templates.values()})

    def ask(
        self, slug: str, request: Request, kind: type[R], stage: Stage, timeout: float, *, copy: int | None = None
    ) -> R:
        """Send a request to a candidate, or to one of its replicas, and return the reply.

        Raises:
            CandidateLost: It raised, crashed, hung or filled the memory; it has been told, and is gone.
            JobStopped: The client wants the job to end; a candidate in a long call was ended for that.
        """
        process = self._processes[slug]
        if copy is not None and process.replicas:
            process = process.replicas[copy % len(process.replicas)]
        process.ask(request, stage, timeout)
        self.wait_for(process)
        shorten_log(process.log)
        return self._expect(process, kind)

    def wait_for(self, process: CandidateProcess) -> None:
        """Wait until a process has replied or ended.

        Raises:
            JobStopped: The client wants the job to end. The reply is read all the same, so that the next request gets
                its own; a candidate that is in a long call is ended for that.
        """
        try:
            while not self.ready([process]):
                pass
        except JobStopped:
            if process.connection.poll(GRACE_SECONDS):
                process.reply()
            elif process is self._processes.get(process.slug):
                self._forget([process.slug])
            raise

    def fail(self, slug: str, cause: Cause, message: str, story: str = "") -> NoReturn:
        """Say that a candidate failed for a reason found outside its process, and end it.

        Raises:
            CandidateLost: Always.
        """
        process = self._processes[slug]
        process.stage = "cold start"
        self.mark_failed(process, cause, message, story)
        raise CandidateLost

    def _expect(self, process: CandidateProcess, *kinds: type[R]) -> R:
        """Return the reply that has come; anything else ends the candidate, says so, and raises `CandidateLost`."""
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

    def ready(self, processes: list[CandidateProcess]) -> list[CandidateProcess]:
        """Wait a moment; return those that replied or ended, having ended those that hang or fill the memory."""
        found = self._channel.wait([process.connection for process in processes], POLL_SECONDS)
        if stopped := [
            process for process in processes if self._channel.is_to_stop(process.slug) and not process.ready
        ]:
            for process in stopped:
                if process.slug in self:
                    self.mark_failed(process, "stopped", f"{process.stage} was stopped", "")
            return stopped
        if found:
            return [process for process in processes if process.connection in found and process.hear()]
        self._channel.flush()
        for process in processes:
            shorten_log(process.log)
        return [process for process in processes if self._check_health(process, processes)]

    def _check_health(self, process: CandidateProcess, running: list[CandidateProcess]) -> bool:
        """Say that a process has ended, or end one that hangs or fills the memory; return whether it is gone."""
        if process.slug not in self:
            return True
        if process.has_ended():
            self.mark_failed(process, "crashed", process.exit_reason(), process.log_tail())
            return True
        if process.is_late():
            self.mark_failed(process, "timed out", _too_slow(process), process.log_tail())
            return True
        resident = process.resident_bytes()
        short = machine.free_memory() < (1 - machine.MEMORY_SHARE) / 4 * self._memory_limit
        if resident > self._memory_limit or (short and resident == max(p.resident_bytes() for p in running)):
            taken = f"{resident / 2**30:.2g} GiB"
            self.mark_failed(process, "memory", f"took {taken} of memory and was stopped", process.log_tail())
            return True
        return False

    def mark_failed(self, process: CandidateProcess, cause: Cause, message: str, story: str) -> None:
        """Say that a candidate failed, in one of its processes, and end them all."""
        self._lost.add(process.slug)
        self._channel.send(
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

    def _forget(self, slugs: Iterable[str]) -> None:
        for slug in slugs:
            self._candidates.pop(slug, None)
            self._fingerprints.pop(slug, None)
            if process := self._processes.pop(slug, None):
                process.end()
                self.end_orphans()


def _key_of(libraries: Iterable[str]) -> frozenset[str]:
    """Return the packages that modules belong to."""
    return frozenset(name.partition(".")[0] for name in libraries)


def _too_slow(process: CandidateProcess) -> str:
    match process.stage:
        case "training":
            return f"training took longer than {process.timeout:.3g} s and was ended"
        case "loading" if not process.ready:
            return f"loading took longer than {process.timeout:.3g} s and was ended"
    return f"did not answer within {process.timeout:.3g} s"


def fingerprint_of(path: str) -> object:
    """Return what changes when a file does; None where there is no file."""
    try:
        found = os.stat(path) if path else None  # noqa: PTH116 (an empty path is no path)
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)
