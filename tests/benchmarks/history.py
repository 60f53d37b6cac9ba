"""Prints how long the history takes to list 10,000 results and to open one of 10,000,000 samples.

Run with `python -m tests.benchmarks.history`. Nothing passes or fails.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

from latency_tui.history.store import History
from tests.unit.fake_result import make_result

RESULTS = 10_000
SAMPLES = 10_000_000
_REPETITIONS = 7


def main() -> None:
    """Fill a history in a temporary folder, and print the times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite3"
        key = _fill(path)
        print(f"file: {path.stat().st_size / 1e6:.0f} MB with {RESULTS:,} results and one of {SAMPLES:,} samples")
        _print("list all results", lambda: _with(path, lambda history: history.list()))
        _print("list the newest 30", lambda: _with(path, lambda history: history.list(most=30)))
        _print("open the long result without samples", lambda: _with(path, lambda h: h.load(key, samples=False)))
        _print("open the long result with samples", lambda: _with(path, lambda h: h.load(key)), repetitions=3)


def _fill(path: Path) -> str:
    small, began = make_result().without_samples(), datetime(2026, 1, 1, tzinfo=UTC)
    with History.open(path, create=True) as history:
        for number in range(RESULTS):
            history.save(msgspec.structs.replace(small, created_at=began + timedelta(minutes=number)))
        nanoseconds = np.rint(62_000 * np.exp(0.05 * np.random.default_rng(0).standard_t(3, SAMPLES)))
        samples = np.maximum(nanoseconds, 1) * 1e-9
        first, *others = make_result().candidates
        rounds = tuple(range(0, SAMPLES, 1000))
        first = msgspec.structs.replace(first, samples=samples, rounds=rounds, calls=SAMPLES)
        return history.save(msgspec.structs.replace(make_result(), candidates=(first, *others)))


def _with(path: Path, work: Callable[[History], object]) -> object:
    with History.open(path) as history:
        return work(history)


def _print(what: str, work: Callable[[], object], repetitions: int = _REPETITIONS) -> None:
    """Print the median of wall and CPU time."""
    walls, cpus = [], []
    for _ in range(repetitions):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(f"{what}: {median(walls) * 1e3:.1f} ms, CPU {median(cpus) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
