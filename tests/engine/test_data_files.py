"""Data of every format, written by the libraries themselves, reach the models as they are, or it is said why not."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from latency_tui.catalog.data_columns import column_names
from latency_tui.catalog.named_models import default_models
from latency_tui.engine.candidate.adapt_inputs import adapt_inputs
from latency_tui.engine.candidate.models.model_traits import selects_columns_by_name
from latency_tui.engine.client import Engine
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.tables import read
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    DatasetPrepared,
    JobFinished,
    Measure,
    TrainingFinished,
    TrainingStarted,
)
from latency_tui.errors import DataError, LatencyTuiError, ModelError
from latency_tui.plan import (
    BUILTIN_MODELS,
    BundledDataset,
    Candidate,
    FileDataset,
    ModelSpec,
    Plan,
    SyntheticDataset,
    Workload,
)
from tests.engine import brought_models

PEOPLE = pd.DataFrame(
    {
        "age": [20.0, 31.0, np.nan, 44.0] * 10,
        "city": ["Bern", "Ulm", None, "Rom"] * 10,
        "visits": [1, 2, 3, 4] * 10,
        "bought": ["yes", "no", "yes", "no"] * 10,
    }
)
NUMBERS = PEOPLE[["visits"]].assign(weight=np.linspace(0, 1, 40), label=[0, 1] * 20)


def write(table: pd.DataFrame, path: Path) -> Path:
    match path.suffix:
        case ".csv":
            table.to_csv(path, index=False)
        case ".parquet":
            table.to_parquet(path)
        case ".feather":
            table.to_feather(path)
        case ".jsonl":
            table.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather", ".jsonl"])
def test_a_table_keeps_its_words_and_its_gaps(tmp_path: Path, suffix: str) -> None:
    table = read(write(PEOPLE, tmp_path / f"people{suffix}"), "bought")
    inputs, targets = table.inputs, table.targets
    assert list(inputs.columns) == ["age", "city", "visits"]
    assert inputs["age"].isna().sum() == 10
    assert inputs["city"].isna().sum() == 10
    assert list(targets[:2]) == ["yes", "no"]
    whole = read(tmp_path / f"people{suffix}", None)
    assert whole.inputs.shape == (40, 4)
    assert whole.targets is None


def test_arrays_from_npz_and_npy(tmp_path: Path) -> None:
    rows, targets = np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3)
    np.savez(tmp_path / "a.npz", X=rows, y=targets)
    np.savez_compressed(tmp_path / "b.npz", rows=rows, label=targets)
    np.save(tmp_path / "a.npy", np.column_stack((rows, targets)))
    for path, target in (("a.npz", None), ("b.npz", "label"), ("a.npy", "-1"), ("a.npy", "2")):
        table = read(tmp_path / path, target)
        np.testing.assert_array_equal(table.inputs, rows)
        np.testing.assert_array_equal(table.targets, targets)
    assert read(tmp_path / "a.npy", None).targets is None


def test_a_csv_of_bare_numbers_needs_neither_a_header_nor_pandas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare.csv").write_text("1,2,0\n3,4,1\n")
    assert read(tmp_path / "bare.csv", "-1").inputs.shape == (2, 2)
    write(NUMBERS, tmp_path / "named.csv")
    write(PEOPLE, tmp_path / "people.csv")
    monkeypatch.setitem(sys.modules, "pandas", None)
    np.testing.assert_array_equal(read(tmp_path / "bare.csv", "-1").targets, [0, 1])
    table = read(tmp_path / "named.csv", "label")
    assert table.inputs.shape == (40, 2)
    np.testing.assert_array_equal(table.targets, [0, 1] * 20)
    with pytest.raises(DataError, match=r"contains text, which needs pandas: pip install pandas"):
        read(tmp_path / "people.csv", "bought")


@pytest.mark.parametrize("pandas", [True, False])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("0,1,2\n5.5,1,0\n6.5,2,1\n", [[5.5, 1], [6.5, 2]]),
        ("5.5,,0\n6.5,2,1\n", [[5.5, np.nan], [6.5, 2]]),
        ("5.5,1,0\n6.5,2,1\n", [[5.5, 1], [6.5, 2]]),
    ],
)
def test_a_first_line_of_numbers_is_a_row_unless_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, rows: list[list[float]], pandas: bool
) -> None:
    """As pandas writes columns without names; and a row may have gaps, which take pandas to read."""
    (tmp_path / "a.csv").write_text(text)
    assert column_names(tmp_path / "a.csv") == ("0", "1", "2")
    if not pandas:
        if ",," in text:
            return
        monkeypatch.setitem(sys.modules, "pandas", None)
    table = read(tmp_path / "a.csv", "2")
    np.testing.assert_array_equal(table.inputs, rows)
    np.testing.assert_array_equal(table.targets, [0, 1])
    assert table.columns == ()


def test_without_pandas_columns_are_put_in_the_models_order_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LogisticRegression().fit(NUMBERS[["weight", "visits"]], NUMBERS["label"])
    path = write(NUMBERS, tmp_path / "named.csv")
    wanted = NUMBERS[["weight", "visits"]].to_numpy()
    other = LogisticRegression().fit(NUMBERS[["visits"]].to_numpy(), NUMBERS["label"])
    other.feature_names_in_ = np.array(["height"], dtype=object)
    monkeypatch.setitem(sys.modules, "pandas", None)
    table = read(path, "label")
    assert table.columns == ("visits", "weight")
    data = Data(None, None, table.inputs, table.targets, kind="file", columns=table.columns)
    found = adapt_inputs(data, model, {}, fitted=True).data.X_test
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(LatencyTuiError, match="the data have no column height; their columns are visits, weight"):
        adapt_inputs(data, other, {}, fitted=True)


def test_columns_picked_by_name_are_found_inside_whatever_wraps_them() -> None:
    columns = ColumnTransformer([("age", StandardScaler(), ["age"])])
    searched = GridSearchCV(make_pipeline(columns, LogisticRegression()), {"logisticregression__C": [1.0, 2.0]})
    assert selects_columns_by_name(searched)
    assert not selects_columns_by_name(GridSearchCV(LogisticRegression(), {"C": [1.0]}))


def test_a_format_that_needs_a_library_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(NUMBERS, tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DataError, match=r"needs pandas: pip install pandas"):
        read(tmp_path / "a.parquet", None)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather", ".jsonl"])
@pytest.mark.parametrize(("target", "said"), [("boght", "did you mean bought?"), ("99", "has no column '99'")])
def test_a_column_that_is_not_there_is_told(tmp_path: Path, suffix: str, target: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(write(PEOPLE, tmp_path / f"people{suffix}"), target)


def test_one_row_with_its_target_is_too_few_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("age,city\n1,2\n")
    data = prepare(FileDataset(path=str(tmp_path / "people.csv"), target="city"))
    with pytest.raises(ModelError, match="is not fitted, and one row is not enough to fit it"):
        adapt_inputs(data, LogisticRegression(), {}, fitted=False)


def test_a_target_with_gaps_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="10 rows without a value in the target column 'city'"):
        read(write(PEOPLE, tmp_path / "people.csv"), "city")


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    victim = tmp_path / "victim"

    class Hostile:
        def __reduce__(self) -> Any:
            return Path.write_text, (victim, "owned")

    np.save(tmp_path / "a.npy", np.array([[Hostile()]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", X=np.array([[Hostile()]], dtype=object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DataError, match="contains Python objects"):
            read(tmp_path / name, None)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(LatencyTuiError, match="is a pickle, not an NPY file as its name says"):
        read(tmp_path / "b.npy", None)
    assert not victim.exists()


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".npz", ".npy", ".jsonl"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_data_file_that_is_cut_off_is_one_sentence(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, X=NUMBERS.to_numpy(), y=np.ones(40))
    elif suffix == ".npy":
        np.save(path, NUMBERS.to_numpy())
    else:
        write(NUMBERS, path)
    content = path.read_bytes()
    length = int(len(content) * share)
    path.write_bytes(
        content[: length - 3 if suffix == ".jsonl" else length]
    )  # inside a line, for whole lines are whole
    with pytest.raises(LatencyTuiError) as caught:
        read(path, None)
    assert "\n" not in str(caught.value)
    assert "truncated" in str(caught.value)


def test_arrays_that_make_no_rows_are_told(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.float64(5))
    with pytest.raises(DataError, match="contains a single value, not rows"):
        read(tmp_path / "one.npy", None)
    np.savez(tmp_path / "three.npz", a=np.ones((2, 2)), b=np.ones((3, 2)))
    with pytest.raises(DataError, match=r"different numbers of rows \(a 2, b 3\); name the rows X and the targets y"):
        read(tmp_path / "three.npz", None)
    np.savez(tmp_path / "uneven.npz", X=np.ones((2, 2)), y=np.ones(3))
    with pytest.raises(DataError, match="2 rows but 3 targets"):
        read(tmp_path / "uneven.npz", None)
    (tmp_path / "header.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        prepare(FileDataset(path=str(tmp_path / "header.csv")))


# --- bundled and made


@pytest.mark.parametrize(
    ("name", "features"), [("breast-cancer", 30), ("iris", 4), ("wine", 13), ("digits", 64), ("diabetes", 10)]
)
def test_bundled_sets_are_standardised_except_for_fitted_models(name: str, features: int) -> None:
    data = prepare(BundledDataset(name=name))
    assert data.features == features
    assert abs(float(data.X_train.mean())) < 1e-9
    whole = data.for_fitted()
    assert len(whole.X_test) == len(data.X_train) + len(data.X_test)
    assert whole.X_train is None
    if name == "breast-cancer":
        np.testing.assert_array_equal(whole.X_test, load_breast_cancer().data)


def test_made_sets_of_every_shape() -> None:
    sparse = prepare(SyntheticDataset(samples=200, features=10, sparse=True))
    assert sparse.X_train.format == "csr"
    assert 0.05 < sparse.X_train.nnz / (150 * 10) < 0.15
    regression = prepare(SyntheticDataset(task="regression"))
    assert len(np.unique(regression.y_train)) == 750
    many = prepare(SyntheticDataset(classes=5, features=4, samples=500))
    assert set(many.y_test) == set(range(5))
    for features in (1, 2):
        assert prepare(SyntheticDataset(features=features)).features == features
    single = SyntheticDataset(features=1, task="regression")
    single.check()
    assert prepare(single).X_test.shape == (250, 1)


# --- what fits together


def file_data(table: pd.DataFrame, target: str, folder: Path) -> Data:
    return prepare(FileDataset(path=str(write(table, folder / "table.parquet")), target=target))


def test_a_model_fitted_on_a_data_frame_gets_its_columns_in_its_order(tmp_path: Path) -> None:
    data = file_data(NUMBERS, "label", tmp_path)
    model = LogisticRegression().fit(NUMBERS[["weight", "visits"]], NUMBERS["label"])
    adapted = adapt_inputs(data, model, {}, fitted=True)
    assert list(adapted.data.X_test.columns) == ["weight", "visits"]
    assert len(adapted.data.X_test) == 40, "it is asked every row"
    alone = LogisticRegression().fit(NUMBERS[["weight"]], NUMBERS["label"])
    adapted = adapt_inputs(data, alone, {}, fitted=True)
    assert adapted.notes == ("left out, because the model was not fitted on them: visits",)
    as_array = adapt_inputs(data, model, {"input": "array"}, fitted=True)
    assert isinstance(as_array.data.X_test, np.ndarray)


def test_a_model_fitted_on_an_array_gets_an_array(tmp_path: Path) -> None:
    data = file_data(NUMBERS, "label", tmp_path)
    model = LogisticRegression().fit(NUMBERS[["visits", "weight"]].to_numpy(), NUMBERS["label"])
    found = adapt_inputs(data, model, {}, fitted=True).data.X_test
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64


def test_bundled_sets_have_names_for_the_models_that_go_by_them(recwarn: pytest.WarningsRecorder) -> None:
    data = prepare(BundledDataset(name="breast-cancer"))
    frame, targets = load_breast_cancer(return_X_y=True, as_frame=True)
    model = ColumnTransformer([("means", StandardScaler(), list(frame.columns[:10]))]).fit(frame)
    adapted = adapt_inputs(data, model, {}, fitted=True)
    pd.testing.assert_frame_equal(adapted.data.X_test, frame)
    assert not adapted.notes
    model = GaussianNB().fit(frame, targets)
    model.predict(adapt_inputs(data, model, {}, fitted=True).data.X_test)
    assert not [warning for warning in recwarn if "feature names" in str(warning.message)]
    unfitted = ColumnTransformer([("means", StandardScaler(), list(frame.columns[:10]))])
    assert list(adapt_inputs(data, unfitted, {}, fitted=False).data.X_train.columns) == list(frame.columns)


def test_bundled_sets_are_arrays_for_all_other_models() -> None:
    data = prepare(BundledDataset(name="breast-cancer"))
    on_array = GaussianNB().fit(*load_breast_cancer(return_X_y=True))
    np.testing.assert_array_equal(adapt_inputs(data, on_array, {}, fitted=True).data.X_test, load_breast_cancer().data)
    assert adapt_inputs(data, SVC(), {}, fitted=False).data.X_train is data.X_train


def test_rows_without_names_get_those_of_a_model_that_wants_some(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=NUMBERS[["visits", "weight"]].to_numpy(), y=NUMBERS["label"])
    data = prepare(FileDataset(path=str(tmp_path / "a.npz")))
    columns = ColumnTransformer([("weight", StandardScaler(), ["weight"])], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression()).fit(NUMBERS[["visits", "weight"]], NUMBERS["label"])
    adapted = adapt_inputs(data, model, {}, fitted=True)
    assert len(model.predict(adapted.data.X_test)) == 40
    assert adapted.notes == ("the data have no column names, so the model's were used: visits, weight",)
    wider = LogisticRegression().fit(NUMBERS.assign(height=1.0), NUMBERS["label"])
    with pytest.raises(LatencyTuiError, match="expects 4 features, but the data have 2"):
        adapt_inputs(data, wider, {}, fitted=True)


def test_without_pandas_a_model_with_names_gets_arrays_if_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = prepare(BundledDataset(name="iris"))
    model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True, as_frame=True))
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(adapt_inputs(data, model, {}, fitted=True).data.X_test, np.ndarray)
    with pytest.raises(LatencyTuiError, match="needs pandas: pip install pandas"):
        adapt_inputs(data, model, {"input": "dataframe"}, fitted=True)


def test_names_and_numbers_that_differ_are_told(tmp_path: Path) -> None:
    data = file_data(NUMBERS, "label", tmp_path)
    named = LogisticRegression().fit(NUMBERS[["visits"]].assign(height=1.0), NUMBERS["label"])
    with pytest.raises(
        LatencyTuiError,
        match="fitted on 2 features, but the data have no column height; their",
    ):
        adapt_inputs(data, named, {}, fitted=True)
    counted = LogisticRegression().fit(np.random.default_rng(0).random((40, 7)), NUMBERS["label"])
    with pytest.raises(LatencyTuiError, match="expects 7 features, but the data have 2"):
        adapt_inputs(data, counted, {}, fitted=True)
    with pytest.raises(LatencyTuiError, match=r"expects 7 features, but the data have 19; .* or use --features 7"):
        adapt_inputs(prepare(SyntheticDataset(features=19)), counted, {}, fitted=True)


def test_a_model_to_be_fitted_gets_arrays_of_numbers_and_frames_of_words(tmp_path: Path) -> None:
    numbers = adapt_inputs(file_data(NUMBERS, "label", tmp_path), SVC(), {}, fitted=False).data
    assert isinstance(numbers.X_train, np.ndarray)
    assert len(numbers.X_test) == 10
    words = file_data(PEOPLE, "bought", tmp_path)
    assert hasattr(adapt_inputs(words, SVC(), {}, fitted=False).data.X_train, "iloc")
    assert hasattr(
        adapt_inputs(file_data(NUMBERS, "label", tmp_path), brought_models.by_names(), {}, fitted=False).data.X_test,
        "iloc",
    )
    with pytest.raises(LatencyTuiError, match=r"not fitted, and the data have no target;.*--target"):
        adapt_inputs(prepare(FileDataset(path=str(tmp_path / "table.parquet"))), SVC(), {}, fitted=False)


def test_many_numbers_as_classes_are_told_of(tmp_path: Path) -> None:
    amounts = pd.DataFrame({"x": np.linspace(0, 1, 60), "y": [*range(30), *range(30)]})
    said = "the targets are 30 different numbers, and each is a class unless --task regression is given"
    assert adapt_inputs(file_data(amounts, "y", tmp_path), SVC(), {}, fitted=False).notes == (said,)
    path = str(tmp_path / "table.parquet")
    for data, model in (
        (prepare(FileDataset(path=path, target="y", task="classification")), SVC()),
        (prepare(FileDataset(path=path, target="y")), SVR()),
        (file_data(amounts.assign(y=amounts["y"] % 20), "y", tmp_path), SVC()),
    ):
        assert adapt_inputs(data, model, {}, fitted=False).notes == ()


def test_numbers_with_fractions_are_no_classes(tmp_path: Path) -> None:
    data = file_data(NUMBERS, "weight", tmp_path)
    with pytest.raises(LatencyTuiError, match="SVC is a classifier, but the targets are numbers with fractions"):
        adapt_inputs(data, SVC(), {}, fitted=False)
    assert adapt_inputs(data, SVR(), {}, fitted=False).notes == ()
    assert adapt_inputs(data, brought_models.Answers(), {}, fitted=True).notes == ()


# --- together, in processes of their own


async def measured(engine: Engine, dataset: Any, *specs: ModelSpec, **fields: Any) -> list[Any]:
    candidates = tuple(Candidate(model=spec) for spec in specs)
    plan = Plan(candidates=candidates, workload=Workload(dataset=dataset, batch_size=2), runs=10, **fields)
    return [event async for event in engine.run(Measure(job="a", plan=plan))]


@pytest.mark.slow
async def test_a_pipeline_learns_words_and_gaps_from_a_file(engine: Engine, tmp_path: Path) -> None:
    path = write(PEOPLE, tmp_path / "people.csv")
    pipeline = ModelSpec(name="pipeline", factory="tests.engine.brought_models:by_names")
    tells = ModelSpec(name="tells", factory="tests.engine.brought_models:Tells")
    events = await measured(engine, FileDataset(path=str(path), target="bought"), pipeline, tells)
    (prepared,) = (event for event in events if isinstance(event, DatasetPrepared))
    assert (prepared.training_rows, prepared.test_rows, prepared.features) == (30, 10, 3)
    (ready,) = (e for e in events if isinstance(e, TrainingFinished) and e.candidate == "pipeline")
    assert ready.score == 1.0
    assert {event.candidate for event in events if isinstance(event, BlockMeasured)} == {"pipeline"}
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert "fitted on DataFrame (30, 3), asked with DataFrame (2, 3)" in failure.message


@pytest.mark.slow
async def test_a_fitted_model_for_other_data_fails_alone_before_measuring(engine: Engine, tmp_path: Path) -> None:
    import skops.io

    rows = np.random.default_rng(0).random((30, 4))
    skops.io.dump(LogisticRegression().fit(rows, [0, 1] * 15), tmp_path / "four.skops")
    four = ModelSpec(name="four", file=str(tmp_path / "four.skops"))
    six = ModelSpec(name="six", factory="sklearn.tree:DecisionTreeClassifier")
    events = await measured(engine, BundledDataset(name="wine"), four, six)
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.message == "LogisticRegression expects 4 features, but the data have 13"
    assert events[-1] == JobFinished(job="a", reason="completed")
    events = await measured(engine, BundledDataset(name="iris"), four, six)
    assert {event.candidate for event in events if isinstance(event, BlockMeasured)} == {"four", "six"}


@pytest.mark.slow
async def test_sparse_rows_reach_the_model(engine: Engine) -> None:
    forest = ModelSpec(name="forest", factory="sklearn.ensemble:RandomForestClassifier", parameters={"n_estimators": 3})
    events = await measured(engine, SyntheticDataset(samples=100, sparse=True), forest)
    assert [event.message for event in events if isinstance(event, CandidateFailed)] == []


@pytest.mark.slow
async def test_a_bad_data_file_is_reported_and_the_engine_lives_on(engine: Engine, tmp_path: Path) -> None:
    path = write(PEOPLE, tmp_path / "people.csv")
    tree = ModelSpec(name="tree", factory="sklearn.tree:DecisionTreeClassifier")
    with pytest.raises(DataError, match="has no column 'nobody'") as caught:
        await measured(engine, FileDataset(path=str(path), target="nobody"), tree)
    assert caught.value.exit_code == 2
    events = await measured(engine, BundledDataset(name="iris"), tree)
    assert events[-1] == JobFinished(job="a", reason="completed")


async def test_classifiers_refuse_a_target_of_numbers_before_training(engine: Engine, tmp_path: Path) -> None:
    dataset = FileDataset(path=str(write(NUMBERS, tmp_path / "numbers.csv")), target="weight")
    plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),), workload=Workload(dataset=dataset))
    with pytest.raises(DataError, match=r"Regression is a classifier.*'weight'.* use --task regression") as caught:
        async for event in engine.run(Measure(job="refused", plan=plan)):
            assert not isinstance(event, TrainingStarted)
    assert caught.value.exit_code == 2
    events = await measured(engine, dataset, *default_models("regression")[:1])
    assert {event.candidate for event in events if isinstance(event, BlockMeasured)} == {"ridge"}
