"""Distributes the launches of one plan over hosts of one kind. What a host loses is not measured again elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.cluster.hosts import Host
from latency_tui.cluster.measuring import measure_on
from latency_tui.engine.protocol import EngineStarted, Event, InputsIdentified
from latency_tui.errors import EngineError
from latency_tui.plan.shared_launches import SharedLaunch
from latency_tui.text.hosts import describe_different_input, describe_lost_launch, describe_unmeasured_launches


class SharedWork:
    """Measures launches on several hosts, and passes their events on as if one machine had measured them all.

    Attributes:
        problems: What was not measured, and why, one sentence each.
    """

    def __init__(
        self,
        client: Any,  # Any: Dask has no types
        hosts: Sequence[Host],
        launches: Sequence[SharedLaunch],
        files: dict[Path, str],
        *,
        record: Callable[[Event], None],
        follow: Callable[[str, SharedLaunch, Event | None], None],
    ) -> None:
        """Create it; nothing is measured yet.

        Args:
            client: An asynchronous Dask client.
            hosts: The hosts.
            launches: The launches, in the order of their numbers.
            files: The files of the whole plan, as `shipping.files_of` returns them.
            record: Receives the events of each launch when it has ended, launches in order.
            follow: Receives every event at once, with its host and its launch; None when the launch is lost.
        """
        self.problems: list[str] = []
        self._client = client
        self._hosts = hosts
        self._files = files
        self._waiting = iter(launches)
        self._unrecorded: dict[int, list[Event]] = {}
        self._ended: set[int] = set()
        self._next = 0
        self._record = record
        self._follow = follow
        self._inputs: dict[str, tuple[str, str]] = {}  # value and host of each input

    async def measure(self) -> None:
        """Measure all launches. If this is cancelled, what was measured is recorded."""
        tasks = [asyncio.create_task(self._work(host)) for host in self._hosts]
        try:
            await wait_for_all(tasks)
        finally:
            for number in sorted(self._unrecorded):
                self._pass_on(number)
        if left := [launch.label for launch in self._waiting]:
            self.problems.append(describe_unmeasured_launches(left))

    async def _work(self, host: Host) -> None:
        """Measure one launch after the other until there are no more, or until one is lost."""
        for launch in self._waiting:
            self._unrecorded[launch.number] = []
            try:
                await self._measure(host, launch)
            except EngineError as error:
                self.problems.append(describe_lost_launch(launch.label, host.name, str(error)))
                self._follow(host.name, launch, None)
                return
            finally:
                self._end(launch.number)

    async def _measure(self, host: Host, launch: SharedLaunch) -> None:
        names = ", ".join(one.name for one in self._hosts)
        events = measure_on(self._client, host, launch.plan, self._files, job="measurement", first_launch=launch.number)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, EngineStarted):
                    event = EngineStarted(environment=msgspec.structs.replace(event.environment, host=names))
                elif isinstance(event, InputsIdentified):
                    self._compare_inputs(host, event)
                self._unrecorded[launch.number].append(event)
                self._follow(host.name, launch, event)

    def _compare_inputs(self, host: Host, event: InputsIdentified) -> None:
        """Check that this host has the same files and modules as the others.

        Raises:
            EngineError: It has not.
        """
        for name, value in event.inputs.items():
            known, other = self._inputs.setdefault(name, (value, host.name))
            if known != value:
                raise EngineError(describe_different_input(name, host.name, other))

    def _end(self, number: int) -> None:
        """Pass on the events of a launch that has ended as soon as all launches before it have ended."""
        self._ended.add(number)
        while self._next in self._ended:
            self._pass_on(self._next)
            self._next += 1

    def _pass_on(self, number: int) -> None:
        for event in self._unrecorded.pop(number, ()):
            self._record(event)


async def wait_for_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for tasks; if this is cancelled, cancel them and wait for their end."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
