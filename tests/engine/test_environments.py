"""Candidates under other interpreters are measured in turns with the others, and what differs is reported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Event, InputsIdentified, Measure
from latency_tui.plan import Candidate, ModelSpec, Plan, SyntheticDataset, Workload
from latency_tui.report.table_cells import make_notes
from latency_tui.result.result import Result, load
from tests.engine.environments import make_environment

_MODULE = """
import os
class Model:
    def predict(self, rows):
        assert os.environ.get("TMPDIR")
        return (rows[:, 0] > {threshold}).astype(int)
"""


def plan_of(*candidates: Candidate, runs: int = 12) -> Plan:
    return Plan(candidates=candidates, workload=Workload(dataset=SyntheticDataset(samples=200, features=5)), runs=runs)


def under(candidate: Candidate, python: Path) -> Candidate:
    return Candidate(model=candidate.model, settings={**candidate.settings, "python": str(python)})


def result_of(plan: Plan, events: list[Event]) -> Result:
    recorder = Recorder(plan)
    for event in events:
        recorder.add(event)
    return recorder.result()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the same libraries and another version of the module `planted`."""
    folder = tmp_path_factory.mktemp("environments")
    (folder / "theirs").mkdir()
    (folder / "theirs" / "planted.py").write_text(_MODULE.format(threshold=0.5))
    versions = folder / "theirs" / "joblib-0.0.1.dist-info"
    versions.mkdir()
    (versions / "METADATA").write_text("Metadata-Version: 2.1\nName: joblib\nVersion: 0.0.1\n")
    return make_environment(folder / "env", folder / "theirs")


@pytest.fixture(scope="module")
async def measured(other: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Plan, list[Event]]]:
    """One measurement of a fitted function and of a scikit-learn model in two environments."""
    here = tmp_path_factory.mktemp("here")
    (here / "planted.py").write_text(_MODULE.format(threshold=0.0))
    own = Candidate(model=ModelSpec(name="own", factory="planted:Model"))
    linear = Candidate(model=ModelSpec(name="linear", factory="sklearn.linear_model:LogisticRegression"))
    plan = plan_of(own, under(own, other), linear, under(linear, other))
    async with Engine(modules=[here]) as engine:
        yield plan, [event async for event in engine.run(Measure(job="a", plan=plan))]


@pytest.mark.slow
async def test_all_candidates_are_measured_in_the_same_rounds(measured: tuple[Plan, list[Event]]) -> None:
    plan, events = measured
    assert [event for event in events if isinstance(event, CandidateFailed)] == []
    rounds: dict[int, set[str]] = {}
    for event in events:
        if isinstance(event, BlockMeasured):
            rounds.setdefault(event.round, set()).add(event.candidate)
    assert all(slugs == {candidate.slug for candidate in plan.candidates} for slugs in rounds.values())
    replicas = {event.candidate: event.replica for event in events if isinstance(event, BlockMeasured)}
    assert len(set(replicas.values())) == 1


@pytest.mark.slow
async def test_each_environment_imports_its_own_module(measured: tuple[Plan, list[Event]]) -> None:
    plan, events = measured
    own, theirs, linear, same = result_of(plan, events).candidates
    assert own.predictions is None
    assert theirs.predictions is not None
    assert theirs.predictions.reference == own.slug
    assert 0 < theirs.predictions.differing < theirs.predictions.rows
    assert same.predictions is not None
    assert same.predictions.differing == 0, "the same rows, and the same model"
    assert same.score == linear.score


@pytest.mark.slow
async def test_versions_that_differ_are_in_the_report(measured: tuple[Plan, list[Event]]) -> None:
    plan, events = measured
    result = result_of(plan, events)
    notes = "\n".join(text for _, text in make_notes(result))
    assert "own [python=" in notes
    assert "measured with joblib 0.0.1" in notes
    assert "predictions differ from those of own on" in notes
    assert result.candidates[1].versions["joblib"] == "0.0.1"
    assert result.candidates[0].versions["joblib"] != "0.0.1"


@pytest.mark.slow
async def test_inputs_name_what_another_environment_loads(measured: tuple[Plan, list[Event]], other: Path) -> None:
    _, events = measured
    [inputs] = [event.inputs for event in events if isinstance(event, InputsIdentified)]
    environment = str(other).removesuffix("/bin/python")
    assert inputs[f"joblib of {environment}"] == "0.0.1"
    assert inputs["the module planted"] != inputs[f"the module planted of {environment}"]


async def test_an_environment_that_is_missing_ends_only_its_own_candidates(engine: Engine, tmp_path: Path) -> None:
    one = Candidate(model=ModelSpec(name="one", factory="sklearn.dummy:DummyClassifier"))
    plan = plan_of(one, under(one, make_environment(tmp_path / "env", shared=False)), runs=5)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    [failed] = [event for event in events if isinstance(event, CandidateFailed)]
    assert failed.cause == "settings"
    assert "latency-tui is not installed in" in failed.message
    assert {event.candidate for event in events if isinstance(event, BlockMeasured)} == {"one"}


@pytest.mark.slow
async def test_no_process_of_another_interpreter_stays(other: Path) -> None:
    one = Candidate(model=ModelSpec(name="one", factory="sklearn.dummy:DummyClassifier"))
    async with Engine() as engine:
        async for _ in engine.run(Measure(job="a", plan=plan_of(one, under(one, other), runs=5))):
            pass
        assert engine._process is not None
        family = psutil.Process(engine._process.pid).children(recursive=True)
    assert family
    assert not [process for process in psutil.wait_procs(family, timeout=120)[1] if process.is_running()]


@pytest.mark.slow
async def test_interpreters_are_used_where_nothing_can_be_forked(other: Path) -> None:
    one = Candidate(model=ModelSpec(name="one", factory="sklearn.linear_model:LogisticRegression"))
    plan = plan_of(one, under(one, other), runs=5)
    async with Engine(fork=False) as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    result = result_of(plan, events)
    assert {candidate.status for candidate in result.candidates} == {"measured"}
    assert result.candidates[1].predictions is not None
    assert result.candidates[1].predictions.differing == 0


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with an older scikit-learn from PyPI and all other packages of this one."""
    folder = tmp_path_factory.mktemp("older")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--target"]
    subprocess.run([*command, str(folder / "packages"), "scikit-learn==1.7.2"], check=True, timeout=600)
    return make_environment(folder / "env", folder / "packages")


@pytest.mark.slow
def test_two_versions_of_scikit_learn_are_measured_side_by_side(older: Path, tmp_path: Path) -> None:
    models = ["-m", "logistic-regression", "-m", f"logistic-regression[python={older.parent.parent}]"]
    command = [sys.executable, "-P", "-m", "latency_tui.cli", "run", *models, "-n", "50", "-o", "result.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path, env={**os.environ})
    assert done.returncode == 0, done.stderr
    new, old = load(tmp_path / "result.json").candidates
    assert old.status == new.status == "measured"
    assert old.versions["scikit-learn"] == "1.7.2"
    assert new.versions["scikit-learn"] != "1.7.2"
    assert old.predictions is not None
    assert old.predictions.rows > 0


@pytest.mark.slow
def test_a_configured_model_is_measured_in_its_second_environment(older: Path, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "old").symlink_to(older.parent.parent)
    (tmp_path / "project" / "latency-tui.toml").write_text(
        "[models.current]\npath = 'sklearn.linear_model:LogisticRegression'\n"
        "[models.former]\npath = 'sklearn.linear_model:LogisticRegression'\npython = '../old'\n"
        "[plans.upgrade]\nmodels = ['current', 'former']\nbaseline = 'former'\n"
    )
    command = [sys.executable, "-P", "-m", "latency_tui.cli", "run", "upgrade", "--config", "project/latency-tui.toml"]
    command += ["-n", "50", "--no-history", "-o", "result.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path, env={**os.environ})
    assert done.returncode == 0, done.stderr
    result = load(tmp_path / "result.json")
    new, old = result.candidates
    assert [(one.slug, one.status) for one in (new, old)] == [("current", "measured"), ("former", "measured")]
    [comparison] = result.comparisons
    assert (comparison.baseline, comparison.candidate) == ("former", "current")
    assert comparison.ratio is not None
    assert (old.versions["scikit-learn"], old.versions["numpy"]) == ("1.7.2", new.versions["numpy"])
    assert old.predictions is not None
    assert old.predictions.reference == "current"
    assert "former: measured with scikit-learn 1.7.2" in [text.partition(" (")[0] for _, text in make_notes(result)]
