"""Whatever ends the app, its last line names what was measured in the history; and no byte ends the app."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from latency_tui.history.store import History
from tests.terminal.terminal import Terminal

ENDLESS = ("-m", "logistic-regression", "-m", "linear-svm", "-n", "1000000")


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def measure(terminal: Terminal) -> None:
    terminal.until("Nothing is measured yet")
    terminal.press("p")
    terminal.until(lambda text: "round" in text and "µs" in text)


def ended(terminal: Terminal) -> int:
    """Wait until the app has gone; returns its exit code."""
    terminal.gone_within()
    terminal.process.wait()
    return int(terminal.process.exitstatus)


def shell(terminal: Terminal) -> str:
    return terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()


def check_kept() -> str:
    """Check that the history has the result, and return its id."""
    with History.open() as history:
        (row,) = history.list()
        assert row.state == "finished"
        candidates = history.load(row.id).candidates
    assert {candidate.slug for candidate in candidates} == {"logistic-regression", "linear-svm"}
    assert all(candidate.calls > 0 for candidate in candidates)
    return row.id


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_keeps_the_result_and_the_last_line_names_it(number: signal.Signals) -> None:
    with Terminal(*ENDLESS) as terminal:
        measure(terminal)
        terminal.signal(number)
        assert ended(terminal) == 128 + number
        said = " ".join(shell(terminal).split())
        assert f"'latency-tui history show {check_kept()}' shows it." in said


@pytest.mark.slow
def test_without_a_history_a_signal_keeps_the_result_in_a_file(tmp_path: Path) -> None:
    with Terminal(*ENDLESS, "--no-history") as terminal:
        measure(terminal)
        terminal.signal(signal.SIGTERM)
        assert ended(terminal) == 128 + signal.SIGTERM
        (path,) = (tmp_path / "latency-tui" / "results").iterdir()
        assert path.name in shell(terminal).replace("\r\n", "").replace(" ", "")
        assert all(candidate["calls"] > 0 for candidate in json.loads(path.read_text())["candidates"])


@pytest.mark.slow
def test_a_terminal_that_hangs_up_keeps_the_result() -> None:
    with Terminal(*ENDLESS) as terminal:
        measure(terminal)
        terminal.processes()
        terminal.process.ptyproc.fileobj.close()
        terminal.gone_within()
        check_kept()


@pytest.mark.slow
def test_an_error_in_the_app_keeps_the_result_and_exits_with_one(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'latency_tui.tui.screens.help':\n"
        "            raise RuntimeError('injected')\n"
        "sys.meta_path.insert(0, Hook())\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        with Terminal(*ENDLESS) as terminal:
            measure(terminal)
            terminal.press("?")
            assert ended(terminal) == 1
            check_kept()
            assert re.search(r"result\s+is\s+kept", shell(terminal))


JUNK = [
    b"\x1b[M \xe80",  # a mouse report of the X10 protocol, beyond column 95
    "é".encode("latin-1"),
    b"\xff\xfe\x80\x80",
    b"\x1b[<0;" + b"9" * 400 + b";5M",
    b"\x1b[48;0;0;0;0t\x1b[<0;5;5M",
    b"\x1b[48;999999;999999;0;0t",
    b"\x1b[1114112u\x1b[99999999999u",
]


@pytest.mark.slow
def test_bytes_that_mean_nothing_do_not_end_the_app() -> None:
    with Terminal("-m", "logistic-regression", "-m", "linear-svm") as terminal:
        terminal.until("Nothing is measured yet")
        for junk in JUNK:
            terminal.process.send(junk)
            terminal.read(0.3)
            terminal.press("n")
            terminal.until("0 of 6 selected")
            terminal.press("a")
            terminal.until("6 of 6 selected")
        terminal.press("q")
        assert ended(terminal) == 0
