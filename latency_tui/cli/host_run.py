"""One measurement of a plan on one of several hosts, without a screen."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latency_tui.cli.group import print_error
from latency_tui.cli.headless import HeadlessRun, failure_exit_code
from latency_tui.cli.interrupt import Interruption
from latency_tui.cluster.hosts import Host
from latency_tui.cluster.measuring import measure_on
from latency_tui.engine.protocol import Event
from latency_tui.plan import Plan
from latency_tui.report.hosts_progress import HostsProgress


@dataclass(frozen=True, kw_only=True)
class MeasuringHost:
    """A host, and what its measurements share with those of the other hosts.

    Attributes:
        client: An asynchronous Dask client.
        host: The host.
        files: Files of the plan, as `shipping.files_of` returns them.
        progress: The progress of all hosts.
        interruption: The signal that ended the measurements, if any.
        errors: Why measurements on this host ended early.
    """

    client: Any  # Any: Dask has no types
    host: Host
    files: dict[Path, str]
    progress: HostsProgress
    interruption: Interruption
    errors: list[str] = field(default_factory=list)


class HostRun(HeadlessRun):
    """One measurement on a host. The caller handles signals, and cancels the measurements of all hosts."""

    def __init__(self, plan: Plan, modules: Path | None = None, *, on: MeasuringHost, **options: Any) -> None:
        """Create a measurement.

        Args:
            plan: The plan.
            modules: Ignored: code is not shipped to hosts.
            on: The host.
            options: The other arguments of `HeadlessRun`.
        """
        super().__init__(plan, modules, **options)
        self._on = on
        self.interruption = on.interruption

    async def run(self) -> None:
        """Measure until the plan is done, the host fails or this is cancelled; the attributes hold the outcome.

        Raises:
            UsageError: A setting is invalid, or `watch` refused the measurement.
        """
        name = self._on.host.name
        await self.wait(self.record(self._on.progress.of(name)))
        if self.error is not None:
            self._on.errors.append(str(self.error))
        self._on.progress.end(name, "failed" if self.error else "done")

    def events(self) -> AsyncGenerator[Event, None]:
        """Measure the plan on the host, and yield the events."""
        return measure_on(
            self._on.client,
            self._on.host,
            self.plan,
            self._on.files,
            job="measurement",
            first_launch=self.first_launch,
            until_limits=self.limits_only,
        )

    def report_outcome(self) -> int:
        """Print why the measurement ended early, if the host was the reason, and return the exit code."""
        if self.error is None:
            return self.interruption.exit_code or failure_exit_code(self.causes.values())
        return super().report_outcome()

    def print_error(self, sentence: str, exit_code: int = 0) -> int:
        """Print a sentence that begins with the name of the host to stderr, and return the exit code."""
        self._on.progress.clear()
        return print_error(f"{self._on.host.name}: {sentence}", exit_code)
