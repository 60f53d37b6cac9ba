"""Further processes of a candidate are forked from one that has imported its libraries, if that can be forked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Measure
from tests.engine.conftest import faulty, plan_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="candidates are not forked elsewhere")

_LIBRARY = """
import os, threading, time
import numpy
with open({note!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
{more}
def answer(rows):
    return numpy.zeros(len(rows))
"""


async def imports_and_loads(folder: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> tuple[int, int, int]:
    """Return in how many processes the library was imported and the model loaded, and how many have answered."""
    installed, imports, loads = folder / "site-packages", folder / "imports", folder / "loads"
    installed.mkdir()
    (installed / "planted_library.py").write_text(_LIBRARY.format(note=str(imports), more=more))
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=":")
    async with Engine() as engine:
        plan = plan_of(faulty("NeedsALibrary", "one", note=str(loads)), faulty("Planted", "other"), runs=200)
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert not [event for event in events if isinstance(event, CandidateFailed)]
    answered = {event.replica for event in events if isinstance(event, BlockMeasured) and event.candidate == "one"}
    return len(set(imports.read_text().split())), len(set(loads.read_text().split())), len(answered)


@pytest.mark.slow
async def test_a_library_is_imported_once_for_all_further_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, loaded, answered = await imports_and_loads(tmp_path, monkeypatch)
    assert imported == 2, "by the first process and by the fork server"
    assert loaded == answered > 2, "each loads the model itself"


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "if os.getppid() and len(open({note!r}).read().split()) == 2: os._exit(3)",
    ],
)
async def test_a_library_that_does_not_survive_a_fork_is_imported_by_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    more = more.format(note=str(tmp_path / "imports"))
    imported, loaded, answered = await imports_and_loads(tmp_path, monkeypatch, more)
    assert loaded == answered > 2
    assert imported == 2 + answered, "by the first process, by the fork server that was given up, and by each"
