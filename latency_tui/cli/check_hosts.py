"""`check` on several hosts: every host is a gate of its own, and the worst of them is the outcome."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from functools import partial
from typing import Any

from latency_tui.analysis.hosts_gate import verdict_across_hosts
from latency_tui.cli.check_run import FAILED, UNDECIDED, Check, exit_code_of
from latency_tui.cli.group import print_error
from latency_tui.cli.history_options import temporary_place
from latency_tui.cli.host_run import HostRun, MeasuringHost
from latency_tui.cli.hosts_options import HostsOptions
from latency_tui.cli.hosts_session import HostsSession
from latency_tui.cli.saved_baselines import SavedBaseline
from latency_tui.cluster.hosts import Host
from latency_tui.cluster.shipping import files_of
from latency_tui.errors import EngineError, LatencyTuiError, UsageError
from latency_tui.report.hosts_progress import HostsProgress
from latency_tui.result.hosts_gate import HostGate, HostsGate
from latency_tui.result.result import Result

_VERDICTS = (0, FAILED, UNDECIDED)
"""Exit codes of verdicts; others say that a host failed."""


def check_on_hosts(check: Check, wanted: HostsOptions) -> HostsGate:
    """Run a gate on every host at the same time, and return the gates.

    Raises:
        UsageError: The plan cannot be measured on hosts.
        EngineError: The cluster cannot be reached, or it has no usable host.
    """
    began, files, session = time.monotonic(), files_of(check.plan), HostsSession(wanted)
    tasks: list[asyncio.Task[HostGate]] = []

    async def measure(client: Any, hosts: list[Host]) -> None:  # Any: Dask has no types
        with HostsProgress(check.plan, [host.name for host in hosts]) as progress:
            for host in hosts:
                on = MeasuringHost(
                    client=client, host=host, files=files, progress=progress, interruption=session.interruption
                )
                tasks.append(asyncio.create_task(_check_host(check, on)))
            await asyncio.gather(*tasks)  # a signal cancels the measurements, and each gate judges what it has

    try:
        session.run(measure)
    finally:
        if check.place is not None:
            check.place.remove()
    gates = [task.result() for task in tasks if not task.cancelled()]
    gates += [HostGate(host=one.name, error=one.reason, exit_code=EngineError.exit_code) for one in session.unusable]
    if session.interruption.received is not None:
        print_error(f"Interrupted by {session.interruption.received.name}; the lines hold what was measured.")
    verdict = verdict_across_hosts(gates)
    failed = next((one.exit_code for one in gates if one.exit_code not in _VERDICTS), 0)
    return HostsGate(
        verdict=verdict,
        exit_code=session.interruption.exit_code or failed or exit_code_of(verdict, strict=check.strict),
        strict=check.strict,
        seconds=time.monotonic() - began,
        hosts=tuple(gates),
    )


async def _check_host(check: Check, on: MeasuringHost) -> HostGate:
    """Run a gate on one host."""
    name, cpu = on.host.name, on.host.description.cpu
    place = temporary_place() if check.place is None or check.place.is_temporary else check.place
    try:
        saved = _baseline_of(check, name)
        mine = dataclasses.replace(check, place=place, saved=saved, new_run=partial(HostRun, on=on))
        gate = await mine.measure()
    except LatencyTuiError as error:  # such as a saved baseline of another environment
        on.progress.fail(name)
        on.progress.clear()
        print_error(f"{name}: {error}")
        return HostGate(host=name, cpu=cpu, error=str(error), exit_code=error.exit_code)
    return HostGate(host=name, cpu=cpu, gate=gate, error=" ".join(on.errors), exit_code=gate.exit_code)


def _baseline_of(check: Check, host: str) -> SavedBaseline | None:
    """Return the saved baseline for one host, which has its own environment and its own earlier results.

    Raises:
        UsageError: The baseline holds results of other hosts only.
    """
    saved = check.saved
    if saved is not None and check.saved_by_host:
        if host not in check.saved_by_host:
            known = ", ".join(check.saved_by_host)
            raise UsageError(f"The baseline has no result of {host}; it has {known}. Measure the baseline there too.")
        saved = check.saved_by_host[host]
    if saved is None:
        return None
    results = saved.earlier

    def earlier(current: Result) -> list[Result]:
        host = current.environment and current.environment.host
        return [one for one in results(current) if one.environment and one.environment.host == host]

    return dataclasses.replace(saved, earlier=earlier, differences=[])
