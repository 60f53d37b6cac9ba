"""A progress line on stderr for several hosts that measure at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from latency_tui.engine.protocol import Event
from latency_tui.plan import Plan
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

    def fail(self, host: str) -> None:
        """Record that a host has ended early."""
        self._words[host] = "failed"
        self._show()

    def _show(self) -> None:
        self._line.show(" · ".join(f"{host}: {words}" for host, words in self._words.items()))
