"""The gate on real processes: a planted slowdown fails twice, an identical model passes, exit codes are those of CI."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BASELINE, COPY, SLOWED = (f"logistic-regression[slowdown={share}]" for share in ("0", "0.0", "0.5"))


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "latency_tui", "check", *arguments], capture_output=True, text=True, timeout=600
    )


def test_a_planted_slowdown_fails_in_two_measurements(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    done = check("-m", BASELINE, "-m", SLOWED, "--baseline", BASELINE, "--limit", "p50 < 1.05x", "-o", str(path))
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[-1] == "FAIL: the limit is broken on this host, in two measurements."
    (line,) = json.loads(path.read_text())["lines"]
    assert line["first"]["low"] > 1.05
    assert line["again"]["low"] > 1.05


def test_an_identical_model_does_not_fail() -> None:
    done = check("-m", BASELINE, "-m", COPY, "--baseline", BASELINE, "--limit", "p50 < 1.5x")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "PASS: the limit holds on this host."


def test_a_saved_result_is_a_baseline_over_launches(tmp_path: Path) -> None:
    saved, fast, slow = tmp_path / "saved.json", ("-m", "logistic-regression"), ("-m", "random-forest")
    run = ["run", *fast, *slow, "-n", "60", "--launches", "3", "-o", str(saved)]
    subprocess.run([sys.executable, "-m", "latency_tui", *run], check=True, capture_output=True, timeout=600)
    length = ("-n", "60", "--launches", "3", "--baseline", str(saved))
    assert check(*fast, *length, "--limit", "p50 < 20x").returncode == 0
    assert check(*fast, *length, "--limit", "p50 < 0.05x").returncode == 3


def test_ctrl_c_prints_a_verdict_and_exits_with_130() -> None:
    arguments = ["check", "-m", "logistic-regression", "-t", "600", "--limit", "p50 < 1s"]
    running = subprocess.Popen(
        [sys.executable, "-m", "latency_tui", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(15)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert out.splitlines()[-1].split(":")[0] in ("PASS", "INCONCLUSIVE")
    assert "Interrupted by SIGINT" in err


def test_a_self_test_measures_each_model_beside_three_copies(tmp_path: Path) -> None:
    path = tmp_path / "test.json"
    models = ("-m", "logistic-regression", "-m", "linear-svm")
    done = check(*models, "--limit", "p50 < 1.5x", "--self-test", "-o", str(path))
    found = json.loads(path.read_text())
    assert done.returncode == found["exit_code"] == {"PASS": 0, "FAIL": 3}[found["verdict"]], done.stderr
    assert [one["model"] for one in found["models"]] == ["Logistic Regression", "Linear SVM"]
    for one in found["models"]:
        assert [line["slowdown"] for line in one["lines"]] == [0.0, 0.5, 1.25]
        assert one["lines"][2]["line"]["verdict"] == "FAIL", "more than twice as slow"
        assert one["lines"][0]["line"]["verdict"] != "FAIL", "an identical copy"
    assert done.stdout.splitlines()[-1].startswith(f"{found['verdict']}: this check")
