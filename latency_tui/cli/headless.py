"""Measuring without a screen: iterate the events, show where it stands, write down what there is however it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial
from pathlib import Path

from latency_tui.cli.door import say
from latency_tui.cli.interrupt import Interruption, cancel_on_signal
from latency_tui.cli.progress import Progress
from latency_tui.cli.stdout import emit, terminal_style
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.engine.protocol import CandidateFailed, Cause
from latency_tui.errors import DataError, EngineError, ModelError, UsageError
from latency_tui.plan import Plan
from latency_tui.report import Format, pieces, write
from latency_tui.result.recording import Recording

TIMED_OUT = 124


class Measurement:
    """One plan measured headless: its recording, and how it ended.

    Attributes:
        plan: What is measured.
        modules: Where a model's module may lie besides where Python looks.
        recording: What was measured, whole or not.
        causes: Why candidates failed, by slug.
        interruption: The signal that ended it, if one did.
        error: What became of the engine, if it ended before its work was done.
    """

    def __init__(self, plan: Plan, modules: Path | None = None) -> None:
        self.plan = plan
        self.modules = modules
        self.recording = Recording(plan)
        self.causes: dict[str, Cause] = {}
        self._slugs = {candidate.slug for candidate in plan.candidates}  # a control copy that fails is told as noise
        self.interruption = Interruption()
        self.error: EngineError | None = None

    async def run(self) -> None:
        """Measure until it is done, fails, or a signal comes; raises nothing that says how it ended."""
        with Progress(self.plan) as progress:
            task = asyncio.create_task(self._listen(progress))
            with cancel_on_signal(task, self.interruption):
                try:
                    await task
                except EngineError as error:
                    self.error = error
                except asyncio.CancelledError:
                    if self.interruption.received is None:
                        raise

    async def _listen(self, progress: Progress) -> None:
        engine = partial(Engine, modules=[self.modules] if self.modules else [])
        async for event in measure(self.plan, settled=self.recording.settled, new_engine=engine):
            self.recording.add(event)
            progress.update(event)
            if isinstance(event, CandidateFailed) and event.candidate in self._slugs:
                self.causes[event.candidate] = event.cause

    @property
    def cut_short(self) -> bool:
        """Whether the engine or a signal ended it, and no model's failure is there to be told."""
        return (self.error is not None or self.interruption.received is not None) and not self.causes

    def conclude(self) -> int:
        """Say on stderr what cut it short, and return the exit code."""
        if self.error is not None:
            return say(str(self.error), self.error.exit_code)
        if self.interruption.received is not None:
            name = self.interruption.received.name
            held = "the result holds what was measured" if self.recording.rounds else "nothing was measured"
            return say(f"interrupted by {name}; {held}.", self.interruption.exit_code)
        return code_of_failures(self.causes.values())


def measure_and_report(
    plan: Plan, *, form: Format, path: Path | None, samples: bool, modules: Path | None = None
) -> int:
    """Measure a plan, write the report, and return the exit code; data that cannot be read leave no report."""
    measurement = Measurement(plan, modules)
    asyncio.run(measurement.run())
    result = measurement.recording.result()
    older = path is not None and path.exists()
    if not result.measured and (older or isinstance(measurement.error, DataError)) and measurement.cut_short:
        return measurement.conclude()  # nothing to say, and an older result shall not go for that
    if path is None:
        width, colour = terminal_style()
        lost = emit(pieces(result, form, width=width, colour=colour, samples=samples))
        return measurement.conclude() or lost
    try:
        write(result, path, form, samples=samples)
    except UsageError as error:  # the disk is full, the folder has gone: what was measured shall not go with it
        emit(pieces(result, form, samples=samples))
        return say(str(error), error.exit_code)
    say(f"{result.answer} Written to {path}.".strip())
    return measurement.conclude()


def code_of_failures(causes: Collection[Cause]) -> int:
    """Return 4 where a model failed, 124 where all that failed were calls that took too long, 0 where none did."""
    if not causes:
        return 0
    return TIMED_OUT if set(causes) == {"timed out"} else ModelError.exit_code
