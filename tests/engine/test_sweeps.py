"""Sweeps in real processes: rows per call, threads, columns and parameters of each cell."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest

from latency_tui import measure
from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.client import Engine
from latency_tui.engine.environment_events import PredictionsCompared
from latency_tui.engine.protocol import CandidateFailed, Measure, TrainingFinished
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, SyntheticDataset, Workload, expand, parse_sweep
from latency_tui.plan.limits import parse_limit
from latency_tui.result.result import Result

SMALL = SyntheticDataset(samples=60, features=4)


async def measured(engine: Engine, plan: Plan) -> Result:
    recording = Recorder(plan)
    async for event in engine.run(Measure(job="a", plan=plan)):
        recording.add(event)
    return recording.result()


def plan_of(text: str, *models: ModelSpec, **fields: object) -> Plan:
    sweeps = (parse_sweep(text),)
    candidates = expand([Candidate(model=model) for model in models], sweeps)
    plan = Plan(candidates=candidates, sweeps=sweeps, workload=Workload(dataset=SMALL, batch_size=3), runs=4)
    return msgspec.structs.replace(plan, **fields)


def planted(kind: str) -> ModelSpec:
    return ModelSpec(name=kind, factory=f"tests.engine.faulty_models:{kind}")


async def test_each_cell_receives_its_rows_and_counts_them(engine: Engine) -> None:
    plan = plan_of("batch=1,5,100", BUILTIN_MODELS[0], limits=(parse_limit("throughput > 1/s"),))
    result = await measured(engine, plan)
    assert [one.received.rows for one in result.candidates if one.received] == [1, 5, 100]
    for rows, one, verdict in zip((1, 5, 100), result.candidates, result.limits, strict=True):
        assert one.statistics is not None
        assert one.throughput == pytest.approx(rows / one.statistics.mean)
        assert verdict.value == pytest.approx(one.throughput)
    assert [cell.value for cell in result.sweeps[0].cells] == [1, 5, 100]


async def test_each_cell_is_trained_on_its_columns(engine: Engine) -> None:
    result = await measured(engine, plan_of("features=2,4,50", BUILTIN_MODELS[0]))
    assert [one.received.shape for one in result.candidates if one.received] == [(3, 2), (3, 4), (3, 50)]
    assert all(one.status == "measured" for one in result.candidates)


async def test_a_parameter_of_the_model_is_swept(engine: Engine) -> None:
    result = await measured(engine, plan_of("n_estimators=1,5", BUILTIN_MODELS[1]))
    assert [one.status for one in result.candidates] == ["measured", "measured"]


async def test_a_parameter_that_the_model_lacks_is_named(engine: Engine) -> None:
    plan = plan_of("n_trees=1,5", BUILTIN_MODELS[1])
    events = [event async for event in engine.run(Measure(job="a", plan=plan))]
    failures = [event for event in events if isinstance(event, CandidateFailed)]
    assert {one.cause for one in failures} == {"settings"}
    assert "n_trees" in failures[0].message


async def test_cells_that_predict_other_values_are_named(engine: Engine) -> None:
    result = await measured(engine, plan_of("batch=1,4", planted("DependsOnTheBatch"), planted("Planted")))
    differing = {one.slug: one.predictions.differing for one in result.candidates if one.predictions}
    assert set(differing) == {"dependsonthebatch[batch=4]", "planted[batch=4]"}
    assert differing["dependsonthebatch[batch=4]"] > 0
    assert differing["planted[batch=4]"] == 0


@pytest.mark.parametrize("text", ["batch=1,4,9", "threads=1,2"])
async def test_cells_that_differ_in_the_call_only_share_a_trained_model(engine: Engine, text: str) -> None:
    plan = plan_of(text, planted("TrainsAtRandom"), steps=False)
    found = []
    async for event in engine.run(Measure(job="a", plan=plan)):
        if isinstance(event, TrainingFinished):
            found.append(event.seconds)
        if isinstance(event, PredictionsCompared):
            assert event.differing == 0
    assert len(found) == len(plan.candidates)
    assert len({*found}) == 1


async def test_a_cell_that_cannot_be_called_leaves_the_others_to_train(engine: Engine) -> None:
    result = await measured(engine, plan_of("batch=1,2,4", planted("FailsForOneRow")))
    assert [one.status for one in result.candidates] == ["failed", "measured", "measured"]


@pytest.mark.slow
async def test_a_model_that_cannot_be_loaded_again_is_trained_for_each_cell(engine: Engine) -> None:
    result = await measured(engine, plan_of("batch=1,2", planted("CannotBeUnpickled")))
    assert [one.status for one in result.candidates] == ["measured", "measured"]


def rows_of(values: np.ndarray) -> np.ndarray:
    return values[:, 0]


@pytest.mark.slow
def test_measure_takes_a_sweep() -> None:
    inputs = np.zeros((8, 2))
    result = measure({"mine": rows_of}, inputs, sweep={"batch": [4, 1, 2]}, runs=12, progress=False)
    (curve,) = result.sweeps
    assert (curve.parameter, curve.candidate, [cell.value for cell in curve.cells]) == ("batch", "mine", [1, 2, 4])


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("batch=1,2", "must map a setting"),
        ({1: [1, 2]}, "must map a setting"),
        ({"batch": 3}, "must be a list"),
        ({"batch": [1, None]}, "must be text, a number"),
        ({"batch": [1]}, "at least two values"),
        ({"batch": "4..1"}, "must rise"),
        ({"features": [1, 2]}, "only generated data"),
    ],
)
def test_measure_refuses_a_sweep_in_one_sentence(sweep: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        measure({"mine": rows_of}, np.zeros((8, 2)), sweep=sweep)  # type: ignore[arg-type]  # as a user may


class Costs:
    """Takes a fixed time per call and a time per row, as closely as a busy process can."""

    def __init__(self, fixed: float, per_row: float) -> None:
        self.fixed, self.per_row = fixed, per_row

    def predict(self, rows: np.ndarray) -> np.ndarray:
        end = time.perf_counter_ns() + 1000 * (self.fixed + self.per_row * len(rows))
        while time.perf_counter_ns() < end:
            pass
        return rows[:, 0]


@pytest.mark.slow
def test_planted_costs_are_found_in_real_processes() -> None:
    """40 µs + 1 µs per row crosses 10 µs + 3 µs per row at 15 rows; wide bounds, because the machine is shared."""
    models = {"flat": Costs(40, 1), "steep": Costs(10, 3)}
    result = measure(models, np.zeros((256, 4)), sweep={"batch": "1,2,4..256"}, runs=300, progress=False)
    flat, steep = result.sweeps
    assert flat.fit is not None
    assert steep.fit is not None
    assert 38e-6 < flat.fit.fixed_seconds < 80e-6
    assert 0.8e-6 < flat.fit.per_row_seconds < 1.5e-6
    assert 2.4e-6 < steep.fit.per_row_seconds < 4.5e-6
    (crossing,) = flat.crossings
    assert crossing.overtakes == "steep"
    assert 8 <= crossing.low <= crossing.high <= 32
