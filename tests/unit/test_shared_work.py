"""Hosts that share one plan: what is recorded, and what is said of a launch that is lost with its host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from latency_tui.cluster import shared_work
from latency_tui.cluster.hosts import Host
from latency_tui.cluster.shared_work import SharedWork
from latency_tui.engine.protocol import EngineStarted, Environment, Event, InputsIdentified, JobFinished
from latency_tui.errors import EngineError
from latency_tui.plan import Plan
from latency_tui.plan.shared_launches import share_launches
from latency_tui.result.hosts import HostDescription
from tests.unit.test_sweeps import plan_of

MACHINE = Environment(host="h", os="Linux", cpu="A", cores=2, python="3.11.7", versions={})


def host(name: str) -> Host:
    described = HostDescription(host="h", cpu="A", cores=2, os="Linux", python="3.11.7", versions={})
    return Host(name=name, address=f"tcp://{name}:1", description=described)


class Hosts:
    """Stands for `measure_on`: each launch takes a turn of the loop, and some hosts are lost in their first launch."""

    def __init__(self, *lost: str, modules: dict[str, str] | None = None) -> None:
        self.lost = lost
        self.modules = modules or {}
        self.measured: list[tuple[str, int, list[str]]] = []

    async def measure_on(
        self, client: Any, at: Host, plan: Plan, files: Any, *, job: str, first_launch: int
    ) -> AsyncGenerator[Event, None]:
        self.measured.append((at.name, first_launch, [one.slug for one in plan.candidates]))
        yield EngineStarted(environment=MACHINE)
        yield InputsIdentified(job=job, inputs={"the module mine": self.modules.get(at.name, "a")})
        await asyncio.sleep(0)
        if at.name in self.lost:
            raise EngineError(f"{at.name} has left the cluster; what it measured is kept.")
        yield JobFinished(job=f"{job} {first_launch}", reason="completed")


def share(
    monkeypatch: pytest.MonkeyPatch, hosts: Hosts, plan: Plan, *names: str
) -> tuple[list[Event], list[str], list[str]]:
    monkeypatch.setattr(shared_work, "measure_on", hosts.measure_on)
    recorded: list[Event] = []
    lost: list[str] = []

    def follow(name: str, _launch: Any, event: Event | None) -> None:
        lost.extend([name] if event is None else [])

    work = SharedWork(
        None, [*map(host, names)], share_launches(plan, len(names)), {}, record=recorded.append, follow=follow
    )
    asyncio.run(work.measure())
    return recorded, work.problems, lost


def finished(events: list[Event]) -> list[str]:
    return [event.job for event in events if isinstance(event, JobFinished)]


def test_launches_are_recorded_in_order_and_name_all_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    events, problems, _ = share(monkeypatch, Hosts(), plan_of("batch=1,2", "m", "n", launches=5), "a", "b")
    assert finished(events) == [f"measurement {number}" for number in range(5)]
    assert {e.environment.host for e in events if isinstance(e, EngineStarted)} == {"a, b"}
    assert problems == []


def test_a_launch_that_is_lost_is_named_and_never_measured_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts("b")
    events, problems, lost = share(monkeypatch, hosts, plan_of("batch=1,2,4,8", "m", "n", launches=2), "a", "b", "c")
    numbers = [number for _, number, _ in hosts.measured]
    assert sorted(numbers) == [*range(len(numbers))]  # each once
    (of_b,) = [number for name, number, _ in hosts.measured if name == "b"]
    assert finished(events) == [f"measurement {number}" for number in range(len(numbers)) if number != of_b]
    assert lost == ["b"]
    (problem,) = problems
    assert problem.startswith(f"Launch {of_b + 1} (batch=")
    assert "on b is incomplete and is not measured on another host: b has left the cluster" in problem


def test_launches_for_which_no_host_is_left_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _, problems, _ = share(monkeypatch, Hosts("a", "b"), plan_of("batch=1,2", "m", launches=4), "a", "b")
    assert len(problems) == 3
    assert problems[-1] == "No host is left for launch 3, launch 4."


def test_a_host_with_another_version_of_a_module_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts(modules={"b": "another"})
    events, problems, lost = share(monkeypatch, hosts, plan_of("batch=1,2", "m", launches=4), "a", "b")
    assert lost == ["b"]
    assert len(finished(events)) == 3
    assert "the module mine on b is not the same as on a" in problems[0]
