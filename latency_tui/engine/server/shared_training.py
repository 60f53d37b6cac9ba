"""Lets candidates that differ only in how they are called use one trained model, such as the cells of a sweep.

Training the same model for each batch size would take as long for each, and a model without a fixed seed would be
another one in each cell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from latency_tui.engine.candidate_protocol import Store, Stored, TrainedModel
from latency_tui.engine.server.candidate_process import CandidateProcess
from latency_tui.engine.server.supervisor import Supervisor
from latency_tui.plan import Candidate
from latency_tui.plan.candidates import NATIVE
from latency_tui.plan.sweep import without

CALL_SETTINGS = ("batch", "threads")
"""Settings that change how a model is called, and not what is trained."""
STORE_SECONDS = 10.0
"""Time limit for storing a trained model, in addition to the plan's time limit for a call."""


class SharedTraining:
    """Candidates that wait for the model of another one.

    Args:
        supervisor: Holds the processes.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._waiting: dict[str, list[Candidate]] = {}

    def first_of_each(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """Yield the candidates to train; the others wait for one of them."""
        self._waiting.clear()
        for candidate in candidates:
            key = without(candidate, CALL_SETTINGS).slug
            if candidate.runtime != NATIVE:  # it is converted after training, with its number of threads
                yield candidate
            elif key in self._waiting:
                self._waiting[key].append(candidate)
            else:
                self._waiting[key] = []
                yield candidate

    def take_followers(
        self, candidate: Candidate, process: CandidateProcess, timeout: float
    ) -> list[tuple[Candidate, TrainedModel | None]]:
        """Return the candidates that waited for a candidate, with its model; None if they have to train their own.

        Args:
            candidate: The candidate, which is ready or has failed.
            process: Its process.
            timeout: Time limit for a call.
        """
        waiting = self._waiting.pop(without(candidate, CALL_SETTINGS).slug, []) if candidate.runtime == NATIVE else []
        if not waiting:
            return []
        trained = self._store(process, timeout) if process.ready and candidate.slug in self._supervisor else None
        return [(follower, trained) for follower in waiting]

    def _store(self, process: CandidateProcess, timeout: float) -> TrainedModel | None:
        fitted = process.fitted
        if fitted is None or fitted.seconds is None:  # it was fitted already, so loading it again is as quick
            return None
        path = self._supervisor.folder / f"{process.pid}.trained"
        process.ask(Store(path=str(path), max_inputs=0), "loading", timeout=timeout + STORE_SECONDS)
        self._supervisor.wait_for(process)
        if process.slug not in self._supervisor:
            return None
        reply = process.reply()
        if reply is None:
            self._supervisor.mark_failed(process, "crashed", process.exit_reason(), process.log_tail())
        if not isinstance(reply, Stored):
            return None
        return TrainedModel(
            path=str(path), seconds=fitted.seconds, notes=fitted.notes, alternatives=fitted.alternatives
        )

    def forget(self) -> None:
        """Remove the stored models."""
        self._waiting.clear()
        for path in self._supervisor.folder.glob("*.trained"):
            with contextlib.suppress(OSError):
                path.unlink()
