"""Sweeps of planted models: 40 µs + 1 µs per row and 10 µs + 3 µs per row, which cross at 15 rows.

First with made block medians on a machine that drifts by a factor of two, in processes that differ by 1 %: how often
the intervals of the line and of the crossing contain the truth. Then in real processes.
"""

from __future__ import annotations

import asyncio

import numpy as np

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.plan import Candidate, ModelSpec, Plan, SyntheticDataset, Workload, expand, parse_sweep
from latency_tui.result.result import Result
from latency_tui.stats.sweeps import DRAWS, draw_cells, find_crossings, fit_line
from latency_tui.text.formatting import format_count
from latency_tui.text.sweeps import describe_fit, describe_sweeps
from tests.benchmarks.harness import Report, Row, options, progress
from tests.benchmarks.planted_costs import FACTORY

SWEEP = parse_sweep("batch=1,2,4..256")
LAWS = {"flat": (40.0, 1.0), "steep": (10.0, 3.0)}
"""Microseconds per call and per row."""
TRUE_CROSSING = 15.0


def made(report: Report, trials: int, processes: int, rounds: int) -> None:
    """Count how often intervals from made medians contain the truth."""
    x = np.array([float(value) for value in SWEEP.values if isinstance(value, int)])
    truth = np.log(np.concatenate([fixed + per_row * x for fixed, per_row in LAWS.values()]))
    covered = dict.fromkeys(("ratio of the two parts", "crossing"), 0)
    found = 0
    for trial in range(trials):
        random = np.random.default_rng((processes, rounds, trial))
        labels = np.arange(rounds) % processes
        logs = truth[:, None] + random.normal(0, 0.01, (truth.size, processes))[:, labels]
        logs += random.normal(0, 0.03, logs.shape) + np.cumsum(random.normal(0, 0.05, rounds))
        medians = np.exp(logs)
        drawn = draw_cells(medians, np.median(medians, axis=1), np.zeros(rounds, int), labels, DRAWS, trial)
        first, second = range(x.size), range(x.size, 2 * x.size)
        line = fit_line(x, drawn, first)
        # A drift changes both parts alike, so of one measurement only their ratio is known in advance.
        if line is not None and line.fixed.low / line.slope.high <= 40 <= line.fixed.high / line.slope.low:
            covered["ratio of the two parts"] += 1
        crossings = find_crossings(x, drawn, first, second)
        found += len(crossings) == 1
        covered["crossing"] += any(one.low <= TRUE_CROSSING <= one.high for one in crossings)
    for name, count in covered.items():
        share = count / trials
        figure = f"{name}, {processes} processes, {rounds} rounds"
        report.rows.append(Row(figure, f"{100 * share:.0f} % of {trials} trials", "≥ 90 %", "", share))
    figure = f"one crossing found, {processes} processes"
    report.rows.append(Row(figure, f"{found} of {trials}", "all", "", found / trials))


async def real(report: Report, trials: int, seconds: float) -> None:
    """Measure planted models in real processes."""
    for trial in range(trials):
        if report.options.out_of_time:
            return
        progress(f"sweeps: trial {trial + 1} of {trials}")
        models = [
            Candidate(
                model=ModelSpec(
                    name=name, factory=FACTORY, parameters={"fixed": fixed, "per_row": per_row, "trial": trial}
                )
            )
            for name, (fixed, per_row) in LAWS.items()
        ]
        plan = Plan(
            candidates=expand(models, (SWEEP,)),
            sweeps=(SWEEP,),
            workload=Workload(dataset=SyntheticDataset(samples=2000, features=4)),
            runs=None,
            seconds=seconds,
        )
        recording = Recorder(plan)
        async with Engine() as engine:
            async for event in measure(plan, engine=engine, job=f"sweep {trial}"):
                recording.add(event)
        _add_rows(report, recording.result(), trial)
        report.save()


def _add_rows(report: Report, result: Result, trial: int) -> None:
    for curve in result.sweeps:
        fixed, per_row = LAWS[curve.name]
        if curve.fit is None:
            report.rows.append(Row(f"{curve.name}, trial {trial + 1}", "no line", "", ""))
            continue
        shown = describe_fit(SWEEP, curve.fit)
        target = f"{fixed:g} µs + {per_row:g} µs per row"
        report.rows.append(Row(f"{curve.name}, trial {trial + 1}", shown, target, "", curve.fit.per_row_seconds))
        for one in curve.crossings:
            figure = f"{curve.name} overtakes {one.overtakes}, trial {trial + 1}"
            shown = f"{format_count(one.value)} rows ({one.low:.3g}–{one.high:.3g})"
            report.rows.append(Row(figure, shown, f"{TRUE_CROSSING:g} rows", "", one.value, one.low, one.high))
    if not any(curve.crossings for curve in result.sweeps):
        report.notes.append(f"Trial {trial + 1}: {' '.join(describe_sweeps(result))}")


def main() -> None:
    """Measure and print."""
    chosen, more = options(__doc__ or "", trials=3, minutes=10, seconds=0.5, made=200)
    report = Report("Sweeps of planted models", chosen)
    for processes, rounds in ((4, 16), (8, 16), (12, 48)):
        made(report, more.made, processes, rounds)
    asyncio.run(real(report, chosen.trials, more.seconds))
    report.notes.append("Real processes: an empty call adds about 0.1 µs, and a busy machine adds to every call.")
    report.print()


if __name__ == "__main__":
    main()
