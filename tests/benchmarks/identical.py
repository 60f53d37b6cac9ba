"""Identical models and planted slowdowns: how often equals are called different, what it takes to see a difference.

Prints, quiet and beside a neighbour that starts and stops at random: false positives for two copies of one model
(logistic regression, 20 features, one row), power at a true 1, 2 and 5 %, the 95th percentile of the error of the
ratio, the seconds a comparison takes; for this tool with a fixed time (0.5 s a model), for its test that is looked at
after every round, for measurements until it is known, and for pyperf, hyperfine and pytest-benchmark used as their
documentation says. Then how often some winner is found among six identical models. Targets: false positives and false
winners at most 5 %; power at 2 % in 1 s a pair at least 90 % quiet and 80 % disturbed. Power at 1 % has none: that is
the border of the region in which a difference counts for nothing.

`--tools PYTHON` names the interpreter that has pyperf and pytest-benchmark; a tool that is missing is left out. `--only
six` does those trials alone whose name begins so, as many as `--trials` says in each condition.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from latency_tui.plan import Plan
from latency_tui.stats.comparison import compare
from tests.benchmarks.disturber import disturbing
from tests.benchmarks.harness import Options, Report, Row, options, percentage, progress, rate, wilson
from tests.benchmarks.other_tools import Tool, tools
from tests.benchmarks.slowed_models import Calibration, candidate
from tests.benchmarks.trials import Trial, measure_afresh, stop_when_known, until_known

SECONDS = 0.5
SLOWDOWNS = (1, 2, 5)
FIXED, NO_REGION, ANYTIME = "latency-tui, fixed time", "· its interval excludes 1", "· looked at after every round"
UNTIL_KNOWN = "latency-tui, until known"
LONGEST = 2.0
"""Seconds after which a measurement until it is known gives up: identical models are told the same by then, or not."""
SIX_RUNS, SIX_SECONDS = "six × 100 runs", "six × 0.5 s"
DIFFERENT = ("faster", "slower")
SHARES = {"pyperf": 50, "hyperfine": 10, "pytest-benchmark": 10}
"""Slow tools get one trial for so many of ours."""


@dataclass
class Cell:
    """What one method said of one true ratio in one condition."""

    different: list[bool] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, different: bool, ratio: float, seconds: float) -> None:
        self.different.append(different)
        self.ratios.append(ratio)
        self.seconds.append(seconds)


Key = tuple[str, bool, int]
"""Method, whether disturbed, slowdown in per cent."""


@dataclass
class Tables:
    """Everything measured so far."""

    calibration: dict[bool, Calibration]
    cells: dict[Key, Cell] = field(default_factory=lambda: defaultdict(Cell))
    winners: dict[tuple[str, str, bool], list[bool]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[bool, list[float]] = field(default_factory=lambda: defaultdict(list))


async def measure(chosen: Options, report: Report, python: str, only: str) -> Tables:
    """Do the trials in an order drawn at random, so that no cell has the better hour, and stop when time is up."""
    calibration = {disturbed: _calibrate(disturbed) for disturbed in (False, True)}
    tables = Tables(calibration)
    others = {tool.name: tool for tool in tools(python)}
    for name, tool in list(others.items()):
        if missing := tool.missing():
            report.notes.append(f"{name} is left out: {missing} is not installed (--tools).")
            del others[name]
        else:
            report.notes.append(tool.note)
    jobs = list(_jobs(chosen.trials, others))
    if only:
        kinds = {kind for kind, _ in jobs if kind.startswith(only)}
        jobs = [(kind, disturbed) for kind in kinds for disturbed in (False, True)] * chosen.trials
    random.Random(0).shuffle(jobs)
    for number, (kind, disturbed) in enumerate(jobs):
        if chosen.out_of_time:
            report.notes.append(f"Cut short after {number} of {len(jobs)} jobs by --minutes {chosen.minutes:g}.")
            break
        with disturbing(disturbed, seed=number, seconds=150):
            await _do(kind, disturbed, number, tables, others)
        progress(f"identical: {number + 1} of {len(jobs)} ({kind}{', disturbed' if disturbed else ''})")
        if number % 20 == 0:
            _fill(report, tables)
            report.save()
    return tables


def _jobs(trials: int, others: dict[str, Tool]) -> Iterator[tuple[str, bool]]:
    for disturbed in (False, True):
        for kind, count in {
            "pair": trials,
            **{_planted(slowdown): max(1, trials // (5 if slowdown == 2 else 10)) for slowdown in SLOWDOWNS},
            "until known": max(1, trials // 8),
            SIX_RUNS: max(1, trials // 10),
            SIX_SECONDS: max(1, trials // 40),
            **{name: max(1, trials // SHARES[name]) for name in others},
        }.items():
            yield from [(kind, disturbed)] * count


async def _do(kind: str, disturbed: bool, number: int, tables: Tables, others: dict[str, Tool]) -> None:
    spins = tables.calibration[False].spins
    pairs = {"pair": 0, **{_planted(slowdown): slowdown for slowdown in SLOWDOWNS}}
    if kind in pairs:
        trial = await measure_afresh(_plan([spins[0], spins[pairs[kind]]], number), f"job-{number}")
        _judge(trial, disturbed, pairs[kind], tables)
    elif kind == "until known":
        for slowdown in (0, 2):
            started = time.monotonic()
            stop = await until_known(_plan([spins[0], spins[slowdown]], number, until_known=True), f"job-{number}")
            spent = time.monotonic() - started
            tables.cells[UNTIL_KNOWN, disturbed, slowdown].add(stop.verdict in DIFFERENT, stop.ratio, spent)
    elif kind in (SIX_RUNS, SIX_SECONDS):
        trial = await measure_afresh(
            _plan([spins[0]] * 6, number, runs=100 if kind == SIX_RUNS else None), f"job-{number}"
        )
        _crown(trial, kind, disturbed, tables)
    else:
        answers, seconds = others[kind].compare([spins[0], spins[0], spins[5]])
        for slowdown, answer in zip((0, 5), answers, strict=True):
            tables.cells[kind, disturbed, slowdown].add(answer.different, answer.ratio, seconds * 2 / 3)


def _plan(spins: list[int], number: int, runs: int | None = None, *, until_known: bool = False) -> Plan:
    """Base first; the other names are drawn, for the order of names must not matter."""
    candidates = tuple(candidate(f"Model {index}", value, number) for index, value in enumerate(spins))
    return Plan(
        candidates=candidates,
        runs=runs,
        seconds=None if runs or until_known else SECONDS,
        until_known=until_known,
        max_seconds=LONGEST,
        baseline="model-0",
        seed=number,
    )


def _planted(slowdown: int) -> str:
    return f"{slowdown} % slower"


def _judge(trial: Trial, disturbed: bool, slowdown: int, tables: Tables) -> None:
    """Note what each way to decide says of a pair."""
    (pair,) = compare(np.exp(trial.logs), processes=trial.clusters)
    assert pair.ratio is not None
    tables.cells[FIXED, disturbed, slowdown].add(pair.verdict in DIFFERENT, pair.ratio, trial.seconds)
    outside = pair.low is not None and pair.high is not None and not pair.low <= 1 <= pair.high
    tables.cells[NO_REGION, disturbed, slowdown].add(outside, pair.ratio, trial.seconds)
    differences = trial.logs[1] - trial.logs[0]
    stop = stop_when_known(differences[~np.isnan(differences)])
    spent = trial.seconds * stop.rounds / trial.logs.shape[1]
    tables.cells[ANYTIME, disturbed, slowdown].add(stop.verdict in DIFFERENT, stop.ratio, spent)
    if not slowdown and pair.low is not None and pair.high is not None:
        reach = (math.log(pair.high) - math.log(pair.low)) / 2 / 1.96
        tables.offsets[disturbed].append(math.log(pair.ratio) / reach if reach else 0.0)


def _crown(trial: Trial, kind: str, disturbed: bool, tables: Tables) -> None:
    """Note whether any pair of the six was told apart, all pairs judged together."""
    pairs = compare(np.exp(trial.logs), processes=trial.clusters)
    tables.winners[FIXED, kind, disturbed].append(any(pair.verdict in DIFFERENT for pair in pairs))
    found = False
    for first, second in combinations(range(len(trial.logs)), 2):
        differences = trial.logs[second] - trial.logs[first]
        level = 0.05 / len(pairs)
        found = found or stop_when_known(differences[~np.isnan(differences)], level).verdict in DIFFERENT
    tables.winners[ANYTIME, kind, disturbed].append(found)


def _calibrate(disturbed: bool) -> Calibration:
    """Calibrate the planted slowdowns in a process of its own, and see in a long interleaved run what they give."""
    progress(f"identical: calibrating{', disturbed' if disturbed else ''}")
    command = [sys.executable, "-m", "tests.benchmarks.slowed_models", "12", *map(str, SLOWDOWNS)]
    with disturbing(disturbed):
        found = json.loads(subprocess.check_output(command, text=True))
    by_number = {
        name: {int(key): value for key, value in found[name].items()} for name in ("spins", "ratios", "errors")
    }
    return Calibration(found["p50_ns"], found["turn_ns"], **by_number)


def _fill(report: Report, tables: Tables) -> None:
    report.rows = []
    methods = [FIXED, NO_REGION, ANYTIME, UNTIL_KNOWN, *SHARES]
    for disturbed in (False, True):
        where = "disturbed" if disturbed else "quiet"
        for method in methods:
            for slowdown in (0, *SLOWDOWNS):
                cell = tables.cells.get((method, disturbed, slowdown))
                if cell is None or not cell.different:
                    continue
                report.rows.append(_row(method, where, slowdown, cell, 1 + slowdown / 100))
    for (method, kind, disturbed), found in sorted(tables.winners.items()):
        low, high = wilson(sum(found), len(found))
        where = "disturbed" if disturbed else "quiet"
        name = f"{where}: false winner, {kind}, {method.removeprefix('latency-tui, ')}"
        share = sum(found) / len(found)
        report.rows.append(Row(name, rate(sum(found), len(found)), "≤ 5 %", "all pairs together", share, low, high))
    report.raw = {
        "calibration": {str(key): value.__dict__ for key, value in tables.calibration.items()},
        "cells": [
            {"method": method, "disturbed": disturbed, "slowdown": slowdown, **cell.__dict__}
            for (method, disturbed, slowdown), cell in tables.cells.items()
        ],
    }


def _row(method: str, where: str, slowdown: int, cell: Cell, true: float) -> Row:
    trials, hits = len(cell.different), sum(cell.different)
    low, high = wilson(hits, trials)
    errors = np.abs(np.array(cell.ratios) / true - 1)
    ours = method in (FIXED, ANYTIME, UNTIL_KNOWN)
    target = "≤ 5 %" if ours and not slowdown else ""
    if ours and slowdown == 2:
        target = "≥ 80 %" if where == "disturbed" else "≥ 90 %"
    what = f"power at {slowdown} %" if slowdown else "false positives"
    error, spent = float(np.quantile(errors, 0.95)), float(np.median(cell.seconds))
    note = f"95 % of errors ≤ {100 * error:.2g} %, {spent:.2g} s"
    return Row(f"{where}: {what}, {method}", rate(hits, trials), target, note, hits / trials, low, high)


def main() -> None:
    """Measure and print."""
    chosen, more = options(__doc__ or "", trials=200, minutes=18, tools=sys.executable, only="")
    report = Report("Identical models and planted slowdowns", chosen)
    tables = asyncio.run(measure(chosen, report, more.tools, more.only))
    _fill(report, tables)
    for disturbed, calibration in tables.calibration.items():
        seen = ", ".join(
            f"{slowdown} % → {percentage(ratio - 1)} ± {100 * calibration.errors[slowdown]:.2g}"
            for slowdown, ratio in calibration.ratios.items()
            if slowdown
        )
        where = "beside the neighbour" if disturbed else "quiet"
        report.notes.append(f"Planted, as seen in a long interleaved run in one process, {where}: {seen}.")
    for disturbed, offsets in tables.offsets.items():
        spread = math.sqrt(float(np.mean(np.square(offsets))))
        report.notes.append(
            f"Identical pairs, {'disturbed' if disturbed else 'quiet'}: ratios scatter {spread:.2f} times as much as "
            "their own intervals say; 1 is as it should be, more is what differs between processes."
        )
    report.notes += [
        "Each trial has a fresh engine, for the ratios that one engine measures share an error.",
        (
            "Looked at after every round: the test is fed the rounds of the same measurement one by one; where they "
            "run out, that counts as not found. Six models: Bonferroni over the 15 pairs. Until known: measured as a "
            f"user does, for {LONGEST:g} s at most; the seconds hold the engine's start and training."
        ),
        "Other tools get fewer trials, for each takes many times as long; they are given 0 and 5 % only.",
    ]
    report.print()


if __name__ == "__main__":
    main()
