"""What the dialog Measure on other machines shows, as immutable values; the functions return the next value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from latency_tui.errors import UsageError
from latency_tui.text.hosts import difference_between

if TYPE_CHECKING:
    from latency_tui.plan import Plan
    from latency_tui.result.hosts import HostDescription, HostsResult
    from latency_tui.result.result import Result

HostsStage = Literal["entering", "connecting", "found", "measuring", "stopping", "finished"]
STOPPED = "It was stopped."


class HostsWanted(msgspec.Struct, frozen=True):
    """The hosts as the user typed them.

    Attributes:
        hosts: Names of hosts, separated by commas.
        cluster: Address or scheduler file of a running Dask cluster.
        python: Interpreter on hosts that are reached over SSH; empty for the path of the one here.
    """

    hosts: str = ""
    cluster: str = ""
    python: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return tuple(name.strip() for name in self.hosts.split(",")) if self.hosts.strip() else ()

    def check(self) -> None:
        """Check that the fields name hosts or a cluster.

        Raises:
            UsageError: They name neither, both, or hosts that cannot be.
        """
        if not self.hosts.strip() and not self.cluster.strip():
            raise UsageError("Type names of hosts such as a,b,local, or the address of a running Dask cluster.")
        if self.hosts.strip() and self.cluster.strip():
            raise UsageError("Hosts starts a cluster and Cluster names a running one; leave one of them empty.")
        if not all(self.names):
            raise UsageError("Hosts: names of hosts, separated by commas, such as a,b,local.")
        if twice := next((name for name in self.names if self.names.count(name) > 1), ""):
            raise UsageError(f"The host {twice} is named twice.")
        if self.cluster.strip() and self.python.strip():
            raise UsageError("The workers of a running cluster have their own interpreter; leave Python empty.")


class HostLine(msgspec.Struct, frozen=True, eq=False):
    """One host that measures.

    Attributes:
        name: Its name.
        description: What it says about itself.
        job: Name of its measurement in the recordings; empty before it measures.
        progress: What it does now, in words.
        ended: Whether it has ended.
        error: Why it ended early; empty if it did not.
        result: Its latest result; None before the first figures.
    """

    name: str
    description: HostDescription
    job: str = ""
    progress: str = ""
    ended: bool = False
    error: str = ""
    result: Result | None = None


class HostsView(msgspec.Struct, frozen=True, eq=False):
    """Everything that the dialog shows.

    Attributes:
        stage: What happens now.
        plan: The plan that every host measures; None if there is none now.
        wanted: The hosts as typed.
        lines: The hosts that can measure.
        unusable: Why each of the other hosts cannot measure, by name.
        error: Why the process that talks to the hosts ended, or what hosts that share a plan did not measure.
        shared_job: Name of the recording of hosts that share a plan; empty if each measures the whole plan.
        found: The results of all hosts once they have ended.
    """

    stage: HostsStage = "entering"
    plan: Plan | None = None
    wanted: HostsWanted = HostsWanted()
    lines: tuple[HostLine, ...] = ()
    unusable: Mapping[str, str] = {}
    error: str = ""
    shared_job: str = ""
    found: HostsResult | None = None

    @property
    def descriptions(self) -> dict[str, HostDescription]:
        """What each host that can measure says about itself."""
        return {line.name: line.description for line in self.lines}

    def line(self, name: str) -> HostLine | None:
        """Return the line of a host; None if it cannot measure."""
        return next((line for line in self.lines if line.name == name), None)

    @property
    def is_running(self) -> bool:
        """Whether escape stops something instead of closing the dialog."""
        return self.stage in ("connecting", "measuring", "stopping")


def begin_connecting(view: HostsView, wanted: HostsWanted) -> HostsView:
    """Return the view while hosts are looked for."""
    return HostsView("connecting", view.plan, wanted)


def show_hosts(view: HostsView, hosts: Mapping[str, HostDescription], unusable: Mapping[str, str]) -> HostsView:
    """Return the view with the hosts that were found."""
    lines = tuple(HostLine(name, description) for name, description in hosts.items())
    return replace(view, stage="found", lines=lines, unusable=unusable)


def begin_measuring(view: HostsView, jobs: Mapping[str, str]) -> HostsView:
    """Return the view while every host measures the plan; maps each host to the name of its recording."""
    lines = tuple(replace(line, job=jobs[line.name], progress="starting") for line in view.lines)
    return replace(view, stage="measuring", lines=lines, found=None, error="")


def begin_sharing(view: HostsView, job: str) -> HostsView:
    """Return the view while the hosts share the plan, in one recording."""
    lines = tuple(replace(line, progress="starting") for line in view.lines)
    return replace(view, stage="measuring", lines=lines, shared_job=job, found=None, error="")


def end_sharing(view: HostsView, result: Result | None) -> HostsView:
    """Return the view with one line for all hosts that shared the plan."""
    name = ", ".join(line.name for line in view.lines)
    error = view.error or (STOPPED if view.stage == "stopping" else "")
    one = HostLine(name, view.lines[0].description, view.shared_job, ended=True, error=error, result=result)
    return replace(view, lines=(one,))


def sharing_refusal(view: HostsView) -> str:
    """Return why the hosts cannot share the plan; empty if they can.

    A plan of a single launch without a sweep has nothing to share.
    """
    from latency_tui.plan.shared_launches import check_shareable

    plan = view.plan
    if plan is None or len(view.lines) < 2 or (plan.launches == 1 and not plan.sweeps):
        return "There is nothing to share."
    try:
        check_shareable(plan)
    except UsageError as error:
        return str(error)
    if different := difference_between(view.descriptions):
        return f"The hosts differ, so that they cannot share the launches ({different})."
    return ""


def update_host(
    view: HostsView,
    name: str,
    *,
    progress: str | None = None,
    error: str | None = None,
    result: Result | None = None,
) -> HostsView:
    """Return the view with changes of one host; an error, which may be empty, ends it."""

    def change(line: HostLine) -> HostLine:
        if line.name != name:
            return line
        if progress is not None and not line.ended:
            line = replace(line, progress=progress)
        if error is not None:
            line = replace(line, ended=True, error=error, progress="failed" if error else "finished")
        return line if result is None else replace(line, result=result)

    return replace(view, lines=tuple(map(change, view.lines)))


def end_hosts(view: HostsView, error: str) -> HostsView:
    """Return the view after the process has ended: hosts that had not ended were stopped, or failed with it."""
    lines = tuple(
        line if line.ended else replace(line, ended=True, error=error or STOPPED, progress="stopped")
        for line in view.lines
    )
    return replace(view, lines=lines, error=error)
