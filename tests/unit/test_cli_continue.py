"""`run --continue`: what a result lacks is added to it; what is not the same, or not trusted, is refused."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import restore
from latency_tui.catalog.trust_store import digest_of
from latency_tui.cli import headless
from latency_tui.cli.run import command
from latency_tui.engine.protocol import (
    CandidateFailed,
    EngineStarted,
    Environment,
    Event,
    InputsIdentified,
    JobFinished,
)
from latency_tui.errors import LatencyTuiError
from latency_tui.plan import Candidate, ModelSpec, Plan
from latency_tui.plan.datasets import StoredDataset
from latency_tui.plan.trust import EVERYTHING, Trust
from latency_tui.report import write
from latency_tui.result.more import More
from latency_tui.result.result import load
from latency_tui.result.spool import MAX_DAYS, Spool, unfinished
from latency_tui.tui.recordings import Recordings
from tests.unit.test_analysis_launches import plan_of
from tests.unit.test_result_checkpoint import add, everything

BOX = Environment(host="box", os="Linux", cpu="A CPU", cores=2, python="3.11.7", versions={"numpy": "2.4"})


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine says of a continuation: `rounds` of each launch, on which `machine`, with which `inputs`."""
    script: dict[str, Any] = {"rounds": 50, "machine": BOX, "inputs": {}, "plans": [], "failing": ()}

    async def measure(plan: Plan, *, first_launch: int, **_: object) -> AsyncIterator[Event]:
        script["plans"].append(plan)
        yield EngineStarted(environment=script["machine"])
        yield InputsIdentified(job="j", inputs=script["inputs"])
        for slug in script["failing"]:
            yield CandidateFailed(job="j", candidate=slug, stage="loading", message="it is gone")
        for event in everything(plan, first_launch, script["rounds"])[1:]:
            await asyncio.sleep(0)
            yield event
        yield JobFinished(job="j", reason="completed")

    monkeypatch.setattr(headless, "measure", measure)
    return script


def saved(plan: Plan, rounds: int = 30, inputs: dict[str, str] | None = None) -> Path:
    """Write a result that was stopped before its 80 rounds."""
    recording = Recorder(plan)
    recording.add(InputsIdentified(job="j", inputs=inputs or {}))
    add(recording, everything(plan, 0, rounds, planned=80))
    write(recording.result(), "r.json")
    return Path("r.json")


def run(*arguments: str) -> tuple[int, str]:
    """Return the exit code and what stderr says, also of an error."""
    done: Result = CliRunner().invoke(command, [*arguments], standalone_mode=False)
    if isinstance(done.exception, LatencyTuiError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None, done.exc_info
    return int(done.return_value or 0), done.stderr


def test_what_is_missing_is_measured_and_added_to_the_file(engine: dict[str, Any]) -> None:
    file = saved(plan_of(2, runs=800))
    code, said = run("--continue", str(file))
    assert code == 0, said
    assert "measuring 500 more runs for r.json" in said
    (plan,) = engine["plans"]
    assert plan.runs == 500
    result = load(file)
    assert [candidate.calls for candidate in result.candidates] == [800, 960]
    assert result.plan.runs == 800
    assert result.more is None
    code, said = run("--continue", str(file))
    assert code == 0
    assert "r.json needs no more runs." in said
    assert len(engine["plans"]) == 1


def test_the_output_may_be_another_file_of_another_format(engine: dict[str, Any]) -> None:
    file = saved(plan_of(2, runs=800))
    before = file.read_bytes()
    assert run("--continue", str(file), "-o", "more.csv")[0] == 0
    assert file.read_bytes() == before
    assert "logistic-regression" in Path("more.csv").read_text()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"cpu": "Another"}, "CPU was A CPU and is Another"),
        ({"cores": 64}, "cores was 2 and is 64"),
        ({"python": "3.13.0"}, "Python was 3.11.7 and is 3.13.0"),
        ({"versions": {"numpy": "2.5"}}, "numpy was 2.4 and is 2.5"),
        ({"versions": {}}, "numpy was 2.4 and is none"),
    ],
)
def test_another_environment_is_refused(engine: dict[str, Any], change: dict[str, Any], word: str) -> None:
    file = saved(plan_of(2, runs=800))
    before = file.read_bytes()
    engine["machine"] = msgspec.structs.replace(BOX, **change)
    code, said = run("--continue", str(file))
    assert code == 2
    assert f"r.json cannot be continued, because the environment is not the same: {word}. Measure it again." in said
    assert file.read_bytes() == before


def test_another_host_with_the_same_environment_is_a_remark(engine: dict[str, Any]) -> None:
    file = saved(plan_of(2, runs=800))
    engine["machine"] = msgspec.structs.replace(BOX, host="other")
    code, said = run("--continue", str(file))
    assert code == 0
    assert "was measured on the host box" in said


@pytest.mark.parametrize("now", [{"m.onnx": "b" * 64}, {}, {"m.onnx": "a" * 64, "onnxruntime": "1.26"}])
def test_other_content_of_what_is_measured_is_refused(engine: dict[str, Any], now: dict[str, str]) -> None:
    Path("m.onnx").write_bytes(b"\x08\x08\x12\x07pytorch:\x00")
    models = [ModelSpec(name="m", file="m.onnx"), plan_of(1).candidates[0].model]
    plan = Plan(candidates=tuple(Candidate(model=model) for model in models), runs=800)
    file = saved(plan, inputs={"m.onnx": "a" * 64, "onnxruntime": "1.25"})
    engine["inputs"] = now
    code, said = run("--continue", str(file))
    assert code == 2, said
    assert "because what was measured has changed" in said


def test_nothing_that_a_result_names_runs_code_without_an_option(engine: dict[str, Any]) -> None:
    hostile = ModelSpec(name="a", factory="os:system", parameters={"command": "touch ran"})
    folder = ModelSpec(name="b", factory="sklearn.pipeline:Pipeline", parameters={"memory": "/tmp"})
    for model in (hostile, folder):
        file = saved(Plan(candidates=(Candidate(model=model), *plan_of(1).candidates), runs=800))
        code, said = run("--continue", str(file))
        assert code == 2
        assert "If you trust that file, add --trust r.json." in said
        assert run("--continue", str(file), "--trust", "r.json")[0] == 0
    assert not engine["plans"][0].trust.files


@pytest.mark.parametrize("claim", ["handed over", "stored data"])
def test_pickles_that_a_result_claims_to_have_written_are_not_loaded(engine: dict[str, Any], claim: str) -> None:
    plan = plan_of(2, runs=800)
    if claim == "handed over":
        own = Candidate(model=ModelSpec(name="a", file="a.pkl", handed_over=True))
        plan = msgspec.structs.replace(plan, candidates=(own, *plan.candidates))
    else:
        data = StoredDataset(path="a.pkl", rows=1, features=1)
        plan = msgspec.structs.replace(plan, workload=msgspec.structs.replace(plan.workload, dataset=data))
    code, said = run("--continue", str(saved(plan)))
    assert code == 2
    assert "from objects of a Python program" in said
    assert engine["plans"] == []


def test_the_trust_that_a_result_claims_counts_for_nothing(engine: dict[str, Any]) -> None:
    Path("a.pkl").write_bytes(b"\x80\x04N.")
    digest = digest_of(Path("a.pkl"))
    candidates = (Candidate(model=ModelSpec(name="a", file="a.pkl")), *plan_of(1).candidates)
    plan = Plan(candidates=candidates, runs=800, trust=Trust(files={digest: (EVERYTHING,)}))
    file = saved(plan, inputs={"a.pkl": digest})
    engine["inputs"] = {"a.pkl": digest}
    code, said = run("--continue", str(file))
    assert code == 2
    assert "add --trust a.pkl" in said
    assert run("--continue", str(file), "--trust", "a.pkl")[0] == 0


def test_a_result_without_samples_says_what_it_lacks(engine: dict[str, Any]) -> None:
    document = json.loads(saved(plan_of(2, runs=800)).read_text())
    document["checkpoint"] = None
    Path("r.json").write_text(json.dumps(document))
    code, said = run("--continue", "r.json")
    assert code == 2
    assert "r.json cannot be continued: it lacks the samples" in said


def test_a_continuation_that_measures_nothing_leaves_the_file_as_it_was(engine: dict[str, Any]) -> None:
    file = saved(plan_of(2, runs=800))
    before = file.read_bytes()
    engine["rounds"], engine["failing"] = 0, [candidate.slug for candidate in plan_of(2).candidates]
    code, said = run("--continue", str(file))
    assert code == 4
    assert "Nothing was added to the result." in said
    assert "it is gone." in said
    assert file.read_bytes() == before


@pytest.mark.parametrize("option", ["-n=5", "-m=linear-svm", "--launches=2", "--settings", "--format=table"])
def test_what_is_measured_is_not_for_options_to_change(option: str) -> None:
    saved(plan_of(2, runs=800))
    code, said = run("--continue", "r.json", *option.split("="))
    assert code == 2
    assert "only with --trust" in said


def test_a_killed_continuation_is_recovered_with_what_was_before(
    engine: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(plan_of(2, runs=800))

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as failing:
        failing.setattr(headless, "write", fail)
        assert run("--continue", str(file))[0] == 1
    (spool,) = Path("data/latency-tui/unfinished").iterdir()
    assert run("--continue", str(file))[0] == 0
    code, said = run("--recover", str(spool), "-o", "recovered.json")
    assert code == 0, said
    one, other = (load(name) for name in ("recovered.json", "r.json"))
    assert one.to_json() == other.to_json()


def test_samples_left_behind_are_listed_and_removed_once_recovered(capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_of(2, runs=800)
    running, ended = Spool(plan), Spool(plan)
    recording = Recorder(plan, spool=ended)
    add(recording, everything(plan, 0, 30))
    assert ended.path is not None
    path = ended.path
    ended.close(remove=False)
    assert unfinished() == [path]
    done = CliRunner().invoke(command, ["--recover"], standalone_mode=False)
    assert str(path) in done.output
    assert str(running.path) not in done.output
    assert run("--recover", str(path), "-o", "r.csv")[0] == 0
    assert path.exists()
    assert run("--recover", str(path), "-o", "r.json")[0] == 0
    assert not path.exists()
    running.close(remove=True)
    assert "no samples of unfinished" in run("--recover")[1]


def test_samples_that_nobody_recovers_are_removed_after_a_while() -> None:
    plan = plan_of(2, runs=800)
    spools = [Spool(plan) for _ in range(3)]
    paths = [spool.path for spool in spools if spool.path is not None]
    for spool in spools[1:]:
        spool.close(remove=False)
    for path in paths[:2]:
        os.utime(path, times=(0, time.time() - (MAX_DAYS + 1) * 86_400))
    new = Spool(plan)
    assert [path.exists() for path in paths] == [True, False, True]
    for spool in (spools[0], new):
        spool.close(remove=True)


async def test_the_app_keeps_samples_on_disk_until_they_are_saved() -> None:
    plan = plan_of(2, runs=800)
    recordings = Recordings(spooled=True)
    await recordings.load()
    recordings.open("a", plan, {})
    recordings.add("a", everything(plan, 0, 30, planned=80))
    recordings.flush("a")
    (path,) = Path("data/latency-tui/unfinished").iterdir()
    assert restore(path).calls == {
        candidate.slug: calls for candidate, calls in zip(plan.candidates, (300, 360), strict=True)
    }
    recordings.discard_samples("a")
    assert not path.exists()
    first = await recordings.continue_with("a", More(runs=500))
    recordings.rename("a", "b")
    recordings.add("b", everything(plan, first, 50))
    recordings.flush("b")
    (path,) = Path("data/latency-tui/unfinished").iterdir()
    whole = recordings.whole("b")
    assert whole is not None
    assert restore(path).result().to_json() == whole.to_json()
    recordings.discard_samples()
    assert not path.exists()
