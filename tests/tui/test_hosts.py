"""Measuring on other machines in the app, over a made process that talks to made hosts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from latency_tui.cluster.process_protocol import (
    Connect,
    Failed,
    HostEnded,
    HostEvents,
    HostProgressed,
    HostsFound,
    Reply,
    Request,
)
from latency_tui.cluster.process_protocol import Measure as MeasurePlan
from latency_tui.engine.protocol import Measure
from latency_tui.history.store import History
from latency_tui.result.hosts import HostDescription
from latency_tui.tui.screens.hosts import HostsDialog
from tests.parameters import one_quick
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import FakeEngine, Script, fake_plan, until


def describe(**changes: Any) -> HostDescription:
    versions = {"latency-tui": "0.1.0", "scikit-learn": "1.9.1", "numpy": "2.4.6"}
    values: dict[str, Any] = {"host": "h", "cpu": "A CPU", "cores": 4, "os": "Linux", "python": "3.12.1"}
    return HostDescription(**{"versions": versions, "load": 0.05, "free_memory": 8 << 30, **values, **changes})


class FakeClient:
    """Speaks like the process that talks to the hosts.

    Attributes:
        hosts: The hosts that can measure.
        unusable: The others.
        failure: Why no host can be asked; empty if they can.
        failing: Why a host ends early, by its name.
        gate: Hosts wait for it before they end.
        requests: What it was asked.
        closed: Whether it was closed.
        script: What the engine of each host does.
    """

    def __init__(self, *hosts: str) -> None:
        self.hosts = {host: describe(cpu="Another CPU" if host == "web2" else "A CPU") for host in hosts}
        self.unusable: dict[str, str] = {}
        self.failure = ""
        self.failing: dict[str, str] = {}
        self.gate: asyncio.Event | None = None
        self.requests: list[Request] = []
        self.closed = False
        self.script = Script()
        self._measure: asyncio.Event = asyncio.Event()

    async def replies(self, first: Request) -> AsyncGenerator[Reply, None]:
        self.requests.append(first)
        if self.failure:
            yield Failed(message=self.failure)
            return
        yield HostsFound(hosts=self.hosts, unusable=self.unusable)
        await self._measure.wait()
        asked = self.requests[-1]
        if not isinstance(asked, MeasurePlan):
            return
        if asked.share:
            for launch in range(asked.plan.launches):
                yield HostProgressed(host="web1", words=f"launch {launch + 1}: round 1 of 10")
                async for event in FakeEngine(Script()).run(Measure(job="measurement", plan=asked.plan, launch=launch)):
                    yield HostEvents(host="", events=(event,))
            yield HostEnded(host="", error=self.failing.get("", ""))
            return
        for host in self.hosts:
            engine = FakeEngine(self.script)
            async for event in engine.run(Measure(job="measurement", plan=asked.plan)):
                yield HostEvents(host=host, events=(event,))
            if self.gate is not None:
                await self.gate.wait()
            if self.closed:
                return
            yield HostEnded(host=host, error=self.failing.get(host, ""))

    def send(self, request: Request) -> None:
        self.requests.append(request)
        self._measure.set()

    async def close(self) -> None:
        self.closed = True
        self._measure.set()
        if self.gate is not None:
            self.gate.set()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    made = FakeClient("web1", "web2", "local")
    monkeypatch.setattr("latency_tui.tui.hosts_client.HostsClient", lambda: made)
    return made


async def find_hosts(app: AppHarness, hosts: str = "web1,web2,local") -> None:
    await app.press("H")
    await app.paste(hosts)
    await app.press("enter")
    await until(lambda: "Measure on" in app.text() and "CPU" in app.text())


async def measure(app: AppHarness) -> None:
    await find_hosts(app)
    await app.press("enter")
    await until(lambda: "enter opens" in app.text())
    await app.pilot.pause()


async def test_the_hosts_are_described_before_anything_is_measured(open_app: Open, client: FakeClient) -> None:
    client.unusable = {"old": "It has latency-tui 0.0.9; install 0.1.0, as here."}
    async with open_app() as app:
        await find_hosts(app)
        assert client.requests == [Connect(hosts=("web1", "web2", "local"))]
        text = app.text()
        assert "Another CPU *" in text
        assert "* differs from the first host · latency-tui 0.1.0 on every host" in text
        assert "old: It has latency-tui 0.0.9" in text
        assert "Measure on 3 hosts" in text


async def test_the_results_of_all_hosts_are_compared_and_each_one_opens(
    open_app: Open, client: FakeClient, tmp_path: Path
) -> None:
    history = tmp_path / "history.sqlite"
    async with open_app(history=history) as app:
        await measure(app)
        text = app.text()
        assert "Logistic Regression is fastest on all 3 hosts." in text
        assert "slower on 3 of 3 hosts" in text
        assert "web2   Another CPU" in text
        await app.press("down", "enter")
        assert not isinstance(app.app.screen, HostsDialog)
        assert app.state.measurement is not None
        assert app.state.measurement.job == "hosts-1-web2"
        assert "measured on web2" in app.text()
        assert app.app.hosts_result is not None
        assert [one.host for one in app.app.hosts_result.hosts] == ["web1", "web2", "local"]
        await app.press("H")
        assert "is fastest on all 3 hosts" in app.text()
        await app.press("H")
        assert "enter finds the hosts" in app.text()
        assert "web1,web2,local" in app.text()
        await app.press("escape", "H")
        assert "is fastest on all 3 hosts" in app.text(), "nothing else was measured"
    with History.open(history) as kept:
        assert len([*kept.list()]) == 3


async def test_a_host_that_fails_has_its_reason_in_its_line(open_app: Open, client: FakeClient) -> None:
    client.failing = {"web2": "web2 has left the cluster."}
    async with open_app() as app:
        await measure(app)
        assert "web2   Another CPU  web2 has left the cluster." in app.text()
        assert "failed." in app.text()


async def test_a_model_that_fails_on_a_host_has_its_reason_below(open_app: Open, client: FakeClient) -> None:
    client.script.untrainable = {"linear-svm"}
    async with open_app(140, 60) as app:
        await measure(app)
        assert "web2: Linear SVM: ValueError: [bold]no[/bold] such row" in app.text()
        assert "Logistic Regression is fastest on all 3 hosts." in app.text()


@pytest.mark.slow
async def test_hosts_on_which_every_model_fails_say_why_and_open(open_app: Open, client: FakeClient) -> None:
    client.script.untrainable = {candidate.slug for candidate in fake_plan().candidates}
    async with open_app(140, 60) as app:
        await measure(app)
        assert "No host measured anything." in app.text()
        assert "web1   A CPU        Logistic Regression: ValueError: [bold]no" in app.text()
        await app.press("enter")
        assert app.state.result is not None
        assert app.state.result.candidates[0].status == "failed"


async def test_escape_stops_every_host_and_keeps_what_was_measured(open_app: Open, client: FakeClient) -> None:
    client.gate = asyncio.Event()
    async with open_app() as app:
        await find_hosts(app)
        await app.press("enter")
        await until(lambda: "round 10 of 10" in app.text() and "p50 so far" in app.text())
        await app.press("escape")
        await until(lambda: "enter opens" in app.text())
        assert client.closed
        assert "on the only host" in app.text()
        assert "It was stopped." in app.text()


@pytest.mark.slow
async def test_hosts_of_one_kind_share_the_launches_and_have_one_result(open_app: Open, client: FakeClient) -> None:
    client.hosts = {"web1": describe(), "web2": describe()}
    client.failing = {"": "Launch 2 is incomplete."}
    async with open_app(plan=fake_plan(launches=2)) as app:
        await find_hosts(app)
        assert "Share the launches" in app.text()
        await app.press("tab", "enter")
        await until(lambda: "enter opens" in app.text())
        assert "Logistic Regression is fastest" in app.text()
        assert "Launch 2 is incomplete." in app.text()
        await app.press("enter")
        assert "measured on web1, web2" in app.text()
        assert app.state.result is not None
        assert {one.calls for one in app.state.result.measured} == {200}
        assert app.app.hosts_result is None


async def test_hosts_that_differ_cannot_share_the_launches(open_app: Open, client: FakeClient) -> None:
    async with open_app(plan=fake_plan(launches=2)) as app:
        await find_hosts(app)
        assert "The hosts differ, so that they cannot share the launches (CPU: A CPU on web1" in app.text()
        assert "Share the launches" not in app.text()


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "Type names of hosts"), ("a,,b", "separated by commas"), ("a,a", "The host a is named twice.")],
)
async def test_what_names_no_hosts_is_explained_in_the_dialog(
    open_app: Open, client: FakeClient, typed: str, words: str
) -> None:
    async with open_app(80, 24) as app:
        await app.press("H")
        await app.paste(typed)
        await app.press("enter")
        assert words in app.text()
        assert client.requests == []


async def test_a_missing_library_is_one_sentence_in_the_dialog(open_app: Open, client: FakeClient) -> None:
    client.failure = "Measuring on hosts needs Dask; install latency-tui[cluster]."
    async with open_app(60, 20) as app:
        await app.press("H")
        await app.paste("a")
        await app.press("enter")
        await until(lambda: "install" in app.text())
        assert "enter finds the hosts" in app.text()


@pytest.mark.parametrize("size", one_quick([(140, 40), (80, 24), (60, 20)], whole=True))
async def test_no_line_of_the_dialog_is_wider_than_the_terminal(
    open_app: Open, client: FakeClient, size: tuple[int, int]
) -> None:
    async with open_app(*size) as app:
        await find_hosts(app)
        assert "Another CPU *" in app.text()
        await app.press("enter")
        await until(lambda: "enter opens" in app.text())
        await app.pilot.pause()
        sheet = app.app.screen.query_one("#sheet")
        assert sheet.virtual_size.width <= size[0]
        assert "Logistic Regression is fastest" in app.text()
        await app.press(*["pagedown"] * 6)
        assert "pooled." in app.text(), "the page keys reach the end"
