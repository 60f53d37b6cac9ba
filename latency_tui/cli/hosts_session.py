"""The connection of a command to several hosts: which of them can measure, and what ends it early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from latency_tui.cli.group import print_error
from latency_tui.cli.hosts_options import HostsOptions
from latency_tui.cli.interrupt import Interruption, cancel_on_signal
from latency_tui.cli.output import print_status
from latency_tui.cluster.connection import connect, start_on
from latency_tui.cluster.hosts import Host, UnusableHost, find_hosts
from latency_tui.errors import EngineError, UsageError
from latency_tui.text.hosts import difference_between, has_differences, preflight_rows
from latency_tui.text.sanitize import align, clean


class HostsSession:
    """One connection to several hosts.

    Attributes:
        wanted: The hosts that were asked for.
        unusable: Hosts that cannot measure.
        interruption: The signal that ended the measurement, if any.
    """

    def __init__(self, wanted: HostsOptions) -> None:
        self.wanted = wanted
        self.unusable: list[UnusableHost] = []
        self.interruption = Interruption()

    def run(self, measure: Callable[[Any, list[Host]], Awaitable[None]]) -> None:  # Any: Dask has no types
        """Connect, print what is known about the hosts, and measure until that is done or a signal arrives.

        Args:
            measure: Measures, given a Dask client and the hosts that can measure. A signal cancels it.

        Raises:
            UsageError: The hosts cannot be used in the way that was asked for.
            EngineError: The cluster cannot be reached, or it has no usable host.
        """
        asyncio.run(self._run(measure))

    async def _run(self, measure: Callable[[Any, list[Host]], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._measure(measure))
        with cancel_on_signal(task, self.interruption):
            try:
                await task
            except asyncio.CancelledError:
                if self.interruption.received is None:
                    raise

    async def _measure(self, measure: Callable[[Any, list[Host]], Awaitable[None]]) -> None:
        wanted = self.wanted
        connection = (
            connect(wanted.cluster) if wanted.cluster else start_on(wanted.hosts, remote_python=wanted.remote_python)
        )
        async with connection as (client, unreachable):
            hosts, unusable = await find_hosts(client)
            self.unusable = [*unreachable, *unusable]
            self._report_hosts(hosts)
            await measure(client, hosts)

    def _report_hosts(self, hosts: list[Host]) -> None:
        """Print what is known about the hosts before anything is measured, and refuse hosts that cannot share work."""
        for one in self.unusable:
            print_error(f"{clean(one.name)}: {clean(one.reason)}")
        if not hosts:
            raise EngineError("The cluster has no host that can measure.")
        described = {host.name: host.description for host in hosts}
        rows = [[clean(cell) for cell in row] for row in preflight_rows(described)]
        for line in align(rows):
            print_status(line)
        if has_differences(described):
            print_status("* differs from the first host")
        different = difference_between(described)
        if self.wanted.spread == "work" and different and not self.wanted.allow_different:
            raise UsageError(
                f"The hosts differ, so that they cannot share the work ({different}); use --spread hosts, or "
                "--allow-different-hosts."
            )
