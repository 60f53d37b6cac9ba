"""Two revisions of a real git repository are measured in turns, and the slower one is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from latency_tui.history.store import History
from latency_tui.result.result import Result, load
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
    return command_in(
        project, *arguments, "--trust", "latency-tui.toml", "--data", "iris", "-m", "planted_here:Model", "-n", "200"
    )


def command_in(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a repository, with a cache and a history beside it."""
    command = [sys.executable, "-P", "-m", "latency_tui.cli", *arguments]
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


def seed_history(path: Path, before: Result, since: Result) -> None:
    """Keep six results of each side, a day apart, whose p50 varies by 0.1 %."""
    with History.open(path, create=True) as history:
        for number, result in enumerate([before] * 6 + [since] * 6):
            candidate = result.candidates[0]
            assert candidate.statistics is not None
            factor = 1 + 0.001 * (number % 3)
            p50 = msgspec.structs.replace(
                candidate.statistics.p50, value=(candidate.statistics.p50.value or 0) * factor
            )
            statistics = msgspec.structs.replace(candidate.statistics, p50=p50)
            candidate = msgspec.structs.replace(candidate, statistics=statistics, per_launch=())
            day = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=number)
            history.save(msgspec.structs.replace(result, candidates=(candidate,), created_at=day))


def test_a_trend_is_confirmed_by_measuring_both_commits_in_turns(project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "-q", str(project), str(clone))
    git("checkout", "-q", "HEAD~2", folder=clone)
    results = []
    for folder in (clone, project):
        path = tmp_path / f"{folder.name}.json"
        done = run(folder, "run", "-o", str(path), "--no-history")
        assert done.returncode == 0, done.stderr
        results.append(load(path).without_samples())
    trees = [result.working_tree for result in results]
    commits = [git("rev-parse", revision, folder=project) for revision in ("HEAD~2", "HEAD")]
    assert [(tree.commit, tree.is_modified) for tree in trees if tree is not None] == [(one, False) for one in commits]
    history = tmp_path / "history.sqlite3"
    seed_history(history, *results)
    words = ["history", "trend", "--history", str(history), "--confirm", "--trust", "latency-tui.toml"]
    done = command_in(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"commit was {commits[0][:12]} and is {commits[1][:12]}" in done.stdout
    sides = [f"Model ({commit[:12]}, {when})" for commit, when in zip(commits, ("before", "after"), strict=True)]
    assert all(side in done.stdout for side in sides)
    verdict = done.stdout.splitlines()[-1]
    assert verdict.startswith("The change of Model is confirmed: measured in turns, it is 1.")
    assert "slower" in verdict
    assert git("status", "--porcelain", folder=project) == ""
