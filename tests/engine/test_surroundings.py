"""What a model finds around it: the caller's configuration, a temporary folder that goes, and no way home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import latency_tui
from latency_tui.engine import machine, process_environment, subreaper
from latency_tui.engine.candidate.block_runner import BlockRunner
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate.reusable_inputs import CallInputs
from latency_tui.engine.candidate_protocol import Store
from latency_tui.engine.client import Engine
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Measure
from latency_tui.errors import EngineError
from latency_tui.plan import Candidate, ModelSpec
from tests.engine.conftest import faulty, plan_of
from tests.engine.faulty_models import Planted


@pytest.mark.slow
def test_the_callers_configuration_of_scikit_learn_holds() -> None:
    import sklearn
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).normal(size=(50, 3))
    scaler = StandardScaler().fit(rows)

    def model(rows: object) -> object:
        scaled = scaler.transform(rows)
        assert hasattr(scaled, "iloc"), type(scaled)
        return scaled.to_numpy()

    with sklearn.config_context(transform_output="pandas"):
        result = latency_tui.measure({"m": model}, rows, runs=60)
    (candidate,) = result.candidates
    assert candidate.error is None


@pytest.mark.slow
async def test_what_a_module_configures_holds_in_all_processes(engine: Engine) -> None:
    spec = ModelSpec(name="m", factory="tests.engine.configuring_module:model")
    plan = plan_of(Candidate(model=spec), runs=100, cold_start=True)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert [event.message for event in events if isinstance(event, CandidateFailed)] == []
    assert any(isinstance(event, ColdStartMeasured) for event in events)


@pytest.mark.slow
async def test_temporary_files_of_models_go_with_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with Engine() as engine:
        plan = plan_of(faulty("KeepsATemporaryFolder"), runs=60, cold_start=True)
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
        assert not [event for event in events if isinstance(event, CandidateFailed)]
        assert len(list(tmp_path.rglob("planted-*"))) > 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_a_temporary_folder_whose_name_is_not_text_is_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(strange).mkdir()
    monkeypatch.setattr("tempfile.tempdir", strange)
    async with Engine() as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan_of(faulty("Sleeper"), runs=20)))]
    assert not [event for event in events if isinstance(event, CandidateFailed)]


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True])
async def test_a_temporary_folder_that_is_swept_is_blamed_on_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    async with Engine() as engine:
        await engine.ready()
        for job, kinds in (("a", ["Planted"]), ("b", ["Planted", "Sleeper"])):
            for swept in [temporary] if whole else list(temporary.iterdir()):
                shutil.rmtree(swept)
            plan = plan_of(*map(faulty, kinds), runs=30, cold_start=True)
            events = [event async for event in engine.run(Measure(job=job, plan=plan))]
            assert [event.message for event in events if isinstance(event, CandidateFailed)] == []
            blocks = [event for event in events if isinstance(event, BlockMeasured)]
            assert {block.candidate for block in blocks} == {kind.lower() for kind in kinds}
            assert len({block.replica for block in blocks}) > 1, "what the first process stores is found"
            assert sum(isinstance(event, ColdStartMeasured) for event in events) == len(kinds)
        (folder,) = temporary.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
async def test_a_temporary_folder_that_became_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    async with Engine() as engine:
        await engine.ready()
        shutil.rmtree(temporary)
        temporary.touch()
        with pytest.raises(EngineError, match=rf"{temporary}/\S+ cannot be created: .*; set TMPDIR to another folder"):
            [event async for event in engine.run(Measure(job="a", plan=plan_of(faulty("Sleeper"), runs=30)))]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_model_that_the_disk_has_no_room_for_says_so() -> None:
    prepared: Any = SimpleNamespace(model=Planted())
    runner = BlockRunner(prepared, ProcessContext(), lambda stage: None)
    runner.method, runner.inputs = "predict", CallInputs([1], np.asarray, fresh_per_call=False)
    with pytest.raises(EngineError, match="the model cannot be stored in /dev: no space left on device; set TMPDIR"):
        runner.store(Store(path="/dev/full", max_inputs=1))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_somebody_else_put_there_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "latency-tui-x"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(FileExistsError):
        process_environment.make_private_folder(folder)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(FileExistsError):
        process_environment.make_private_folder(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="psutil reads /proc on Linux alone")
def test_without_proc_the_machine_says_what_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.PROCFS_PATH", str(tmp_path))
    assert 0 < machine.free_memory() < (machine.describe().memory_bytes or 0)
    assert machine.StealTime(()).share() is None
    assert machine.CoreLoad().quietest((0, 1), 1) == (1,)
    assert subreaper.members(os.getsid(0)) == subreaper.descendants(os.getpid()) == []
    subreaper.end_orphans(())


_MAKE = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from skl2onnx import to_onnx
rows = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
targets = (rows[:, 0] > 0).astype(int)
np.savez("d.npz", X=rows, y=targets)
model = LogisticRegression().fit(rows, targets)
open("m.onnx", "wb").write(to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString())
"""
_MAKE_BOOSTERS = {
    "xgboost": "import xgboost; xgboost.XGBClassifier(n_estimators=3).fit(rows, targets).save_model('m.ubj')",
    "lightgbm": "import lightgbm; lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(rows, targets)"
    ".booster_.save_model('lgb.txt')",
    "catboost": "import catboost; catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False)"
    ".fit(rows, targets).save_model('m.cbm')",
}
_FILES = {"xgboost": "m.ubj", "lightgbm": "lgb.txt", "catboost": "m.cbm"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: nothing shows the system calls")
def test_nothing_is_looked_up_or_written_elsewhere_while_measuring(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    home, work, temporary, trace = (tmp_path / name for name in ("home", "work", "t", "trace"))
    for folder in (home, work, temporary):
        folder.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "ORT_", "MPL"))}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary), "ORT_DISABLE_TELEMETRY": "1"}
    history = home / ".local" / "share" / "latency-tui" / "history.sqlite3"  # as XDG variables are unset
    boosters = [name for name in _MAKE_BOOSTERS if _is_installed(name)]
    script = "\n".join([_MAKE, *(_MAKE_BOOSTERS[name] for name in boosters)])
    subprocess.run([sys.executable, "-c", script], cwd=work, env=environment, check=True)
    del environment["ORT_DISABLE_TELEMETRY"]  # what measures must see to it alone
    shutil.rmtree(home)
    home.mkdir()
    before = {*work.iterdir()}
    models = [
        "m.onnx",
        "logistic-regression",
        "logistic-regression[runtime=onnx]",
        *(_FILES[name] for name in boosters),
    ]
    command = [
        sys.executable,
        "-m",
        "latency_tui",
        "run",
        "--data",
        "d.npz",
        "-n",
        "30",
        "--cold-start",
        "-o",
        "r.json",
    ]
    command += [f"-m{model}" for model in models]
    calls = "connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-s", "300", "-e", f"trace={calls}", "-o", str(trace), *command],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    lines = trace.read_text(errors="replace").splitlines()
    assert [line for line in lines if "AF_INET" in line] == []
    written = [line for line in lines if "O_CREAT" in line or " mkdir" in line]
    paths = {match.group(1) for line in written if "ENOENT" not in line and (match := re.search(r'"([^"]*)"', line))}
    allowed = (str(temporary), str(history), f"{work}/.r.json", f"{work}/r.json", "/dev/", "/proc/")
    strange = {p for p in paths if p.startswith("/") and not p.startswith(allowed) and "__pycache__" not in p}
    assert sorted(strange - {str(folder) for folder in history.parents}) == []
    assert [path for path in home.rglob("*") if not path.is_dir()] == [history]
    assert {path.parent for path in home.rglob("*")} <= {home, *history.parents}
    assert list(temporary.iterdir()) == []
    assert {*work.iterdir()} - before == {work / "r.json"}


def _is_installed(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None
