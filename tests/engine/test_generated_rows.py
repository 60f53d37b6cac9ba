"""Fitted models are measured without data: rows are generated from what each model declares."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder, StandardScaler

from latency_tui.engine.candidate.adapt_inputs import AdaptedData, adapt_inputs
from latency_tui.engine.candidate.call_adapters import caller
from latency_tui.engine.candidate.generated_rows import generate_rows
from latency_tui.engine.candidate.models.model_files import load_file, skops_version
from latency_tui.engine.candidate.models.model_traits import feature_count, feature_names
from latency_tui.engine.candidate.request_loop import failure
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.errors import ModelError
from latency_tui.plan import SyntheticDataset, Trust

CITIES = ["Rome", "Oslo", "Cork"] * 8
FRAME = pd.DataFrame(
    {"age": np.arange(24.0), "city": CITIES, "note": ["red apple", "green pear", "blue plum"] * 8, "flag": [0, 1] * 12}
)
LABELS = [0, 1, 1] * 8


@pytest.fixture(scope="module")
def default() -> Data:
    return prepare(SyntheticDataset())


def adapted(model: Any, data: Data) -> AdaptedData:
    return adapt_inputs(data, model, {}, fitted=True)


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="error"),
        OrdinalEncoder(),
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
    ],
    ids=["one-hot", "ordinal", "imputed"],
)
def test_columns_of_words_get_words_that_the_encoder_knows(encoder: Any, default: Data) -> None:
    columns = make_column_transformer((encoder, ["city"]), (StandardScaler(), ["age"]))
    model = make_pipeline(columns, LogisticRegression()).fit(FRAME[["age", "city"]], LABELS)
    made = adapted(model, default)
    assert made.generated
    assert set(made.data.X_test["city"]) <= set(CITIES)
    assert len(model.predict(made.data.X_test)) == len(made.data.X_test)
    assert made.notes == ("no data were given; rows were generated with 1 random number and 1 word each",)


def test_columns_that_are_picked_by_position_or_mask_get_their_words() -> None:
    rows = FRAME[["age", "city"]].to_numpy(dtype=object)
    for picked in ([1], slice(1, 2), np.array([False, True])):
        columns = ColumnTransformer([("city", OneHotEncoder(), picked)], remainder="passthrough")
        model = make_pipeline(columns, LogisticRegression()).fit(rows, LABELS)
        found = generate_rows(model)
        assert found is not None
        assert set(found[0].iloc[:, 1]) <= set(CITIES)
        assert len(model.predict(found[0].to_numpy(dtype=object))) == len(found[0])


def test_a_column_of_texts_gets_a_text() -> None:
    columns = make_column_transformer((CountVectorizer(), "note"), (StandardScaler(), ["age"]))
    model = make_pipeline(columns, LogisticRegression()).fit(FRAME[["age", "note"]], LABELS)
    found = generate_rows(model)
    assert found is not None
    assert all(isinstance(text, str) for text in found[0]["note"])
    assert len(model.predict(found[0])) == len(found[0])


def test_catboost_tells_its_columns_and_categories_by_names_of_its_own(default: Data) -> None:
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostClassifier(iterations=2, verbose=False, allow_writing_files=False, cat_features=["city"])
    model.fit(FRAME[["age", "city"]], LABELS)
    again = catboost.CatBoostClassifier()
    again.__setstate__(model.__getstate__())
    assert (feature_count(again), feature_names(again)) == (2, ["age", "city"])
    made = adapted(again, default)
    assert all(isinstance(word, str) for word in made.data.X_test["city"])
    assert len(again.predict(made.data.X_test)) == len(made.data.X_test)


def test_a_linear_model_that_kept_no_count_is_known_by_its_coefficients(default: Data) -> None:
    model = LinearRegression().fit(np.eye(4), np.arange(4.0))
    del model.n_features_in_
    assert feature_count(model) == 4
    assert adapted(model, default).data.X_test.shape[1] == 4


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_whole_numbers_of_any_length_want_a_shape_and_no_table(dtype: str, default: Data) -> None:
    with pytest.raises(ModelError, match="--shape ids=1x128"):
        adapted(TensorModel(dtype, (None, None)), default)


def test_a_model_that_leaves_its_columns_open_says_what_it_got(default: Data) -> None:
    (note,) = adapted(TensorModel("float32", (None, None)), default).notes
    assert note.endswith("it receives the 20 of the default dataset; change that with --features")
    asked = prepare(SyntheticDataset(features=7))
    assert not adapted(TensorModel("float32", (None, None)), asked).notes


def test_a_program_whose_first_layer_is_linear_gets_the_columns_of_that(default: Data) -> None:
    torch = pytest.importorskip("torch")
    from latency_tui.engine.candidate.models.adapters import TorchModel

    inner = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    made = adapted(TorchModel(torch.jit.script(inner), False, 1), default)
    assert made.data.X_test["input"].shape[1] == 4
    image = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    assert feature_count(TorchModel(torch.jit.script(image), False, 1)) is None


def test_a_model_that_refuses_made_up_inputs_says_what_to_do(default: Data) -> None:
    made = adapted(TensorModel("float32", (None, 3, 8)), default)
    said = failure("warm-up", ValueError("no such frame"), "", made).message
    assert said.endswith("may not suit this model; give data with --data, or their shape (--shape ids=1x3x8)")
    own = adapt_inputs(Data(None, None, np.ones((4, 24)), None, kind="file"), made_for(), {}, fitted=True)
    assert failure("warm-up", ValueError("no such frame"), "", own).message == "ValueError: no such frame"


def test_an_encoder_of_targets_is_no_model() -> None:
    with pytest.raises(ModelError, match="LabelEncoder encodes targets and cannot predict"):
        caller(LabelEncoder().fit(["a", "b"]), "predict")


def test_a_skops_file_of_another_scikit_learn_is_known(tmp_path: Path) -> None:
    made = skops.io.dumps(LinearRegression().fit(np.eye(4), np.arange(4.0)))
    assert skops_version(made) == sklearn.__version__
    with zipfile.ZipFile(io.BytesIO(made)) as archive, zipfile.ZipFile(tmp_path / "a.skops", "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, content.replace(sklearn.__version__.encode(), b"1.0.2"))
    loaded = load_file(str(tmp_path / "a.skops"), Trust(), 1)
    assert loaded.origin == f"saved with scikit-learn 1.0.2, but {sklearn.__version__} is installed"
    assert loaded.notes == (f"{loaded.origin}: its predictions may differ or fail",)


class TensorModel:
    """A model of one named tensor."""

    title = "the model"

    def __init__(self, dtype: str, shape: tuple[int | None, ...]) -> None:
        from latency_tui.engine.candidate.tensors import TensorInput

        self.tensors = (TensorInput("ids", dtype, shape),)


def made_for() -> TensorModel:
    return TensorModel("float32", (None, 3, 8))
