"""A progress line on stderr for several hosts that measure at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from latency_tui.engine.protocol import EngineStarted, Event
from latency_tui.plan import Plan
from latency_tui.plan.shared_launches import SharedLaunch
from latency_tui.report.progress import Progress


class HostsProgress:
    """Draws `a: round 12 of 40 · b: training svm` if stderr is a terminal, otherwise nothing.

    Args:
        plan: The plan that every host measures.
        hosts: Their names.
    """

    def __init__(self, plan: Plan, hosts: Sequence[str]) -> None:
        self._line = Progress(plan)
        self._of_host = {host: Progress(plan, shown=False) for host in hosts}
        self._words = dict.fromkeys(hosts, "starting")

    def __enter__(self) -> HostsProgress:
        """Show at once that something is happening."""
        self._line.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the line."""
        self._line.__exit__(kind, error, traceback)

    def update(self, host: str, event: Event) -> None:
        """Record an event of a host."""
        if words := self._of_host[host].describe(event):
            self._words[host] = words
        self._show()

    def follow(self, host: str, launch: SharedLaunch, event: Event | None) -> None:
        """Record an event of a launch that hosts share; None if the launch is lost."""
        if event is None:
            self.fail(host)
            return
        if isinstance(event, EngineStarted):
            self._of_host[host] = Progress(launch.plan, shown=False)
        if words := self._of_host[host].describe(event):
            self._words[host] = f"{launch.label}: {words}"
        self._show()

    def fail(self, host: str) -> None:
        """Record that a host has ended early."""
        self.end(host, "failed")

    def end(self, host: str, words: str) -> None:
        """Show words about a host instead of its progress."""
        self._words[host] = words
        self._show()

    def of(self, host: str) -> HostProgress:
        """Return the progress of one of the hosts."""
        return HostProgress(self, host)

    def clear(self) -> None:
        """Remove the line before other output is written."""
        self._line.clear()

    def _show(self) -> None:
        self._line.show(" · ".join(f"{host}: {words}" for host, words in self._words.items()))


class HostProgress:
    """The progress of one host, which is a part of the line of all hosts."""

    def __init__(self, line: HostsProgress, host: str) -> None:
        self._line = line
        self._host = host

    def update(self, event: Event) -> None:
        """Record an event."""
        self._line.update(self._host, event)

    def clear(self) -> None:
        """Remove the line of all hosts before other output is written."""
        self._line.clear()
