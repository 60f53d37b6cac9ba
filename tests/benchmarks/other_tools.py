"""pyperf, hyperfine and pytest-benchmark, each used as its documentation says, on the models of `planted`."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ASKED = Path(__file__).with_name("external_workloads.py")
ROOT = Path(__file__).parents[2]
CALLS_A_COMMAND = 200
LONGEST = 120


@dataclass(frozen=True)
class Answer:
    """What a tool says of one model against the first: the ratio, and whether it calls them different."""

    ratio: float
    different: bool


class Tool(Protocol):
    """A way to compare models; the first of them is what the others are compared with."""

    name: str
    note: str

    def missing(self) -> str:
        """What is not installed; empty where everything is there."""

    def compare(self, spins: Sequence[int]) -> tuple[list[Answer], float]:
        """Measure the models one after the other; an answer for each but the first, and the seconds it took."""


class PytestBenchmark:
    """`pytest` on a file of benchmarks; different where the means are more than 5 % apart."""

    name = "pytest-benchmark"
    note = (
        "pytest-benchmark: --benchmark-max-time=0.5, the rest as it comes; different: means more than 5 % apart, as "
        "--benchmark-compare-fail=mean:5% has it."
    )

    def __init__(self, python: str) -> None:
        self._python = python

    def missing(self) -> str:
        return _missing(self._python, "pytest_benchmark")

    def compare(self, spins: Sequence[int]) -> tuple[list[Answer], float]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.json"
            options = ["-q", "-c", os.devnull, f"--rootdir={folder}", "-p", "no:cacheprovider"]
            measuring = ["--benchmark-max-time=0.5", f"--benchmark-json={out}"]
            taken = _run([self._python, "-m", "pytest", *options, *measuring, str(ASKED)], spins)
            means = [float(found["stats"]["mean"]) for found in json.loads(out.read_text())["benchmarks"]]
        ratios = [mean / means[0] for mean in means[1:]]
        return [Answer(ratio, abs(ratio - 1) > 0.05) for ratio in ratios], taken


class Pyperf:
    """A pyperf script a model and `compare_to`, which makes a t-test."""

    name = "pyperf"
    note = (
        "pyperf: bench_func, --processes 2 --values 5 --min-time 0.05 instead of 20 processes × 3 values, for each "
        "process imports scikit-learn; different: compare_to says so."
    )

    def __init__(self, python: str) -> None:
        self._python = python

    def missing(self) -> str:
        return _missing(self._python, "pyperf")

    def compare(self, spins: Sequence[int]) -> tuple[list[Answer], float]:
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{index}.json" for index in range(len(spins))]
            taken = 0.0
            measuring = ["-q", "--processes", "2", "--values", "5", "--warmups", "1", "--min-time", "0.05"]
            for value, file in zip(spins, files, strict=True):
                script = [self._python, str(ASKED), "pyperf", str(value), "-o", str(file)]
                taken += _run([*script, *measuring, "--inherit-environ=PYTHONPATH"], spins)
            return [self._answer(files[0], file) for file in files[1:]], taken

    def _answer(self, first: Path, second: Path) -> Answer:
        said = subprocess.run(
            [self._python, "-m", "pyperf", "compare_to", str(first), str(second)],
            capture_output=True,
            text=True,
            check=True,
            timeout=LONGEST,
        ).stdout.lower()
        means = [_pyperf_mean(path) for path in (first, second)]
        return Answer(means[1] / means[0], "not significant" not in said)


class Hyperfine:
    """`hyperfine` on commands that ask a warm process; its repository's Welch test says whether they differ."""

    name = "hyperfine"
    note = (
        f"hyperfine: -N --warmup 3 --runs 25; a command asks a warm process for {CALLS_A_COMMAND} calls, by bash and a "
        "socket, 2 ms of its own; different: Welch's t-test, as its scripts/welch_ttest.py."
    )

    def __init__(self, python: str) -> None:
        self._python = python

    def missing(self) -> str:
        return "" if shutil.which("hyperfine") and shutil.which("bash") else "hyperfine or bash"

    def compare(self, spins: Sequence[int]) -> tuple[list[Answer], float]:
        from scipy.stats import ttest_ind  # 1 s

        with tempfile.TemporaryDirectory() as folder, self._served(spins) as ports:
            out = Path(folder) / "out.json"
            commands = [f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; read -r -u 3'" for port in ports]
            started = time.monotonic()
            measuring = ["-N", "-i", "--warmup", "3", "--runs", "25", "--style", "none", "--export-json", str(out)]
            subprocess.run(["hyperfine", *measuring, *commands], check=True, capture_output=True, timeout=LONGEST)
            taken = time.monotonic() - started
            times = [[float(value) for value in found["times"]] for found in json.loads(out.read_text())["results"]]
        answers = []
        for mine in times[1:]:
            ratio = statistics.fmean(mine) / statistics.fmean(times[0])
            answers.append(Answer(ratio, bool(ttest_ind(times[0], mine, equal_var=False).pvalue < 0.05)))
        return answers, taken

    @contextlib.contextmanager
    def _served(self, spins: Sequence[int]) -> Iterator[list[int]]:
        command = [self._python, str(ASKED), "serve", str(CALLS_A_COMMAND), *map(str, spins)]
        server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(spins)
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            ports = [int(server.stdout.readline()) for _ in spins]
            for port in ports:  # until each has its model
                subprocess.run(
                    ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; read -r -u 3"], check=False, timeout=LONGEST
                )
            yield ports
        finally:
            server.stdin.close()
            server.wait(timeout=10)


def tools(python: str) -> list[Tool]:
    """Every other tool."""
    return [Pyperf(python), Hyperfine(python), PytestBenchmark(python)]


def _run(command: Sequence[str], spins: Sequence[int]) -> float:
    started = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LONGEST, env=_environment(spins), check=False, cwd=ROOT
    )
    if done.returncode:
        raise RuntimeError(f"{command[1:4]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return time.monotonic() - started


def _environment(spins: Sequence[int]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "SPINS": ",".join(map(str, spins)), "OMP_NUM_THREADS": "1"}


def _missing(python: str, module: str) -> str:
    found = subprocess.run([python, "-c", f"import {module}, sklearn, msgspec"], capture_output=True, check=False)
    return module if found.returncode else ""


def _pyperf_mean(path: Path) -> float:
    """Mean of all values of a pyperf file with one benchmark, warm-ups left out."""
    runs = json.loads(path.read_text())["benchmarks"][0]["runs"]
    values = [value for run in runs for value in run.get("values", ())]
    return math.fsum(values) / len(values)
