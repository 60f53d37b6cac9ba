"""The hosts of a cluster, and what is found out about them before anything is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from latency_tui.cluster import host_tasks
from latency_tui.engine.machine import versions_of
from latency_tui.result.hosts import HostDescription

_PACKAGE = "latency-tui"
DESCRIBE_SECONDS = 60.0
"""How long a host may take to describe itself: it imports numpy and scipy for that."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host that can measure.

    Attributes:
        name: Its name, unique within the cluster.
        address: Address of its Dask worker.
        description: What it says about itself.
    """

    name: str
    address: str
    description: HostDescription


class UnusableHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host that cannot measure.

    Attributes:
        name: Its name or address.
        reason: Why, in one sentence.
    """

    name: str
    reason: str


async def find_hosts(client: Any) -> tuple[list[Host], list[UnusableHost]]:
    """Return the hosts of a cluster that can measure, and those that cannot; one worker per machine is used."""
    identity = await client.scheduler.identity()
    addresses = sorted(identity["workers"])
    answers = await asyncio.gather(*(_describe(client, address) for address in addresses))
    usable: list[Host] = []
    unusable: list[UnusableHost] = []
    machines: set[tuple[str, str]] = set()
    for address, answer in zip(addresses, answers, strict=True):
        ip = address.rpartition("://")[2].rpartition(":")[0]
        if isinstance(answer, str):
            unusable.append(UnusableHost(name=ip, reason=answer))
        elif (there := answer.versions.get(_PACKAGE)) != _version():
            reason = f"It has latency-tui {there or 'of an unknown version'}; install {_version()}, as here."
            unusable.append(UnusableHost(name=answer.host, reason=reason))
        elif (answer.host, ip) not in machines:
            machines.add((answer.host, ip))
            name = _given_name(identity["workers"][address], answer.host)
            usable.append(Host(name=name, address=address, description=answer))
    return unique_names(usable), unusable


def _given_name(worker: Mapping[str, Any], host: str) -> str:
    """Return the name that a worker was given; that of its machine if Dask named it by number or address."""
    name = worker.get("id", worker.get("name"))
    return name if isinstance(name, str) and "://" not in name and not name.isdigit() else host


def _version() -> str:
    """Return the version of latency-tui on this machine."""
    return versions_of((_PACKAGE,)).get(_PACKAGE, "")


async def _describe(client: Any, address: str) -> HostDescription | str:
    """Return the description of a host, or why there is none."""
    try:
        answers = await asyncio.wait_for(
            client.run(host_tasks.describe_host, workers=[address], on_error="return"), DESCRIBE_SECONDS
        )
    except TimeoutError:
        return f"It did not answer within {DESCRIBE_SECONDS:g} s."
    except Exception as error:  # noqa: BLE001 (whatever the other side raised)
        return _reason(error)
    answer = answers.get(address)
    if isinstance(answer, bytes):
        return msgspec.json.decode(answer, type=HostDescription)
    return _reason(answer)


def _reason(error: object) -> str:
    if isinstance(error, ModuleNotFoundError):
        missing = (error.name or "").partition(".")[0].replace("_", "-") or "a library"
        return f"{missing} is not installed there; install latency-tui {_version()} with its extra cluster."
    return f"It cannot be asked: {str(error) or type(error).__name__}."


def unique_names(hosts: Sequence[Host]) -> list[Host]:
    """Return the hosts with their address in the name where several have the same name."""
    names = [host.name for host in hosts]
    return [
        msgspec.structs.replace(host, name=f"{host.name} ({host.address.rpartition('://')[2]})")
        if names.count(host.name) > 1
        else host
        for host in hosts
    ]
