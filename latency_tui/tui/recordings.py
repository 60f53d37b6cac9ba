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
    from latency_tui.result.more import More
    from latency_tui.result.result import Result
    from latency_tui.result.spool import Spool

LIVE_SAMPLES = 8_000
"""Samples a candidate that a live snapshot holds at most, so that its cost does not grow with the measurement."""


class Recordings:
    """Folds events into results, one recording a job.

    Events that come before numpy has been imported wait for it.
    """

    def __init__(self, *, spooled: bool = False) -> None:
        """Begin without any.

        Args:
            spooled: Whether samples are on disk until they are saved, kept or discarded.
        """
        self._spooled = spooled
        self._spools: dict[str, Spool] = {}
        self._make: type[Recorder] | None = None
        self._recordings: dict[str, Recorder] = {}
        self._waiting: dict[str, tuple[Plan, Mapping[str, str], list[Event]]] = {}

    async def load(self) -> None:
        """Import what the statistics need, beside the event loop (0.1 s for numpy, 0.2 s for scipy)."""
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
            self._recordings[job] = self._make(plan, colours, spool=self._new_spool(job, plan))

    def _new_spool(self, job: str, plan: Plan) -> Spool | None:
        if not self._spooled:
            return None
        from latency_tui.result.spool import Spool  # numpy is here by now

        self._spools[job] = Spool(plan)
        return self._spools[job]

    async def continue_with(self, job: str, more: More) -> int:
        """Begin a continuation of a recording, beside the event loop; returns its first launch.

        If its samples are not on disk any more, all of them are written again, which can take seconds.
        """
        return await asyncio.to_thread(self._continue_with, job, more)

    def _continue_with(self, job: str, more: More) -> int:
        recording = self._recordings[job]
        if job not in self._spools and (spool := self._new_spool(job, recording.plan)):
            recording.spool_to(spool)
        return recording.continue_with(more)

    def flush(self, job: str) -> None:
        """Have all samples of a job on disk that has ended."""
        if job in self._spools:
            self._spools[job].flush()

    def discard_samples(self, job: str | None = None) -> None:
        """Remove from the disk the samples of a job, or of all: they are kept elsewhere, or not wanted."""
        for name in [job] if job else [*self._spools]:
            if spool := self._spools.pop(name, None):
                spool.close(remove=True)
                self._recordings[name].spool_to(None)

    def get(self, job: str) -> Recorder | None:
        """Return a recording; None where there is none, or while numpy is not here."""
        return self._recordings.get(job)

    def rename(self, job: str, name: str) -> None:
        """Have the events of a job go on in the recording of one that has ended."""
        self._recordings[name] = self._recordings.pop(job)
        if job in self._spools:
            self._spools[name] = self._spools.pop(job)

    def add(self, job: str, events: Iterable[Event]) -> None:
        """Take events into a recording; of jobs without one they are dropped."""
        if job in self._waiting:
            self._waiting[job][2].extend(events)
        elif job in self._recordings:
            for event in events:
                self._recordings[job].add(event)

    def drop(self, job: str) -> None:
        """Forget a recording."""
        self.discard_samples(job)
        self._recordings.pop(job, None)
        self._waiting.pop(job, None)

    def snapshot(self, job: str) -> Result | None:
        """Return what is known now, from at most `LIVE_SAMPLES` samples a candidate; None while numpy is not here."""
        recording = self._recordings.get(job)
        return recording.result(max_samples=LIVE_SAMPLES) if recording else None

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
