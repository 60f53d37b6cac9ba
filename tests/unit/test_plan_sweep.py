"""Sweeps as they are typed, the cells that they make, and what each cell computes."""

from __future__ import annotations

from typing import Any

import pytest

from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, BundledDataset, Candidate, ModelSpec, Plan, Workload, expand, parse_sweep
from latency_tui.plan.load import LoadTest
from latency_tui.plan.mix import parse_mix
from latency_tui.report.command import format_command

MODELS = tuple(Candidate(model=model) for model in BUILTIN_MODELS)


def swept(*texts: str, models: int = 2, **fields: Any) -> Plan:  # Any: whatever a plan takes
    sweeps = tuple(parse_sweep(text) for text in texts)
    return Plan(candidates=expand(MODELS[:models], sweeps), sweeps=sweeps, **fields)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("batch=1,2,4..256", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
        ("batch=4..256", (4, 8, 16, 32, 64, 128, 256)),
        ("batch=1..100", (1, 2, 4, 8, 16, 32, 64, 100)),
        ("batch=1,3,9..100", (1, 3, 9, 27, 81, 100)),
        ("batch=10,20..50", (10, 20, 30, 40, 50)),
        ("batch=1,5,9..20", (1, 5, 9, 13, 17, 20)),
        ("batch=1..8,64,128,256..1024", (1, 2, 4, 8, 64, 128, 256, 512, 1024)),
        ("batch = 4 , 1,2", (1, 2, 4)),
        ("C=0.01,0.1,1..100", (0.01, 0.1, 1.0, 10.0, 100.0)),
        ("max_features=0.25,0.5..1", (0.25, 0.5, 0.75, 1.0)),
        ("C=0.5..2", (0.5, 1.0, 2.0)),
        ("kernel=rbf,linear", ("rbf", "linear")),
        ("warm_start=true,false", (True, False)),
        ("x=-10,0..20", (-10, 0, 10, 20)),
    ],
)
def test_values_are_read_as_typed(text: str, values: tuple[Any, ...]) -> None:
    sweep = parse_sweep(text)
    assert sweep.values == values
    assert [type(value) for value in sweep.values] == [type(value) for value in values]
    assert parse_sweep(str(sweep)) == sweep


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch", "is written setting=values"),
        ("=1,2", "is written setting=values"),
        ("my batch=1,2", "is written setting=values"),
        ("batch=", "empty value"),
        ("batch=1,,2", "empty value"),
        ("batch=1,2,", "empty value"),
        ("batch=1", "at least two values"),
        ("batch=1,1", "at least two values"),
        ("batch=1,2,2", "has the value 2 twice"),
        ("batch=0,1", "whole number from 1"),
        ("batch=1.5,2", "whole number from 1"),
        ("batch=1,many", "whole number from 1"),
        ("threads=1,5000", "threads must be"),
        ("features=1,2,true", "features must be"),
        ("batch=8..4", "must rise"),
        ("batch=4..4", "must rise"),
        ("batch=..4", "number on both sides"),
        ("batch=4..", "number on both sides"),
        ("batch=1..2..4", "number on both sides"),
        ("batch=a..b", "number on both sides"),
        ("C=1..inf", "number on both sides"),
        ("C=nan,1", "finite"),
        ("C=0..4", "positive number"),
        ("C=l1,1..4", "is not a number"),
        ("C=4,2..8", "must rise"),
        ("C=1,3,4..8", "no common step"),
        ("batch=1,2..1000000", "at most 128 cells"),
        ("dtype=float32,float16", "dtype must be float32 or float64"),
        ("python=a,b", "cannot change the interpreter"),
    ],
)
def test_each_mistake_has_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        parse_sweep(text)
    assert str(raised.value).count(".\n") == 0
    assert str(raised.value).endswith(".")


def test_each_model_is_a_candidate_at_each_value() -> None:
    plan = swept("batch=1,2,4")
    assert [candidate.slug for candidate in plan.candidates] == [
        *(f"logistic-regression[batch={rows}]" for rows in (1, 2, 4)),
        *(f"random-forest[batch={rows}]" for rows in (1, 2, 4)),
    ]
    assert [candidate.slug for candidate in plan.curves] == ["logistic-regression", "random-forest"]


def test_two_sweeps_are_combined() -> None:
    plan = swept("batch=1,2", "threads=1,2", models=1)
    assert [one.settings for one in plan.candidates] == [
        {"batch": rows, "threads": threads} for rows in (1, 2) for threads in (1, 2)
    ]
    assert len(plan.curves) == 1


@pytest.mark.parametrize(
    ("texts", "fields", "said"),
    [
        (("batch=1,2", "batch=4,8"), {}, "swept twice"),
        (("batch=1..65536",), {"models": 6}, None),
        (("C=1,2..60",), {"models": 6}, "6 models × 60 values of C are 360 cells"),
        (("batch=1,2",), {"until_known": True, "runs": None}, "replace --until-known by -n RUNS or -t SECONDS"),
        (("batch=1,2",), {"until_known": True, "runs": None, "load": LoadTest(offline=True)}, "one batch size with -b"),
        (("threads=1,2",), {"workload": Workload(mix=parse_mix("0.8:1,0.2:64"))}, "remove --sweep to measure the mix"),
        (("features=5,10",), {"workload": Workload(dataset=BundledDataset(name="iris"))}, "only generated data"),
    ],
)
def test_a_plan_of_cells_is_checked(texts: tuple[str, ...], fields: dict[str, Any], said: str | None) -> None:
    if said is None:
        assert len(swept(*texts, **fields).candidates) == 6 * 17
        return
    with pytest.raises(UsageError, match=said):
        swept(*texts, **fields)


def test_a_model_that_sets_what_is_swept_is_refused() -> None:
    candidate = Candidate(model=BUILTIN_MODELS[1], settings={"batch": 4})
    with pytest.raises(UsageError, match="which the sweep sets as well"):
        expand([candidate], [parse_sweep("batch=1,2")])


def test_features_of_a_model_in_a_file_are_not_swept() -> None:
    sweep = parse_sweep("features=5,10")
    model = ModelSpec(name="mine", file="mine.onnx")
    with pytest.raises(UsageError, match="the model in a file is fitted"):
        Plan(candidates=expand([Candidate(model=model)], [sweep]), sweeps=(sweep,))


def test_a_cell_computes_its_own_rows_and_columns() -> None:
    one, other = swept("batch=1,64", models=1).candidates
    plan = swept("batch=1,64", models=1, workload=Workload(batch_size=7))
    assert [plan.workload_of(cell).batch_size for cell in (one, other)] == [1, 64]
    assert plan.rows_per_call("logistic-regression[batch=64]") == 64
    wide = swept("features=10,1000", models=1)
    datasets = [plan.workload_of(cell).dataset for cell in wide.candidates]
    assert [getattr(dataset, "features", None) for dataset in datasets] == [10, 1000]


def test_cells_are_compared_within_a_value_or_a_model() -> None:
    plan = swept("batch=1,2")  # logistic 1, logistic 2, forest 1, forest 2
    assert [plan.are_compared(0, other) for other in (1, 2, 3)] == [True, True, False]


def test_predictions_of_larger_batches_are_compared_with_the_smallest() -> None:
    pairs = swept("batch=1,2,4", models=1).prediction_pairs
    first = "logistic-regression[batch=1]"
    assert pairs == dict.fromkeys(("logistic-regression[batch=2]", "logistic-regression[batch=4]"), first)
    assert not swept("threads=1,2").prediction_pairs


def test_the_command_of_a_sweep_names_models_once() -> None:
    command = format_command(swept("batch=1,2,4..16", "threads=1,2"))
    assert command == (
        "latency-tui run -m logistic-regression -m random-forest --sweep batch=1,2,4,8,16 --sweep threads=1,2 -n 100"
    )
