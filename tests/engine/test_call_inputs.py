"""What a call receives is prepared beforehand, in the form that the model takes, and is fresh where that matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from latency_tui.engine.candidate.adapt_inputs import AdaptedData, adapt_inputs
from latency_tui.engine.candidate.call_adapters import input_converter
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.models.model_traits import are_numbered, takes
from latency_tui.engine.candidate.models.runtimes.onnx import OnnxModel
from latency_tui.engine.candidate.reusable_inputs import CallInputs
from latency_tui.engine.candidate.tensors import TensorInput, from_data, generated
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.data.rows import batches, count_rows, describe, deserialize, serialize
from latency_tui.errors import ModelError
from latency_tui.plan import FileDataset, SyntheticDataset, Workload
from latency_tui.text.formatting import format_call_input

TEXTS = ["red apple", "green pear", "red plum", "green leaf"] * 6
LABELS = [0, 1, 0, 1] * 6


def rows_as_data(rows: Any, columns: tuple[str, ...] = ()) -> Data:
    return Data(None, None, rows, None, rows, None, kind="file", columns=columns)


def adapted(rows: Any, model: Any, settings: Any = None, **workload: Any) -> AdaptedData:
    return adapt_inputs(rows_as_data(rows), model, settings or {}, fitted=True, workload=Workload(**workload))


# --- texts and records


def text_model() -> Any:
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "model",
    [
        TfidfVectorizer(),
        make_pipeline(CountVectorizer(), LogisticRegression()),
        GridSearchCV(make_pipeline(TfidfVectorizer(), LogisticRegression()), {}),
        make_pipeline(make_union(TfidfVectorizer(), CountVectorizer()), LogisticRegression()),
        make_pipeline(FeatureUnion([("words", TfidfVectorizer())]), LogisticRegression()),
    ],
)
def test_a_vectoriser_that_comes_first_means_texts(model: Any) -> None:
    assert takes(model) == "texts"
    assert takes(make_pipeline(StandardScaler(), LogisticRegression())) is None


def test_a_text_model_receives_texts_out_of_a_table() -> None:
    table = pd.DataFrame({"text": [*TEXTS[:-1], None], "length": range(24)})
    found = adapted(table, text_model())
    assert found.data.X_test[:2] == ["red apple", "green pear"]
    assert found.data.X_test[-1] == ""
    value = batches(found.data.X_test, 1, 0)[0]
    assert len(text_model().predict(value)) == 1
    assert format_call_input(describe(value, 1)) == "1 text"


def test_a_text_model_needs_exactly_one_column_of_words() -> None:
    both = pd.DataFrame({"title": TEXTS, "body": TEXTS})
    with pytest.raises(ModelError, match="takes texts, but the data have 2 text columns: title, body"):
        adapted(both, text_model())
    with pytest.raises(ModelError, match="no text column"):
        adapted(pd.DataFrame({"x": [1.0, 2.0]}), text_model())


def test_a_dict_vectoriser_receives_records() -> None:
    table = pd.DataFrame({"city": ["Ulm", "Bern"] * 12, "age": range(24)})
    model = make_pipeline(DictVectorizer(), LogisticRegression()).fit(table.to_dict("records"), LABELS)
    found = adapted(table, model)
    assert found.data.X_test[0] == {"city": "Ulm", "age": 0}
    assert len(model.predict(batches(found.data.X_test, 3, 0)[0])) == 3


def test_one_answer_for_two_rows_is_refused() -> None:
    class Sums:
        def predict(self, rows: Any) -> Any:
            return np.asarray([np.sum(np.asarray(rows, dtype=float))])

    with pytest.raises(ModelError, match="1 output for 2 rows"):
        loading.check_two_rows(Sums(), "predict", np.ones((4, 2)))
    loading.check_two_rows(text_model(), "predict", TEXTS)
    with pytest.raises(ModelError, match="1 output for 2 rows"):
        loading.check_two_rows(text_model(), "predict", pd.DataFrame({"text": TEXTS}))


# --- frames and arrays


class Ratio(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    def fit(self, X: Any, y: Any = None) -> Ratio:
        self.done_ = True
        return self

    def transform(self, X: Any) -> Any:
        return X.assign(ratio=X["income"] / X["age"])


def people() -> pd.DataFrame:
    return pd.DataFrame({"age": [20.0, 30, 40, 50] * 6, "income": [1e4, 2e4, 3e4, 4e4] * 6})


def test_a_later_step_tells_that_a_pipeline_was_fitted_on_a_frame() -> None:
    model = make_pipeline(Ratio(), LogisticRegression(max_iter=500)).fit(people(), LABELS)
    found = adapted(people(), model).data.X_test
    assert isinstance(found, pd.DataFrame)
    assert len(model.predict(found)) == 24


def test_names_that_a_step_before_made_are_not_the_columns() -> None:
    scaler = StandardScaler().set_output(transform="pandas")
    model = make_pipeline(scaler, LogisticRegression()).fit(people().to_numpy(), LABELS)
    assert isinstance(adapted(people(), model).data.X_test, np.ndarray)


def test_a_function_that_fails_on_an_array_is_given_a_frame() -> None:
    found = adapted(people(), lambda table: (table["income"] > 15_000).to_numpy())
    assert isinstance(found.data.X_test, np.ndarray)
    other = found.alternatives[0]()
    assert isinstance(other.data.X_test, pd.DataFrame)
    assert other.notes
    assert not adapted(people(), len, {"input": "array"}).alternatives, "the user has chosen"


def test_names_that_only_count_columns_are_no_names() -> None:
    assert are_numbered(["0", "1", "2"])
    assert are_numbered(["Column_0", "Column_1"])
    assert are_numbered(["f1", "f2"])
    assert not are_numbered(["a", "b"])
    assert not are_numbered(["x1", "y2"])
    assert not are_numbered(["x2", "x3"])


def test_a_booster_receives_an_array_by_position() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    numbers = pd.DataFrame(np.random.default_rng(0).random((60, 3)), columns=list("abc"))
    model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(numbers, [0, 1] * 30)
    assert isinstance(adapted(numbers.to_numpy(), model).data.X_test, np.ndarray)
    assert isinstance(adapted(numbers, model).data.X_test, pd.DataFrame)
    assert isinstance(adapted(numbers, model, {"input": "array"}).data.X_test, np.ndarray)


@pytest.mark.slow
def test_a_booster_gets_the_categories_that_it_learnt() -> None:
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    words = pd.DataFrame({"city": ["Ulm", "Bern", "Rom"] * 20, "age": np.linspace(0, 1, 60)})
    learnt, targets = words.astype({"city": "category"}), [0, 1, 1] * 20
    for model in (
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, min_child_samples=2).fit(learnt, targets),
        xgboost.XGBClassifier(n_estimators=3, enable_categorical=True).fit(learnt, targets),
    ):
        found = adapted(words, model)
        np.testing.assert_array_equal(model.predict(found.data.X_test), model.predict(learnt))
        assert any("city" in note for note in found.notes)
    with pytest.raises(ModelError, match="column age contains text"):
        adapted(words.assign(age="old"), model)


def test_a_boolean_with_gaps_is_a_number_to_a_booster() -> None:
    xgboost = pytest.importorskip("xgboost")
    table = pd.DataFrame({"vip": [1.0, 0.0, np.nan] * 20, "age": np.linspace(0, 1, 60)})
    model = xgboost.XGBClassifier(n_estimators=3).fit(table, [0, 1, 1] * 20)
    as_read = table.assign(vip=pd.Series([True, False, None] * 20, dtype=object))
    found = adapted(as_read, model)
    np.testing.assert_array_equal(model.predict(found.data.X_test), model.predict(table))


# --- named tensors


TWO = (TensorInput("num", "float32", (None, 3)), TensorInput("cat", "int64", (None, 1)))


def test_columns_are_given_to_inputs_by_name_or_in_their_order() -> None:
    rows = np.column_stack((np.linspace(0, 1, 15).reshape(5, 3), [0, 1, 2, 3, 0]))
    arrays, notes = from_data(TWO, rows, (), "the model")
    assert (arrays["num"].shape, arrays["cat"].dtype) == ((5, 3), np.int64)
    assert "3 to num, 1 to cat" in notes[0]
    table = pd.DataFrame({"b": ["x", None], "a": [1.5, 2.5], "other": [0, 0]})
    single = (TensorInput("a", "float32", (None, 1)), TensorInput("b", "object", (None, 1)))
    arrays, notes = from_data(single, table, (), "the model")
    assert arrays["b"].tolist() == [["x"], [""]]
    assert arrays["a"].dtype == np.float32
    assert "other" in notes[0]


def test_arrays_are_given_to_inputs_by_their_names() -> None:
    arrays = {"cat": np.zeros((4, 1), int), "num": np.ones((4, 3)), "extra": np.ones((4, 9))}
    found, notes = from_data(TWO, arrays, (), "the model")
    assert list(found) == ["num", "cat"]
    assert "extra" in notes[0]
    with pytest.raises(ModelError, match="but the data have no array cat; their arrays are num"):
        from_data(TWO, {"num": np.ones((4, 3))}, (), "the model")
    with pytest.raises(ModelError, match="takes 3 values per row as num, but the data have 2"):
        from_data(TWO, {"cat": np.zeros((4, 1), int), "num": np.ones((4, 2))}, (), "the model")


@pytest.mark.parametrize(
    ("declared", "values", "said"),
    [
        ("int64", [[0.5]], "fractions or missing values"),
        ("int64", [[np.nan]], "fractions or missing values"),
        ("uint8", [[300]], "out of its range"),
        ("float32", [["word"]], "cannot be converted"),
    ],
)
def test_values_that_an_input_cannot_take_are_refused(declared: str, values: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        from_data((TensorInput("x", declared, (None, 1)),), np.array(values), (), "the model")


def test_pixels_in_columns_take_the_shape_of_the_image() -> None:
    arrays, _ = from_data((TensorInput("image", "uint8", (None, 1, 4, 4)),), np.arange(32).reshape(2, 16), (), "m")
    assert (arrays["image"].shape, arrays["image"].dtype) == ((2, 1, 4, 4), np.uint8)


def test_made_up_inputs_have_the_declared_shape_and_no_guessed_axis() -> None:
    image = (TensorInput("image", "uint8", (1, 3, 8, 8)),)
    arrays, notes = generated(image, {}, 1, "the model")
    assert arrays["image"].shape[1:] == (3, 8, 8)
    assert "generated" in notes[0]
    tokens = (TensorInput("ids", "int64", (None, None)), TensorInput("mask", "int64", (None, None)))
    with pytest.raises(ModelError, match="--shape ids=1x128"):
        generated(tokens, {}, 1, "the model")
    arrays, _ = generated(tokens, {"ids": (2, 16), "mask": (2, 16)}, 2, "the model")
    assert arrays["ids"].shape[1:] == (16,)
    with pytest.raises(ModelError, match="use -b 4"):
        generated(tokens, {"ids": (4, 16), "mask": (4, 16)}, 2, "the model")


def test_a_fitted_model_without_data_gets_made_up_rows() -> None:
    model = LogisticRegression().fit(np.random.default_rng(0).normal(size=(20, 7)), [0, 1] * 10)
    default = prepare(SyntheticDataset())
    found = adapt_inputs(default, model, {}, fitted=True)
    assert found.generated
    assert found.data.features == 7
    assert format_call_input(describe(found.data.X_test[:1], 1, generated=True)).endswith("generated")
    with pytest.raises(ModelError, match="takes texts; give a file of them with --data"):
        adapt_inputs(default, text_model(), {}, fitted=True)


# --- ONNX


def save_graph(path: Path, kind: int, shape: list[Any], nodes: list[Any], init: list[Any], out: list[Any]) -> str:
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    outputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, out)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, init)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return str(path)


@pytest.mark.parametrize(
    "kind",
    ["FLOAT", "DOUBLE", "FLOAT16", "UINT8", "INT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64", "BOOL"],
)
def test_every_tensor_type_is_fed(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    cast = [helper.make_node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)]
    path = save_graph(tmp_path / "a.onnx", getattr(TensorProto, kind), ["N", 2], cast, [], ["N", 2])
    model = OnnxModel(path)
    found = adapted(np.array([[0, 1], [1, 0]]), model)
    answer = model.predict(input_converter(model)(batches(found.data.X_test, 2, 0)[0]))
    assert sorted(map(tuple, answer.tolist())) == [(0.0, 1.0), (1.0, 0.0)]
    assert format_call_input(describe(found.data.X_test, 2)).startswith("2 rows × 2, ")


def test_a_fixed_number_of_rows_is_said_before_anything_runs(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    node = [helper.make_node("Identity", ["x"], ["z"])]
    model = OnnxModel(save_graph(tmp_path / "a.onnx", TensorProto.FLOAT, [8, 2], node, [], [8, 2]))
    with pytest.raises(ModelError, match="takes 8 rows per call, not 1; use -b 8"):
        adapted(np.ones((20, 2)), model)
    assert count_rows(batches(adapted(np.ones((20, 2)), model, batch_size=8).data.X_test, 8, 0)[0]) == 8


# --- several outputs


def test_several_outputs_answer_for_each_row() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4))
    targets = np.c_[rows[:, 0] > 0, rows[:, 1] > 0, rows[:, 2] > 0].astype(int)
    for model in (RandomForestClassifier(3), MultiOutputClassifier(LogisticRegression())):
        answer = model.fit(rows, targets).predict_proba(rows[:16])
        loading.check(answer, 16, "predict_proba")
        loading.check(model.predict_proba(rows[:1]), 1, "predict_proba")
    with pytest.raises(ModelError, match="2 outputs for 3 rows"):
        loading.check([np.ones(4), np.ones(5)], 3, "predict")


# --- rows that a model changes


def without_junk(rows: pd.DataFrame) -> pd.DataFrame:
    rows.pop("junk")
    return rows


def test_each_call_gets_fresh_rows_once_a_model_changes_them() -> None:
    table = people().assign(junk=1.0)
    model = make_pipeline(FunctionTransformer(without_junk), LogisticRegression()).fit(table.copy(), LABELS)
    inputs = CallInputs(batches(table, 1, 0), input_converter(model))
    (value,) = inputs.values(0, 1)
    model.predict(value)
    assert inputs.detect_changes()
    assert inputs.fresh_per_call
    for value in inputs.values(0, 60):
        model.predict(value)
    assert all("junk" in rows for rows in inputs.rows)


@pytest.mark.parametrize("dtype", ["float32", "int64", "object"])
def test_arithmetic_in_place_is_noticed(dtype: str) -> None:
    inputs = CallInputs(batches(np.ones((5, 3)).astype(dtype), 1, 0), input_converter(None))
    inputs.values(0, 1)[0][:] += 1
    assert inputs.detect_changes()
    assert all((value == 1).all() for value in inputs.values(0, 10))


def test_reading_rows_is_no_change() -> None:
    catboost = pytest.importorskip("catboost")
    rows = np.random.default_rng(0).normal(size=(50, 3))
    model = catboost.CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False).fit(rows, [0, 1] * 25)
    inputs = CallInputs(batches(rows, 1, 0), input_converter(model))
    for value in inputs.values(0, 50):
        model.predict(value)
    assert not inputs.detect_changes()
    assert deserialize(serialize(rows) or b"").flags.writeable


# --- columns that reading changed


def written(table: pd.DataFrame, path: Path, **how: Any) -> Data:
    table.to_csv(path, **how)
    return prepare(FileDataset(path=str(path)))


@pytest.mark.slow
def test_an_index_column_that_a_model_was_fitted_on_is_given_to_it(tmp_path: Path) -> None:
    table = people()
    data = written(table, tmp_path / "a.csv")
    assert data.features == 2
    with_index = pd.read_csv(tmp_path / "a.csv")
    named = LogisticRegression(max_iter=500).fit(with_index, LABELS)
    found = adapt_inputs(data, named, {}, fitted=True)
    assert list(found.data.X_test.columns) == ["Unnamed: 0", "age", "income"]
    assert not any("left out" in note for note in found.notes)
    counted = LogisticRegression(max_iter=500).fit(with_index.to_numpy(), LABELS)
    assert adapt_inputs(data, counted, {}, fitted=True).data.X_test.shape == (24, 3)
    plain = LogisticRegression(max_iter=500).fit(table, LABELS)
    assert adapt_inputs(data, plain, {}, fitted=True).data.features == 2


def test_a_model_that_learnt_dates_as_text_gets_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"day": ["2024-01-02", "2024-01-03"] * 12, "age": range(24)})
    found = adapt_inputs(written(table, tmp_path / "a.csv", index=False), lambda rows: rows, {}, fitted=True)
    assert found.data.X_test["day"].dtype.kind == "M"
    assert found.alternatives[0]().data.X_test["day"].tolist() == table["day"].tolist()


def test_a_call_is_described_whatever_kind_of_rows_it_receives() -> None:
    polars = pytest.importorskip("polars")
    described = {
        "1 row × 2, float64 array": np.ones((1, 2)),
        "1 row × 2, data frame": people()[:1],
        "1 text": ["red apple"],
        "1 record": [{"a": 1}],
        "2 named arrays": {"a": np.ones((1, 2)), "b": np.ones((1, 2))},
        "1 row, float64 series": people()["age"][:1],
    }
    assert [format_call_input(describe(value, 1)) for value in described.values()] == list(described)
    assert format_call_input(describe(polars.DataFrame({"a": [1], "b": [2]}), 1)) == "1 row × 2, data frame"
