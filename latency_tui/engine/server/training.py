"""Training: prepares the dataset, loads and fits the candidates, and keeps them from job to job."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from latency_tui.catalog.configuration import runs_code
from latency_tui.catalog.import_paths import source_of
from latency_tui.catalog.named_models import is_built_in
from latency_tui.catalog.onnx_external_data import external_files
from latency_tui.engine import machine
from latency_tui.engine.candidate_protocol import (
    Called,
    CheckSettings,
    FirstCall,
    Prepare,
    Prepared,
    Score,
    Scored,
    SettingsChecked,
    TrainedModel,
)
from latency_tui.engine.data.array_exchange import write_arrays
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.rows import count_rows
from latency_tui.engine.data.standardized import check_columns, standardised
from latency_tui.engine.data.targets import check_targets
from latency_tui.engine.protocol import DatasetPrepared, TrainingFinished, TrainingStarted
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.server.candidate_process import CandidateProcess
from latency_tui.engine.server.channel import Channel, JobStopped
from latency_tui.engine.server.shared_training import SharedTraining
from latency_tui.engine.server.supervisor import CandidateLost, Supervisor
from latency_tui.errors import UsageError
from latency_tui.plan import BundledDataset, Candidate, Dataset, FileDataset, Plan, StoredDataset, SyntheticDataset
from latency_tui.plan.candidates import NATIVE

LOADING_SECONDS = 60.0
"""Time limit for loading a model and importing its libraries, in addition to the plan's time limit for a call."""
SCORING_SECONDS = 10.0
"""Time limit per metric for computing a score and its resamples, in addition to the calls."""
RESCORING_CALLS = 10
"""A trained model that is scored by another metric may take this many calls of the plan's time limit."""
CONVERSION_SECONDS = 60.0
"""Time limit for converting a model to another runtime and scoring it, in addition to the calls below."""
CONVERSION_CALLS = 10
"""A conversion compares answers before and after; this many calls of the plan's time limit are allowed for that."""
MAX_TEST_ROWS = 10_000
"""How many held-out rows are expected, at most, of a dataset that only the candidates' processes read."""


class Source(NamedTuple):
    """What a process was started for: a candidate, and the state of the files of its model at that time."""

    candidate: Candidate
    fingerprints: tuple[object, ...]


class Training:
    """Gets candidates ready to be measured.

    It decides what has to be trained again when the plan or a file has changed, and what each process is asked next.
    The supervisor starts the processes, waits for them and ends them.

    Args:
        supervisor: Holds the processes.
        channel: Events are sent through it.
        fork: Whether candidates are forked from this process. Then they inherit the dataset.
    """

    def __init__(self, supervisor: Supervisor, channel: Channel, *, fork: bool) -> None:
        self._supervisor = supervisor
        self._channel = channel
        self._fork = fork
        self._plan: Plan | None = None
        self._data: Data | None = None
        self._data_fingerprint: object = None
        self._arrays: dict[Dataset, Path] = {}
        self._sources: dict[str, Source] = {}
        self._shared = SharedTraining(supervisor)

    def prepare(self, plan: Plan) -> None:
        """Prepare the dataset and get every candidate of the plan ready, several at once if there are cores.

        Candidates that are ready already are left alone. Candidates that fail are reported and left out.

        Raises:
            DataError: The dataset's file does not hold what it should, or the candidates cannot learn from it.
        """
        supervisor = self._supervisor
        self._end_outdated(plan)
        missing = [c for c in plan.all_candidates if c.slug not in supervisor and not supervisor.has_failed(c.slug)]
        self._score_again([c for c in plan.all_candidates if c not in missing], plan)
        if not missing:
            return
        self._prepare_data(plan)
        check_columns(plan.workload.dataset, self._data, missing)
        check_targets(plan.workload.dataset, self._data, missing)
        self._check_settings(missing, plan)
        missing = [c for c in missing if not supervisor.has_failed(c.slug)]
        self._write_arrays(plan, missing)
        if self._data is not None and any(is_built_in(one.model) for one in missing):
            standardised(self._data)  # in this process, so that every forked candidate inherits the result
        self._train(missing, plan)

    def _end_outdated(self, plan: Plan) -> None:
        """End the processes whose candidate, data or files are not those of the plan any more."""
        supervisor, before = self._supervisor, self._plan
        fingerprint = fingerprint_of(getattr(plan.workload.dataset, "path", ""))
        if before is None or fingerprint != self._data_fingerprint or _data_key(plan) != _data_key(before):
            supervisor.end_all()
            self._data, self._data_fingerprint, self._arrays = None, fingerprint, {}
        self._plan = plan
        supervisor.end_unready()
        for candidate in plan.all_candidates:
            now = self._source(candidate)
            if self._sources.get(candidate.slug) != now:
                supervisor.end([candidate.slug])

    def _prepare_data(self, plan: Plan) -> None:
        """Prepare the dataset in this process, so that every forked candidate inherits it.

        A stored dataset may need the caller's code to be read, so only the candidates' processes read it.
        """
        if self._data is not None or not self._fork or isinstance(plan.workload.dataset, StoredDataset):
            return
        self._data = prepare(plan.workload.dataset, plan.trust, self._supervisor.context.import_folders)
        self._channel.send(
            DatasetPrepared(
                job=self._supervisor.job,
                training_rows=0 if self._data.X_train is None else count_rows(self._data.X_train),
                test_rows=count_rows(self._data.X_test),
                features=self._data.features,
            )
        )

    def _write_arrays(self, plan: Plan, missing: Iterable[Candidate]) -> None:
        """Write a generated dataset for candidates under other interpreters, whose libraries may generate another.

        A dataset in a file is read by each environment itself, whose libraries determine the types of its columns.
        """
        for dataset in dict.fromkeys(plan.workload_of(one).dataset for one in missing if one.python):
            if not isinstance(dataset, SyntheticDataset | BundledDataset):
                continue
            if dataset not in self._arrays or not self._arrays[dataset].exists():
                path = self._supervisor.folder / f"dataset-{len(self._arrays)}.npz"
                ready = self._data if dataset == plan.workload.dataset else None
                write_arrays(path, ready or prepare(dataset, plan.trust, self._supervisor.context.import_folders))
                self._arrays[dataset] = path

    def _source(self, candidate: Candidate) -> Source:
        folders = self._supervisor.context.import_folders
        state = (*fingerprints_of(candidate, folders), self._supervisor.interpreters.fingerprint(candidate))
        return Source(candidate, state)

    def _start(self, candidate: Candidate) -> CandidateProcess:
        self._sources[candidate.slug] = self._source(candidate)
        interpreter = self._supervisor.interpreters.find(candidate) if candidate.python else None
        is_own = self._plan is not None and self._plan.workload_of(candidate).dataset != self._plan.workload.dataset
        return self._supervisor.start(candidate.slug, None if is_own else self._data, interpreter)

    def _preparation(self, candidate: Candidate, plan: Plan) -> Prepare:
        """Return the request that has a process load a candidate's model and fit it."""
        workload = plan.workload_of(candidate)
        dataset = workload.dataset
        if candidate.revision and isinstance(dataset, FileDataset):  # its working directory is another one
            dataset = msgspec.structs.replace(dataset, path=str(Path(dataset.path).absolute()))
            workload = msgspec.structs.replace(workload, dataset=dataset)
        arrays = str(self._arrays.get(dataset, "")) if candidate.python else ""
        return Prepare(candidate=candidate, workload=workload, threads=plan.threads, trust=plan.trust, arrays=arrays)

    def _check_settings(self, missing: Iterable[Candidate], plan: Plan) -> None:
        """Load the models whose parameters are set, and end those that lack a parameter before anything is trained."""
        for candidate in missing:
            if not candidate.parameters:
                continue
            process = self._start(candidate)
            request = CheckSettings(candidate=candidate, threads=plan.threads, trust=plan.trust)
            process.ask(request, "loading", timeout=LOADING_SECONDS + plan.call_timeout)
            self._supervisor.wait_for(process)
            with contextlib.suppress(CandidateLost):
                self._supervisor.expect(process, SettingsChecked)

    def _train(self, missing: Iterable[Candidate], plan: Plan) -> None:
        training: list[CandidateProcess] = []
        waiting = deque[tuple[Candidate, TrainedModel | None]](
            (candidate, None) for candidate in self._shared.first_of_each(missing)
        )
        try:
            while waiting or training:
                while waiting and len(training) < self._supervisor.max_parallel:
                    training.append(self._begin(*waiting.popleft(), plan))
                self._channel.flush()
                for process in self._supervisor.ready(training):
                    if not self._advance(process, plan):
                        training.remove(process)
                        candidate = self._sources[process.slug].candidate
                        waiting += self._shared.take_followers(candidate, process, plan.call_timeout)
        except JobStopped:
            self._supervisor.end([process.slug for process in training])
            raise
        finally:
            self._shared.forget()

    def _begin(self, candidate: Candidate, trained: TrainedModel | None, plan: Plan) -> CandidateProcess:
        process = self._supervisor.process(candidate.slug) or self._start(candidate)
        process.preparation = self._preparation(candidate, plan)
        request = msgspec.structs.replace(process.preparation, trained=trained)
        process.ask(request, "loading", timeout=LOADING_SECONDS + plan.call_timeout)
        process.training_timeout = float("inf") if plan.training_timeout is None else plan.training_timeout
        self._channel.send(TrainingStarted(job=self._supervisor.job, candidate=candidate.slug))
        return process

    def _advance(self, process: CandidateProcess, plan: Plan) -> bool:
        """Take a reply and ask for the next step; return whether there is one.

        The steps are: load and fit, call once, score. Fitting may take as long as the plan allows. The call may take as
        long as any call, and scoring as long as one call per held-out row, so a model that hangs is noticed.
        """
        try:
            reply = self._supervisor.expect(process, Prepared, Called, Scored)
        except CandidateLost:
            return False
        candidate = self._sources[process.slug].candidate
        score = self._scoring(candidate, plan)
        match reply:
            case Prepared():
                process.fitted = reply
                process.prepared_in = time.monotonic() - process.sent_at
                if candidate.runtime == NATIVE:
                    process.jobs = reply.jobs
                    process.ask(
                        FirstCall(workload=plan.workload_of(candidate), seed=plan.seed, pinned=()),
                        "warm-up",
                        plan.call_timeout,
                    )
                else:
                    process.ask(score, "loading", CONVERSION_SECONDS + CONVERSION_CALLS * plan.call_timeout)
            case Called():
                process.call_notes = reply.notes
                rows = MAX_TEST_ROWS if self._data is None else count_rows(self._data.X_test)
                outputs = len(plan.score_metrics) + 1  # labels, probabilities or decision values
                limit = plan.call_timeout + SCORING_SECONDS * (outputs - 1) + outputs * rows * reply.nanoseconds / 1e9
                process.ask(score, "warm-up", limit)
            case Scored() if process.fitted is not None:
                process.ready = True
                process.scored_by, process.scores = score, reply.scores
                self._channel.send(
                    TrainingFinished(
                        job=self._supervisor.job,
                        candidate=process.slug,
                        seconds=process.fitted.seconds,
                        score=reply.scores[0].value if reply.scores else None,
                        notes=(*process.fitted.notes, *process.call_notes, *reply.notes),
                    )
                )
                self._send_scores(process)
                return False
        return True

    @staticmethod
    def _scoring(candidate: Candidate, plan: Plan) -> Score:
        return Score(candidate=candidate, threads=plan.threads, metrics=plan.score_metrics, seed=plan.seed)

    def _send_scores(self, process: CandidateProcess) -> None:
        self._channel.send(CandidateScored(job=self._supervisor.job, candidate=process.slug, scores=process.scores))

    def _score_again(self, trained: Iterable[Candidate], plan: Plan) -> None:
        """Send the scores of candidates that are trained already; score those again that were scored differently."""
        for candidate in trained:
            process, request = self._supervisor.process(candidate.slug), self._scoring(candidate, plan)
            if process is None or not process.ready:
                continue
            if process.scored_by != request:
                limit = SCORING_SECONDS * len(plan.score_metrics) + RESCORING_CALLS * plan.call_timeout
                process.ask(request, "warm-up", limit)
                self._supervisor.wait_for(process)
                try:
                    process.scores = self._supervisor.expect(process, Scored).scores
                except CandidateLost:
                    continue
                process.scored_by = request
            self._send_scores(process)


def memory_limit_of(plan: Plan) -> int:
    """Return how many bytes a candidate's process may take: as the plan says, else a share of what is free now."""
    return plan.memory_limit or int(machine.free_memory() * machine.MEMORY_SHARE)


def _data_key(plan: Plan) -> object:
    """Return the parts of a plan that all candidates depend on: a change of any means that all are trained again."""
    return (plan.workload.dataset, plan.workload.shapes, plan.threads)


def fingerprints_of(candidate: Candidate, folders: Iterable[str] = ()) -> tuple[object, ...]:
    """Return values that change when the model's file, its external weights or the module of its factory does."""
    file, factory = candidate.model.file, candidate.model.factory
    paths = [file]
    with contextlib.suppress(UsageError, OSError):
        if candidate.model.file_format == "onnx":
            paths += map(str, external_files(Path(file)))
    if factory and runs_code(factory, {}):
        paths.append(str(source_of(factory, folders) or ""))
    return tuple(fingerprint_of(path) for path in paths)


def fingerprint_of(path: str) -> object:
    """Return a value that changes when the file does; None if there is no file."""
    try:
        found = os.stat(path) if path else None  # noqa: PTH116 (an empty path is no path)
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)
