"""The real command, with its real engine, in a real terminal: open, train, profile, stop, resize, leave."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from tests.terminal.terminal import Terminal

STOPPED = re.compile(r"of 1,000,000 runs")


def test_open_train_profile_and_leave_with_the_table_on_the_shell() -> None:
    with Terminal("-m", "logistic-regression", "-m", "linear-svm") as terminal:
        terminal.until("Nothing is measured yet")
        terminal.press("t")
        terminal.until("accuracy   0.8")
        terminal.press("p")
        text = terminal.until("measured: 100 runs each")
        assert "1 Latency" in text
        assert "latency over the runs" in text
        terminal.processes()
        terminal.press("q")
        terminal.gone_within()
        shell = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "Logistic Regression" in shell
        assert "Linear SVM" in shell
        assert terminal.process.exitstatus in (0, None)


@pytest.mark.slow
def test_stop_keeps_what_was_measured() -> None:
    with Terminal("-m", "logistic-regression", "-m", "linear-svm", "-n", "1000000") as terminal:
        terminal.until("Nothing is measured yet")
        terminal.press("p")
        terminal.until(lambda text: "round" in text and "µs" in text)
        terminal.press("\x1b")
        if "again stops" in terminal.until(lambda text: bool(STOPPED.search(text)) or "again stops" in text):
            terminal.press("\x1b")
        text = terminal.until(lambda text: bool(STOPPED.search(text)))
        assert "µs" in text


@pytest.mark.slow
def test_resized_while_it_measures_down_to_one_cell_and_back() -> None:
    with Terminal("-m", "logistic-regression", "-m", "linear-svm", "-n", "1000000") as terminal:
        terminal.until("Nothing is measured yet")
        terminal.press("p")
        terminal.until(lambda text: "round" in text and "µs" in text)
        for size in ((80, 24), (60, 16), (30, 8), (5, 3), (1, 1), (200, 60), (100, 30), (140, 45)):
            terminal.resize(*size)
            assert "Traceback" not in terminal.text
        terminal.until(lambda text: "latency over the runs" in text and "Models" in text)
        terminal.press("qq")  # it asks once while it measures
        terminal.gone_within()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_leaves_no_process(number: signal.Signals) -> None:
    with Terminal("-m", "logistic-regression", "-m", "linear-svm", "-n", "1000000") as terminal:
        terminal.until("Nothing is measured yet")
        terminal.press("p")
        terminal.until(lambda text: "round" in text and "µs" in text)
        terminal.signal(number)
        terminal.gone_within()
        assert b"Traceback" not in terminal.raw


@pytest.mark.slow
def test_the_terminal_closed_leaves_no_process() -> None:
    with Terminal("-m", "logistic-regression", "-m", "linear-svm", "-n", "1000000") as terminal:
        terminal.until("Nothing is measured yet")
        terminal.press("p")
        terminal.until(lambda text: "round" in text and "µs" in text)
        terminal.processes()
        terminal.process.ptyproc.fileobj.close()  # the emulator is gone: the kernel hangs up
        terminal.gone_within()


@pytest.mark.parametrize(("width", "height"), [(140, 45), (100, 30), (80, 24)])
def test_the_first_frame_is_a_whole_one(width: int, height: int) -> None:
    program = (
        "import sys, time\n"
        "from latency_tui.cli import main\n"
        "from latency_tui.tui.screens.main import MainScreen\n"
        "MainScreen.begin = lambda self: time.sleep(60)\n"  # nothing is drawn any more
        "sys.argv = ['latency-tui']\n"
        "main()\n"
    )
    with Terminal("-c", program, command=sys.executable, width=width, height=height) as terminal:
        text = terminal.until("Quit")
        for words in ("synthetic 1,000 × 20", "Logistic Regression", "A linear model", "Batch     1", "Profile p"):
            assert words in text


def test_nothing_heavy_is_imported_before_the_first_frame() -> None:
    program = (
        "import sys\n"
        "from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan\n"
        "from latency_tui.tui.app import LatencyApp\n"
        "from latency_tui.tui.screens.main import MainScreen\n"
        "heavy = {'numpy', 'sklearn', 'scipy', 'plotext', 'textual_plotext', 'joblib'}\n"
        "def begin(self):\n"
        "    print(sorted(heavy & set(sys.modules)))\n"
        "    self.app.exit()\n"
        "MainScreen.begin = begin\n"
        "plan = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS))\n"
        "LatencyApp(plan, BUILTIN_MODELS).run(headless=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "[]"
