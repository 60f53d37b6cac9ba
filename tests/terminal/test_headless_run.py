"""`latency-tui run` as a user's shell sees it: the real command, its exit code, its output, and no process after it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from latency_tui.result.result import load

COMMAND = [sys.executable, "-P", "-m", "latency_tui.cli"]
TWO = ["-m", "logistic-regression", "-m", "Linear SVM"]
LONG = [*COMMAND, "run", *TWO, "-t", "120"]


def run(*arguments: str, **extra: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False, **extra)


def wait_until_measuring(process: psutil.Process, *, processes: int = 51, seconds: float = 2.0) -> list[psutil.Process]:
    """Return the processes started, once they have been busy: the engine, two candidates and 24 copies of each."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        children = process.children(recursive=True)
        if len(children) >= processes and sum(map(_cpu_seconds, children[3:])) > seconds:
            return children
        time.sleep(0.05)
    raise AssertionError("it never began to measure")


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return process.cpu_times().user
    except psutil.NoSuchProcess:
        return 0.0


def survivors(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return those still there after that time; one that waits to be reaped by init has ended."""
    deadline = time.monotonic() + seconds
    while True:
        alive = [process for process in processes if _alive(process)]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_stdout_carries_the_table_and_nothing_else() -> None:
    done = run("run", *TWO, "-n", "30")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Logistic Regression" in done.stdout
    assert "Linear SVM" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.slow
def test_json_has_the_shape_that_readers_rely_on(tmp_path: Path) -> None:
    done = run("run", *TWO, "-n", "30", "--format", "json")
    document = json.loads(done.stdout)
    assert document["json_schema_version"] == 1
    assert {"plan", "environment", "candidates", "comparisons", "noise"} <= document.keys()
    assert {"host", "os", "cpu", "cores", "python", "versions", "threads", "pinned", "governor"} <= document[
        "environment"
    ].keys()
    for candidate in document["candidates"]:
        assert candidate["status"] == "measured"
        assert candidate["calls"] == 30 == len(candidate["samples"])
        assert candidate["rounds"][0] == 0
        assert 1e-6 < candidate["statistics"]["p50"]["value"] < 1
        assert {"value", "low", "high", "calls_needed"} <= candidate["statistics"]["p99_9"].keys()
        assert candidate["training_seconds"] > 0
        assert 0.5 < candidate["score"] <= 1
        assert candidate["cold_start_seconds"] > 0
        assert candidate["throughput"] > 0
    (comparison,) = document["comparisons"]
    assert {"baseline", "candidate", "ratio", "low", "high", "confidence", "verdict"} <= comparison.keys()
    (tmp_path / "kept.json").write_text(done.stdout)
    assert [c.calls for c in load(tmp_path / "kept.json").candidates] == [30, 30]


@pytest.mark.slow
def test_no_samples_leaves_them_out() -> None:
    done = run("run", *TWO, "-n", "30", "--format", "json", "--no-samples")
    assert all(not candidate.get("samples") for candidate in json.loads(done.stdout)["candidates"])


@pytest.mark.slow
def test_a_file_takes_the_format_of_its_suffix_and_stdout_stays_empty(tmp_path: Path) -> None:
    done = run("run", *TWO, "-n", "30", "-o", str(tmp_path / "result.csv"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    rows = list(csv.DictReader(io.StringIO((tmp_path / "result.csv").read_text())))
    assert [row["slug"] for row in rows] == ["logistic-regression", "linear-svm"]
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]


@pytest.mark.slow
def test_batch_method_and_baseline_reach_the_measurement() -> None:
    arguments = ["-b", "8", "--method", "decision_function", "--baseline", "linear-svm", "--seed", "3", "--cpu", "none"]
    document = json.loads(run("run", *TWO, "-n", "20", *arguments, "--format", "json").stdout)
    assert document["plan"]["workload"]["batch_size"] == 8
    assert document["plan"]["workload"]["method"] == "decision_function"
    assert document["plan"]["baseline"] == "linear-svm"
    assert document["plan"]["pinning"] == "none"
    assert [c["baseline"] for c in document["comparisons"]] == ["linear-svm"]


@pytest.mark.slow
def test_a_model_without_the_method_fails_alone_and_the_exit_code_says_so() -> None:
    done = run("run", *TWO, "-n", "20", "--method", "predict_proba", "--format", "json")
    by_slug = {candidate["slug"]: candidate for candidate in json.loads(done.stdout)["candidates"]}
    assert by_slug["logistic-regression"]["status"] == "measured"
    assert by_slug["linear-svm"]["status"] == "failed"
    assert by_slug["linear-svm"]["error"]
    assert done.returncode == 4


@pytest.mark.slow
def test_calls_that_take_too_long_exit_124() -> None:
    done = run("run", "-m", "random-forest", "-n", "20", "-b", "50000", "--call-timeout", "0.05", "--format", "json")
    assert done.returncode == 124, done.stdout + done.stderr
    assert json.loads(done.stdout)["candidates"][0]["status"] == "failed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_everything_and_what_was_measured_is_written(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    process = subprocess.Popen([*LONG, "-o", str(kept)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = wait_until_measuring(psutil.Process(process.pid))
    process.send_signal(number)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert survivors(children, 120) == []
    result = load(kept)
    assert all(candidate.status == "measured" and candidate.calls > 10 for candidate in result.candidates)


@pytest.mark.slow
def test_a_second_sighup_does_not_cost_the_result(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    process = subprocess.Popen([*LONG, "-o", str(kept)], stderr=subprocess.PIPE)
    wait_until_measuring(psutil.Process(process.pid))
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    assert process.returncode == 129
    assert load(kept).measured


STUBBORN = """
import asyncio
from latency_tui.cli.interrupt import Interruption, cancel_on_signal

async def hold_on():
    try:
        print("ready", flush=True)
        await asyncio.sleep(60)
    finally:
        print("ending", flush=True)
        await asyncio.sleep(60)

async def main():
    task = asyncio.create_task(hold_on())
    with cancel_on_signal(task, Interruption()):
        await task

asyncio.run(main())
"""


def test_a_second_ctrl_c_ends_at_once() -> None:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "ending\n"
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130


@pytest.mark.slow
@pytest.mark.parametrize(
    "closed", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("<&-", ">&-", "2>&-")), "<&- >&- 2>&-"]
)
def test_closed_streams_are_survived(closed: str, tmp_path: Path) -> None:
    command = f"{' '.join(COMMAND)} run -m linear-svm -n 20 -o {tmp_path}/kept.json {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert load(tmp_path / "kept.json").measured


@pytest.mark.slow
def test_under_nohup_the_end_of_the_terminal_is_not_the_end(tmp_path: Path) -> None:
    command = ["nohup", *COMMAND, "run", "-m", "linear-svm", "-t", "1", "-o", str(tmp_path / "kept.json")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until_measuring(psutil.Process(process.pid), processes=2, seconds=0.2)
    process.send_signal(signal.SIGHUP)
    assert process.wait(300) == 0


@pytest.mark.slow
def test_killed_outright_it_leaves_no_process_either() -> None:
    process = subprocess.Popen(LONG, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = wait_until_measuring(psutil.Process(process.pid))
    process.kill()
    process.wait()
    assert survivors(children, 120) == []


@pytest.mark.slow
def test_interrupted_before_measuring_it_still_writes_a_result(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    process = subprocess.Popen([*LONG, "-o", str(kept)], stderr=subprocess.PIPE, text=True)
    watched = psutil.Process(process.pid)
    while not watched.children():  # the engine has been started, and is still importing
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130, stderr
    assert [candidate.status for candidate in load(kept).candidates] == ["cancelled", "cancelled"]


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error() -> None:
    pipe = f"{' '.join(COMMAND)} run -m linear-svm -n 20 --format json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=300, check=False)
    assert done.stderr == ""
    assert done.stdout == "0\n"


@pytest.mark.parametrize("words", ["--help", "run -h", "serve --help", "--version", "models", "help", "init --help"])
def test_a_reader_that_leaves_before_the_help_is_no_error(words: str) -> None:
    pipe = f"({' '.join(COMMAND)} {words}; echo $? >&2) | true"
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == "0\n"


def test_a_report_that_the_disk_has_no_room_for_is_an_error() -> None:
    full = f"{' '.join(COMMAND)} models > /dev/full"
    done = subprocess.run(["bash", "-c", full], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert done.stderr == "latency-tui: Cannot write the report: no space left on device.\n"


@pytest.mark.parametrize("place", ["/nonexistent/result.json", "/proc/result.json", "."])
def test_an_unwritable_file_is_refused_before_anything_starts(place: str) -> None:
    began = time.monotonic()
    done = run("run", "-n", "10000000", "-o", place, "--format", "json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("latency-tui: Cannot write")
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_stdout_without_utf8_still_gets_a_table() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = run("run", "-m", "linear-svm", "-n", "20", env=environment)
    assert done.returncode == 0, done.stderr
    assert "Linear SVM" in done.stdout


FAST = (
    "class Fast:\n    def fit(self, X, y=None):\n        return self\n"
    "\n    def predict(self, X):\n        return [0] * len(X)\n"
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS holds on Linux")
def test_millions_of_calls_are_reported_within_a_gibibyte(tmp_path: Path) -> None:
    (tmp_path / "fast.py").write_text(FAST)
    limited = ["prlimit", f"--as={2**30}", *COMMAND, "run", "-m", "fast:Fast", "-t", "4", "--format", "json"]
    done = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (candidate,) = json.loads(done.stdout)["candidates"]
    assert candidate["samples_kept"] == len(candidate["samples"]) <= candidate["calls"]


@pytest.mark.slow
def test_a_run_that_is_killed_is_in_the_history_and_can_be_reported(tmp_path: Path) -> None:
    extra: Any = {"env": os.environ | {"XDG_DATA_HOME": str(tmp_path)}}
    with subprocess.Popen([*LONG, "-o", str(tmp_path / "r.json")], stderr=subprocess.PIPE, **extra) as process:
        started = wait_until_measuring(psutil.Process(process.pid), seconds=4.0)
        process.kill()
    assert survivors(started, 120) == []
    listed = run("history", "list", "--format", "json", **extra)
    (row,) = json.loads(listed.stdout)
    assert row["state"] == "unfinished"
    done = run("history", "show", row["id"][:6], "--format", "json", **extra)
    assert done.returncode == 0, done.stderr
    assert all(candidate["calls"] for candidate in json.loads(done.stdout)["candidates"])


@pytest.mark.slow
def test_a_misspelt_setting_is_a_usage_error_and_nothing_is_measured(tmp_path: Path) -> None:
    extra: Any = {"env": os.environ | {"XDG_DATA_HOME": str(tmp_path)}}
    done = run("run", "-n", "20", "-m", "linear-svm", "-m", "random-forest[n_job=1]", **extra)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Random Forest [n_job=1]: RandomForestClassifier has no parameter 'n_job'; did you mean" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_result_that_was_interrupted_is_continued_to_its_end(tmp_path: Path) -> None:
    extra: Any = {"env": os.environ | {"XDG_DATA_HOME": str(tmp_path)}}
    file = str(tmp_path / "r.json")
    models = ["-m", "logistic-regression", "-m", "linear-svm"]
    with subprocess.Popen(
        [*COMMAND, "run", *models, "-n", "20000", "-o", file], stderr=subprocess.PIPE, **extra
    ) as process:
        wait_until_measuring(psutil.Process(process.pid), seconds=2.0)
        process.send_signal(signal.SIGINT)
        process.wait(60)
    before = json.loads(Path(file).read_text())
    calls = [candidate["calls"] for candidate in before["candidates"]]
    assert before["more"]["stopped"]
    assert 0 < min(calls) < 20_000
    done = run("run", "--continue", file, **extra)
    assert done.returncode == 0, done.stderr
    after = json.loads(Path(file).read_text())
    assert all(candidate["calls"] >= 20_000 for candidate in after["candidates"])
    samples = [candidate["samples"][: calls[place]] for place, candidate in enumerate(after["candidates"])]
    assert samples == [candidate["samples"] for candidate in before["candidates"]]
    assert after["created_at"] == before["created_at"]
    assert [launch["number"] for launch in after["checkpoint"]["launches"]] == [0, 1]
