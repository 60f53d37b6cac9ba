"""Load tests of models whose service times are known, against an exact simulation of the same requests.

The model takes as long as its rows say: 2 ms each, or exponentially distributed around that. In the simulation each
request of the same schedule goes to the worker that is free first. The means are also compared with the formulas for
such queues (M/D/1 and M/M/1), and the highest rate that is found for a limit with that of the formula.

    python -m tests.benchmarks.load --minutes 10
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from contextlib import aclosing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.data.rows import batches
from latency_tui.engine.launches import measure
from latency_tui.plan import LoadTest, Plan, Workload
from latency_tui.plan.limits import parse_limit
from latency_tui.result.result import Result
from latency_tui.stats.load_windows import RequestTimes, mean_interval, percentile
from tests.benchmarks.harness import Report, Row, duration, options, percentage, progress
from tests.benchmarks.planned_times import ROWS, planned, planned_dataset
from tests.queue_simulation import simulate

SERVICE_SECONDS = 0.002
LOADS = (0.3, 0.5, 0.7, 0.85)
RUNS = 60
"""Calls alone, before the load."""


def service_times(kind: str) -> NDArray[np.float64]:
    """Service times of the rows, with a mean of exactly `SERVICE_SECONDS`."""
    if kind == "fixed":
        return np.full(ROWS, SERVICE_SECONDS)
    quantiles = -np.log1p(-(np.arange(ROWS) + 0.5) / ROWS)
    return np.asarray(quantiles / quantiles.mean() * SERVICE_SECONDS)


async def run(plan: Plan) -> Recorder:
    """Measure a plan."""
    recording = Recorder(plan)
    async with aclosing(measure(plan)) as events:
        async for event in events:
            recording.add(event)
    return recording


def expected(window: RequestTimes, times: NDArray[np.float64], workers: int) -> RequestTimes:
    """What an exact simulation makes of the requests of a window."""
    inputs = np.array([one[0, 0] for one in batches(np.column_stack([times, times]), 1, 0)])
    service = np.resize(inputs * 1e9, window.arrivals.size)
    done = simulate(window.arrivals, service.astype(np.int64), workers)
    return done._replace(seconds=window.seconds)


def mean_response(kind: str, load: float) -> float:
    """Mean response time of one worker, in seconds: M/D/1 or M/M/1."""
    wait = load / (1 - load) * SERVICE_SECONDS
    return SERVICE_SECONDS + (wait / 2 if kind == "fixed" else wait)


def main() -> None:
    """Measure and print."""
    chosen, known = options(__doc__ or "", trials=1, minutes=10, duration=6.0, asleep=False)
    report = Report("Load tests against an exact simulation", chosen)
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("fixed", "exponential"):
            dataset = planned_dataset(Path(folder) / f"{kind}.pickle", service_times(kind))
            workload = Workload(dataset=dataset)
            for workers in (1, 2):
                if not chosen.out_of_time:
                    compare(report, kind, workload, workers, known.duration, asleep=known.asleep)
            if not chosen.out_of_time:
                search(report, kind, workload, asleep=known.asleep)
    report.notes.append(
        f"service time {duration(SERVICE_SECONDS)} on average, {known.duration:g} s per rate, "
        f"{'asleep' if known.asleep else 'at work'}; late: share of requests that began later than they could have"
    )
    report.print()


def compare(report: Report, kind: str, workload: Workload, workers: int, seconds: float, *, asleep: bool) -> None:
    """Measure some rates, and add a row per rate."""
    rates = tuple(load * workers / SERVICE_SECONDS for load in LOADS)
    plan = Plan(
        candidates=(planned("Planned", asleep=asleep),),
        workload=workload,
        runs=RUNS,
        load=LoadTest(rates=rates, workers=workers, duration=seconds),
    )
    progress(f"load: {kind} service time, {workers} workers")
    recording = asyncio.run(run(plan))
    results = {one.rate: one for one in recording.load.results()}
    for load, rate in zip(LOADS, rates, strict=True):
        windows = recording.load.windows["planned", rate]
        times = service_times(kind)
        simulated = [expected(one, times, workers) for one in windows]
        measured = [one.response[one.counted] for one in windows]
        exact = [one.response[one.counted] for one in simulated]
        mean = float(np.concatenate(measured).mean() / np.concatenate(exact).mean() - 1)
        tail = percentile(measured, 0.99) / percentile(exact, 0.99) - 1
        note = f"late {100 * results[rate].late_share:.2f} %, {sum(one.size for one in measured)} requests"
        report.rows.append(
            Row(
                f"{kind}, {workers} worker{'s' * (workers > 1)}, ρ {load}: mean, p99",
                f"{percentage(mean)}, {percentage(tail)}",
                "within 3 %",
                note,
                mean,
            )
        )
        if workers == 1:
            ends = mean_interval(measured, [0] * len(measured))
            formula, found = mean_response(kind, load), float(np.concatenate(measured).mean()) * 1e-9
            inside = ends is not None and ends[0] <= formula * 1e9 <= ends[1]
            name = "M/D/1" if kind == "fixed" else "M/M/1"
            report.rows.append(
                Row(
                    f"  its mean and that of {name}",
                    f"{duration(found)}, {duration(formula)}",
                    "in the interval",
                    "yes" if inside else "no",
                    found,
                )
            )


def search(report: Report, kind: str, workload: Workload, *, asleep: bool) -> None:
    """Find the highest rate for a limit, and compare it with that of the formula (exponential: M/M/1)."""
    if kind == "fixed":
        return
    limit = 30.0e-3  # p99 of M/M/1: mean service time × ln 100 ÷ (1 − ρ)
    exact = (1 - SERVICE_SECONDS * math.log(100) / limit) / SERVICE_SECONDS
    plan = Plan(
        candidates=(planned("Planned", asleep=asleep),),
        workload=workload,
        runs=RUNS,
        limits=(parse_limit(f"p99 < {limit * 1e3:g}ms"),),
        load=LoadTest(find_rate=True, duration=10.0),
    )
    progress("load: search of the highest rate")
    result: Result = asyncio.run(run(plan)).result(samples=False)
    found = result.highest_rates[0].passes if result.highest_rates else None
    report.rows.append(
        Row(
            f"highest rate, {kind}, p99 < {limit * 1e3:g} ms",
            "none" if found is None else f"{found:.0f}/s, {percentage(found / exact - 1)}",
            "within 10 %",
            f"formula {exact:.0f}/s",
            found,
        )
    )


if __name__ == "__main__":
    main()
