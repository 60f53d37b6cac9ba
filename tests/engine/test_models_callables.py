"""Models brought by an import path: what is fitted is left so, what makes a model is called, a function is a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from latency_tui.engine.candidate.call_adapters import caller
from latency_tui.engine.candidate.model_outputs import outputs_of
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.scoring import score_outputs
from latency_tui.engine.client import Engine
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Measure, TrainingFinished
from latency_tui.errors import LatencyTuiError, ModelError
from latency_tui.plan import Candidate, ModelSpec, Plan
from tests.engine import brought_models


def load(path: str, **parameters: object) -> loading.LoadedModel:
    return loading.load(Candidate(model=ModelSpec(name="mine", factory=path, parameters=parameters)))


def test_a_fitted_instance_is_taken_as_it_is() -> None:
    loaded = load("tests.engine.brought_models:fitted")
    assert loaded.model is brought_models.fitted
    assert loaded.fitted


def test_an_instance_that_is_not_fitted_is_to_be_fitted() -> None:
    assert not load("tests.engine.brought_models:unfitted").fitted


def test_a_class_and_a_factory_are_called_with_the_parameters() -> None:
    assert load("sklearn.linear_model:LogisticRegression", C=2.0).model.C == 2.0
    assert load("tests.engine.brought_models:factory", C=3.0).model.C == 3.0
    assert not load("tests.engine.brought_models:factory").fitted
    assert load("tests.engine.brought_models:fitted_factory").fitted


@pytest.mark.parametrize("name", ["row_sums", "partial"])
def test_a_function_of_an_array_is_a_model(name: str) -> None:
    loaded = load(f"tests.engine.brought_models:{name}")
    assert loaded.fitted
    np.testing.assert_array_equal(caller(loaded.model, "predict")(np.ones((2, 3))), [3.0, 3.0])


def test_what_has_no_fit_needs_none_and_names_may_be_nested() -> None:
    assert load("tests.engine.brought_models:Answers").fitted
    assert load("tests.engine.brought_models:Nested.model").model is brought_models.fitted


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no.such.module:name", "cannot find"),
        ("tests.engine.brought_models:missing", "cannot find"),
        ("tests.engine.brought_models:", "cannot find"),
        ("tests.engine.brought_models:number", "neither a model nor a function that returns one"),
        ("tests.engine.brought_models:makes_nothing", "returned None"),
    ],
)
def test_a_path_that_leads_to_no_model_is_told(path: str, said: str) -> None:
    with pytest.raises(LatencyTuiError, match=said):
        load(path)


@pytest.mark.slow
async def test_a_module_in_the_working_directory_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_here.py").write_text("import numpy as np\ndef double(rows):\n    return rows.sum(axis=1) * 2\n")
    monkeypatch.chdir(tmp_path)
    specs = [
        ModelSpec(name="double", factory="mine_here:double"),
        ModelSpec(name="fresh", factory="sklearn.linear_model:LogisticRegression"),
        ModelSpec(name="lost", factory="mine_here:gone"),
    ]
    plan = Plan(candidates=tuple(Candidate(model=spec) for spec in specs), runs=10)
    async with Engine() as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert {event.candidate for event in events if isinstance(event, BlockMeasured)} == {"double", "fresh"}
    ready = {event.candidate: event for event in events if isinstance(event, TrainingFinished)}
    assert ready["double"].seconds is None
    assert ready["fresh"].seconds is not None
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert "cannot find 'mine_here:gone'" in failure.message


@pytest.mark.slow
@pytest.mark.parametrize("fork", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_a_module_beside_the_configuration_hides_none_of_pythons(tmp_path: Path, fork: bool) -> None:
    (tmp_path / "mine_beside.py").write_text(
        "class Mine:\n    def predict(self, rows):\n        return rows.sum(axis=1)\n"
    )
    (tmp_path / "random.py").write_text("raise ImportError('a stray module')\n")
    plan = Plan(candidates=(Candidate(model=ModelSpec(name="mine", factory="mine_beside:Mine")),), runs=100)
    async with Engine(fork=fork, modules=[tmp_path]) as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert not [event for event in events if isinstance(event, CandidateFailed)]
    assert {event.replica for event in events if isinstance(event, BlockMeasured)} > {0}, "its copies find it too"


@pytest.mark.slow
async def test_models_named_in_any_script_are_measured_and_have_copies() -> None:
    names = ("模型一" * 20, "模型二" * 20, "a/../b\0")
    specs = tuple(ModelSpec(name=name, factory="tests.engine.brought_models:row_sums") for name in names)
    plan = Plan(candidates=tuple(Candidate(model=spec) for spec in specs), runs=60)
    async with Engine() as engine:
        blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    assert len({block.candidate for block in blocks if block.replica > 0}) == 3


async def _later(rows: object) -> list[int]:
    return [0]


async def _one_by_one(rows: object) -> AsyncIterator[int]:
    yield 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("promise", "kind"),
    [(_later, "coroutine"), (_one_by_one, "async_generator"), (lambda rows: (row for row in rows), "generator")],
)
def test_a_promise_of_an_answer_is_none(promise: Callable[[object], object], kind: str) -> None:
    with pytest.raises(ModelError, match=f"predict returned a {kind}, which has not computed anything"):
        loading.check(promise(np.ones((1, 2))), 1, "predict")


@pytest.mark.slow
@pytest.mark.parametrize("fork", [True, False])
async def test_nothing_in_the_working_directory_runs_for_being_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fork: bool
) -> None:
    """Libraries try imports of their own: scikit-learn that of pandas, joblib that of lz4."""
    strays = [name for name in ("lz4", "pandas", "polars", "cupy", "dask", "zmq") if not find_spec(name)]
    assert strays
    for name in strays:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'victim')!r}, 'a').write('{name} ')\n")
    monkeypatch.chdir(tmp_path)
    model = ModelSpec(name="fresh", factory="sklearn.ensemble:RandomForestClassifier", parameters={"n_estimators": 3})
    plan = Plan(candidates=(Candidate(model=model),), runs=50, cold_start=True)
    async with Engine(fork=fork) as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert any(isinstance(event, ColdStartMeasured) for event in events)
    assert not (tmp_path / "victim").exists(), (tmp_path / "victim").read_text()


@pytest.mark.parametrize("answer", ["spam", b"spam", {"label": 1, "score": 0.5}])
def test_a_word_or_a_mapping_is_one_answer_whatever_its_length(answer: object) -> None:
    loading.check(answer, 1, "predict")
    with pytest.raises(ModelError):
        loading.check(answer, 3, "predict")


def test_a_score_that_is_no_number_is_a_note() -> None:
    class Odd:
        def score(self, rows: object, targets: object) -> list[float]:
            return [0.5, 0.7]

    (score,) = score_outputs(outputs_of(Odd(), Data(None, None, np.ones((2, 2)), np.ones(2))), ("",), 0)
    assert score.value is None
    assert "list" in score.problem


def test_a_bare_number_is_an_answer_for_one_row() -> None:
    loading.check(1.5, 1, "predict")
