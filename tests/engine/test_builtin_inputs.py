"""What the built-in models learn of a file: standardised numbers, words by encoding, or one sentence on why not."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.named_models import MORE_MODELS, default_models, encoding_models, is_built_in
from latency_tui.catalog.resolve import Request, listed_models, resolve
from latency_tui.engine.candidate import pipelines
from latency_tui.engine.candidate.adapt_inputs import adapt_inputs
from latency_tui.engine.client import Engine
from latency_tui.engine.data.dataset import prepare
from latency_tui.engine.data.standardized import STANDARDISED, check_columns, prepare_for_fit, standardised
from latency_tui.engine.protocol import CandidateFailed, Measure, TrainingFinished, TrainingStarted
from latency_tui.errors import DataError, ModelError
from latency_tui.plan import BUILTIN_MODELS, Candidate, FileDataset, ModelSpec, Plan, Workload

generator = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"a": generator.normal(100, 10, 80), "b": generator.integers(0, 5000, 80), "y": [0, 1] * 40})


def picked(*values: Any) -> list[Any]:
    return [values[index] for index in generator.integers(0, len(values), 80)]


MIXED = NUMBERS.assign(
    city=picked("Bern", "Ulm", None),
    day=pd.date_range("2024-01-01", periods=80).where(generator.random(80) > 0.1),
    kind=pd.Categorical(picked("x", "y")),
    gaps=pd.array(picked(1, 2, None), dtype="Int64"),
    flag=pd.array(picked(True, None), dtype="boolean"),
)


def dataset(frame: pd.DataFrame, folder: Path, name: str = "a.parquet") -> FileDataset:
    path = folder / name
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return FileDataset(path=str(path), target="y")


def named(name: str) -> ModelSpec:
    return next(model for model in (*BUILTIN_MODELS, *MORE_MODELS) if model.name == name)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_built_in_models_learn_columns_standardised_by_the_training_rows(tmp_path: Path, name: str) -> None:
    data = prepare(dataset(NUMBERS, tmp_path, name))
    found = prepare_for_fit(data, BUILTIN_MODELS[0])
    np.testing.assert_allclose(found.X_train.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(found.X_train.std(axis=0), 1)
    train = data.X_train.to_numpy(dtype=float)
    np.testing.assert_allclose(found.X_test, (data.X_test.to_numpy() - train.mean(axis=0)) / train.std(axis=0))
    assert found.notes[-1] == STANDARDISED
    assert prepare_for_fit(data, BUILTIN_MODELS[1]).X_train is found.X_train, "computed once"
    suited = adapt_inputs(found, object(), {}, fitted=False).data
    np.testing.assert_array_equal(suited.X_test, found.X_test)


def test_models_that_a_user_brings_get_the_data_as_they_are(tmp_path: Path) -> None:
    data = prepare(dataset(NUMBERS, tmp_path))
    own = ModelSpec(name="SVC", factory="sklearn.svm:SVC")
    assert not is_built_in(own)
    assert prepare_for_fit(data, own) is data
    standardised(data)
    pd.testing.assert_frame_equal(data.for_fitted().X_test, NUMBERS[["a", "b"]])


def test_sparse_rows_and_gaps_are_scaled_images_and_infinities_are_not(tmp_path: Path) -> None:
    data = prepare(dataset(NUMBERS, tmp_path))
    rows = sparse.csr_array(NUMBERS[["a", "b"]].to_numpy(dtype=float))
    scaled = standardised(replace(data, X_train=rows, X_test=rows, standardised=None))
    assert scaled.X_train.nnz == rows.nnz
    gaps = standardised(prepare(dataset(NUMBERS.assign(a=NUMBERS["a"].where(NUMBERS["b"] > 900)), tmp_path)))
    assert np.isnan(gaps.X_train).any()
    for odd in (np.ones((4, 3, 2)), np.array([[np.inf, 1.0]] * 4), np.array([["a"], ["b"]])):
        left = replace(data, X_train=odd, X_test=odd, standardised=None)
        assert standardised(left) is left


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(("index", "suffix"), [(0, ".csv"), (1, ".csv"), (2, ".csv"), (0, ".parquet")])
def test_encoding_models_learn_words_dates_and_gaps(tmp_path: Path, task: Any, index: int, suffix: str) -> None:
    spec = encoding_models(task)[index]
    data = prepare(dataset(MIXED, tmp_path, f"a{suffix}"))
    model = getattr(pipelines, spec.factory.partition(":")[2])()
    suited = adapt_inputs(prepare_for_fit(data, spec), model, {}, fitted=False).data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(suited.X_train, suited.y_train)
        assert len(model.predict(suited.X_test.iloc[:1])) == 1
        together = model.predict(suited.X_test)
        alone = np.concatenate([model.predict(suited.X_test.iloc[[row]]) for row in range(3)])
    np.testing.assert_allclose(together[:3], alone)
    model.predict(suited.X_test.assign(city="Oslo"))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            {"city": ["Bern", "Ulm"] * 40},
            "city contains text, which Logistic Regression and 5 more cannot be fitted on;",
        ),
        ({"c": ["x", "y"] * 40, "d": ["x", "y"] * 40}, "c, d contain text, which"),
        ({"k": pd.Categorical(["x", "y"] * 40)}, "k contains text, which"),
        ({"day": pd.date_range("2024-01-01", periods=80)}, "day contains dates, which"),
    ],
)
def test_what_the_six_cannot_learn_is_said_once(tmp_path: Path, column: dict[str, Any], said: str) -> None:
    wanted = dataset(NUMBERS.assign(**column), tmp_path)
    data = prepare(wanted)
    six = [Candidate(model=model) for model in BUILTIN_MODELS]
    with pytest.raises(DataError, match=said) as caught:
        check_columns(wanted, data, six)
    assert "-m encoding-pipeline -m random-forest-pipeline -m hist-gradient-boosting-pipeline" in str(caught.value)
    check_columns(wanted, data, [*six, Candidate(model=encoding_models()[0])])
    check_columns(wanted, data, [*six, Candidate(model=ModelSpec(name="own", factory="own:model"))])
    with pytest.raises(ModelError, match="which Linear SVM cannot be fitted on"):
        prepare_for_fit(data, BUILTIN_MODELS[2])


@pytest.mark.slow
def test_gaps_are_refused_to_models_that_do_not_take_them(tmp_path: Path) -> None:
    wanted = dataset(NUMBERS.assign(a=NUMBERS["a"].where(NUMBERS["b"] > 900)), tmp_path)
    data = prepare(wanted)
    with pytest.raises(ModelError, match=r"a contains missing values, which Linear SVM cannot be fitted on"):
        prepare_for_fit(data, BUILTIN_MODELS[2])
    for name in ("Random Forest", "Hist Gradient Boosting", "Decision Tree", "Dummy Classifier", "Extra Trees"):
        model = named(name)
        path, _, kind = model.factory.partition(":")
        fitted = prepare_for_fit(data, model)
        getattr(__import__(path, fromlist=[kind]), kind)(**model.parameters).fit(
            adapt_inputs(fitted, object(), {}, fitted=False).data.X_train, data.y_train
        )


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather", ".jsonl", ".json"])
def test_without_a_name_the_models_are_chosen_by_what_the_columns_hold(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for frame, expected in ((MIXED[["a", "city", "y"]], encoding_models()), (NUMBERS, default_models())):
        match suffix:
            case ".csv":
                frame.to_csv(path, index=False)
            case ".parquet":
                frame.to_parquet(path)
            case ".feather":
                frame.to_feather(path)
            case _:
                frame.to_json(path, orient="records", lines=suffix == ".jsonl")
        found = resolve(Request(data=str(path), target="y"), LoadedConfiguration())
        assert tuple(candidate.model for candidate in found.candidates) == expected
        assert listed_models(found.dataset, None)[: len(expected)] == expected
    regression = resolve(Request(data=str(path), target="a", task="regression"), LoadedConfiguration())
    assert regression.candidates[0].model.task == "regression"
    assert (
        resolve(Request(data=str(path), target="y", models=("linear-svm",)), LoadedConfiguration()).candidates[0].name
        == "Linear SVM"
    )


def test_a_target_of_words_alone_leaves_the_usual_models(tmp_path: Path) -> None:
    path = tmp_path / "iris.data"
    path.write_text("5.1,3.5,setosa\n4.9,3.0,virginica\n" * 10)
    found = resolve(Request(data=str(path), target="2"), LoadedConfiguration())
    assert len(found.candidates) == 6
    assert len(resolve(Request(data=str(path), target="-1"), LoadedConfiguration()).candidates) == 6


async def events_of(engine: Engine, data: FileDataset, *models: ModelSpec) -> list[Any]:
    plan = Plan(candidates=tuple(Candidate(model=model) for model in models), workload=Workload(dataset=data), runs=10)
    return [event async for event in engine.run(Measure(job=models[-1].name, plan=plan))]


@pytest.mark.slow
async def test_words_are_refused_before_anything_is_trained(engine: Engine, tmp_path: Path) -> None:
    wanted = dataset(MIXED, tmp_path)
    with pytest.raises(DataError, match="city, kind contain text") as caught:
        await events_of(engine, wanted, *BUILTIN_MODELS[:2])
    assert caught.value.exit_code == 2
    events = await events_of(engine, wanted, BUILTIN_MODELS[0], encoding_models()[2])
    (failed,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failed.message.startswith("city, kind contain text, which Logistic Regression cannot be fitted on")
    assert len([event for event in events if isinstance(event, TrainingStarted)]) == 2
    (ready,) = (event for event in events if isinstance(event, TrainingFinished))
    assert ready.candidate == "hist-gradient-boosting-pipeline"
