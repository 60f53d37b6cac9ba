"""Measuring without a screen: records the events, shows progress on stderr and writes the report, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from functools import partial
from pathlib import Path

from latency_tui.analysis.recorder import Recorder
from latency_tui.cli.group import print_error
from latency_tui.cli.history_options import Place, temporary_place
from latency_tui.cli.interrupt import Interruption, Killed, cancel_on_signal, raise_on_signal
from latency_tui.cli.output import emit, print_status, terminal_style
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.engine.machine_events import MachineBusy
from latency_tui.engine.protocol import CandidateFailed, Cause, Event, MeasurementStarted
from latency_tui.errors import DataError, EngineError, LatencyTuiError, ModelError, NothingToExportError, UsageError
from latency_tui.history.fingerprint import result_id
from latency_tui.history.writer import Writer
from latency_tui.plan import Plan
from latency_tui.report import FORMATS, Format, pieces, write
from latency_tui.report.hosts_progress import HostProgress
from latency_tui.report.progress import Progress
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.result import Result
from latency_tui.text.exports import describe_omissions
from latency_tui.text.machine import machine_busy
from latency_tui.text.sanitize import clean
from latency_tui.text.summary import round_estimate
from latency_tui.text.sweeps import describe_cells

TIMED_OUT = 124


class HeadlessRun:
    """One measurement of a plan without a screen: what was recorded, and how it ended.

    Attributes:
        plan: The plan that is measured.
        modules: Additional folder in which modules of models are searched.
        watch: Called with each event before it is recorded; an exception ends the measurement.
        limits_only: Whether the plan measures until its limits are decided, whatever the comparisons.
        first_launch: Number of the first launch; a continued result already has launches with lower numbers.
        recording: What was measured so far.
        causes: Maps the slug of each failed candidate to the cause of the failure.
        failures: One sentence per failed candidate.
        place: Where the result is kept.
        writer: Writes it there while it is measured.
        interruption: The signal that ended the measurement, if any.
        error: The error with which the engine stopped, if it stopped early.
    """

    def __init__(
        self,
        plan: Plan,
        modules: Path | None = None,
        *,
        place: Place | None = None,
        continued: Recorder | None = None,
        base: Result | None = None,
        writer: Writer | None = None,
        limits_only: bool = False,
    ) -> None:
        """Create a measurement.

        Args:
            plan: The plan.
            modules: Additional folder in which modules of models are searched.
            place: Where the result is kept; None for a temporary file.
            continued: The recording that is continued; None for a new one.
            base: Its result, if the history may not have it.
            writer: What writes it to the history already; None for a new writer.
            limits_only: Whether the plan measures until its limits are decided, whatever the comparisons.
        """
        self.plan = plan
        self.limits_only = limits_only
        self.modules = modules
        self.watch: Callable[[Event], None] | None = None
        self.first_launch = 0
        self._continues, self._calls_before = continued is not None, 0
        self.recording = continued or Recorder(plan)
        self.place = place or temporary_place()
        key = result_id(self.recording.created_at, self.recording.plan)
        self.writer = writer or Writer(self.place.path, key, base=base, name=self.place.name, tags=self.place.tags)
        self.recording.write_to(self.writer)
        self._is_problem_printed = False
        if continued is not None:
            self._calls_before = max(continued.calls.values(), default=0)
            self.first_launch = continued.continue_with(MeasurementAmount.of(plan))
        self.causes: dict[str, Cause] = {}
        self.failures: list[str] = []
        self._slugs = {candidate.slug for candidate in plan.candidates}  # without the control
        self.interruption = Interruption()
        self.error: EngineError | None = None

    async def run(self) -> None:
        """Measure until the plan is done, the engine fails or a signal arrives; the attributes hold the outcome.

        Raises:
            UsageError: A setting is invalid, or `watch` refused the measurement.
        """
        with Progress(self.plan) as progress:
            task = asyncio.create_task(self.record(progress))
            ticking = asyncio.create_task(_tick(progress))
            with cancel_on_signal(task, self.interruption):
                try:
                    await self.wait(task)
                finally:
                    ticking.cancel()

    async def wait(self, recording: Awaitable[None]) -> None:
        """Wait for the end of `record`; the attributes hold why it ended early, if it did."""
        try:
            await recording
        except EngineError as error:
            self.error = error
        except MemoryError:
            self.error = EngineError("The measurement stopped because memory for samples ran out; measure fewer runs.")
        except asyncio.CancelledError:
            if self.interruption.received is None:
                raise

    def events(self) -> AsyncGenerator[Event, None]:
        """Measure the plan on this machine, and yield the events."""
        engine = partial(Engine, modules=[self.modules] if self.modules else [])
        recording = self.recording
        is_decided = recording.limits_are_decided if self.limits_only else recording.is_decided
        return measure(self.plan, is_decided=is_decided, new_engine=engine, first_launch=self.first_launch)

    async def record(self, progress: Progress | HostProgress) -> None:
        """Record the events until there are no more, and show the progress."""
        async with aclosing(self.events()) as events:
            async for event in events:
                self._add(event, progress)

    def _add(self, event: Event, progress: Progress | HostProgress) -> None:
        if self.watch is not None:
            self.watch(event)
        self.recording.add(event)
        if (
            isinstance(event, MeasurementStarted)
            and event.launch == self.first_launch
            and not self.plan.until_known
            and (notice := self._describe_subsampling(event))
        ):
            progress.clear()
            self.print_error(notice)
        if self.plan.sweeps and isinstance(event, MeasurementStarted) and event.launch == self.first_launch:
            progress.clear()
            print_status(f"latency-tui: {describe_cells(self.plan, event.seconds)}")
        if isinstance(event, MachineBusy):
            progress.clear()
            self.print_error(f"{machine_busy(event)}; --no-lock does not wait.")
        progress.update(event)
        if self.writer.problem:
            progress.clear()
            self.print_problem()
        if isinstance(event, CandidateFailed) and event.candidate in self._slugs:
            if event.cause == "settings":  # an invalid setting is a usage error, and nothing is trained yet
                name = next(one.name for one in self.plan.candidates if one.slug == event.candidate)
                raise UsageError(f"{name}: {event.message}")
            self.causes[event.candidate] = event.cause
            self.failures.append(f"{event.candidate}: {event.message}")

    def print_error(self, sentence: str, exit_code: int = 0) -> int:
        """Print a sentence to stderr, and return the exit code."""
        return print_error(sentence, exit_code)

    def _describe_subsampling(self, event: MeasurementStarted) -> str:
        """Return a notice that percentiles will use a subsample; empty if all planned calls fit into memory."""
        calls, most = (
            max(event.calls.values(), default=0) * self.plan.launches + self._calls_before,
            self.recording.max_samples,
        )
        if calls <= most:
            return ""
        return (
            f"about {round_estimate(calls):,} calls per model are planned; percentiles will be computed from at most "
            f"{most:,} of them, a uniform random sample of all blocks."
        )

    def result(self) -> Result | None:
        """Return the result; if it cannot be computed, print an error that says where the samples are, and None."""
        self.writer.flush()
        try:
            return self.recording.result()
        except Exception as error:  # noqa: BLE001 (such as MemoryError; the samples are in the history)
            self.print_failure(error)
            return None

    def save(self, result: Result | None) -> None:
        """Keep the result in the history, and wait for that; None if nothing was measured or added."""
        self.writer.finish(result)
        self.writer.close()
        self.print_problem()
        self.place.remove()

    def abandon(self) -> None:
        """Leave the samples in the history, from which the result can be computed later."""
        self.writer.abandon()
        self.writer.close()

    def print_failure(self, error: Exception) -> None:
        """Print to stderr why there is no report, and where the samples are."""
        what = (
            str(error)
            if isinstance(error, LatencyTuiError)
            else f"The report could not be created: {_format_exception(error)}"
        )
        self.print_error(f"{what.rstrip('.')}. {self.recovery_hint}".strip())

    def print_problem(self) -> None:
        """Print to stderr, once, why the result is not kept."""
        if self.writer.problem and not self._is_problem_printed:
            self._is_problem_printed = True
            if not self.place.is_temporary:
                self.print_error(f"This result is not kept: {self.writer.problem}")

    @property
    def recovery_hint(self) -> str:
        """A sentence with the command that shows the result later; empty if there are no samples."""
        if not self.writer.is_kept:
            return ""
        return f"The samples are kept; '{self.place.command(self.writer.key)}' reports them."

    @property
    def added_nothing(self) -> bool:
        """Whether a saved result was continued and no call was added to it."""
        return self._continues and max(self.recording.calls.values(), default=0) == self._calls_before

    @property
    def cut_short(self) -> bool:
        """Whether an engine error or a signal ended the measurement, and no candidate failed."""
        return (self.error is not None or self.interruption.received is not None) and not self.causes

    def report_outcome(self) -> int:
        """Print to stderr why the measurement ended early, if it did, and return the exit code."""
        if self.error is not None:
            return self.print_error(str(self.error), self.error.exit_code)
        if self.interruption.received is not None:
            name = self.interruption.received.name
            held = "the result holds what was measured" if self.recording.rounds else "nothing was measured"
            held = "nothing was added to the result" if self.added_nothing else held
            return print_error(f"Interrupted by {name}; {held}.", self.interruption.exit_code)
        if self.added_nothing and self.failures:
            why = self.failures[0].rstrip(".")
            return print_error(f"Nothing was added to the result. {why}.", failure_exit_code(self.causes.values()))
        return failure_exit_code(self.causes.values())


async def _tick(progress: Progress) -> None:
    while True:
        await asyncio.sleep(1)
        progress.tick()


def measure_and_report(
    plan: Plan,
    *,
    report_format: Format,
    path: Path | None,
    samples: bool,
    modules: Path | None = None,
    place: Place | None = None,
) -> int:
    """Measure a plan, write the report and return the exit code; unreadable data produce no report."""
    return run_and_report(
        HeadlessRun(plan, modules, place=place), report_format=report_format, path=path, samples=samples
    )


def run_and_report(measurement: HeadlessRun, *, report_format: Format, path: Path | None, samples: bool) -> int:
    """Run a measurement, write the report, and return the exit code.

    Raises:
        UsageError: The measurement was refused before it began.
    """
    try:
        asyncio.run(measurement.run())
    except UsageError:  # raised before training
        measurement.save(None)
        raise
    return report(measurement, report_format=report_format, path=path, samples=samples)


def report(measurement: HeadlessRun, *, report_format: Format, path: Path | None, samples: bool) -> int:
    """Write the report of a finished measurement, keep its result, and return the exit code."""
    try:
        with raise_on_signal():
            return _report(measurement, report_format, path, samples)
    except Killed as killed:
        measurement.abandon()
        return print_error(
            f"Interrupted by {killed.signal.name}. {measurement.recovery_hint}".strip(), killed.exit_code
        )


def _report(measurement: HeadlessRun, report_format: Format, path: Path | None, samples: bool) -> int:
    result = measurement.result()
    if result is None:
        measurement.abandon()
        return EngineError.exit_code
    older = path is not None and path.exists()
    if measurement.added_nothing:
        measurement.save(None)
        return measurement.report_outcome() or print_error("Nothing more was measured.", EngineError.exit_code)
    if not result.measured and (older or isinstance(measurement.error, DataError)) and measurement.cut_short:
        measurement.save(None)
        return measurement.report_outcome()  # do not replace an older result by an empty one
    try:
        lost = write_report(result, report_format, path, samples=samples)
    except NothingToExportError as error:
        measurement.save(result)
        why = " ".join(measurement.failures)  # a report would contain them
        return print_error(f"{error} {why}".strip(), measurement.report_outcome() or error.exit_code)
    except Exception as error:  # noqa: BLE001 (as above)
        measurement.print_failure(error)
        measurement.abandon()
        return EngineError.exit_code
    measurement.save(result)
    if lost and path is not None:
        return lost
    return measurement.report_outcome() or lost


def write_report(result: Result, report_format: Format, path: Path | None, *, samples: bool) -> int:
    """Write a report to a file, or to stdout if there is no file or it cannot be written; return the exit code."""
    if omissions := describe_omissions(result, report_format):
        print_status(f"latency-tui: {omissions}")
    if path is None:
        width, colour = terminal_style()
        return emit(
            pieces(result, report_format, width=width, colour=colour, samples=samples),
            json=FORMATS[report_format].is_json,
        )
    try:
        write(result, path, report_format, samples=samples)
    except NothingToExportError:
        raise
    except UsageError as error:  # the disk may be full or the folder deleted: stdout keeps the result
        fallback: Format = "json" if FORMATS[report_format].is_binary else report_format
        emit(pieces(result, fallback, samples=samples), json=FORMATS[fallback].is_json)
        return print_error(str(error), error.exit_code)
    print_status(clean(f"{result.answer} Written to {path}.".strip()))
    return 0


def _format_exception(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ") if str(error) else type(error).__name__


def failure_exit_code(causes: Collection[Cause]) -> int:
    """Return the exit code: 0 if no model failed, 124 if all failures are call timeouts, otherwise 4."""
    if not causes:
        return 0
    return TIMED_OUT if set(causes) == {"timed out"} else ModelError.exit_code
