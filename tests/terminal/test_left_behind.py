"""Nothing stays in the temporary folder: not after a measurement, and not after a killed one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


def begin(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "latency_tui", "run", "-m", "logistic-regression", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_output(folder: Path) -> None:
    deadline = time.monotonic() + 300
    while not list(folder.glob("latency-tui-*/*.log")):
        assert time.monotonic() < deadline, "no candidate was started"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_finished_measurement_leaves_nothing(tmp_path: Path) -> None:
    process = begin(tmp_path, "-t", "1")
    wait_for_output(tmp_path)
    assert process.wait(300) == 0
    assert list(tmp_path.glob("latency-tui-*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_an_ended_one_leaves_nothing(tmp_path: Path, how: str) -> None:
    process = begin(tmp_path, "-t", "60")
    wait_for_output(tmp_path)
    getattr(process, how)()
    process.wait(120)
    deadline = time.monotonic() + 120
    while left := list(tmp_path.glob("latency-tui-*")):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
