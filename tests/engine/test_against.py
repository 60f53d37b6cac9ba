"""Two revisions of a real git repository are measured in turns, and the slower one is found."""

from __future__ import annotations

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


@pytest.mark.slow
def test_a_slower_revision_is_found_and_the_working_tree_is_not_touched(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    git("init", "-q", "-b", "main", folder=root)
    packages = "\n".join([str(Path(__file__).parents[2]), *(path for path in sys.path if path.endswith("-packages"))])
    (root / "share.py").write_text(
        f"import pathlib, site\npathlib.Path(site.getsitepackages()[0], 'shared.pth').write_text({packages!r})\n"
    )
    (root / "latency-tui.toml").write_text("[against]\ncommand = 'python share.py'\n")
    (root / ".gitignore").write_text("__pycache__\n")
    for nanoseconds in (200_000, 260_000):
        (root / "planted_here.py").write_text(_MODULE.format(nanoseconds=nanoseconds))
        git("add", "-A", folder=root)
        git("commit", "-qm", f"{nanoseconds} ns", folder=root)
    command = [sys.executable, "-P", "-m", "latency_tui.cli", "run", "--trust", "latency-tui.toml", "--data", "iris"]
    command += ["-m", "planted_here:Model", "--against", "HEAD~1", "-n", "200", "-o", str(tmp_path / "result.json")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=root, env=environment)
    assert done.returncode == 0, done.stderr
    assert "HEAD~1: checking out" in done.stderr
    result = load(tmp_path / "result.json")
    assert result.plan.baseline == "model-head-1"
    [comparison] = result.comparisons
    assert comparison.candidate == "model"
    assert comparison.verdict == "slower"
    assert comparison.ratio == pytest.approx(1.3, rel=0.1)
    assert git("status", "--porcelain", folder=root) == ""
