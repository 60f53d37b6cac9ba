"""Model files of every kind, written by the libraries themselves, loaded and asked; hostile and broken ones refused."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latency_tui.catalog.trust_store import digest_of
from latency_tui.engine.candidate.adapt_inputs import adapt_inputs
from latency_tui.engine.candidate.call_adapters import call_in_batches
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.client import Engine
from latency_tui.engine.data.dataset import Data, prepare
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Measure, TrainingFinished
from latency_tui.errors import LatencyTuiError
from latency_tui.plan import Candidate, FileDataset, ModelSpec, Plan, Trust, Workload
from latency_tui.plan.trust import EVERYTHING
from tests.engine.scored_models import score_of

X, y = make_classification(n_samples=120, n_features=6, random_state=0)
_, numbers = make_regression(n_samples=120, n_features=6, random_state=0)


def of(path: Path) -> Candidate:
    return Candidate(model=ModelSpec(name=path.name, file=str(path)))


def trusting(path: Path) -> Trust:
    return Trust(files={digest_of(path): (EVERYTHING,)})


def ask(model: Any, method: str, rows: Any) -> Any:
    """The model's answers to rows that are an array, as a candidate's process would get them."""
    return call_in_batches(
        model, method, adapt_inputs(Data(None, None, rows, None), model, {}, fitted=True).data.X_test
    )


def load(path: Path, trust: Trust | None = None) -> Any:
    return loading.load(of(path), trust).model


class Hostile:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return Path.write_text, (self.victim, "owned")


# --- skops


def test_a_skops_file_of_trusted_types_loads_by_itself(tmp_path: Path) -> None:
    import skops.io

    skops.io.dump(LogisticRegression().fit(X, y), tmp_path / "a.skops")
    loaded = loading.load(of(tmp_path / "a.skops"))
    assert loaded.fitted
    assert loaded.notes == ()
    np.testing.assert_array_equal(loaded.model.predict(X), LogisticRegression().fit(X, y).predict(X))


def test_types_that_skops_does_not_trust_are_named_and_can_be_trusted(tmp_path: Path) -> None:
    import skops.io

    path = tmp_path / "forest.skops"
    skops.io.dump(RandomForestClassifier(3, random_state=0).fit(X, y), path)
    with pytest.raises(LatencyTuiError, match=r"sklearn\.tree\._tree\.Tree.*--trust-type sklearn\.tree\._tree\.Tree"):
        load(path)
    by_name = loading.load(of(path), Trust(types=("sklearn.tree._tree.Tree",)))
    assert by_name.notes == ("trusted in forest.skops: sklearn.tree._tree.Tree",)
    assert load(path, trusting(path)).predict(X).shape == (120,)
    with pytest.raises(LatencyTuiError, match="does not trust"):
        load(path, Trust(types=("some.other.Type",)))
    with pytest.raises(LatencyTuiError, match="does not trust"):
        load(path, Trust(files={"0" * 64: (EVERYTHING,)}))


def test_a_skops_file_that_names_a_function_of_the_system_is_refused(tmp_path: Path) -> None:
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    path = tmp_path / "evil.skops"
    import os

    skops.io.dump(FunctionTransformer(os.system), path)
    with pytest.raises(LatencyTuiError, match=r"contains a type that skops does not trust: (posix|os)\.system"):
        load(path)


def test_an_unfitted_estimator_in_a_file_is_fitted_here(tmp_path: Path) -> None:
    import skops.io

    skops.io.dump(LogisticRegression(), tmp_path / "a.skops")
    assert not loading.load(of(tmp_path / "a.skops")).fitted


# --- pickles


@pytest.mark.parametrize("write", [joblib.dump, "pickle", "cloudpickle", "compressed"])
def test_pickles_of_every_make_load_once_they_are_trusted(tmp_path: Path, write: Any) -> None:
    path, model = tmp_path / "old.joblib", LogisticRegression().fit(X, y)
    if callable(write):
        write(model, path)
    elif write == "compressed":
        joblib.dump(model, path, compress=3)
    else:
        path.write_bytes({"pickle": pickle, "cloudpickle": cloudpickle}[write].dumps(model))
    with pytest.raises(LatencyTuiError, match="runs its author's code"):
        load(path)
    np.testing.assert_array_equal(load(path, trusting(path)).predict(X), model.predict(X))


@pytest.mark.parametrize("name", ["a.pkl", "a.joblib", "a.skops", "a.onnx", "a.cbm", "no-suffix"])
async def test_a_hostile_pickle_under_any_name_is_refused_and_leaves_no_trace(tmp_path: Path, name: str) -> None:
    path, victim = tmp_path / name, tmp_path / "victim"
    path.write_bytes(pickle.dumps(Hostile(victim)))
    with pytest.raises(LatencyTuiError, match="is a pickle: loading it runs its author's code"):
        load(path)
    assert not victim.exists()


async def test_a_hostile_pickle_is_refused_by_the_candidates_own_process_too(engine: Engine, tmp_path: Path) -> None:
    path, victim = tmp_path / "a.pkl", tmp_path / "victim"
    path.write_bytes(pickle.dumps(Hostile(victim)))
    events = [event async for event in engine.run(Measure(job="a", plan=Plan(candidates=(of(path),), runs=5)))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert "runs its author's code" in failure.message
    assert not victim.exists()
    trusted = Plan(candidates=(of(path),), runs=5, trust=trusting(path))
    async for _ in engine.run(Measure(job="b", plan=trusted)):
        pass
    assert victim.read_text() == "owned", "it would have written it, had it been let"


# --- other libraries


def test_an_onnx_file_answers_like_the_model_it_was_made_of(tmp_path: Path) -> None:
    import skl2onnx

    model = LogisticRegression().fit(X, y)
    for zipmap in (True, False):
        made = skl2onnx.to_onnx(model, X[:1].astype(np.float32), options={id(model): {"zipmap": zipmap}})
        path = tmp_path / f"{zipmap}.onnx"
        path.write_bytes(made.SerializeToString())
        loaded = loading.load(of(path))
        assert loaded.fitted
        np.testing.assert_array_equal(ask(loaded.model, "predict", X), model.predict(X))
        np.testing.assert_allclose(ask(loaded.model, "predict_proba", X), model.predict_proba(X), atol=1e-5)
        assert score_of(loaded.model, {"X": X.astype(np.float32)}, y) == model.score(X, y)
        assert loaded.model.n_features_in_ == 6
        again = cloudpickle.loads(cloudpickle.dumps(loaded.model))
        np.testing.assert_array_equal(ask(again, "predict", X), model.predict(X))
        assert not hasattr(loaded.model, "decision_function")


def test_an_onnx_file_with_an_input_a_column_answers_rows_of_arrays_too(tmp_path: Path) -> None:
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    names = [f"feature {index}" for index in range(6)]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    inputs = [(name, FloatTensorType([None, 1])) for name in names]
    path = tmp_path / "a.onnx"
    path.write_bytes(skl2onnx.to_onnx(model, initial_types=inputs).SerializeToString())
    np.savez(tmp_path / "a.npz", X=X, y=y)
    pd.DataFrame(X, columns=names).assign(y=y).to_csv(tmp_path / "a.csv", index=False)
    for data in ("a.npz", "a.csv"):
        loaded = load(path)
        adapted = adapt_inputs(prepare(FileDataset(path=str(tmp_path / data), target="y")), loaded, {}, fitted=True)
        np.testing.assert_array_equal(call_in_batches(loaded, "predict", adapted.data.X_test), model.predict(X))


def test_an_onnx_regressor_answers_flat(tmp_path: Path) -> None:
    import skl2onnx

    model = Ridge().fit(X, numbers)
    (tmp_path / "a.onnx").write_bytes(skl2onnx.to_onnx(model, X[:1].astype(np.float32)).SerializeToString())
    loaded = load(tmp_path / "a.onnx")
    assert ask(loaded, "predict", X).shape == (120,)
    assert score_of(loaded, {"X": X.astype(np.float32)}, numbers) == pytest.approx(model.score(X, numbers), abs=1e-4)
    assert not hasattr(loaded, "predict_proba")


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
def test_xgboost_files(tmp_path: Path, suffix: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    path = tmp_path / f"a{suffix}"
    model = xgboost.XGBClassifier(n_estimators=5).fit(X, y)
    model.save_model(path)
    np.testing.assert_allclose(ask(load(path), "predict_proba", X), model.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(ask(load(path), "predict", X), model.predict(X))
    assert loading.load(of(path)).fitted
    regressor = xgboost.XGBRegressor(n_estimators=5).fit(X, numbers)
    regressor.save_model(path)
    np.testing.assert_allclose(ask(load(path), "predict", X), regressor.predict(X), rtol=1e-5)


@pytest.mark.slow
def test_lightgbm_files(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    path = tmp_path / "a.txt"
    three = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    for targets in (y, three):
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, targets)
        model.booster_.save_model(path)
        loaded = loading.load(of(path))
        assert loaded.fitted
        np.testing.assert_allclose(ask(loaded.model, "predict_proba", X), model.predict_proba(X))
        np.testing.assert_array_equal(ask(loaded.model, "predict", X), model.predict(X))
        assert loaded.model.n_features_in_ == 6
        assert ask(cloudpickle.loads(cloudpickle.dumps(loaded.model)), "predict", X).shape == (120,)
    regressor = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(X, numbers)
    regressor.booster_.save_model(path)
    np.testing.assert_allclose(ask(load(path), "predict", X), regressor.predict(X))
    assert score_of(load(path), X, numbers) == pytest.approx(regressor.score(X, numbers))


def test_a_lightgbm_file_knows_columns_whose_names_have_spaces(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    frame = pd.DataFrame(X, columns=[f"feature {index}" for index in range(6)])
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, y)
    model.booster_.save_model(tmp_path / "a.txt")
    frame[reversed(frame.columns)].assign(y=y).to_csv(tmp_path / "a.csv", index=False)
    loaded = load(tmp_path / "a.txt")
    adapted = adapt_inputs(prepare(FileDataset(path=str(tmp_path / "a.csv"), target="y")), loaded, {}, fitted=True)
    np.testing.assert_allclose(np.asarray(adapted.data.X_test), X)
    np.testing.assert_array_equal(call_in_batches(loaded, "predict", adapted.data.X_test), model.predict(frame))


def test_catboost_files(tmp_path: Path) -> None:
    catboost = pytest.importorskip("catboost")
    path = tmp_path / "a.cbm"
    model = catboost.CatBoostClassifier(iterations=5, verbose=False, allow_writing_files=False).fit(X, y)
    model.save_model(str(path))
    np.testing.assert_allclose(ask(load(path), "predict_proba", X), model.predict_proba(X))
    assert loading.load(of(path)).fitted
    assert score_of(load(path), X, y) == pytest.approx(model.score(X, y))
    assert ask(cloudpickle.loads(cloudpickle.dumps(load(path))), "predict", X).shape == (120,)
    regressor = catboost.CatBoostRegressor(iterations=5, verbose=False, allow_writing_files=False).fit(X, numbers)
    regressor.save_model(str(path))
    np.testing.assert_allclose(ask(load(path), "predict", X), regressor.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize("exported", [False, True])
def test_pytorch_files(tmp_path: Path, exported: bool) -> None:
    torch = pytest.importorskip("torch")
    module, path = torch.nn.Linear(6, 2).eval(), tmp_path / ("a.pt2" if exported else "a.pt")
    rows = torch.from_numpy(X.astype(np.float32))
    if exported:
        batch = torch.export.Dim("batch")
        torch.export.save(torch.export.export(module, (rows,), dynamic_shapes=({0: batch},)), path)
    else:
        torch.jit.script(module).save(path)
    with pytest.raises(LatencyTuiError, match="runs its author's code"):
        load(path)
    np.testing.assert_allclose(ask(load(path, trusting(path)), "predict", X), module(rows).detach().numpy(), rtol=1e-5)


def test_a_library_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content, library, install in (
        ("a.cbm", b"CBM1....", "catboost", "pip install catboost"),
        ("a.txt", b"tree\nversion=v4\n", "lightgbm", "pip install lightgbm"),
        ("a.onnx", b"\x08\x09\x12\x08skl2onnx", "onnxruntime", "pip install onnxruntime"),
    ):
        monkeypatch.setitem(sys.modules, library, None)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LatencyTuiError) as caught:
            load(tmp_path / name)
        assert install in str(caught.value)


# --- broken files


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("kind", ["skops", "onnx", "joblib", "json", "ubj", "txt"])
def test_a_file_that_is_cut_off_is_one_sentence(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / f"a.{kind}"
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with warnings.catch_warnings(), pytest.raises(LatencyTuiError) as caught:
        warnings.simplefilter("ignore")
        load(path, trusting(path))
    assert "\n" not in str(caught.value)
    assert "truncated" in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("of_what", ["an inner object", "the list of versions", "all but the last byte"])
def test_a_cut_xgboost_file_is_refused_before_the_library_crashes(tmp_path: Path, of_what: str) -> None:
    path = tmp_path / "a.ubj"
    write(path)
    content = path.read_bytes()
    ends = {
        "an inner object": content.index(b"}", len(content) // 2) + 1,
        "the list of versions": content.rindex(b"version[") + 8,
        "all but the last byte": len(content) - 1,
    }
    path.write_bytes(content[: ends[of_what]])
    with pytest.raises(LatencyTuiError, match="the XGBoost model is truncated"):
        load(path)


class Crashing:
    """A pickle whose loading ends the process."""

    def __reduce__(self) -> Any:
        return os.abort, ()


@pytest.mark.slow
async def test_a_crash_while_a_file_is_loaded_says_so(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(Crashing()))
    plan = Plan(candidates=(of(path),), trust=trusting(path))
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.stage == "loading"
    assert (
        failure.message
        == "its process crashed (SIGABRT: Aborted) while loading its file, which may be truncated or damaged"
    )


def write(path: Path) -> None:
    """Write a model of the kind that the suffix says, by its own library."""
    model = LogisticRegression().fit(X, y)
    match path.suffix:
        case ".skops":
            import skops.io

            skops.io.dump(model, path)
        case ".onnx":
            import skl2onnx

            path.write_bytes(skl2onnx.to_onnx(model, X[:1].astype(np.float32)).SerializeToString())
        case ".joblib":
            joblib.dump(model, path)
        case ".json" | ".ubj":
            pytest.importorskip("xgboost").XGBClassifier(n_estimators=2).fit(X, y).save_model(path)
        case ".txt":
            lightgbm = pytest.importorskip("lightgbm")
            lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, y).booster_.save_model(path)


def test_a_pickle_of_a_class_that_is_not_here_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(
        b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x0fmodule_not_here\x94\x8c\x04Name\x94\x93\x94."
    )
    with pytest.raises(LatencyTuiError, match="module_not_here, which is not installed"):
        load(path, trusting(path))


# --- together, in processes of their own


@pytest.mark.slow
async def test_files_of_several_kinds_are_measured_side_by_side(engine: Engine, tmp_path: Path) -> None:
    kinds = ["skops", "onnx", "joblib", "json", "txt"]
    for kind in kinds:
        write(tmp_path / f"model.{kind}")
    np.savez(tmp_path / "data.npz", X=X, y=y)
    plan = Plan(
        candidates=tuple(of(tmp_path / f"model.{kind}") for kind in kinds),
        workload=Workload(dataset=FileDataset(path=str(tmp_path / "data.npz")), method="predict_proba", batch_size=3),
        runs=20,
        trust=trusting(tmp_path / "model.joblib"),
        cold_start=True,
    )
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert [event.message for event in events if isinstance(event, CandidateFailed)] == []
    ready = {event.candidate: event for event in events if isinstance(event, TrainingFinished)}
    assert len(ready) == len(kinds)
    assert all(event.seconds is None for event in ready.values()), "they came fitted"
    expected = LogisticRegression().fit(X, y).score(X, y)
    assert {ready[f"model.{kind}"].score for kind in ("skops", "onnx", "joblib")} == {expected}
    assert {event.candidate for event in events if isinstance(event, BlockMeasured)} == set(ready)


@pytest.mark.slow
async def test_a_file_that_has_changed_is_loaded_again(engine: Engine, tmp_path: Path) -> None:
    import skops.io

    path = tmp_path / "a.skops"
    np.savez(tmp_path / "data.npz", X=X, y=y)
    workload = Workload(dataset=FileDataset(path=str(tmp_path / "data.npz")))
    scores: list[float | None] = []
    for targets in (y, 1 - y):
        skops.io.dump(LogisticRegression().fit(X, targets), path)
        plan = Plan(candidates=(of(path),), workload=workload, runs=5)
        events = [event async for event in engine.run(Measure(job=str(len(scores)), plan=plan))]
        scores += [event.score for event in events if isinstance(event, TrainingFinished)]
    assert len(scores) == 2
    assert scores[0] == pytest.approx(1 - (scores[1] or 0))


@pytest.mark.slow
def test_a_file_is_inspected_in_a_process_of_its_own_before_it_is_trusted(tmp_path: Path) -> None:
    import skops.io

    path, victim = tmp_path / "forest.skops", tmp_path / "victim"
    skops.io.dump(RandomForestClassifier(2, random_state=0).fit(X, y), path)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Hostile(victim)))
    (tmp_path / "cut.skops").write_bytes(path.read_bytes()[:200])
    found = {
        name: json.loads(
            subprocess.run(
                [sys.executable, "-m", "latency_tui.engine.candidate.inspect_child", tmp_path / name],
                capture_output=True,
                timeout=300,
                check=False,
            ).stdout
        )
        for name in ("forest.skops", "a.pkl", "cut.skops")
    }
    assert found["forest.skops"]["untrusted_types"] == ["sklearn.tree._tree.Tree"]
    assert not found["forest.skops"]["runs_code"]
    assert found["a.pkl"]["runs_code"]
    assert "truncated" in found["cut.skops"]["error"]
    assert not victim.exists()
