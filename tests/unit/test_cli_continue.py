"""`run --continue`: what a result lacks is added to it; what is not the same, or not trusted, is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from latency_tui.analysis.recorder import Recorder
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
from latency_tui.history.fingerprint import result_id
from latency_tui.history.location import default_path
from latency_tui.history.store import History
from latency_tui.history.writer import Writer
from latency_tui.plan import Candidate, ModelSpec, Plan
from latency_tui.plan.datasets import StoredDataset
from latency_tui.plan.trust import EVERYTHING, Trust
from latency_tui.report import write
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.result import load
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
        own = Candidate(model=ModelSpec(name="a", file="a.pkl", is_temporary_pickle=True))
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


def test_a_continuation_without_a_report_is_in_the_history_with_what_was_before(
    engine: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(plan_of(2, runs=800))

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as failing:
        failing.setattr(headless, "write", fail)
        assert run("--continue", str(file), "--name", "one")[0] == 1
    end_writers()
    with History.open() as history:
        one = history.load(history.find("one"))
    assert run("--continue", str(file))[0] == 0
    assert one.to_json() == load("r.json").to_json()


def end_writers() -> None:
    """Have the history believe that this process has ended."""
    with History.open() as history, history.transaction() as connection:
        connection.execute("UPDATE results SET writer = ''")


def test_a_result_of_the_history_is_continued_in_the_history(engine: dict[str, Any]) -> None:
    result = load(saved(plan_of(2, runs=800)))
    with History.open(create=True) as history:
        key = history.save(result)
    code, said = run("--continue", "last", "-o", "longer.json")
    assert code == 0, said
    with History.open() as history:
        assert [row.id for row in history.list()] == [key]
        assert history.load(key).to_json() == load("longer.json").to_json()
    assert len(load("longer.json").checkpoint.launches) == 2  # type: ignore[union-attr]  # it has its samples
    assert load("r.json").to_json() == result.to_json()


def test_a_cut_off_measurement_is_continued_from_its_journal(engine: dict[str, Any]) -> None:
    plan = plan_of(2, runs=800)
    recording = Recorder(plan)
    writer = Writer(default_path() or Path(), result_id(recording.created_at, plan), name="cut")
    recording.write_to(writer)
    add(recording, everything(plan, 0, 30, planned=80))
    writer.abandon()
    writer.close()
    end_writers()
    assert run("--continue", "cut")[0] == 0
    with History.open() as history:
        result = history.load(history.find("cut"))
    assert result.checkpoint is not None
    assert len(result.checkpoint.launches) == 2


def test_code_that_a_result_of_the_history_names_is_not_run_unasked() -> None:
    spec = ModelSpec(name="evil", factory="os:system")
    plan = Plan(candidates=(Candidate(model=spec), *plan_of(1).candidates), runs=800)
    recording = Recorder(plan)
    add(recording, everything(plan, 0, 30, planned=80))
    with History.open(create=True) as history:
        history.save(recording.result(), name="theirs")
    code, said = run("--continue", "theirs")
    assert code == 2
    assert "evil runs the code os:system, which theirs names." in said
    assert "add --trust theirs." in said


@pytest.mark.parametrize("reference", ["nothing", "last", "last~3"])
def test_a_reference_to_no_result_is_refused(reference: str) -> None:
    code, said = run("--continue", reference)
    assert code == 2
    assert "is empty" in said


async def test_the_app_writes_to_the_history_while_it_measures_and_continues() -> None:
    plan, path = plan_of(2, runs=800), Path("history.sqlite3")
    recordings = Recordings(path)
    await recordings.load()
    recordings.open("a", plan, {})
    recordings.add("a", everything(plan, 0, 30, planned=80))
    exact = await recordings.finish("a")
    assert exact is not None
    first = await recordings.continue_with("a", MeasurementAmount(runs=500))
    with History.open(path) as history:
        assert history.load(history.find("last")).to_json() == exact.to_json()
    recordings.rename("a", "b")
    recordings.add("b", everything(plan, first, 50))
    whole = recordings.result_so_far("b")
    assert whole is not None
    (key,) = recordings.keep_all()
    with History.open(path) as history:
        assert history.load(key).to_json() == whole.to_json()
    assert recordings.problem() == ""


async def test_a_history_that_cannot_be_written_is_reported_once_in_the_app() -> None:
    Path("file").write_text("")
    recordings = Recordings(Path("file/history.sqlite3"))
    await recordings.load()
    for job in ("a", "b"):
        recordings.open(job, plan_of(2), {})
        recordings.add(job, everything(plan_of(2), 0, 3))
        await recordings.finish(job)
    assert recordings.keep_all() == ()
    assert "file/history.sqlite3 cannot be used" in recordings.problem()
    assert recordings.problem() == ""
