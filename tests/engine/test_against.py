"""Two revisions of a real git repository are measured in turns, and the slower one is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from latency_tui.result.result import load
from tests.unit.test_against import git

_MODULE = """
import time

class Model:
    def predict(self, rows):
        until = time.perf_counter_ns() + {nanoseconds}
        while time.perf_counter_ns() < until:
            pass
        return [0] * len(rows)
"""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of three commits: the second one is 1.3 times as slow, and the third one is the same."""
    root = tmp_path_factory.mktemp("repository") / "project"
    root.mkdir()
    git("init", "-q", "-b", "main", folder=root)
    packages = "\n".join([str(Path(__file__).parents[2]), *(path for path in sys.path if path.endswith("-packages"))])
    (root / "share.py").write_text(
        f"import pathlib, site\npathlib.Path(site.getsitepackages()[0], 'shared.pth').write_text({packages!r})\n"
    )
    (root / "latency-tui.toml").write_text("[against]\ncommand = 'python share.py'\n")
    (root / ".gitignore").write_text("__pycache__\n")
    for number, nanoseconds in enumerate((200_000, 260_000, 260_000)):
        (root / "planted_here.py").write_text(_MODULE.format(nanoseconds=nanoseconds) + f"# {number}\n")
        git("add", "-A", folder=root)
        git("commit", "-qm", f"{nanoseconds} ns", folder=root)
    return root


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository that measures its model, and return its output."""
    command = [sys.executable, "-P", "-m", "latency_tui.cli", *arguments, "--trust", "latency-tui.toml"]
    command += ["--data", "iris", "-m", "planted_here:Model", "-n", "200"]
    folders = {name: str(project.parent / name.lower()) for name in ("XDG_CACHE_HOME", "LATENCY_TUI_HOME")}
    environment = {**os.environ, **folders, "PYTHONPATH": ""}
    return subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=project, env=environment)


def test_a_slower_revision_is_found_and_the_working_tree_is_not_touched(project: Path, tmp_path: Path) -> None:
    done = run(project, "run", "--against", "HEAD~2", "-o", str(tmp_path / "result.json"))
    assert done.returncode == 0, done.stderr
    assert "HEAD~2: checking out" in done.stderr
    result = load(tmp_path / "result.json")
    assert result.plan.baseline == "model-head-2"
    [comparison] = result.comparisons
    assert comparison.candidate == "model"
    assert comparison.verdict == "slower"
    assert comparison.ratio == pytest.approx(1.3, rel=0.1)
    assert git("status", "--porcelain", folder=project) == ""


def test_a_check_against_a_revision_fails_on_the_planted_slowdown_only(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    done = run(project, "check", "--against", "HEAD~2", "--limit", "p50 < 1.1x", "-o", str(path))
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "FAIL: the limit is broken on this host, in two measurements."
    (line,) = json.loads(path.read_text())["lines"]
    assert line["candidate"] == "model"
    assert line["first"]["value"] == pytest.approx(1.3, rel=0.1)
    assert line["again"]["value"] == pytest.approx(1.3, rel=0.1)
    done = run(project, "check", "--against", "HEAD~1", "--limit", "p50 < 1.15x")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
    assert git("status", "--porcelain", folder=project) == ""
