"""Settings, the control, until-known plans and cold starts, in real processes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from latency_tui.engine.candidate.models.loading import find_modules
from latency_tui.engine.client import Engine
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.launches import measure
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    JobFinished,
    Measure,
    MeasurementStarted,
    RoundFinished,
    Train,
    TrainingFinished,
    TrainingStarted,
)
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, Setting
from tests.engine.conftest import faulty, plan_of

FOREST = next(model for model in BUILTIN_MODELS if model.name == "Random Forest")


def telling(**settings: Setting) -> Candidate:
    """A model that raises, on its first call, with what reached it."""
    spec = ModelSpec(name="telling", factory="tests.engine.faulty_models:TellsWhatItGets")
    return Candidate(model=spec, settings=settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "float64 C=True F=False finite=False skip=False threads=1"),
        ({"dtype": "float32"}, "float32"),
        ({"order": "F"}, "F=True"),
        ({"assume_finite": True}, "finite=True"),
        ({"skip_parameter_validation": True}, "skip=True"),
        ({"threads": 2}, "threads=2"),
        ({"input": "dataframe"}, "DataFrame"),
    ],
)
async def test_a_setting_reaches_the_model(engine: Engine, settings: dict[str, Setting], said: str) -> None:
    from latency_tui.plan import Workload

    plan = Plan(candidates=(telling(**settings),), workload=Workload(batch_size=4), runs=5)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert said in failure.message


@pytest.mark.slow
async def test_any_other_setting_is_a_parameter_of_the_model(engine: Engine) -> None:
    trees = Candidate(model=BUILTIN_MODELS[1], settings={"n_estimators": 3})
    plan = plan_of(Candidate(model=BUILTIN_MODELS[1]), trees, runs=10)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    medians = {
        slug: np.median(
            np.concatenate(
                [
                    np.frombuffer(e.block.samples, "<i8")
                    for e in events
                    if isinstance(e, BlockMeasured) and e.candidate == slug
                ]
            )
        )
        for slug in ("random-forest", trees.slug)
    }
    assert medians[trees.slug] < medians["random-forest"] / 3


async def test_a_parameter_that_the_model_lacks_is_told(engine: Engine) -> None:
    plan = plan_of(Candidate(model=BUILTIN_MODELS[0], settings={"n_trees": 3}), runs=5)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.message.startswith("LogisticRegression has no parameter 'n_trees'; ")


@pytest.mark.slow
async def test_the_control_takes_turns_like_everyone(engine: Engine) -> None:
    plan = plan_of(faulty("Planted", "a"), faulty("Planted", "b"), runs=20, control=True)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    calls: dict[str, int] = {}
    for event in events:
        if isinstance(event, BlockMeasured):
            calls[event.candidate] = calls.get(event.candidate, 0) + len(event.block.samples) // 8
    assert calls == {"a": 20, "b": 20, "a-control": 20}


@pytest.mark.slow
async def test_until_it_is_known_stops_with_the_round_that_settles_it(engine: Engine) -> None:
    plan = plan_of(faulty("Planted", "a"), faulty("Planted", "b"), runs=None, until_known=True, max_seconds=30)
    seen = 0

    def is_decided() -> bool:
        return seen >= 12

    blocks: dict[str, int] = {"a": 0, "b": 0}
    async for event in measure(plan, engine=engine, is_decided=is_decided):
        seen += isinstance(event, RoundFinished)
        if isinstance(event, BlockMeasured):
            blocks[event.candidate] += 1
        last = event
    assert last == JobFinished(job="measurement", reason="decided")
    assert (seen, blocks) == (12, {"a": 12, "b": 12}), "rounds on their way could unsettle it"


@pytest.mark.slow
async def test_until_it_is_known_gives_up_in_time(engine: Engine) -> None:
    plan = plan_of(faulty("Planted", "a"), faulty("Planted", "b"), runs=None, until_known=True, max_seconds=0.3)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    assert events[-1] == JobFinished(job="a", reason="out of time")


@pytest.mark.slow
async def test_further_launches_measure_as_many_rounds_as_the_first() -> None:
    plan = plan_of(faulty("Sleeper", "a"), faulty("Sleeper", "b"), runs=None, until_known=True, launches=2)
    rounds = [0, 0]

    async for event in measure(plan, is_decided=lambda: rounds[0] >= 15):
        if isinstance(event, RoundFinished):
            rounds[event.launch] += 1
    assert rounds == [15, 15]


@pytest.mark.slow
async def test_a_cold_start_is_measured_in_a_fresh_process_apart(engine: Engine) -> None:
    plan = plan_of(faulty("Sleeper"), Candidate(model=BUILTIN_MODELS[0]), runs=10, cold_start=True)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    found = {event.candidate: event for event in events if isinstance(event, ColdStartMeasured)}
    assert set(found) == {"sleeper", "logistic-regression"}
    linear = found["logistic-regression"]
    assert linear.import_seconds > 0.1, "scikit-learn is not there yet"
    assert linear.memory_before < linear.memory_after <= linear.memory_peak
    assert linear.memory_peak < linear.memory_after + 50_000_000, "that of the engine, which has all of scikit-learn"
    assert len(linear.first_calls) == 100
    assert min(found["sleeper"].first_calls) >= 2_000_000
    last_block = max(i for i, event in enumerate(events) if isinstance(event, BlockMeasured))
    assert all(events.index(event) > last_block for event in found.values())


def test_what_a_process_imports_for_a_model_is_all_that_it_is_made_of() -> None:
    from sklearn.ensemble import VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    vote = VotingClassifier([("one", LogisticRegression())])
    found = find_modules(make_pipeline(StandardScaler(), vote))
    assert found[0] == "sklearn.pipeline"
    for part in ("preprocessing", "linear_model", "ensemble"):
        assert any(name.startswith(f"sklearn.{part}.") for name in found)
    assert find_modules(np.sum) == ("numpy",)
    assert find_modules(faulty) == (faulty.__module__,)

    class Adapted:
        libraries = ("another",)

    assert find_modules(Adapted()) == ("another", __name__)


@pytest.mark.slow
async def test_the_library_that_answers_is_imported_and_not_loaded(engine: Engine) -> None:
    pytest.importorskip("onnxruntime")
    both = (Candidate(model=BUILTIN_MODELS[0]), Candidate(model=BUILTIN_MODELS[0], settings={"runtime": "onnx"}))
    events = [event async for event in engine.run(Measure(job="a", plan=plan_of(*both, runs=10, cold_start=True)))]
    (_, onnx) = (event for event in events if isinstance(event, ColdStartMeasured))
    assert onnx.import_seconds > onnx.load_seconds


@pytest.mark.slow
async def test_a_fresh_start_has_the_settings_of_its_candidate(engine: Engine, tmp_path: Path) -> None:
    candidate = faulty("NotesItsFreshStart", note=str(tmp_path / "note"))
    candidate = msgspec.structs.replace(candidate, settings={"assume_finite": True, "threads": 2})
    async for _ in engine.run(Measure(job="a", plan=plan_of(candidate, runs=10, cold_start=True))):
        pass
    assert (tmp_path / "note").read_text() == "True 2"


@pytest.mark.slow
async def test_a_model_that_prints_much_starts_afresh_like_any(engine: Engine) -> None:
    plan = plan_of(faulty("PrintsALot"), runs=10, cold_start=True, call_timeout=5.0)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (found,) = (event for event in events if isinstance(event, ColdStartMeasured))
    assert len(found.first_calls) == 100


@pytest.mark.slow
async def test_a_model_that_cannot_start_afresh_keeps_its_numbers(engine: Engine) -> None:
    plan = plan_of(faulty("CannotBePickled"), faulty("Planted"), runs=10, cold_start=True)
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    (failure,) = (event for event in events if isinstance(event, CandidateFailed))
    assert failure.stage == "cold start"
    assert sum(isinstance(e, BlockMeasured) and e.candidate == "cannotbepickled" for e in events) == 10
    assert events[-1] == JobFinished(job="a", reason="completed")


async def test_pinning_to_named_cores_and_to_none(engine: Engine) -> None:
    for pinning, expected in ((("none"), ()), ((0,), (0,))):
        plan = plan_of(faulty("Planted"), runs=6, pinning=pinning)
        events = [event async for event in engine.run(Measure(job=str(pinning), plan=plan))]
        (started,) = (event for event in events if isinstance(event, MeasurementStarted))
        assert started.pinned == expected


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_job": 1}, "RandomForestClassifier has no parameter 'n_job'; did you mean n_jobs?"),
        ({"N_Jobs": 1}, "has no parameter 'N_Jobs'; did you mean n_jobs?"),
        ({"thread": 1}, "did you mean threads?"),
        ({"n_jobs": "many"}, "cannot have n_jobs=many: The 'n_jobs' parameter of RandomForestClassifier must be"),
        ({"zzz": 1}, "has no parameter 'zzz'; it has bootstrap, "),
    ],
)
async def test_a_misspelt_setting_is_refused_before_anything_is_trained(
    engine: Engine, settings: dict[str, Setting], said: str
) -> None:
    wrong = Candidate(model=FOREST, settings=settings)
    plan = plan_of(faulty("Planted", "quick"), wrong, runs=5)
    events = [event async for event in engine.run(Train(job="a", plan=plan))]
    failure = next(event for event in events if isinstance(event, CandidateFailed))
    first = next(event for event in events if isinstance(event, TrainingStarted))
    assert failure.cause == "settings"
    assert said in failure.message
    assert events.index(failure) < events.index(first)
    assert {event.candidate for event in events if isinstance(event, TrainingFinished)} == {"quick"}


async def test_a_setting_that_is_right_is_checked_and_the_model_loaded_once(engine: Engine) -> None:
    right = Candidate(model=FOREST, settings={"n_jobs": 1, "max_depth": 3})
    events = [event async for event in engine.run(Train(job="a", plan=plan_of(right, runs=5)))]
    assert [event for event in events if isinstance(event, CandidateFailed)] == []
    assert any(isinstance(event, TrainingFinished) for event in events)
