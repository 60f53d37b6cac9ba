"""A real Dask cluster on this machine: three workers with addresses of their own, each a host."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest

from latency_tui.cluster import measuring
from latency_tui.cluster.connection import connect
from latency_tui.cluster.hosts import find_hosts
from latency_tui.cluster.measuring import measure_on
from latency_tui.engine.protocol import BlockMeasured
from latency_tui.errors import EngineError
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]

START_SECONDS = 120.0
END_SECONDS = 20.0
"""Generous, because the machine may be busy; the goal of two seconds is measured by a benchmark."""
ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self.file)]
        self.scheduler = self._start("dask_scheduler", *options)
        _wait_until(self.file.is_file)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    def _start(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{module}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *options], stdout=log, stderr=log, cwd=self.folder
            )

    def add(self, address: str) -> None:
        options = ["--host", address, "--no-dashboard", "--nthreads", "1", "--no-nanny", "--death-timeout", "60"]
        options += ["--resources", "latency-tui=1", "--local-directory", str(self.folder / address)]
        self.workers[address] = self._start("dask_worker", "--scheduler-file", str(self.file), *options)

    def engines(self, address: str) -> list[psutil.Process]:
        """Return the processes that a worker has started."""
        try:
            return psutil.Process(self.workers[address].pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()


def _wait_until(holds: Any, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster that all tests of this file share."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    """Return the cluster with all workers, some of which a test before may have killed."""
    for address in ADDRESSES:
        if address not in shared.workers or shared.workers[address].poll() is not None:
            shared.add(address)
    _wait_until(lambda: _count_workers(shared) == len(ADDRESSES))
    return shared


def _count_workers(cluster: Cluster) -> int:
    code = (
        "import sys; from distributed import Client\n"
        "with Client(scheduler_file=sys.argv[1]) as client: print(len(client.scheduler_info(n_workers=-1)['workers']))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(cluster.file)], capture_output=True, text=True, check=False)
    return int(done.stdout or 0)


def _run(cluster: Cluster, *options: str, folder: Path | None = None) -> subprocess.Popen[str]:
    history = cluster.folder / "history.sqlite"
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "latency_tui", "run", "--cluster", str(cluster.file), "--history", str(history)),
            *("--format", "json", "--no-samples", *options),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder or cluster.folder,
    )


def _json(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, json.loads(out), err


def test_every_host_measures_the_whole_plan_and_files_are_shipped_once(cluster: Cluster, tmp_path: Path) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression

    here = tmp_path / "here"
    here.mkdir()
    rows = [[0.0] * 20, [1.0] * 20] * 20
    joblib.dump(LogisticRegression().fit(rows, [0, 1] * 20), here / "model.joblib")
    options = ["-m", "model.joblib", "-m", "random-forest", "-n", "20", "--trust", "model.joblib"]
    code, found, err = _json(_run(cluster, *options, folder=here))
    assert code == 0, err
    assert len(found["hosts"]) == 3
    for host in found["hosts"]:
        assert host["error"] == ""
        candidates = host["result"]["candidates"]
        assert [one["calls"] for one in candidates] == [20, 20]
        assert host["result"]["plan"]["candidates"][0]["model"]["file"].endswith("model.joblib")
        assert "latency-tui-files" not in json.dumps(host)
    (across,) = found["across_hosts"]
    assert across["baseline"] == "model.joblib"
    assert across["candidate"] == "random-forest"
    assert across["of"] == 3
    shipped = {address: [*(cluster.folder / address).rglob("model.joblib")] for address in ADDRESSES}
    assert [len(paths) for paths in shipped.values()] == [1, 1, 1]
    before = [path.stat().st_mtime_ns for paths in shipped.values() for path in paths]
    assert _json(_run(cluster, *options, folder=here))[0] == 0
    assert [path.stat().st_mtime_ns for paths in shipped.values() for path in paths] == before
    listed = subprocess.run(
        [sys.executable, "-m", "latency_tui", "history", "list", "--format", "json", "--history", "history.sqlite"],
        capture_output=True,
        text=True,
        cwd=cluster.folder,
        check=True,
    )
    assert len(json.loads(listed.stdout)) == 6


def test_a_killed_host_is_named_and_the_others_go_on(cluster: Cluster) -> None:
    process = _run(cluster, "-m", "logistic-regression", "-m", "linear-svm", "-t", "4")
    _wait_until(lambda: cluster.engines(ADDRESSES[1]))
    time.sleep(1)
    engines = cluster.engines(ADDRESSES[1])
    cluster.workers[ADDRESSES[1]].send_signal(signal.SIGKILL)
    code, found, err = _json(process)
    assert code == 1
    errors = [host["error"] for host in found["hosts"]]
    assert sum(bool(error) for error in errors) == 1, err
    assert "has left the cluster" in "".join(errors)
    whole = [host for host in found["hosts"] if not host["error"]]
    assert all(candidate["status"] == "measured" for host in whole for candidate in host["result"]["candidates"])
    _wait_until(lambda: not any(_is_alive(engine) for engine in engines), END_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_or_killed_front_end_leaves_no_process_on_any_host(cluster: Cluster, number: signal.Signals) -> None:
    process = _run(cluster, "-m", "logistic-regression", "-t", "60")
    _wait_until(lambda: all(cluster.engines(address) for address in ADDRESSES))
    time.sleep(3)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    _wait_until(lambda: not any(cluster.engines(address) for address in ADDRESSES), END_SECONDS)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "Interrupted by SIGINT" in err
        assert len(json.loads(out)["hosts"]) == 3
        assert "Traceback" not in err


def test_a_host_whose_disk_is_full_is_named_and_the_others_go_on(cluster: Cluster, tmp_path: Path) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0] * 20, [1.0] * 20] * 20, [0, 1] * 20)
    model.padding = random.Random(0).randbytes(500_000)
    joblib.dump(model, tmp_path / "large.joblib")
    worker = psutil.Process(cluster.workers[ADDRESSES[1]].pid)
    before = worker.rlimit(psutil.RLIMIT_FSIZE)
    worker.rlimit(psutil.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        code, found, err = _json(
            _run(cluster, "-m", "large.joblib", "-n", "20", "--trust", "large.joblib", folder=tmp_path)
        )
    finally:
        worker.rlimit(psutil.RLIMIT_FSIZE, before)
    assert code == 1
    (full,) = [host for host in found["hosts"] if host["error"]]
    assert ADDRESSES[1] in full["host"]
    assert "could not be copied" in full["error"]
    assert "free disk space there" in full["error"]
    assert "Traceback" not in err
    assert sum(host["result"] is not None for host in found["hosts"]) == 2
    assert not [*(cluster.folder / ADDRESSES[1]).rglob("large.joblib*")]


def _with_engines(cluster: Cluster, address: str) -> list[psutil.Process]:
    """Return the processes of a host, the worker first."""
    return [psutil.Process(cluster.workers[address].pid), *cluster.engines(address)]


def test_a_host_that_is_suspended_for_a_while_goes_on(cluster: Cluster) -> None:
    process = _run(cluster, "-m", "logistic-regression", "-m", "linear-svm", "-t", "3")
    _wait_until(lambda: len(cluster.engines(ADDRESSES[1])) > 3)
    suspended = _with_engines(cluster, ADDRESSES[1])
    for one in suspended:
        one.suspend()
    time.sleep(5)
    for one in suspended:
        one.resume()
    code, found, err = _json(process)
    assert code == 0, err
    assert [host["error"] for host in found["hosts"]] == ["", "", ""]
    statuses = [one["status"] for host in found["hosts"] for one in host["result"]["candidates"]]
    assert statuses == ["measured"] * 6


def test_a_host_that_stays_silent_is_given_up_and_ends_later(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SILENT_SECONDS", 5.0)
    plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),), runs=None, seconds=300)
    suspended: list[psutil.Process] = []

    async def measure() -> None:
        async with connect(str(cluster.file)) as (client, _):
            hosts, _ = await find_hosts(client)
            (host,) = [host for host in hosts if ADDRESSES[1] in host.address]
            async with aclosing(measure_on(client, host, plan, {}, job="a")) as events:
                async for event in events:
                    if isinstance(event, BlockMeasured) and not suspended:
                        suspended.extend(_with_engines(cluster, ADDRESSES[1]))
                        for one in suspended:
                            one.suspend()

    try:
        with pytest.raises(EngineError, match="has not answered for 5 s; what it measured is kept"):
            asyncio.run(measure())
    finally:
        for one in suspended:
            one.resume()
    worker, *engines = suspended
    _wait_until(lambda: not any(_is_alive(engine) for engine in engines), END_SECONDS)
    assert _is_alive(worker)


def test_hosts_of_one_kind_share_the_launches(cluster: Cluster) -> None:
    options = ["-m", "logistic-regression", "-m", "linear-svm", "-n", "50", "--launches", "4", "--spread", "work"]
    code, found, err = _json(_run(cluster, *options, "--mix", "80:1,20:8", "--cold-start"))
    assert code == 0, err
    assert found["environment"]["host"].count(",") == 2
    assert [candidate["calls"] for candidate in found["candidates"]] == [200, 200]
    assert found["comparisons"][0]["launches"] == 4
    for candidate in found["candidates"]:
        assert [one["calls"] for one in candidate["classes"]] == [160, 40]
        assert candidate["cold_start"]["import_seconds"] > 0


def test_values_that_are_lost_with_a_host_are_named_and_not_measured_again(cluster: Cluster) -> None:
    options = ["-m", "logistic-regression", "-m", "linear-svm", "-t", "3", "--sweep", "batch=1,4,16"]
    process = _run(cluster, *options, "--spread", "work")
    _wait_until(lambda: all(cluster.engines(address) for address in ADDRESSES))
    cluster.workers[ADDRESSES[1]].kill()
    code, found, err = _json(process)
    assert code == 1
    assert "(batch=4) on" in err
    assert "is incomplete and is not measured on another host" in err
    assert ADDRESSES[1] in err
    assert [[cell["value"] for cell in curve["cells"]] for curve in found["sweeps"]] == [[1, 16], [1, 16]]
    assert found["more"]["stopped"]
    lost = [one["calls"] for one in found["candidates"] if one["slug"].endswith("[batch=4]")]
    assert lost == [0, 0]


def test_hosts_of_one_kind_share_the_values_of_a_sweep(cluster: Cluster, tmp_path: Path) -> None:
    options = ["-m", "logistic-regression", "-m", "linear-svm", "-n", "30", "--sweep", "batch=1,4,16,64,256"]
    code, shared, err = _json(_run(cluster, *options, "--spread", "work"))
    assert code == 0, err
    command = [sys.executable, "-m", "latency_tui", "run", "--no-history", "--format", "json", "--no-samples", *options]
    alone = json.loads(subprocess.run(command, capture_output=True, cwd=tmp_path, check=True).stdout)
    assert [_shape(candidate) for candidate in shared["candidates"]] == [_shape(one) for one in alone["candidates"]]
    for one, other in zip(shared["sweeps"], alone["sweeps"], strict=True):
        assert (one["parameter"], one["candidate"]) == (other["parameter"], other["candidate"])
        assert (
            [cell["value"] for cell in one["cells"]]
            == [cell["value"] for cell in other["cells"]]
            == [1, 4, 16, 64, 256]
        )
        assert all(cell["p50"]["low"] < cell["p50"]["high"] for cell in one["cells"])
        assert (one["fit"] is None, one["knee"] is None) == (other["fit"] is None, other["knee"] is None)
    assert {one["launches"] for one in shared["comparisons"]} == {1}
    assert shared["environment"]["host"].count(",") == 2


def _shape(candidate: dict[str, Any]) -> tuple[Any, ...]:
    """Return what does not depend on the clock."""
    return candidate["slug"], candidate["status"], candidate["calls"], candidate["received"]["rows"]


def test_a_module_that_a_host_lacks_is_the_reason_in_its_result(cluster: Cluster, tmp_path: Path) -> None:
    here = tmp_path / "code"
    here.mkdir()
    (here / "mine.py").write_text("class Model:\n    def predict(self, X):\n        return X[:, 0]\n")
    code, found, _ = _json(_run(cluster, "-m", "mine:Model", "-n", "10", folder=here))
    assert code == 4
    for host in found["hosts"]:
        assert "mine" in host["result"]["candidates"][0]["error"]


def _check(cluster: Cluster, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "latency_tui", "check", "--cluster", str(cluster.file), "--no-history"),
            *("-m", "logistic-regression", *options),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cluster.folder,
    )


def test_a_slower_model_fails_a_check_twice_on_every_host(cluster: Cluster) -> None:
    slower = ("-m", "logistic-regression[slowdown=3]", "--baseline", "logistic-regression", "--limit", "p50 < 1.2x")
    code, found, err = _json(_check(cluster, *slower, "-n", "500", "--limit", "p50 < 1min", "--format", "json"))
    assert (code, found["verdict"]) == (3, "FAIL"), err
    assert len(found["hosts"]) == 3
    for host in found["hosts"]:
        verdicts = {line["limit"]: line for line in host["gate"]["lines"] if "slowdown" in line["candidate"]}
        assert verdicts["p50 < 1.2x"]["verdict"] == "FAIL"
        assert verdicts["p50 < 1.2x"]["again"]["verdict"] == "fail"
        assert verdicts["p50 < 1min"]["verdict"] == "PASS"
        assert host["gate"]["confirmation"]["candidates"]


def test_a_host_that_dies_in_a_check_is_an_error_and_not_a_pass(cluster: Cluster) -> None:
    process = _check(cluster, "-t", "4", "--limit", "p50 < 1min")
    _wait_until(lambda: cluster.engines(ADDRESSES[2]))
    cluster.workers[ADDRESSES[2]].send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    *lines, verdict = out.splitlines()
    assert verdict.startswith("INCONCLUSIVE: ")
    assert verdict.endswith(" failed.")
    assert sum(line.startswith("ERROR: ") and "has left the cluster" in line for line in lines) == 1
    assert sum(line.startswith("PASS  ") for line in lines) == 2
    assert "Traceback" not in err


def test_a_lost_scheduler_ends_the_measurement_on_every_host(cluster: Cluster) -> None:
    process = _run(cluster, "-m", "logistic-regression", "-t", "60")
    _wait_until(lambda: all(cluster.engines(address) for address in ADDRESSES))
    time.sleep(3)
    engines = [engine for address in ADDRESSES for engine in cluster.engines(address)]
    cluster.scheduler.send_signal(signal.SIGKILL)
    code, found, err = _json(process)
    assert code == 1
    assert {host["error"] for host in found["hosts"]} == {
        "The connection to the scheduler was lost; what was measured is kept."
    }
    assert "Traceback" not in err
    _wait_until(lambda: not any(_is_alive(engine) for engine in engines), END_SECONDS)
