"""Models under other runtimes: converted once, held against the model itself, measured beside it; also others'."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from latency_tui.catalog.named_models import spec_of_file
from latency_tui.catalog.runtimes import expand_runtimes
from latency_tui.engine.candidate.call_adapters import call_in_batches
from latency_tui.engine.candidate.models.runtimes.conversion import compare, convert
from latency_tui.engine.client import Engine
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Measure, TrainingFinished, WarmUpFinished
from latency_tui.errors import LatencyTuiError
from latency_tui.plan import BUILTIN_MODELS, BundledDataset, Candidate, Plan, SyntheticDataset, Workload

IRIS = prepare(BundledDataset(name="iris"))


def test_a_classifier_converted_has_every_method_of_its_own() -> None:
    model = LogisticRegression(max_iter=500).fit(IRIS.X_train, IRIS.y_train)
    converted = convert("onnx", model, IRIS, threads=1)
    assert converted.data.X_test["X"].dtype == np.float32
    again = cloudpickle.loads(cloudpickle.dumps(converted.model))
    for method in ("predict", "predict_proba", "decision_function"):
        ours = getattr(model, method)(IRIS.X_test)
        np.testing.assert_allclose(call_in_batches(again, method, converted.data.X_test), ours, atol=1e-4)
    (note,) = converted.notes
    assert "predict labels equal in 38 of 38 rows" in note
    assert "predict_proba within 0.0001 in 38 of 38 rows" in note


@pytest.mark.parametrize("make", [LinearSVC, RidgeClassifier])
def test_what_the_model_itself_cannot_do_is_not_offered_by_its_conversion(make: Callable[[], Any]) -> None:
    converted = convert("onnx", make().fit(IRIS.X_train, IRIS.y_train), IRIS, threads=1)
    assert not hasattr(make(), "predict_proba")
    assert not hasattr(converted.model, "predict_proba")
    assert "predict labels equal in 38 of 38 rows" in converted.notes[0]
    assert callable(converted.model.predict)


def test_words_as_labels_stay_words() -> None:
    names = load_iris().target_names
    model = RandomForestClassifier(5, random_state=0).fit(IRIS.X_train, names[IRIS.y_train])
    converted = convert("onnx", model, IRIS, threads=1)
    assert list(call_in_batches(converted.model, "predict", converted.data.X_test)) == list(model.predict(IRIS.X_test))


def test_a_scaler_and_a_regressor_are_converted_too() -> None:
    rows, targets = load_diabetes(return_X_y=True)
    data = Data(None, None, rows, targets)
    converted = convert("onnx", Ridge().fit(rows, targets), data, 1)
    assert call_in_batches(converted.model, "predict", converted.data.X_test).shape == targets.shape
    scaled = convert("onnx", StandardScaler().fit(rows), data, 1)
    np.testing.assert_allclose(
        call_in_batches(scaled.model, "transform", scaled.data.X_test), StandardScaler().fit_transform(rows), atol=1e-4
    )


def test_a_pipeline_over_a_data_frame_of_words_and_numbers() -> None:
    table = pd.DataFrame({"city": ["Bern", "Ulm", "Rom", "Ulm"] * 10, "age": np.linspace(20, 60, 40)})
    columns = ColumnTransformer([("words", OneHotEncoder(), ["city"])], remainder=StandardScaler())
    model = make_pipeline(columns, LogisticRegression()).fit(table, [0, 1, 1, 0] * 10)
    converted = convert("onnx", model, Data(None, None, table, None), 1)
    np.testing.assert_array_equal(
        call_in_batches(converted.model, "predict", converted.data.X_test), model.predict(table)
    )


@pytest.mark.parametrize("by_names", [False, True])
def test_names_with_spaces_are_no_matter(by_names: bool) -> None:
    table = pd.DataFrame(IRIS.X_test, columns=["sepal length (cm)", "sepal width (cm)", "a b", "a_b"])
    first = ColumnTransformer([("a", StandardScaler(), ["a_b", "sepal length (cm)"])]) if by_names else StandardScaler()
    model = make_pipeline(first, LogisticRegression()).fit(table, IRIS.y_test)
    converted = convert("onnx", model, Data(None, None, table, None), 1)
    assert len(converted.data.X_test) == (4 if by_names else 1), "a matrix is the quickest to hand over"
    again = cloudpickle.loads(cloudpickle.dumps(converted.model))
    for method in ("predict", "predict_proba", "decision_function"):
        ours = getattr(model, method)(table)
        np.testing.assert_allclose(call_in_batches(again, method, converted.data.X_test), ours, atol=1e-4)


def test_columns_picked_by_name_deep_inside_a_model_are_found() -> None:
    table = pd.DataFrame(IRIS.X_test, columns=["a", "b", "c", "d"])
    picks = ColumnTransformer([("picked", StandardScaler(), ["d", "a"])])
    model = make_pipeline(FeatureUnion([("picks", picks), ("all", StandardScaler())]), LogisticRegression())
    model.fit(table, IRIS.y_test)
    converted = convert("onnx", model, Data(None, None, table, None), 1)
    np.testing.assert_array_equal(
        call_in_batches(converted.model, "predict", converted.data.X_test), model.predict(table)
    )


def test_parity_that_fails_is_told_with_its_figures() -> None:
    """Histogram trees split between two numbers that are one number in 32 bits."""
    rows = np.repeat([[1.0], [1.0 + 1e-9]], 10, axis=0)
    model = HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5).fit(rows, np.repeat([0.0, 1.0], 10))
    with pytest.raises(
        LatencyTuiError, match=r"other outputs.*predict within 0\.0001 in \d+ of 20 rows \(largest diff"
    ):
        convert("onnx", model, Data(None, None, rows, None), 1)


def test_answers_are_compared_row_by_row() -> None:
    labels = compare(np.array(["a", "b"]), np.array(["a", "c"]), 0.0)
    assert (labels.rows, labels.equal, labels.holds) == (2, 1, False)
    numbers = compare(np.array([1.0, 1000.0]), np.array([1.0, 1000.05], dtype=np.float32), 1e-4)
    assert numbers.holds, "the tolerance grows with the number"
    assert not compare(np.array([1.0]), np.array([np.nan]), 1e-4).holds
    assert not compare(np.array([np.inf]), np.array([-np.inf]), 1e-4).holds
    same = np.array([np.nan, np.inf, -np.inf])
    assert compare(same, same.astype(np.float32), 1e-4).holds
    assert str(compare(np.ones(3), np.ones((3, 2)), 1e-4)) == "of another shape"


def test_what_cannot_be_converted_is_one_sentence() -> None:
    class Own:
        def predict(self, rows: object) -> object:
            return rows

    with pytest.raises(LatencyTuiError, match="Own cannot be converted to ONNX"):
        convert("onnx", Own(), IRIS, 1)
    from sklearn.base import BaseEstimator

    class Estimator(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
        def predict(self, rows: object) -> object:
            return rows

    with pytest.raises(LatencyTuiError, match="Estimator cannot be converted to ONNX: ") as caught:
        convert("onnx", Estimator(), IRIS, 1)
    assert "\n" not in str(caught.value)
    with pytest.raises(LatencyTuiError, match="no runtime 'nowhere'"):
        convert("nowhere", Own(), IRIS, 1)


@pytest.mark.slow
async def test_every_builtin_model_is_measured_under_both_runtimes(engine: Engine) -> None:
    candidates = expand_runtimes((Candidate(model=model) for model in BUILTIN_MODELS), ["sklearn", "onnx"])
    assert len(candidates) == 12
    plan = Plan(candidates=candidates, workload=Workload(dataset=SyntheticDataset(samples=300)), runs=10)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert [event.message for event in events if isinstance(event, CandidateFailed)] == []
    ready = {event.candidate: event for event in events if isinstance(event, TrainingFinished)}
    assert ready["random-forest"].score == ready["random-forest[runtime=onnx]"].score
    assert any("ONNX Runtime agrees" in note for note in ready["rbf-svm[runtime=onnx]"].notes)
    assert not ready["rbf-svm"].notes
    assert len({event.candidate for event in events if isinstance(event, BlockMeasured)}) == 12
    for warmed in (event for event in events if isinstance(event, WarmUpFinished)):
        assert bool(warmed.first_calls) == ("onnx" not in warmed.candidate), "it has answered for parity before"


def test_a_converted_model_receives_the_type_that_it_declares() -> None:
    model = LogisticRegression(max_iter=500).fit(IRIS.X_train, IRIS.y_train)
    assert convert("onnx", model, IRIS, 1).data.X_test["X"].dtype == np.float32
    for settings in ({"dtype": "float64"}, {"input": "dataframe"}):
        with pytest.raises(LatencyTuiError, match="does not apply to it"):
            convert("onnx", model, IRIS, 1, settings)


def test_sparse_rows_are_made_dense_for_a_converted_model() -> None:
    made = prepare(SyntheticDataset(samples=200, sparse=True))
    model = LogisticRegression(max_iter=500).fit(made.X_train, made.y_train)
    rows = convert("onnx", model, made, 1).data.X_test["X"]
    assert (type(rows), rows.dtype.name) == (np.ndarray, "float32")


@pytest.mark.slow
async def test_a_setting_of_the_model_keeps_its_conversion_from_no_copy(engine: Engine) -> None:
    forest = next(model for model in BUILTIN_MODELS if "Forest" in model.name)
    one = Candidate(model=forest, settings={"n_estimators": 7, "runtime": "onnx"})
    plan = Plan(candidates=(one,), workload=Workload(dataset=SyntheticDataset(samples=200)), runs=100)
    blocks = [e async for e in engine.run(Measure(job="a", plan=plan)) if isinstance(e, BlockMeasured)]
    assert len({block.replica for block in blocks}) > 1


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, installed by pip into a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    package = Path(__file__).parent / "example_package"
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    done = subprocess.run([*words, folder, package], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install here: {done.stderr[-300:]}")
    return folder


@pytest.mark.slow
async def test_a_third_party_adds_models_and_runtimes_by_entry_points(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.syspath_prepend(str(installed))
    from latency_tui.catalog.named_models import resolve_model

    mine = resolve_model("nearest-mean")
    assert mine.model.group == "latency-tui-example"
    assert "latency_tui_example" not in sys.modules, "nothing of it is imported to name it"
    plan = Plan(candidates=expand_runtimes([mine], ["sklearn", "cached", "wrong"]), runs=20)
    async with Engine() as engine:
        events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.candidate == "nearest-mean[runtime=wrong]"
    assert (
        failure.message == "Wrong returns other outputs than the model itself: predict labels equal in 249 of 250 rows"
    )
    measured = {event.candidate for event in events if isinstance(event, BlockMeasured)}
    assert measured == {"nearest-mean", "nearest-mean[runtime=cached]"}


def test_an_onnx_file_needs_no_other_runtime(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"\x08\x09\x12\x08skl2onnx")
    candidate = Candidate(model=spec_of_file(str(tmp_path / "a.onnx")))
    assert expand_runtimes([candidate], ["sklearn", "onnx"]) == (candidate,)
