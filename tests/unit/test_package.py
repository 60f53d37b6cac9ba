"""What is installed: the guide and the marker of types are in the wheel, and the public names are declared."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from trove_classifiers import classifiers

import latency_tui
from latency_tui.guide import TOPICS

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_holds_the_guide_and_the_marker_of_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"latency_tui/guide/{topic}.md" for topic in TOPICS} <= names
    assert "latency_tui/py.typed" in names
    assert not [name for name in names if not name.startswith(("latency_tui/", "latency_tui-"))]


def test_public_names_are_declared_and_found() -> None:
    assert latency_tui.__version__ == version("latency-tui")
    assert sorted(latency_tui.__all__) == ["Result", "__version__", "load", "measure"]
    assert all(hasattr(latency_tui, name) for name in latency_tui.__all__)


def test_classifiers_of_the_package_are_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["classifiers"]) <= classifiers


@pytest.mark.parametrize("workflow", ["test", "release"])
def test_workflows_run_what_a_contributor_can_run(workflow: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8")
    assert "- run: .ci/run\n" in text
    assert "pytest" not in text
    assert "PYTHON" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
