"""`textual run` of textual-dev opens the app, as a command and as an import."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.terminal.terminal import COMMAND, Terminal

TEXTUAL = shutil.which("textual", path=str(Path(sys.executable).parent)) or ""
pytestmark = pytest.mark.skipif(not TEXTUAL, reason="textual-dev is not installed")
MODELS = ("-m", "logistic-regression", "-m", "linear-svm")


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", COMMAND, *MODELS),
        pytest.param(("--dev", "-c", COMMAND, *MODELS), marks=pytest.mark.slow),
        pytest.param(("latency_tui", *MODELS), marks=pytest.mark.slow),
        pytest.param(("--dev", "latency_tui.tui.app:LatencyApp"), marks=pytest.mark.slow),
    ],
    ids=["command", "command in development", "package", "class in development"],
)
def test_textual_run_opens_and_leaves_the_app(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # it runs `python`
    with Terminal("run", *arguments, command=TEXTUAL) as terminal:
        text = terminal.until("Nothing is measured yet")
        assert "2 of 6 selected" in text or "6 of 6 selected" in text
        terminal.processes()
        terminal.press("q")
        terminal.gone_within()
        assert b"Traceback" not in terminal.raw


@pytest.mark.slow
def test_a_terminal_inside_a_served_app_is_drawn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    with Terminal(*MODELS) as terminal:
        terminal.until("Nothing is measured yet")
        assert b"__GANGLION__" not in terminal.raw
        terminal.press("q")
        terminal.gone_within()
