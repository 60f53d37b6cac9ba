"""The recordings of this session, by job: they turn events into numbers. Loads numpy, after the first frame."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from latency_tui.engine.protocol import Event
from latency_tui.plan import Plan

if TYPE_CHECKING:
    from latency_tui.analysis.recorder import Recorder
    from latency_tui.result.result import Result

LIVE_SAMPLES = 8_000
"""Samples a candidate that a live snapshot holds at most, so that its cost does not grow with the measurement."""


class Recordings:
    """Folds events into results, one recording a job.

    Events that come before numpy has been imported wait for it.
    """

    def __init__(self) -> None:
        self._make: type[Recorder] | None = None
        self._recordings: dict[str, Recorder] = {}
        self._waiting: dict[str, tuple[Plan, Mapping[str, str], list[Event]]] = {}

    async def load(self) -> None:
        """Import what the statistics need, beside the event loop (0.1 s for numpy)."""
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

    def get(self, job: str) -> Recorder | None:
        """Return a recording; None where there is none, or while numpy is not here."""
        return self._recordings.get(job)

    def rename(self, job: str, name: str) -> None:
        """Have the events of a job go on in the recording of one that has ended."""
        self._recordings[name] = self._recordings.pop(job)

    def add(self, job: str, events: Iterable[Event]) -> None:
        """Take events into a recording; of jobs without one they are dropped."""
        if job in self._waiting:
            self._waiting[job][2].extend(events)
        elif job in self._recordings:
            for event in events:
                self._recordings[job].add(event)

    def drop(self, job: str) -> None:
        """Forget a recording."""
        self._recordings.pop(job, None)
        self._waiting.pop(job, None)

    def snapshot(self, job: str) -> Result | None:
        """Return what is known now, from at most `LIVE_SAMPLES` samples a candidate; None while numpy is not here."""
        recording = self._recordings.get(job)
        return recording.result(most_samples=LIVE_SAMPLES) if recording else None

    def settled(self, job: str) -> bool:
        """Return whether all is known that a job's plan asked; False while numpy is not here."""
        recording = self._recordings.get(job)
        return recording is not None and recording.settled()

    async def exact(self, job: str) -> Result | None:
        """Return the exact result of a recording that has ended, computed beside the event loop."""
        recording = self._recordings.get(job)
        return await asyncio.to_thread(recording.result) if recording else None

    def whole(self, job: str) -> Result | None:
        """Return the exact result so far of a recording that may still grow; takes as long as it takes."""
        recording = self._recordings.get(job)
        return recording.result() if recording else None

    def rebase(self, job: str, baseline: str) -> None:
        """Compare with the candidate of that slug from now on; nothing is measured again."""
        recording = self._recordings.get(job)
        if recording is not None:
            recording.rebase(baseline)
