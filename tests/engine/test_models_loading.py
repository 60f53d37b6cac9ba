"""What people's model files hold: containers, classes that are not here, other versions, boosters of every make."""

from __future__ import annotations

import collections
import pickle
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from latency_tui.catalog.trust_store import digest_of
from latency_tui.engine.candidate.call_adapters import call_in_batches, caller
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.models.pickles import find_sklearn_version
from latency_tui.errors import LatencyTuiError
from latency_tui.plan import Candidate, ModelSpec, Setting, Trust
from latency_tui.plan.trust import EVERYTHING
from tests.engine.scored_models import score_of
from tests.parameters import one_quick

X, y = load_iris(return_X_y=True)
model = LogisticRegression(max_iter=500).fit(X, y)


def loaded(path: Path, **settings: Setting) -> loading.LoadedModel:
    trust = Trust(files={digest_of(path): (EVERYTHING,)})
    return loading.load(Candidate(model=ModelSpec(name=path.name, file=str(path)), settings=settings), trust)


def refusal(path: Path, **settings: Setting) -> str:
    with warnings.catch_warnings(), pytest.raises(LatencyTuiError) as caught:
        warnings.simplefilter("ignore")
        loaded(path, **settings)
    assert "\n" not in str(caught.value)
    assert "latency_tui" not in str(caught.value)
    return str(caught.value)


def dumped(path: Path, held: Any) -> Path:
    joblib.dump(held, path)
    return path


# --- containers

Pair = collections.namedtuple("Pair", "scaler model")


@pytest.mark.parametrize(
    ("held", "named", "key"),
    [
        ({"model": model, "features": ["a", "b"]}, "a dict with model (LogisticRegression), features (list)", "model"),
        ([StandardScaler(), model], "a list with 0 (StandardScaler), 1 (LogisticRegression)", 1),
        ((model, 0.97), "a tuple with 0 (LogisticRegression), 1 (float)", 0),
        (Pair(None, model), "a Pair with scaler (NoneType), model (LogisticRegression)", "model"),
        ({"best": {"rf": model}}, "a dict with best (dict)", "best.rf"),
        ({"fold.1": model}, "a dict with fold.1 (LogisticRegression)", "fold.1"),
        ({7: model}, "a dict with 7 (LogisticRegression)", 7),
        (types.SimpleNamespace(clf=model), "a SimpleNamespace with clf (LogisticRegression)", "clf"),
        (np.array([model, None], dtype=object), "a ndarray with 0 (LogisticRegression)", 0),
    ],
)
def test_of_several_in_a_file_the_parts_are_named_and_one_is_chosen(
    tmp_path: Path, held: Any, named: str, key: Setting
) -> None:
    path = dumped(tmp_path / "held.joblib", held)
    said = refusal(path)
    assert f"contains {named}" in said
    assert f"-m {path}[key=" in said
    assert type(loaded(path, key=key).model) is LogisticRegression


def test_a_missing_part_is_refused_with_the_existing_ones(tmp_path: Path) -> None:
    path = dumped(tmp_path / "a.joblib", {"model": model, "best": {"rf": model}, "names": ["a"]})
    assert "without a part 'modle'; there are model, best, names" in refusal(path, key="modle")
    assert f"contains a dict with rf (LogisticRegression); choose one: -m {path}[key=best.rf]" in refusal(
        path, key="best"
    )
    assert "names] contains a list with 0 (str); none of these is a model" in refusal(path, key="names")


@pytest.mark.parametrize(
    ("held", "kind"),
    [("text", "a str"), (None, "None"), (X, "a ndarray"), (3.5, "a float"), (LogisticRegression, "the class Logistic")],
)
def test_what_is_no_model_is_named(tmp_path: Path, held: Any, kind: str) -> None:
    said = refusal(dumped(tmp_path / "a.pkl", held))
    assert f"contains {kind}" in said
    assert "not a model" in said


@pytest.mark.parametrize("held", [OneHotEncoder().fit(X), CountVectorizer().fit(["a few words"]), len])
def test_encoders_and_functions_are_models(tmp_path: Path, held: Any) -> None:
    assert type(loaded(dumped(tmp_path / "a.pkl", held)).model) is type(held)


def test_a_transformer_is_told_to_be_asked_to_transform() -> None:
    with pytest.raises(LatencyTuiError, match="StandardScaler has no method 'predict'; it has transform: add --m"):
        caller(StandardScaler().fit(X), "predict")


# --- classes and modules that are not here


def saved_by(module: str, name: str, path: Path) -> Path:
    path.write_bytes(b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n)\x81.")
    return path


@pytest.mark.parametrize(
    ("module", "name", "said"),
    one_quick(
        [
            ("__main__", "Clip", "needs Clip, which was defined in the script or notebook that saved it"),
            ("__main__", "main", "needs main, which was defined in the script or notebook that saved it"),
            (
                "module_not_here",
                "Net",
                "needs the module module_not_here.*pip install module-not-here, or if .* your own",
            ),
            ("cv2.dnn", "Net", "pip install opencv-python"),
            ("src.features", "Clip", "if src is your own module, start latency-tui in the folder that contains it"),
            (
                "sklearn.linear_model.logistic",
                "X",
                "another version of scikit-learn than the installed .* no module sklearn",
            ),
            (
                "sklearn.linear_model._base",
                "Gone",
                "another version of scikit-learn.*linear_model._base.Gone",
            ),
            ("numpy.gone", "array", "saved with another version of numpy than the installed"),
            (
                "tests.engine.brought_models",
                "Gone",
                "needs Gone of the module tests.engine.brought_models, and .*brought_models.py does not",
            ),
        ]
    ),
)
def test_what_a_pickle_lacks_is_named_with_the_way_out(tmp_path: Path, module: str, name: str, said: str) -> None:
    path = saved_by(module, name, tmp_path / "a.pkl")
    assert __import__("re").search(said, refusal(path)), refusal(path)
    if module in ("__main__", "module_not_here", "tests.engine.brought_models"):
        assert "another version" not in refusal(path)
    if "sklearn" in module:
        assert "pip install" not in refusal(path)


def test_a_main_module_is_back_after_loading(tmp_path: Path) -> None:
    main = sys.modules["__main__"]
    refusal(saved_by("__main__", "Clip", tmp_path / "a.pkl"))
    loaded(dumped(tmp_path / "b.pkl", model))
    assert sys.modules["__main__"] is main


# --- other versions of scikit-learn


def made_by(version: str, held: Any, path: Path, *, compress: int = 0) -> Path:
    """Write a pickle as that scikit-learn would have."""
    content = pickle.dumps(held)
    here = __import__("sklearn").__version__
    assert len(version) == len(here)
    content = content.replace(here.encode(), version.encode())
    path.write_bytes(content if not compress else __import__("zlib").compress(content))
    return path


@pytest.mark.parametrize("compress", [0, 3])
def test_a_pickle_of_another_scikit_learn_is_loaded_with_one_note(tmp_path: Path, compress: int) -> None:
    path = made_by("1.0.2", [StandardScaler().fit(X), model], tmp_path / "a.pkl", compress=compress)
    assert find_sklearn_version(path.read_bytes()) == "1.0.2"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = loaded(path, key=1)
    assert found.notes == (f"{found.origin}: its predictions may differ or fail",)
    assert found.origin.startswith("saved with scikit-learn 1.0.2, but ")
    assert loaded(dumped(tmp_path / "b.pkl", model)).notes == ()


class Failing:
    """Fails when it is restored, as estimators do whose state has changed."""

    def __setstate__(self, state: Any) -> None:
        raise ValueError("node array from the pickle has an incompatible dtype:\n- expected: one\n- got     : another")

    def __getstate__(self) -> Any:
        return {"a": 1}


def test_a_pickle_of_another_scikit_learn_that_fails_says_so(tmp_path: Path) -> None:
    path = made_by("1.0.2", [model, Failing()], tmp_path / "a.pkl")
    said = refusal(path)
    assert "saved with scikit-learn 1.0.2, but" in said
    assert "incompatible dtype" in said
    assert "truncated" not in said


# --- boosters


def test_a_lightgbm_file_loads_as_other_tools_leave_it(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y).booster_
    text, path = booster.model_to_string(), tmp_path / "a.txt"
    expected = booster.predict(X)
    for content in (
        text.replace("\n", "\r\n"),
        "\ufeff" + text,
        text.replace("end of trees\n", ""),
        text[: text.index("end of trees")],
        text[: text.index("\nparameters:")],
    ):
        path.write_bytes(content.encode())
        np.testing.assert_allclose(loaded(path).model.predict_proba(X), expected)
    for end in (len(text) // 4, text.index("Tree=5"), text.index("end of trees") - 60):
        path.write_text(text[:end])
        assert "truncated" in refusal(path)


@pytest.mark.slow
def test_a_lightgbm_file_without_sizes_is_tried_in_a_process_of_its_own(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y).booster_
    lines = booster.model_to_string().split("\n")
    kept = [line for line in lines if not line.startswith(("tree_sizes=", "end of trees"))]
    (tmp_path / "a.txt").write_text("\n".join(kept))
    np.testing.assert_allclose(loaded(tmp_path / "a.txt").model.predict_proba(X), booster.predict(X))


@pytest.mark.parametrize("form", ["cbm", "json"])
def test_catboost_files_of_every_kind_load(tmp_path: Path, form: str) -> None:
    catboost = pytest.importorskip("catboost")
    options: Any = {"iterations": 4, "verbose": False, "allow_writing_files": False}
    two = catboost.CatBoostClassifier(**options).fit(X, y == 1)
    three = catboost.CatBoostClassifier(**options).fit(X, y)
    number = catboost.CatBoostRegressor(**options).fit(X, y)
    for fitted in (two, three, number):
        fitted.save_model(str(tmp_path / f"a.{form}"), format=form)
        found = loaded(tmp_path / f"a.{form}").model
        assert found.predict(X) == pytest.approx(fitted.predict(X))
        assert hasattr(found, "predict_proba") == hasattr(fitted, "predict_proba")
    for fitted, classifies in ((three, True), (number, False)):
        total = catboost.sum_models([fitted, fitted])
        total.save_model(str(tmp_path / "sum.cbm"))
        found = loaded(tmp_path / "sum.cbm").model
        assert found.classifies is classifies
        assert hasattr(found, "predict_proba") is classifies
        assert found.predict(X).shape[0] == len(X)


def test_catboost_from_a_pickle_takes_the_data_without_a_feature_count(tmp_path: Path) -> None:
    catboost = pytest.importorskip("catboost")
    from latency_tui.catalog.datasets import resolve_dataset
    from latency_tui.engine.candidate.adapt_inputs import adapt_inputs
    from latency_tui.engine.data.dataset import prepare

    fitted = catboost.CatBoostClassifier(iterations=4, verbose=False, allow_writing_files=False).fit(X, y)
    found = loaded(dumped(tmp_path / "a.joblib", fitted)).model
    assert found.n_features_in_ == 0, "the trap that this is about"
    rows = adapt_inputs(prepare(resolve_dataset("iris")), found, {}, fitted=True).data.X_test
    assert len(found.predict(rows)) == len(rows)


@pytest.mark.parametrize("booster", ["gbtree", "gblinear", "dart"])
def test_a_native_xgboost_booster_answers_rows_and_says_how(tmp_path: Path, booster: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    matrix = xgboost.DMatrix(X, label=y == 1)
    fitted = xgboost.train({"objective": "binary:logistic", "booster": booster}, matrix, 3)
    found = loaded(dumped(tmp_path / "a.joblib", fitted))
    np.testing.assert_allclose(found.model.predict(X), fitted.predict(matrix), rtol=1e-5)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(found.model)).predict(X), fitted.predict(matrix), rtol=1e-5)
    assert found.model.n_features_in_ == 4
    assert ("inplace_predict" in found.notes[0]) == (booster != "gblinear")
    assert score_of(found.model, X, (y == 1).astype(int)) == np.mean((fitted.predict(matrix) > 0.5) == (y == 1))


def test_a_native_lightgbm_booster_answers_as_its_file_does(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    fitted = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)
    found = loaded(dumped(tmp_path / "a.joblib", fitted.booster_))
    np.testing.assert_array_equal(call_in_batches(found.model, "predict", X), fitted.predict(X))
    assert "lightgbm.Booster is called through predict" in found.notes[0]


def test_an_old_xgboost_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    pytest.importorskip("xgboost")
    (tmp_path / "a.bst").write_bytes(b"binf\0\0\0\x3f\x04\0\0\0" + bytes(200))
    assert "XGBoost's old binary format" in refusal(tmp_path / "a.bst")
    assert "xgboost<3.1" in refusal(tmp_path / "a.bst")


# --- ONNX


def onnx_file(path: Path, *, opset: int = 17, ir_version: int = 10, external: str = "") -> Path:
    weights = numpy_helper.from_array(np.zeros((4, 500), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 500])],
        [weights],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    onnx.save(made, path, save_as_external_data=bool(external), location=external or None, size_threshold=100)
    return path


def test_an_onnx_model_newer_than_the_runtime_says_so(tmp_path: Path) -> None:
    said = refusal(onnx_file(tmp_path / "opset40.onnx", opset=40))
    assert "needs Opset 40, and ONNX Runtime" in said
    assert "pip install -U onnxruntime" in said
    assert "has IR version 99, and ONNX Runtime" in refusal(onnx_file(tmp_path / "ir99.onnx", ir_version=99))
    for path in tmp_path.iterdir():
        assert "truncated" not in refusal(path)


def test_an_onnx_model_whose_weights_are_missing_names_their_file(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "a.onnx", external="a.onnx.data")
    assert loaded(path).model.predict({"x": np.zeros((2, 4), np.float32)}).shape == (2, 500)
    (tmp_path / "a.onnx.data").unlink()
    assert "stores its weights in a.onnx.data, which does not exist" in refusal(path)


def test_a_file_whose_name_says_another_kind_is_loaded_with_a_note(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "a.onnx").rename(tmp_path / "a.pkl")
    assert loaded(path).notes == ("a.pkl is an ONNX model, although its name suggests another format",)
