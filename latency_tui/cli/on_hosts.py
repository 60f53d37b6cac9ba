"""Measuring a plan on several hosts without a screen: every host the whole plan, or hosts of one kind its launches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from latency_tui.analysis.across_hosts import common_baseline, hosts_result
from latency_tui.analysis.recorder import Recorder
from latency_tui.cli.group import print_error
from latency_tui.cli.headless import failure_exit_code, write_report
from latency_tui.cli.history_options import Place
from latency_tui.cli.hosts_options import HostsOptions
from latency_tui.cli.hosts_session import HostsSession
from latency_tui.cli.output import emit, print_status, terminal_style
from latency_tui.cluster.hosts import Host, UnusableHost
from latency_tui.cluster.measuring import measure_on
from latency_tui.cluster.shared_work import SharedWork, wait_for_all
from latency_tui.cluster.shipping import files_of
from latency_tui.engine.protocol import CandidateFailed, Cause, Event
from latency_tui.errors import EngineError, LatencyTuiError, NothingToExportError, UsageError
from latency_tui.history.fingerprint import result_id
from latency_tui.history.writer import Writer
from latency_tui.plan import Plan
from latency_tui.plan.shared_launches import check_shareable, share_launches
from latency_tui.report import FORMATS, Format
from latency_tui.report.hosts import HOSTS_FORMATS, hosts_pieces
from latency_tui.report.hosts_progress import HostsProgress
from latency_tui.result.atomic_files import write_content
from latency_tui.result.hosts import HostResult, HostsResult
from latency_tui.text.sanitize import clean


class HostMeasurement:
    """One plan measured by one host, or by hosts that share it.

    Attributes:
        name: Name of the host, or of the hosts.
        recording: What was measured so far.
        error: Why the measurement ended early; empty if it did not.
        causes: Maps the slug of each failed candidate to the cause of the failure.
    """

    def __init__(self, name: str, plan: Plan, place: Place) -> None:
        """Create a measurement.

        Args:
            name: Name of the host.
            plan: The plan.
            place: Where the result is kept.
        """
        self.name = name
        self.recording = Recorder(plan)
        self.error = ""
        self.causes: dict[str, Cause] = {}
        key = result_id(self.recording.created_at, plan)
        self._writer = Writer(place.path, key, name=place.name, tags=place.tags)
        self._is_temporary = place.is_temporary
        self.recording.write_to(self._writer)
        self._compared = {candidate.slug for candidate in plan.candidates}  # without the control

    def add(self, event: Event) -> None:
        """Record an event."""
        self.recording.add(event)
        if isinstance(event, CandidateFailed) and event.candidate in self._compared:
            self.causes[event.candidate] = event.cause

    def finish(self, baseline: str | None) -> HostResult:
        """Keep the result in the history, and return it with the baseline that all hosts share."""
        if baseline is not None and baseline in self.recording.active:
            self.recording.rebase(baseline)
        environment = self.recording.noise_recorder.environment
        result = self.recording.result() if environment is not None else None
        self._writer.finish(result if self.recording.rounds else None)
        self._writer.close()
        if self._writer.problem and not self._is_temporary:
            print_error(f"The result of {self.name} is not kept: {self._writer.problem}")
        return HostResult(host=self.name, cpu=environment.cpu if environment else "", result=result, error=self.error)


async def measure_everywhere(
    client: Any,
    hosts: list[Host],
    plan: Plan,
    place: Place,
    progress: HostsProgress,
    measurements: list[HostMeasurement],
) -> None:
    """Measure the whole plan on every host at the same time, and add a measurement per host."""
    files = files_of(plan)
    measurements += [HostMeasurement(host.name, plan, place) for host in hosts]

    async def follow(host: Host, measurement: HostMeasurement) -> None:
        try:
            async with aclosing(measure_on(client, host, plan, files, job="measurement")) as events:
                async for event in events:
                    measurement.add(event)
                    progress.update(host.name, event)
        except EngineError as error:
            measurement.error = str(error)
            progress.fail(host.name)

    tasks = [asyncio.create_task(follow(*pair)) for pair in zip(hosts, measurements, strict=True)]
    await wait_for_all(tasks)


async def measure_shared(
    client: Any,
    hosts: list[Host],
    plan: Plan,
    place: Place,
    progress: HostsProgress,
    measurements: list[HostMeasurement],
) -> None:
    """Distribute a plan over hosts of one kind, and add one measurement for all of them."""
    measurement = HostMeasurement(", ".join(host.name for host in hosts), plan, place)
    measurements.append(measurement)
    launches = share_launches(plan, len(hosts))
    work = SharedWork(client, hosts, launches, files_of(plan), record=measurement.add, follow=progress.follow)
    try:
        await work.measure()
    finally:
        measurement.error = " ".join(work.problems)


def measure_on_hosts(
    plan: Plan, hosts: HostsOptions, *, report_format: Format, path: Path | None, samples: bool, place: Place
) -> int:
    """Measure a plan on the hosts of a cluster, write the report and return the exit code.

    Args:
        plan: The plan.
        hosts: The hosts.
        report_format: Format of the report.
        path: The file to write; None for stdout.
        samples: Whether JSON contains the samples.
        place: Where the results are kept.

    Raises:
        UsageError: The plan cannot be measured on hosts, or the format cannot hold several results.
        EngineError: The cluster cannot be reached, or it has no usable host.
    """
    if hosts.spread == "hosts" and report_format not in HOSTS_FORMATS:
        raise UsageError(
            f"{report_format} holds the result of one machine; use one of {', '.join(HOSTS_FORMATS)}, or export the "
            "result of each host from the history."
        )
    if hosts.spread == "work":
        check_shareable(plan)
    files_of(plan)  # unreadable files are reported before anything is started
    session = HostsSession(hosts)
    measurements: list[HostMeasurement] = []

    async def measure(client: Any, found: list[Host]) -> None:
        with HostsProgress(plan, [host.name for host in found]) as progress:
            spread = measure_everywhere if hosts.spread == "hosts" else measure_shared
            await spread(client, found, plan, place, progress, measurements)

    try:
        session.run(measure)
    except LatencyTuiError:
        for measurement in measurements:
            measurement.finish(None)
        raise
    try:
        return _report(plan, session, measurements, report_format, path, samples=samples)
    finally:
        place.remove()


def _report(
    plan: Plan,
    session: HostsSession,
    measurements: list[HostMeasurement],
    report_format: Format,
    path: Path | None,
    *,
    samples: bool,
) -> int:
    recordings = [one.recording.result() for one in measurements if one.recording.rounds]
    baseline = common_baseline(plan, recordings) if session.wanted.spread == "hosts" else None
    finished = [one.finish(baseline) for one in measurements]
    if session.wanted.spread == "work" and finished and finished[0].result is not None:
        code = write_report(finished[0].result, report_format, path, samples=samples)
    else:
        value = _hosts_result(plan, finished, session.unusable)
        code = _write_hosts(value, report_format, path, samples=samples)
    for one in finished:
        if one.error:
            words = clean(one.error) if session.wanted.spread == "work" else f"{clean(one.host)}: {clean(one.error)}"
            code = print_error(words, EngineError.exit_code)
    if session.interruption.received is not None:
        name = session.interruption.received.name
        return print_error(
            f"Interrupted by {name}; the result holds what was measured.", session.interruption.exit_code
        )
    causes = [cause for one in measurements for cause in one.causes.values()]
    return code or failure_exit_code(causes) or (EngineError.exit_code if session.unusable else 0)


def _hosts_result(plan: Plan, finished: list[HostResult], unusable: Sequence[UnusableHost]) -> HostsResult:
    return hosts_result(plan, [*finished, *(HostResult(host=one.name, error=one.reason) for one in unusable)])


def _write_hosts(value: HostsResult, report_format: Format, path: Path | None, *, samples: bool) -> int:
    chosen = next(known for known in HOSTS_FORMATS if known == report_format)
    if path is None:
        width, colour = terminal_style()
        pieces = hosts_pieces(value, chosen, width=width, colour=colour, samples=samples)
        return emit(pieces, json=FORMATS[chosen].is_json)
    try:
        write_content(path, (piece.encode() for piece in hosts_pieces(value, chosen, samples=samples)))
    except NothingToExportError:
        raise
    except UsageError as error:  # the disk may be full or the folder deleted: stdout keeps the results
        emit(hosts_pieces(value, chosen, samples=samples), json=FORMATS[chosen].is_json)
        return print_error(str(error), error.exit_code)
    print_status(clean(f"{value.answer} Written to {path}."))
    return 0
