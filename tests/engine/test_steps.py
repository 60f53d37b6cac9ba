"""The pass that times the steps of a model: planted work in real processes, and every container."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.candidate.steps.blocks import middle_half, size_of
from latency_tui.engine.candidate.steps.other_inputs import Unnamed, as_arrays, same_answers
from latency_tui.engine.candidate.steps.profile import read_profile
from latency_tui.engine.candidate.steps.profiler_floor import identities, measure_floor
from latency_tui.engine.candidate.steps.tracer import Tracer, decode
from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import Event, JobFinished, Measure, MeasureSteps
from latency_tui.engine.step_events import StepsMeasured, StepsStarted
from latency_tui.plan import Candidate, ModelSpec, Plan, SyntheticDataset, Workload
from latency_tui.plan.load import LoadTest
from latency_tui.result.result import Result
from tests.engine import stepped_models
from tests.engine.stepped_models import Own, Work

X, y = make_classification(n_samples=120, n_features=6, n_informative=4, n_classes=3, random_state=0)


def paths(model: Any, rows: Any = X[:1], method: str = "predict") -> dict[str, str]:
    """Call a model once with its parts timed; return the type of each part that was used, by its path."""
    tracer = Tracer(model)
    plain = getattr(model, method)(rows)
    with tracer.installed():
        assert same_answers(getattr(model, method)(rows), plain), "timing changes no answer"
    before = len(tracer.spans)
    getattr(model, method)(rows)
    assert len(tracer.spans) == before, "the methods are restored"
    return {" › ".join(node.path): type(node.part.model).__name__ for node in tracer.nodes if node.part}


def test_steps_of_nested_pipelines_and_branches_form_a_tree() -> None:
    numeric = Pipeline([("scale", StandardScaler()), ("shift", FunctionTransformer())])
    columns = ColumnTransformer([("numeric", numeric, [0, 1, 2]), ("left", "passthrough", [3]), ("out", "drop", [4])])
    model = Pipeline([("columns", columns), ("skip", "passthrough"), ("classifier", LogisticRegression())]).fit(X, y)
    found = paths(model)
    assert found["columns › numeric › scale"] == "StandardScaler"
    assert found["columns › numeric › shift"] == "FunctionTransformer"
    assert found["classifier"] == "LogisticRegression"
    assert "skip" not in found
    assert not any("out" in path for path in found)


CONTAINERS = {
    "union": (
        make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())]), LogisticRegression()),
        {"featureunion › a", "featureunion › b", "logisticregression"},
    ),
    "stacking": (
        StackingClassifier([("tree", DecisionTreeClassifier()), ("line", make_pipeline(LogisticRegression()))], cv=2),
        {"tree", "line", "line › logisticregression", "final_estimator"},
    ),
    "bagging": (
        BaggingClassifier(DecisionTreeClassifier(), n_estimators=3),
        {"estimator 1", "estimator 2", "estimator 3"},
    ),
    "many members": (BaggingClassifier(DecisionTreeClassifier(), n_estimators=20), {"20 × DecisionTreeClassifier"}),
    "forest": (RandomForestClassifier(n_estimators=15), {"15 × DecisionTreeClassifier"}),
    "calibrated": (
        CalibratedClassifierCV(LinearSVC(), cv=2),
        {"calibrated_classifier 1", "calibrated_classifier 1 › estimator", "calibrated_classifier 2 › estimator"},
    ),
    "one versus rest": (OneVsRestClassifier(LogisticRegression()), {"estimator 1", "estimator 3"}),
    "search": (
        GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1]}, cv=2),
        {"best_estimator", "best_estimator › standardscaler", "best_estimator › logisticregression"},
    ),
    "outputs": (MultiOutputRegressor(LinearRegression()), {"estimator 1", "estimator 2"}),
    "voting": (VotingRegressor([("a", LinearRegression()), ("b", LinearRegression())]), {"a", "b"}),
    "target": (
        TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
        {"regressor", "transformer"},
    ),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_members_of_every_container_are_found(kind: str) -> None:
    model, expected = CONTAINERS[kind]
    model.fit(X, np.column_stack((y, y)) if kind == "outputs" else y.astype(float) if kind == "target" else y)
    assert expected <= set(paths(model))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_each_method_of_a_pipeline_is_timed(method: str) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    assert set(paths(model, method=method)) == {"standardscaler", "logisticregression"}


def test_a_transforming_pipeline_is_timed() -> None:
    model = make_pipeline(StandardScaler(), MinMaxScaler()).fit(X)
    assert set(paths(model, method="transform")) == {"standardscaler", "minmaxscaler"}


def test_own_models_with_slots_are_timed() -> None:
    class Slotted:
        __slots__ = ("offset",)

        def __init__(self) -> None:
            self.offset = 1.0

        def transform(self, rows: Any) -> Any:
            return rows + self.offset

    model = Own().fit(X, y)
    assert set(paths(model)) == {"encoder", "head"}
    slotted = make_pipeline(FunctionTransformer(), LogisticRegression()).fit(X, y)
    slotted.steps.insert(1, ("slotted", Slotted()))
    assert "slotted" in paths(slotted)
    assert type(slotted.steps[1][1]) is Slotted


def test_a_part_that_calls_its_own_methods_is_timed_once() -> None:
    model = make_pipeline(stepped_models.WorkingClassifier()).fit(X, y)
    tracer = Tracer(model)
    with tracer.installed():
        model.predict(X[:1])
    assert [decode(span)[0] for span in tracer.spans] == [1]


def test_branches_in_threads_are_timed_and_known_to_overlap() -> None:
    import joblib

    model = ColumnTransformer([("a", Work(0.001), [0]), ("b", Work(0.001), [1])], n_jobs=2)
    with joblib.parallel_config("threading"):
        tracer = Tracer(model.fit(X))
        with tracer.installed():
            model.transform(X[:1])
    assert {node.path for node in tracer.nodes if node.part} == {("a",), ("b",)}
    assert tracer.parallel


def test_a_model_is_copied_and_pickled_while_it_is_timed() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    tracer = Tracer(model)
    with tracer.installed():
        for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            before = len(tracer.spans)
            assert np.array_equal(twin.predict(X), model.predict(X))
            assert len(tracer.spans) == before + 2, "only the model itself is timed"
    assert not any("predict" in vars(step) for _, step in model.steps)


def test_the_failing_step_is_known_and_the_model_is_restored() -> None:
    model = stepped_models.failing().fit(X, y)
    tracer = Tracer(model)
    with pytest.raises(ValueError, match="watched"), tracer.installed():
        model.predict(X[:1])
    assert tracer.failed == ("bad",)
    assert model.predict(X[:1]).shape == (1,)


def test_arrays_replace_data_frames_only_if_their_values_are_numbers() -> None:
    frame = pd.DataFrame(X, columns=[f"c{index}" for index in range(6)])
    (array,) = as_arrays([frame]) or [None]
    assert np.array_equal(array, X)
    assert as_arrays([frame.assign(word="a")]) is None
    assert as_arrays([X]) is None


def test_a_model_without_names_does_not_warn_and_gets_them_back() -> None:
    frame = pd.DataFrame(X, columns=[f"c{index}" for index in range(6)])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, y)
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)
    import warnings

    with warnings.catch_warnings(), Unnamed(model).applied():
        warnings.simplefilter("error")
        assert np.array_equal(model.predict(X), model.predict(X))
    assert list(model.steps[0][1].feature_names_in_) == list(frame.columns)


def test_the_middle_half_leaves_out_the_fastest_and_the_slowest_quarter() -> None:
    assert middle_half([5, 1, 9, 3]) == [3, 0]
    assert middle_half([7]) == [0]
    assert middle_half([7, 8]) == [0, 1]


@pytest.mark.parametrize("seconds", [1e-7, 1e-4, 0.05, 3.0])
def test_slow_models_have_fewer_calls_and_enough_rounds_for_an_interval(seconds: float) -> None:
    size = size_of(seconds, 4, 2.0)
    assert size.rounds >= 6
    assert size.calls >= 1
    assert size.calls * seconds < 0.5 or size.calls == 1


# --- real processes --------------------------------------------------------------------------------------------------


def stepped(kind: str) -> Candidate:
    return Candidate(model=ModelSpec(name=kind, factory=f"tests.engine.stepped_models:{kind}"))


def plan_of(*kinds: str, **fields: Any) -> Plan:
    dataset = SyntheticDataset(samples=60, features=4)
    fields = {"runs": 6, "steps": True, "workload": Workload(dataset=dataset), **fields}
    return Plan(candidates=tuple(stepped(kind) for kind in kinds), **fields)


async def result_of(
    engine: Engine, plan: Plan, command: type[Measure] | type[MeasureSteps]
) -> tuple[Result, list[Event]]:
    recording, events = Recorder(plan), list[Event]()
    async for event in engine.run(command(job="steps", plan=plan)):
        recording.add(event)
        events.append(event)
    assert isinstance(events[-1], JobFinished)
    return recording.result(), events


@pytest.mark.slow
async def test_planted_work_is_found_and_adds_up(engine: Engine) -> None:
    result, events = await result_of(engine, plan_of("nested", "voting", "union"), Measure)
    steps = {(step.candidate, step.name): step for step in result.steps}
    share = {key: step.share for key, step in steps.items()}
    assert share["nested", "columns › slow › first"] > share["nested", "columns › slow › second"]
    assert share["nested", "columns › slow › second"] > share["nested", "columns › quick"]
    assert share["voting", "c"] > share["voting", "b"] > share["voting", "a"] > 0
    assert share["union", "both › right"] > share["union", "both › left"]
    for slug in ("nested", "voting", "union"):
        top = [step for step in result.steps if step.candidate == slug and not step.parent]
        assert sum(step.share for step in top) == pytest.approx(1.0)
    assert [one.candidate for one in result.step_passes] == ["nested", "voting", "union"]
    assert all(candidate.status == "measured" for candidate in result.candidates)
    started = [event.candidate for event in events if isinstance(event, StepsStarted)]
    assert started == ["nested", "voting", "union"]


@pytest.mark.slow
async def test_a_step_that_fails_or_crashes_in_the_pass_keeps_the_measurement(engine: Engine) -> None:
    result, _ = await result_of(engine, plan_of("failing", "crashing", "nested"), Measure)
    assert [candidate.status for candidate in result.candidates] == ["measured"] * 3
    failed = next(one for one in result.step_passes if one.candidate == "failing")
    assert failed.error == "the step bad failed while it was timed: I am being watched"
    assert "crash" in (result.candidate("crashing").error or "") or "ended" in (
        result.candidate("crashing").error or ""
    )
    assert any(step.candidate == "nested" for step in result.steps), "the others go on"


@pytest.mark.slow
async def test_steps_are_timed_after_a_load_test_with_several_processes(engine: Engine) -> None:
    load = LoadTest(rates=(40.0,), workers=2, duration=1.0)
    result, events = await result_of(engine, plan_of("union", load=load), Measure)
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("StepsStarted") > max(i for i, kind in enumerate(kinds) if kind == "LoadWindowMeasured")
    assert result.load
    assert result.steps


@pytest.mark.slow
async def test_steps_are_timed_alone_on_demand(engine: Engine) -> None:
    result, events = await result_of(engine, plan_of("union", steps=False), MeasureSteps)
    assert {step.name for step in result.steps} >= {"both", "both › left", "both › right", "classifier", "rest"}
    assert not result.measured, "no call is a sample"
    done = [event.done for event in events if isinstance(event, StepsMeasured)]
    assert done == sorted(done)
    assert done[-1] == events[-2].total if isinstance(events[-2], StepsMeasured) else True


@pytest.mark.slow
async def test_operators_of_an_onnx_model_are_timed(engine: Engine) -> None:
    pytest.importorskip("onnxruntime")
    candidate = Candidate(
        model=ModelSpec(name="scaled", factory="tests.engine.stepped_models:scaled"), settings={"runtime": "onnx"}
    )
    plan = Plan(candidates=(candidate,), workload=Workload(dataset=SyntheticDataset(samples=60, features=4)))
    result, _ = await result_of(engine, plan, MeasureSteps)
    types = {step.type for step in result.steps if step.kind == "step"}
    assert "Scaler" in types
    assert any("Classifier" in kind for kind in types)
    assert result.step_passes[0].overhead is not None


def test_the_profiler_is_measured_with_operators_that_do_nothing(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(identities(300), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x0": np.array([7.0], dtype=np.float32)})[0].tolist() == [7.0]
    assert measure_floor(tmp_path / "floor") > 0


def test_a_profile_is_read_run_by_run(tmp_path: Path) -> None:
    def node(name: str, kind: str, microseconds: int) -> dict[str, Any]:
        return {"cat": "Node", "name": f"{name}_kernel_time", "dur": microseconds, "args": {"op_name": kind}}

    run = {"cat": "Session", "name": "model_run", "dur": 9}
    loading = {"cat": "Session", "name": "session_initialization", "dur": 900}
    events = [loading, node("a", "Gemm", 3), node("b", "Relu", 0), run, node("a", "Gemm", 4), run]
    (tmp_path / "profile.json").write_text(json.dumps(events))
    first, second = read_profile(tmp_path / "profile.json")
    assert [(one.name, one.type, one.nanoseconds) for one in first] == [("a", "Gemm", 3500.0), ("b", "Relu", 500.0)]
    assert [one.nanoseconds for one in second] == [4500.0]


def test_encoders_of_text_are_timed_on_a_data_frame() -> None:
    frame = pd.DataFrame({"word": ["a", "b"] * 30, "number": range(60)})
    columns = ColumnTransformer([("word", OneHotEncoder(), ["word"]), ("number", StandardScaler(), ["number"])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame, [0, 1] * 30)
    assert {"columntransformer › word", "columntransformer › number"} <= set(paths(model, frame[:1]))
