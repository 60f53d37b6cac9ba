"""Measurements that are killed at any moment, or run within tight limits, end in a sentence and leave nothing."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes and shared memory are looked at as Linux has them"),
]
MARK = "LATENCY_TUI_TEST_KILLS"
MOMENTS = [(seed, random.Random(seed).choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])) for seed in range(8)]


def start(folder: Path, mark: str, *arguments: str, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "latency_tui", "run", "-m", "logistic-regression", "-m", "decision-tree"]
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(folder), "HOME": str(home), MARK: mark}
    environment.pop("XDG_DATA_HOME", None)
    return subprocess.Popen(
        [*words, *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes that descend from a measurement, wherever they have gone."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def nothing_is_left(folder: Path, mark: str, shared: set[Path]) -> None:
    deadline = time.monotonic() + 120
    while left := [*marked(mark), *folder.glob("latency-tui-*"), *({*Path("/dev/shm").iterdir()} - shared)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.mark.parametrize(("seed", "number"), MOMENTS)
def test_a_kill_at_any_moment_leaves_nothing(tmp_path: Path, seed: int, number: signal.Signals) -> None:
    dice, mark = random.Random(f"moment/{seed}"), f"{os.getpid()}/{seed}"
    shared = {*Path("/dev/shm").iterdir()}
    process = start(tmp_path, mark, "-t", "600", "--cold-start")
    time.sleep(dice.uniform(0, 6))
    victims = [one for one in marked(mark) if one.pid != process.pid]
    if seed % 2 and victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            min(victims, key=psutil.Process.create_time).send_signal(number)  # the engine
        if process.poll() is None and number == signal.SIGINT:  # which the engine leaves to the front end
            process.send_signal(number)
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert "Traceback" not in said
    assert process.returncode != 0
    nothing_is_left(tmp_path, mark, shared)


@pytest.mark.parametrize(
    ("name", "value"),
    [("NOFILE", 8), ("NOFILE", 16), ("NOFILE", 32), ("NOFILE", 128), ("FSIZE", 0), ("FSIZE", 10_000), ("AS", 2**28)],
)
def test_under_a_limit_of_the_system_it_measures_or_says_why_not(tmp_path: Path, name: str, value: int) -> None:
    what, mark = getattr(resource, f"RLIMIT_{name}"), f"{os.getpid()}/{name}/{value}"
    shared = {*Path("/dev/shm").iterdir()}
    process = start(tmp_path, mark, "-n", "30", limit=lambda: resource.setrlimit(what, (value, value)))
    printed, said = process.communicate(timeout=300)
    assert "Traceback" not in said
    assert (process.returncode == 0 and "Decision Tree" in printed) or said.strip()
    nothing_is_left(tmp_path, mark, shared)
