"""The options of `run` and `check` for measuring on several hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import click

from latency_tui.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
Spread = Literal["hosts", "work"]
SPREADS: tuple[Spread, ...] = ("hosts", "work")

_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--cluster",
        metavar="ADDRESS|FILE",
        help="Measure on the hosts of a Dask cluster, given by its scheduler's address or file.",
    ),
    click.option(
        "--hosts", metavar="NAME,...", help="Measure on these hosts, reached over SSH; local is this machine."
    ),
    click.option(
        "--spread",
        type=click.Choice(SPREADS),
        help="Every host measures the whole plan (hosts), or hosts of the same kind share its launches and the values "
        "of its sweeps (work).  [default: hosts]",
    ),
    click.option("--allow-different-hosts", is_flag=True, help="Let hosts of different kinds share the work."),
    click.option(
        "--remote-python",
        metavar="PATH",
        help="The interpreter with latency-tui on hosts reached over SSH.  [default: the path of the one here]",
    ),
)


@dataclass(frozen=True, kw_only=True)
class HostsOptions:
    """The hosts that are to measure.

    Attributes:
        cluster: Address or scheduler file of a running Dask cluster; empty to start one on `hosts`.
        hosts: Names of hosts that are reached over SSH; `local` is this machine.
        spread: `hosts` for the whole plan on every host, `work` for launches and values of sweeps that hosts of one
            kind share.
        allow_different: Whether hosts of different kinds may share the work.
        remote_python: Interpreter on hosts that are reached over SSH; None for the path of the one here.
    """

    cluster: str = ""
    hosts: tuple[str, ...] = ()
    spread: Spread = "hosts"
    allow_different: bool = False
    remote_python: str | None = None


def hosts_options(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_hosts(values: dict[str, Any]) -> HostsOptions | None:  # Any: values as click parsed them
    """Remove the options from the values of a command, and return the hosts; None for this machine alone.

    Raises:
        UsageError: The options contradict each other.
    """
    cluster, hosts, spread = values.pop("cluster"), values.pop("hosts"), values.pop("spread")
    allow_different, remote_python = values.pop("allow_different_hosts"), values.pop("remote_python")
    if cluster is None and hosts is None:
        if spread or allow_different or remote_python:
            raise UsageError("--spread, --allow-different-hosts and --remote-python need --cluster or --hosts.")
        return None
    if cluster is not None and hosts is not None:
        raise UsageError("--cluster names a running cluster and --hosts starts one; give one of them.")
    if cluster is not None and remote_python:
        raise UsageError("The workers of a running cluster have their own interpreter; omit --remote-python.")
    names = tuple(name.strip() for name in (hosts or "").split(","))
    if hosts is not None and not all(names):
        raise UsageError("--hosts takes names of hosts, separated by commas, such as a,b,local.")
    if values.get("against") is not None:
        raise UsageError(
            "--against needs an environment per revision on this machine; on hosts, name both versions of the model, "
            "the old one as --baseline."
        )
    return HostsOptions(
        cluster=cluster or "",
        hosts=names if hosts is not None else (),
        spread=spread or "hosts",
        allow_different=allow_different,
        remote_python=remote_python,
    )
