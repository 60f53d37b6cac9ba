"""The key `m` on the real engine, and samples of an app that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from latency_tui.history.store import History
from tests.terminal.terminal import Terminal

MODELS = ("-m", "logistic-regression", "-m", "linear-svm")


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def measure(terminal: Terminal) -> None:
    terminal.until("Nothing is measured yet")
    terminal.press("p")
    terminal.until(lambda text: "µs" in text and ("round" in text or "measured: " in text))


@pytest.mark.slow
def test_m_continues_what_esc_stopped_and_a_kill_loses_nothing() -> None:
    with Terminal(*MODELS, "-n", "12000") as terminal:
        measure(terminal)
        terminal.press("\x1b")
        if "esc again stops" in terminal.until(lambda text: "the rest" in text or "esc again stops" in text):
            terminal.press("\x1b")
        terminal.until("the rest")
        terminal.press("m")
        terminal.until("2 launches", 90)
        terminal.until(lambda text: "Stop" not in text.splitlines()[-1], 120)
        terminal.signal(signal.SIGKILL)
        terminal.gone_within(20)
    arguments = [sys.executable, "-m", "latency_tui", "history", "show", "last", "--format", "json"]
    result = json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)
    assert all(candidate["calls"] >= 12_000 for candidate in result["candidates"])
    assert len(result["checkpoint"]["launches"]) == 2


@pytest.mark.slow
def test_leaving_the_app_keeps_its_results_in_the_history() -> None:
    with Terminal(*MODELS, "-n", "200") as terminal:
        measure(terminal)
        terminal.until(lambda text: "round" not in text)
        terminal.press("q")
        terminal.gone_within(20)
    with History.open() as history:
        assert [(row.state, row.summary.calls) for row in history.list()] == [("finished", 400)]


@pytest.mark.slow
def test_without_a_history_the_app_leaves_no_samples_behind(tmp_path: Path) -> None:
    with Terminal(*MODELS, "-n", "200", "--no-history") as terminal:
        measure(terminal)
        terminal.until(lambda text: "round" not in text)
        terminal.press("q")
        terminal.gone_within(20)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
