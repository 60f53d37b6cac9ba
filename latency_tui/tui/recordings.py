"""The recordings of this session, by job: they turn events into numbers. Loads numpy, after the first frame."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from latency_tui.engine.protocol import Event
from latency_tui.plan import Plan
from latency_tui.tui.saved_results import load_result

if TYPE_CHECKING:
    from pathlib import Path

    from latency_tui.analysis.recorder import Recorder
    from latency_tui.history.writer import Writer
    from latency_tui.result.measurement_amount import MeasurementAmount
    from latency_tui.result.result import Result

LIVE_SAMPLES = 8_000
"""Samples a candidate that a live snapshot holds at most, so that its cost does not grow with the measurement."""


class Recordings:
    """Folds events into results, one recording per job.

    Events that come before numpy has been imported wait for it.
    """

    def __init__(self, history: Path | None = None) -> None:
        """Begin without any.

        Args:
            history: The file of the history, to which measurements are written as they go on; None for none.
        """
        self._history = history
        self._writers: dict[str, Writer] = {}
        self._finishing: dict[str, Writer] = {}
        self._reported: set[str] = set()
        self._make: type[Recorder] | None = None
        self._recordings: dict[str, Recorder] = {}
        self._waiting: dict[str, tuple[Plan, Mapping[str, str], list[Event]]] = {}

    async def load(self) -> None:
        """Import what the statistics need, in a thread (0.1 s for numpy, 0.2 s for scipy)."""
        module = await asyncio.to_thread(importlib.import_module, "latency_tui.analysis.recorder")
        self._make = module.Recorder
        for job, (plan, colours, events) in self._waiting.items():
            self.open(job, plan, colours)
            self.add(job, events)
        self._waiting.clear()

    def open(self, job: str, plan: Plan, colours: Mapping[str, str]) -> None:
        """Begin a recording; its candidates have the colours that they have on the screen."""
        if self._make is None:
            self._waiting[job] = (plan, colours, [])
        else:
            self._recordings[job] = self._make(plan, colours)
            self._write(job)

    def _write(self, job: str) -> None:
        """Write the further events of a recording to the history."""
        if self._history is None:
            return
        from latency_tui.history.fingerprint import result_id  # numpy is here by now
        from latency_tui.history.writer import Writer

        recording = self._recordings[job]
        self._writers[job] = Writer(self._history, result_id(recording.created_at, recording.plan))
        recording.write_to(self._writers[job])

    async def continue_with(self, job: str, more: MeasurementAmount) -> int:
        """Begin a continuation of a recording; returns its first launch."""
        await self.reopen(job)
        return self._recordings[job].continue_with(more)

    async def reopen(self, job: str) -> None:
        """Write the further events of a recording that has ended to the history."""
        if finishing := self._finishing.get(job):
            await asyncio.to_thread(finishing.close)  # two writers of one result would remove each other's samples
        if job not in self._writers:
            self._write(job)

    def problem(self) -> str:
        """Return why a result is not kept, once per reason; empty if there is nothing to report."""
        for writer in (*self._writers.values(), *self._finishing.values()):
            if writer.problem and writer.problem not in self._reported:
                self._reported.add(writer.problem)
                return writer.problem
        return ""

    def keep_all(self) -> tuple[str, ...]:
        """Keep all results so far in the history, and return the ids of those that are kept, the oldest first."""
        for job in [*self._writers]:
            try:
                self._keep(job, self._recordings[job].result())
            except Exception:  # noqa: BLE001 (the journal is in the history, from which the result can be restored)
                self._finishing[job] = self._writers.pop(job)
                self._finishing[job].abandon()
        for writer in self._finishing.values():
            writer.close()
        return tuple(writer.key for writer in self._finishing.values() if writer.is_kept)

    def _keep(self, job: str, result: Result | None) -> None:
        """Keep the result of a job that has ended in the history; None to keep nothing of it."""
        if writer := self._writers.pop(job, None):
            self._recordings[job].write_to(None)
            writer.finish(result)
            self._finishing[job] = writer

    async def load_saved(self, key: str) -> Result | None:
        """Return a result of the history with its samples."""
        return await load_result(self._history, key, samples=True) if self._history is not None else None

    def get(self, job: str) -> Recorder | None:
        """Return a recording; None if there is none, or until numpy is imported."""
        return self._recordings.get(job)

    def rename(self, job: str, name: str) -> None:
        """Have the events of a job go on in the recording of one that has ended."""
        self._recordings[name] = self._recordings.pop(job)
        for writers in (self._writers, self._finishing):
            if writer := writers.pop(job, None):
                writers[name] = writer

    def add(self, job: str, events: Iterable[Event]) -> None:
        """Take events into a recording; of jobs without one they are dropped."""
        if job in self._waiting:
            self._waiting[job][2].extend(events)
        elif job in self._recordings:
            for event in events:
                self._recordings[job].add(event)

    def drop(self, job: str) -> None:
        """Forget a recording."""
        self._keep(job, None)
        self._recordings.pop(job, None)
        self._waiting.pop(job, None)

    def snapshot(self, job: str) -> Result | None:
        """Return what is known now, from at most `LIVE_SAMPLES` samples per candidate; None until numpy is imported."""
        recording = self._recordings.get(job)
        return recording.result(max_samples=LIVE_SAMPLES) if recording else None

    def is_decided(self, job: str) -> bool:
        """Return whether everything that a job's plan asks for is known; False until numpy is imported."""
        recording = self._recordings.get(job)
        return recording is not None and recording.is_decided()

    async def finish(self, job: str) -> Result | None:
        """Return the exact result of a recording that has ended, computed in a thread, and keep it."""
        recording = self._recordings.get(job)
        if recording is None:
            return None
        result = await asyncio.to_thread(recording.result)
        self._keep(job, result)
        return result

    def result_so_far(self, job: str) -> Result | None:
        """Return the exact result so far of a recording that may still grow; takes as long as it takes."""
        recording = self._recordings.get(job)
        return recording.result() if recording else None

    def rebase(self, job: str, baseline: str) -> None:
        """Compare with the candidate of that slug from now on; nothing is measured again."""
        recording = self._recordings.get(job)
        if recording is not None:
            recording.rebase(baseline)
