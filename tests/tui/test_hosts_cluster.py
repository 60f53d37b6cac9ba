"""Measuring on other machines in the app, over a real Dask cluster of three workers on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytest.importorskip("distributed")

from latency_tui.history.store import History
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from tests.engine.test_cluster import ADDRESSES, Cluster, cluster, shared
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import until

__all__ = ["cluster", "shared"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]

MODELS = (Candidate(model=BUILTIN_MODELS[0]), Candidate(model=BUILTIN_MODELS[2]))
END_SECONDS = 20.0
"""Generous, because the machine may be busy."""
FRONT_END = """
import asyncio, sys
from latency_tui.cluster.process_protocol import Connect, HostsFound, Measure
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.tui.hosts_client import HostsClient

async def main():
    client = HostsClient()
    async for reply in client.replies(Connect(cluster=sys.argv[1])):
        if isinstance(reply, HostsFound):
            plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),), runs=None, seconds=60.0)
            client.send(Measure(plan=plan))
        print("distributed" in sys.modules, flush=True)

asyncio.run(main())
"""


async def begin(app: AppHarness, cluster: Cluster, *keys: str) -> None:
    """Find the hosts of a cluster and measure on them."""
    await app.press("H", "down")
    await app.paste(cluster.file)
    await app.press("enter")
    await until(lambda: "Measure on 3 hosts" in app.text())
    await app.press(*keys, "enter")


def engines(cluster: Cluster) -> list[psutil.Process]:
    return [engine for address in ADDRESSES for engine in cluster.engines(address)]


async def test_the_app_measures_on_every_host_and_keeps_each_result(
    open_app: Open, cluster: Cluster, tmp_path: Path
) -> None:
    history = tmp_path / "history.sqlite"
    async with open_app(history=history, plan=Plan(candidates=MODELS, runs=20)) as app:
        await begin(app, cluster)
        await until(lambda: "enter opens" in app.text())
        await app.pilot.pause()
        assert "of 3 hosts" in app.text()
        await app.press("enter")
        assert app.state.result is not None
        assert [one.calls for one in app.state.result.measured] == [20, 20]
    with History.open(history) as kept:
        assert len([*kept.list()]) == 3


async def test_hosts_share_the_launches_of_one_result(open_app: Open, cluster: Cluster) -> None:
    async with open_app(plan=Plan(candidates=MODELS, runs=20, launches=3)) as app:
        await begin(app, cluster, "tab")
        await until(lambda: "enter opens" in app.text())
        await app.press("enter")
        assert app.state.result is not None
        assert [one.calls for one in app.state.result.measured] == [60, 60]
        assert app.state.result.complete_launches == 3


async def test_escape_ends_the_engines_on_all_hosts(open_app: Open, cluster: Cluster) -> None:
    async with open_app(plan=Plan(candidates=MODELS, runs=None, seconds=60.0)) as app:
        await begin(app, cluster)
        await until(lambda: all(cluster.engines(address) for address in ADDRESSES))
        await until(lambda: "round" in app.text())
        began = time.monotonic()
        await app.press("escape")
        await until(lambda: not engines(cluster), END_SECONDS)
        print(f"ended within {time.monotonic() - began:.1f} s")
        await until(lambda: "enter opens" in app.text())
        assert "It was stopped." in app.text()


@pytest.mark.parametrize("victim", ["front end", "process"])
def test_a_killed_front_end_leaves_no_process_on_any_host(cluster: Cluster, victim: str) -> None:
    front_end = subprocess.Popen(
        [sys.executable, "-c", FRONT_END, str(cluster.file)], stdout=subprocess.PIPE, text=True, cwd=cluster.folder
    )
    assert front_end.stdout is not None
    assert front_end.stdout.readline() == "False\n", "the front end does not import Dask"
    _wait(lambda: all(cluster.engines(address) for address in ADDRESSES))
    (process,) = psutil.Process(front_end.pid).children()
    os.kill(front_end.pid if victim == "front end" else process.pid, signal.SIGKILL)
    began = time.monotonic()
    _wait(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, END_SECONDS)
    _wait(lambda: not engines(cluster), END_SECONDS)
    print(f"ended within {time.monotonic() - began:.1f} s")
    front_end.communicate(timeout=60)


def _wait(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
