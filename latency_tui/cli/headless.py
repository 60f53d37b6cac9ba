"""Measuring without a screen: iterate the events, show where it stands, write down what there is however it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from pathlib import Path

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import restore
from latency_tui.cli.group import print_error
from latency_tui.cli.interrupt import Interruption, Killed, cancel_on_signal, raise_on_signal
from latency_tui.cli.stdout import complain, emit, terminal_style
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.engine.protocol import CandidateFailed, Cause, Event, MeasurementStarted
from latency_tui.errors import DataError, EngineError, LatencyTuiError, ModelError, UsageError
from latency_tui.plan import Plan
from latency_tui.report import Format, pieces, write
from latency_tui.report.progress import Progress
from latency_tui.result.more import More
from latency_tui.result.result import Result
from latency_tui.result.spool import Spool, remove_recovered, unfinished
from latency_tui.text.sanitize import clean
from latency_tui.text.summary import round_up

TIMED_OUT = 124


class Measurement:
    """One plan measured headless: its recording, and how it ended.

    Attributes:
        plan: What is measured.
        modules: Where a model's module may lie besides where Python looks.
        watch: Looks at each event before it is recorded; what it raises ends the measurement.
        first_launch: Number of the first launch; what was measured before has lower ones.
        recording: What was measured, whole or not.
        causes: Why candidates failed, by slug.
        failures: The same in words.
        spool: Where samples are on disk until the report is written.
        interruption: The signal that ended it, if one did.
        error: What became of the engine, if it ended before its work was done.
    """

    def __init__(self, plan: Plan, modules: Path | None = None, continued: Recorder | None = None) -> None:
        self.plan = plan
        self.modules = modules
        self.watch: Callable[[Event], None] | None = None
        self.spool = Spool(plan)
        self.first_launch = 0
        self._continues, self._calls_before = continued is not None, 0
        if continued is None:
            self.recording = Recorder(plan, spool=self.spool)
        else:
            self.recording = continued
            self._calls_before = max(continued.calls.values(), default=0)
            continued.spool_to(self.spool)
            self.first_launch = continued.continue_with(More.of(plan))
        self.causes: dict[str, Cause] = {}
        self.failures: list[str] = []
        self._slugs = {candidate.slug for candidate in plan.candidates}  # a control copy that fails is told as noise
        self.interruption = Interruption()
        self.error: EngineError | None = None

    async def run(self) -> None:
        """Measure until it is done, fails, or a signal comes; raises nothing that says how it ended."""
        with Progress(self.plan) as progress:
            task = asyncio.create_task(self._listen(progress))
            ticking = asyncio.create_task(_tick(progress))
            with cancel_on_signal(task, self.interruption):
                try:
                    await task
                except EngineError as error:
                    self.error = error
                except MemoryError:
                    self.error = EngineError("There is not enough memory to keep more samples; the measurement ended.")
                except asyncio.CancelledError:
                    if self.interruption.received is None:
                        raise
                finally:
                    ticking.cancel()

    async def _listen(self, progress: Progress) -> None:
        engine = partial(Engine, modules=[self.modules] if self.modules else [])
        events = measure(self.plan, settled=self.recording.settled, new_engine=engine, first_launch=self.first_launch)
        async for event in events:
            if self.watch is not None:
                self.watch(event)
            self.recording.add(event)
            if (
                isinstance(event, MeasurementStarted)
                and event.launch == self.first_launch
                and not self.plan.until_known
                and (bound := self._bound(event))
            ):
                progress.clear()
                print_error(bound)
            progress.update(event)
            if isinstance(event, CandidateFailed) and event.candidate in self._slugs:
                if event.cause == "settings":  # before anything is trained, and for the whole plan, as in a usage error
                    name = next(one.name for one in self.plan.candidates if one.slug == event.candidate)
                    raise UsageError(f"{name}: {event.message}")
                self.causes[event.candidate] = event.cause
                self.failures.append(f"{event.candidate}: {event.message}")

    def _bound(self, event: MeasurementStarted) -> str:
        """Return what is said beforehand of a measurement of more calls than are kept; empty of others."""
        calls, most = (
            max(event.calls.values(), default=0) * self.plan.launches + self._calls_before,
            self.recording.most_samples,
        )
        if calls <= most:
            return ""
        until = f" Until the report is written, samples are in {self.spool.path}." if self.spool.path else ""
        return (
            f"about {round_up(calls):,} calls per model are planned; percentiles will rest on at most {most:,} of "
            f"them, an even random choice from all blocks.{until}"
        )

    def result(self, *, samples: bool) -> Result | None:
        """Return the result; None if it cannot be computed: stderr then names the file of samples."""
        self.spool.flush()
        try:
            return self.recording.result(samples=samples)
        except Exception as error:  # noqa: BLE001 (above all MemoryError: what was measured is not lost)
            self.keep(error)
            return None

    def keep(self, error: Exception) -> None:
        """Say on stderr what failed and where the samples are."""
        self.spool.close(remove=False)
        what = (
            str(error) if isinstance(error, LatencyTuiError) else f"The report could not be made: {_in_a_line(error)}"
        )
        print_error(f"{what.rstrip('.')}. {self.where}".strip())

    @property
    def where(self) -> str:
        """Say where the samples are, and how to make a report of them; empty where they are nowhere."""
        if self.spool.path is None or not self.recording.rounds:
            return ""
        return f"The samples are in {self.spool.path}; 'latency-tui run --recover {self.spool.path}' reports them."

    @property
    def adds_nothing(self) -> bool:
        """Whether it was to continue a result, and no call was added to it."""
        return self._continues and max(self.recording.calls.values(), default=0) == self._calls_before

    @property
    def cut_short(self) -> bool:
        """Whether the engine or a signal ended it, and no model's failure is there to be told."""
        return (self.error is not None or self.interruption.received is not None) and not self.causes

    def conclude(self) -> int:
        """Say on stderr what cut it short, and return the exit code."""
        if self.error is not None:
            return print_error(str(self.error), self.error.exit_code)
        if self.interruption.received is not None:
            name = self.interruption.received.name
            held = "the result holds what was measured" if self.recording.rounds else "nothing was measured"
            held = "nothing was added to the result" if self.adds_nothing else held
            return print_error(f"interrupted by {name}; {held}.", self.interruption.exit_code)
        if self.adds_nothing and self.failures:
            why = self.failures[0].rstrip(".")
            return print_error(f"Nothing was added to the result. {why}.", code_of_failures(self.causes.values()))
        return code_of_failures(self.causes.values())


async def _tick(progress: Progress) -> None:
    while True:
        await asyncio.sleep(1)
        progress.tick()


def measure_and_report(
    plan: Plan, *, form: Format, path: Path | None, samples: bool, modules: Path | None = None
) -> int:
    """Measure a plan, write the report, and return the exit code; data that cannot be read leave no report."""
    return run_and_report(Measurement(plan, modules), form=form, path=path, samples=samples)


def run_and_report(measurement: Measurement, *, form: Format, path: Path | None, samples: bool) -> int:
    """Run a measurement, write the report, and return the exit code.

    Raises:
        UsageError: Something was refused before anything was measured.
    """
    try:
        asyncio.run(measurement.run())
    except UsageError:  # refused before anything was trained
        measurement.spool.close(remove=True)
        raise
    return report(measurement, form=form, path=path, samples=samples)


def report(measurement: Measurement, *, form: Format, path: Path | None, samples: bool) -> int:
    """Write the report of a measurement that has ended, remove its spool, and return the exit code."""
    try:
        with raise_on_signal():
            return _report(measurement, form, path, samples)
    except Killed as killed:
        measurement.spool.close(remove=False)
        return print_error(f"interrupted by {killed.signal.name}. {measurement.where}".strip(), killed.exit_code)


def _report(measurement: Measurement, form: Format, path: Path | None, samples: bool) -> int:
    result = measurement.result(samples=samples and form == "json")
    if result is None:
        return EngineError.exit_code
    older = path is not None and path.exists()
    if measurement.adds_nothing:
        measurement.spool.close(remove=True)
        return measurement.conclude() or print_error("Nothing more was measured.", EngineError.exit_code)
    if not result.measured and (older or isinstance(measurement.error, DataError)) and measurement.cut_short:
        measurement.spool.close(remove=True)
        return measurement.conclude()  # nothing to say, and an older result shall not go for that
    try:
        lost = write_report(result, form, path, samples=samples)
    except Exception as error:  # noqa: BLE001 (as above)
        measurement.keep(error)
        return EngineError.exit_code
    measurement.spool.close(remove=True)
    if lost and path is not None:
        return lost
    return measurement.conclude() or lost


def recover(spool: Path, *, form: Format, path: Path | None, samples: bool) -> int:
    """Write the report of samples that an unfinished run left on disk, and return the exit code."""
    kept = samples and form == "json"
    code = write_report(restore(spool).result(samples=kept), form, path, samples=samples)
    if kept and not code:
        remove_recovered(spool)
    return code


def list_unfinished() -> int:
    """Print the samples on disk of measurements that were cut off, the oldest first."""
    lines = []
    for path in unfinished():
        status = path.stat()
        when = datetime.fromtimestamp(status.st_mtime).astimezone().strftime("%Y-%m-%d %H:%M")
        lines.append(f"{when}  {max(status.st_size // 1000, 1):>9,} kB  {path}\n")
    if not lines:
        complain("no measurement was cut off before its samples were saved.")
    return emit(lines)


def write_report(result: Result, form: Format, path: Path | None, *, samples: bool) -> int:
    """Write a report to a file, or to stdout if no file is given or writable; return the exit code."""
    if path is None:
        width, colour = terminal_style()
        return emit(pieces(result, form, width=width, colour=colour, samples=samples), json=form == "json")
    try:
        write(result, path, form, samples=samples)
    except UsageError as error:  # the disk is full, the folder has gone: what was measured shall not go with it
        emit(pieces(result, form, samples=samples), json=form == "json")
        return print_error(str(error), error.exit_code)
    complain(clean(f"{result.answer} Written to {path}.".strip()))
    return 0


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ") if str(error) else type(error).__name__


def code_of_failures(causes: Collection[Cause]) -> int:
    """Return 4 where a model failed, 124 where all that failed were calls that took too long, 0 where none did."""
    if not causes:
        return 0
    return TIMED_OUT if set(causes) == {"timed out"} else ModelError.exit_code
