"""What the light commands import: neither numpy nor scikit-learn nor Textual, which together take two seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "scipy", "sklearn", "textual", "textual_serve", "plotext", "aiohttp", "rich", "asyncio"}
PROGRAM = """
import sys
from latency_tui.cli import cli
code = cli.main(sys.argv[1:], standalone_mode=False)
print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["models"],
        ["models", "--format", "json"],
        ["--info"],
        ["guide"],
        ["guide", "security"],
        ["run", "--help"],
        ["serve", "--help"],
        ["run", "-m", "nonsense"],
        ["run", "-n", "0"],
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    modules = set(done.stderr.split())
    assert "click" in modules, done.stderr
    assert modules & HEAVY == set()


@pytest.mark.slow
def test_running_headless_imports_no_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run", "-m", "linear-svm", "-n", "10"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.split()) & {"textual", "sklearn", "aiohttp", "rich"} == set()
