"""How often `latency-tui check` fails a planted regression of 5 % and an identical revision, beside a busy neighbour.

`python -m tests.benchmarks.gate [--trials 20] [--limit "p50 < 1.02x"] [--tools PYTHON]`. Beside it stands
pytest-benchmark with `--benchmark-compare-fail=mean:5%`, as its documentation has it: a session for the baseline, and a
later one that is compared. PYTHON is an interpreter that has pytest-benchmark.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

from latency_tui.cli.check_run import Check
from latency_tui.plan import Plan
from latency_tui.plan.limits import parse_limit
from tests.benchmarks.disturber import disturbing
from tests.benchmarks.external_workloads import __file__ as benchmark_file
from tests.benchmarks.harness import Options, Report, Row, child_environment, options, progress, rate, wilson
from tests.benchmarks.slowed_models import BASE, candidate

PLANTED = 5
MAX_SECONDS = 30.0
CALIBRATION_SECONDS = 6.0
NEIGHBOUR_SECONDS = 900.0
TURNS = ("identical revision", f"planted {PLANTED} %")


def calibrate() -> int:
    """Return the turns of the planted slowdown, calibrated without a neighbour."""
    command = [sys.executable, "-m", "tests.benchmarks.slowed_models", str(CALIBRATION_SECONDS), str(PLANTED)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment())
    return int(json.loads(done.stdout)["spins"][str(PLANTED)])


def check(spins: int, number: int, limit: str) -> bool:
    """Return whether our gate fails a model against the one that is not slowed down."""
    before, after = candidate("before", BASE, 2 * number), candidate("after", spins, 2 * number + 1)
    plan = Plan(
        candidates=(before, after),
        baseline=before.slug,
        runs=None,
        until_known=True,
        max_seconds=MAX_SECONDS,
        limits=(parse_limit(limit),),
        seed=number,
    )
    return Check(plan=plan, baselines=(before.slug,)).run().verdict == "FAIL"


def compare_sessions(python: str, spins: int) -> bool:
    """Return whether pytest-benchmark fails a second session against a first one."""
    with tempfile.TemporaryDirectory() as folder:
        common = ["-q", "-c", os.devnull, f"--rootdir={folder}", "-p", "no:cacheprovider", "--benchmark-max-time=0.5"]
        common += [f"--benchmark-storage={folder}", benchmark_file]
        code = 0
        for value, more in (
            (BASE, ["--benchmark-save=before"]),
            (spins, ["--benchmark-compare", "--benchmark-compare-fail=mean:5%"]),
        ):
            environment = {**child_environment(), "SPINS": str(value)}
            done = subprocess.run([python, "-m", "pytest", *common, *more], capture_output=True, env=environment)
            code = done.returncode
        return code != 0


def measure(chosen: Options, report: Report, limit: str, python: str) -> None:
    """Alternate the two cases and the two tools until trials or minutes are over."""
    spins = calibrate()
    has_other = not subprocess.run([python, "-c", "import pytest_benchmark"], capture_output=True).returncode
    ours, theirs = f"latency-tui check, {limit}", "pytest-benchmark, mean:5%"
    failed: dict[tuple[str, str], list[bool]] = defaultdict(list)
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(chosen.trials):
        for case, value in zip(TURNS, (BASE, spins), strict=True):
            for tool in (ours, theirs) if has_other else (ours,):
                if chosen.out_of_time:
                    break
                progress(f"{number + 1} of {chosen.trials}: {case}, {tool}")
                began = time.monotonic()
                with disturbing(seed=number, seconds=NEIGHBOUR_SECONDS):
                    fails = check(value, number, limit) if tool == ours else compare_sessions(python, value)
                failed[tool, case].append(fails)
                seconds[tool, case].append(time.monotonic() - began)
    for (tool, case), found in failed.items():
        low, high = wilson(sum(found), len(found))
        target = "" if tool != ours else "≤ 5 %" if case == TURNS[0] else "≥ 95 %"
        spent = sorted(seconds[tool, case])[len(found) // 2]
        name = f"{case}: fails, {tool}"
        report.rows.append(
            Row(name, rate(sum(found), len(found)), target, f"{spent:.0f} s", sum(found) / len(found), low, high)
        )
    report.notes.append(f"A spinning neighbour works on a random core meanwhile; at most {MAX_SECONDS:g} s per launch.")
    if not has_other:
        report.notes.append("pytest-benchmark is not installed; name an interpreter that has it with --tools.")


def main() -> None:
    """Measure and print."""
    chosen, more = options(__doc__ or "", trials=20, minutes=45, limit="p50 < 1.02x", tools=sys.executable)
    report = Report("The gate beside a busy neighbour", chosen)
    measure(chosen, report, more.limit, more.tools)
    report.print()


if __name__ == "__main__":
    main()
