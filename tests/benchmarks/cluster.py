"""What a Dask cluster adds to a measurement, on one machine with workers on loopback addresses.

The same plan (a model of 0.1 ms) is measured headless and through a Dask worker, in alternation. Prints the ratio of
the two p50 with an interval from a bootstrap over pairs of runs (target: within 1 %), the time that the cluster adds to
a short run, the bytes per second that travel while it measures, and how a plan of 60 launches scales over 1, 2 and 4
workers that sleep instead of measuring.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.harness import Report, Row, bootstrap, duration, options, percentage, progress
from tests.benchmarks.sleeping_worker import SECONDS

MODEL = "logistic-regression"
LAUNCHES = 60
BYTES_SECONDS = 5.0
_SHARE = """
import asyncio, sys, time
from latency_tui.cli.history_options import temporary_place
from latency_tui.cli.on_hosts import measure_shared
from latency_tui.cluster.connection import connect
from latency_tui.cluster.hosts import find_hosts
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report.hosts_progress import HostsProgress

async def main(address, launches):
    plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),), launches=launches)
    async with connect(address) as (client, _):
        hosts, _ = await find_hosts(client)
        with HostsProgress(plan, [host.name for host in hosts]) as shown:
            began = time.monotonic()
            await measure_shared(client, hosts, plan, temporary_place(), shown, [])
            print(time.monotonic() - began)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


class Cluster:
    """A scheduler and workers, as processes."""

    def __init__(self, folder: Path, workers: int, *preload: str) -> None:
        self.file = folder / f"scheduler-{workers}-{len(preload)}.json"
        environment = {**os.environ, "LATENCY_TUI_LOCK": ""}
        common = ["--no-dashboard", "--scheduler-file", str(self.file)]
        self._processes = [_start("dask_scheduler", ["--host", "127.0.0.1", "--port", "0", *common], environment)]
        while not self.file.exists():
            time.sleep(0.1)
        for number in range(1, workers + 1):
            arguments = [*common, "--host", f"127.0.0.{number}", "--nthreads", "1", "--no-nanny", *preload]
            arguments += ["--resources", "latency-tui=1", "--local-directory", str(folder / str(number))]
            self._processes.append(_start("dask_worker", arguments, environment))
        time.sleep(5)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()


def _start(module: str, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=nothing, stderr=nothing, env=environment)


def run(*arguments: str) -> tuple[dict[str, object], float]:
    """Run `latency-tui run` and return its JSON and its duration in seconds."""
    began = time.monotonic()
    command = [sys.executable, "-m", "latency_tui", "run", "-m", MODEL, "--no-history", "--format", "json"]
    done = subprocess.run([*command, "--no-samples", *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout), time.monotonic() - began


def p50(result: dict[str, object]) -> float:
    """Return the p50 of the only candidate, in seconds, of one machine or of the only host."""
    if "hosts" in result:
        result = result["hosts"][0]["result"]  # type: ignore[index]
    return float(result["candidates"][0]["statistics"]["p50"]["value"])  # type: ignore[index]


def main() -> None:
    chosen, _ = options(__doc__, trials=20, minutes=15)
    report = Report("What a Dask cluster adds", chosen)
    with tempfile.TemporaryDirectory() as folder:
        _alternate(report, Path(folder))
        _scale(report, Path(folder))
    report.print()


def _alternate(report: Report, folder: Path) -> None:
    cluster = Cluster(folder, 1)
    there = ("--cluster", str(cluster.file))
    ratios, added = list[float](), list[float]()
    try:
        run(*there, "-n", "10")
        for trial in range(report.options.trials):
            if report.options.out_of_time:
                break
            sides = {}
            for side in ((), there) if trial % 2 else (there, ()):
                sides[bool(side)] = (p50(run(*side, "-t", "1")[0]), run(*side, "-n", "10")[1])
            ratios.append(sides[True][0] / sides[False][0])
            added.append(sides[True][1] - sides[False][1])
            progress(f"cluster: pair {trial + 1} of {report.options.trials}")
        before = psutil.net_io_counters(pernic=True)["lo"].bytes_sent
        seconds = run(*there, "-t", str(BYTES_SECONDS))[1]
        sent = psutil.net_io_counters(pernic=True)["lo"].bytes_sent - before
    finally:
        cluster.close()
    middle, low, high = bootstrap(ratios)
    shown = f"{percentage(middle - 1)} ({percentage(low - 1)} – {percentage(high - 1)})"
    report.rows.append(Row("p50 through Dask over headless", shown, "≤ 1 %", f"{len(ratios)} pairs", middle, low, high))
    middle, low, high = bootstrap(added)
    shown = f"{duration(middle)} ({duration(low)} – {duration(high)})"
    report.rows.append(Row("time added to a run of 10 calls", shown, "", f"{len(added)} pairs", middle, low, high))
    rate = sent / seconds
    report.rows.append(Row("bytes per second over loopback", f"{rate / 1000:.0f} kB/s", "", "all processes", rate))


def _scale(report: Report, folder: Path) -> None:
    preload = Path(__file__).with_name("sleeping_worker.py")
    alone = 0.0
    for workers in (1, 2, 4):
        cluster = Cluster(folder, workers, "--preload", str(preload))
        try:
            command = [sys.executable, "-c", _SHARE, str(cluster.file), str(LAUNCHES)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        finally:
            cluster.close()
        seconds = float(done.stdout)
        alone = alone or seconds
        note = f"{alone / seconds:.2f} × as fast; asleep {duration(LAUNCHES * SECONDS / workers)}"
        figure = f"{LAUNCHES} launches on {workers} worker{'s' * (workers > 1)}"
        report.rows.append(Row(figure, duration(seconds), "", note, seconds))
        progress(f"cluster: {workers} workers")


if __name__ == "__main__":
    main()
