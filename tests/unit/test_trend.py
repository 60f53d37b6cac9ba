"""The trend of a plan over its saved results."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from latency_tui.analysis.saved_results import ComparedResult, differences_of
from latency_tui.analysis.trend import find_trend
from latency_tui.analysis.trend_confirmation import plan_to_confirm
from latency_tui.catalog.configuration import find_configuration
from latency_tui.catalog.working_tree import WorkingTree
from latency_tui.cli.confirm_trend import confirm_changes
from latency_tui.plan import Candidate, LoadTest, ModelSpec, Plan
from latency_tui.plan.limits import parse_limit
from latency_tui.plan.sweep import Sweep
from latency_tui.report.trend import render_trend
from latency_tui.result.result import Result
from latency_tui.result.trend import CandidateTrend, Trend, TrendChange
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.text.trend import describe_confirmation, sparkline
from tests.unit.fake_result import make_result

START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def results(factors: list[float], *, numpy_from: int = 99) -> dict[str, Result]:
    """Return results of one plan, the newest first: p50 times a factor, and another numpy from some result on."""
    base = make_result()
    assert base.environment is not None
    found = {}
    for number, factor in enumerate(factors):
        candidates = []
        for candidate in base.candidates:
            statistics = candidate.statistics
            if statistics is not None:
                p50 = msgspec.structs.replace(statistics.p50, value=(statistics.p50.value or 0.0) * factor)
                statistics = msgspec.structs.replace(statistics, p50=p50)
            candidates.append(msgspec.structs.replace(candidate, statistics=statistics, per_launch=()))
        versions = {**base.environment.versions, "numpy": "2.2" if number >= numpy_from else "2.1"}
        found[f"id{number}"] = msgspec.structs.replace(
            base,
            created_at=START + timedelta(days=number),
            candidates=tuple(candidates),
            environment=msgspec.structs.replace(base.environment, versions=versions),
        )
    return dict(reversed(found.items()))


def noise(count: int) -> np.ndarray:
    return np.exp(np.random.default_rng(1).normal(0, 0.005, count))


def test_a_slowdown_names_its_result_its_size_and_what_changed_there() -> None:
    factors = noise(20)
    factors[12:] *= 1.2
    trend = find_trend(results(factors.tolist(), numpy_from=12))
    [change] = trend.candidates[0].changes or ()
    assert (change.before, change.since) == ("id11", "id12")
    assert change.low < 1.2 < change.high
    assert [difference.name for difference in change.differences] == ["numpy"]
    text = render_trend(trend)
    assert "slower from here" in text
    assert "numpy was 2.1 and is 2.2." in text
    assert json.loads(render_trend(trend, "json"))["candidates"][0]["changes"][0]["since"] == "id12"


def test_an_unexplained_change_says_that_nothing_else_changed() -> None:
    factors = noise(20)
    factors[12:] /= 1.2
    assert "machine, versions and files are the same." in render_trend(find_trend(results(factors.tolist())))


def test_a_steady_plan_has_no_change() -> None:
    trend = find_trend(results(noise(20).tolist()))
    assert trend.candidates[0].changes == ()
    assert "No change of p50 was found in 20 results." in render_trend(trend)


def test_few_results_are_listed_without_a_search_for_changes() -> None:
    trend = find_trend(results([1.0, 2.0]))
    assert trend.candidates[0].changes is None
    assert "Changes can be found from 10 results on; there are 2." in render_trend(trend)


def test_results_of_another_machine_are_left_out_and_counted() -> None:
    found = results([1.0] * 4)
    environment = found["id1"].environment
    assert environment is not None
    found["id1"] = msgspec.structs.replace(found["id1"], environment=msgspec.structs.replace(environment, cpu="other"))
    trend = find_trend(found)
    assert [point.result for point in trend.candidates[0].points] == ["id0", "id2", "id3"]
    assert "1 more of other machines is left out." in render_trend(trend)


@pytest.mark.parametrize(("values", "bars"), [([1, 2, 3], "▁▅█"), ([1, 1], "▄▄")])
def test_a_sparkline_goes_from_the_smallest_to_the_largest(values: list[float], bars: str) -> None:
    assert sparkline(values) == bars


def confirmable(tmp_path: Path, *contents: str) -> tuple[Result, Result]:
    """Return two results of a model file of the same name in two folders, with the hashes of its contents."""
    found = []
    for number, content in enumerate(contents):
        file = tmp_path / str(number) / "model.onnx"
        file.parent.mkdir()
        file.write_text(content)
        spec = ModelSpec(name="model.onnx", file=str(file), file_format="onnx")
        plan = msgspec.structs.replace(make_result().plan, candidates=(Candidate(model=spec),), baseline=None)
        found.append(
            msgspec.structs.replace(
                make_result(),
                plan=plan,
                created_at=START + timedelta(days=number),
                inputs={str(file): hashlib.sha256(content.encode()).hexdigest()},
            )
        )
    return found[0], found[1]


def test_both_sides_of_a_change_are_measured_in_turns_if_both_files_exist(tmp_path: Path) -> None:
    before, since = confirmable(tmp_path, "old", "new")
    plan = plan_to_confirm("model.onnx", before, since)
    assert isinstance(plan, Plan)
    assert [one.model.file for one in plan.candidates] == [str(tmp_path / part / "model.onnx") for part in "01"]
    assert [one.name for one in plan.candidates] == ["model.onnx before", "model.onnx after"]
    assert (plan.baseline, plan.until_known, plan.runs) == (plan.candidates[0].slug, True, None)
    names = [one.name for one in differences_of(ComparedResult.of(before), ComparedResult.of(since))]
    assert "model.onnx" in names, "the content of a file of the same name in another folder is compared"


@pytest.mark.parametrize(
    "fields",
    [
        {"load": LoadTest(find_rate=True), "limits": (parse_limit("p99 < 5ms"),)},
        {"sweeps": (Sweep(parameter="batch", values=(1, 8)),)},
        {"steps": True, "cold_start": True, "control": True},
    ],
)
def test_a_change_of_any_plan_is_confirmed_by_calls_alone(tmp_path: Path, fields: dict[str, Any]) -> None:
    before, since = confirmable(tmp_path, "old", "new")
    since = msgspec.structs.replace(since, plan=msgspec.structs.replace(since.plan, **fields))
    plan = plan_to_confirm("model.onnx", before, since)
    assert isinstance(plan, Plan)
    assert (plan.load, plan.sweeps, plan.steps, plan.cold_start, plan.limits) == (None, (), False, False, ())


def test_why_a_change_cannot_be_confirmed_is_one_sentence(tmp_path: Path) -> None:
    before, since = confirmable(tmp_path, "old", "new")
    (tmp_path / "0" / "model.onnx").write_text("overwritten")
    said = [plan_to_confirm("model.onnx", before, since)]
    (tmp_path / "0" / "model.onnx").unlink()
    said += [
        plan_to_confirm("model.onnx", before, since),
        plan_to_confirm("model.onnx", since, since),
        plan_to_confirm("model.onnx", msgspec.structs.replace(since, inputs={}), since),
        plan_to_confirm("other", before, since),
    ]
    reasons = (
        "has another content than",
        "does not exist any more",
        "of the same model",
        "another content now",
        "both",
    )
    for sentence, reason in zip(said, reasons, strict=True):
        assert isinstance(sentence, str)
        assert reason in sentence
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("verdict", "interval", "sentence"),
    [
        ("slower", (1.3, 1.28, 1.32), "is confirmed: measured in turns, it is 1.30× slower"),
        ("same", (1.001, 0.999, 1.003), "is not confirmed: measured in turns, both sides are the same"),
        ("faster", (0.8, 0.79, 0.81), "is not confirmed: measured in turns, it is 1.25× faster"),
        ("inconclusive", (1.1, 0.9, 1.3), "is undecided; the ratio measured in turns is 1.1"),
    ],
)
def test_a_measurement_in_turns_confirms_a_change_or_not(
    verdict: Verdict, interval: tuple[float, float, float], sentence: str
) -> None:
    factors = noise(20)
    factors[12:] *= 1.2
    candidate = find_trend(results(factors.tolist())).candidates[0]
    [change] = candidate.changes or ()
    ratio, low, high = interval
    measured = Comparison(baseline="a", candidate="b", ratio=ratio, low=low, high=high, verdict=verdict)
    assert sentence in describe_confirmation(candidate, change, measured)


def test_a_pickle_of_two_commits_is_not_confirmed_without_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = ModelSpec(name="model.pkl", file="model.pkl", file_format="pickle")
    plan = msgspec.structs.replace(make_result().plan, candidates=(Candidate(model=spec),), baseline=None)
    found = {
        commit: msgspec.structs.replace(
            make_result(),
            plan=plan,
            inputs={"model.pkl": commit * 64},
            working_tree=WorkingTree(root="/gone", folder=".", commit=commit * 40),
        )
        for commit in "ab"
    }
    change = TrendChange(before="a", since="b", ratio=1.3, low=1.2, high=1.4, p_value=0.0001)
    candidate = CandidateTrend(candidate="model.pkl", name="model.pkl", points=(), changes=(change,))
    trend = Trend(title="", host="", cpu="", candidates=(candidate,))
    for trusted, reason in (((), "add --trust model.pkl"), (("model.pkl",), "--confirm needs a git repository")):
        assert confirm_changes(trend, found, trusted, find_configuration(None)) == 0
        assert reason in capsys.readouterr().err
