"""Saved results compared: verdicts from launches, what differs, and what the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from latency_tui import load
from latency_tui.analysis.saved_results import compare_saved
from latency_tui.cli import cli
from latency_tui.engine.protocol import Environment
from latency_tui.history.store import History
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report.result import of
from latency_tui.report.saved_comparison import render_comparisons
from latency_tui.result.launch_statistics import LaunchStatistics
from latency_tui.result.result import Result
from tests.unit.fake_result import make_candidate

HERE = Environment(host="box", os="Linux", cpu="A CPU", cores=2, python="3.11.7", versions={"numpy": "2.1"})


def launch(p50: float) -> LaunchStatistics:
    return LaunchStatistics(mean=p50, p50=p50, p90=p50, p95=p50, p97=p50, p99=p50, p99_9=p50)


def saved(factor: float = 1.0, launches: int = 5, models: int = 2, seed: int = 0, **environment: Any) -> Result:
    """A result whose launches differ by half a per cent."""
    random, found = np.random.default_rng((seed, launches)), []
    for model in BUILTIN_MODELS[:models]:
        values = 1e-3 * factor * np.exp(random.normal(0, 0.005, launches))
        found.append(
            msgspec.structs.replace(
                make_candidate(model, float(np.median(values))), per_launch=tuple(map(launch, values.tolist()))
            )
        )
    return Result(
        plan=Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:models]), launches=launches),
        environment=msgspec.structs.replace(HERE, **environment),
        candidates=tuple(found),
    )


def test_several_launches_give_a_verdict_with_an_interval() -> None:
    found = compare_saved(saved(), saved(1.1, seed=1))
    assert [one.verdict for one in found.candidates] == ["slower", "slower"]
    for one in found.candidates:
        assert one.low is not None
        assert one.high is not None
        assert one.low < 1.1 < one.high
        assert (one.launches, one.no_verdict) == ((5, 5), None)
    assert [one.verdict for one in compare_saved(saved(1.1), saved(seed=1)).candidates] == ["faster", "faster"]


def test_one_launch_each_gives_two_figures_and_says_what_would_give_a_verdict() -> None:
    found = compare_saved(saved(launches=1), saved(1.3, launches=1, seed=1))
    for one in found.candidates:
        assert (one.verdict, one.low, one.high, one.no_verdict) == (None, None, None, "launches")
        assert one.ratio == pytest.approx(one.p50 / one.baseline_p50)
    text = render_comparisons([found])
    assert "No verdict" in text
    assert "--launches 5" in text
    assert "slower" not in text


def test_earlier_results_of_the_plan_give_a_verdict_without_launches() -> None:
    earlier = [saved(factor, launches=1, seed=k) for k, factor in enumerate((0.99, 1.0, 1.01, 1.0), start=5)]
    found = compare_saved(saved(launches=1), saved(1.3, launches=1, seed=1), earlier=earlier)
    assert [(one.verdict, one.earlier_results) for one in found.candidates] == [("slower", 4)] * 2
    assert "4 earlier results" in render_comparisons([found])


def test_earlier_results_that_differ_widely_widen_the_interval_of_launches() -> None:
    earlier = [saved(factor, seed=k) for k, factor in enumerate((0.8, 1.0, 1.2, 1.0), start=5)]
    assert compare_saved(saved(), saved(1.1, seed=1), earlier=earlier).candidates[0].verdict == "inconclusive"


def test_another_cpu_needs_force_for_a_verdict() -> None:
    other = saved(1.1, seed=1, cpu="B CPU")
    found = compare_saved(saved(), other)
    assert {one.no_verdict for one in found.candidates} == {"cpu"}
    assert {one.verdict for one in found.candidates} == {None}
    text = render_comparisons([found])
    assert "CPU was A CPU and is B CPU" in text
    assert "--force" in text
    forced = compare_saved(saved(), other, force=True)
    assert [one.verdict for one in forced.candidates] == ["slower", "slower"]


def test_other_versions_and_plans_are_lines_of_their_own() -> None:
    other = saved(seed=1, versions={"numpy": "2.2"}, host="shed")
    workload = msgspec.structs.replace(other.plan.workload, batch_size=16)
    other = msgspec.structs.replace(other, plan=msgspec.structs.replace(other.plan, workload=workload))
    found = compare_saved(saved(), other)
    assert [(one.area, one.name) for one in found.differences] == [
        ("machine", "host"),
        ("version", "numpy"),
        ("plan", "batch size"),
    ]
    lines = render_comparisons([found]).splitlines()
    assert "version  numpy was 2.1 and is 2.2" in lines
    assert "plan     batch size was 1 and is 16" in lines


def test_candidates_of_one_side_are_listed_and_others_match_by_name() -> None:
    other = saved(seed=1, models=3)
    renamed = msgspec.structs.replace(other.candidates[0], slug="from-another-tool")
    other = msgspec.structs.replace(other, candidates=(renamed, *other.candidates[1:]))
    found = compare_saved(saved(), other)
    assert len(found.candidates) == 2
    assert found.only_in_result == (BUILTIN_MODELS[2].name,)
    assert found.only_in_baseline == ()
    assert compare_saved(other, saved()).only_in_baseline == (BUILTIN_MODELS[2].name,)


def test_a_result_compared_with_itself_has_no_verdict() -> None:
    one = saved()
    same = compare_saved(one, one.without_samples())
    assert {(each.ratio, each.verdict, each.no_verdict) for each in same.candidates} == {(1.0, None, "same result")}


def test_models_that_all_shift_in_one_direction_get_a_note() -> None:
    text = render_comparisons([compare_saved(saved(models=3), saved(1.2, seed=1, models=3))])
    assert "All 3 models are slower, so the state of the machine may differ." in text


def test_the_command_compares_files_and_exits_with_0(tmp_path: Path) -> None:
    for name, factor in (("a", 1.0), ("b", 1.1), ("c", 1.2)):
        of(saved(factor, seed=ord(name))).save(tmp_path / f"{name}.json")
    paths = [str(tmp_path / f"{name}.json") for name in "abc"]
    done = CliRunner().invoke(cli, ["compare", *paths])
    assert done.exit_code == 0
    assert done.stdout.count("compared with") == 2
    done = CliRunner().invoke(cli, ["compare", *paths, "--format", "json"])
    verdicts = [[one["verdict"] for one in each["candidates"]] for each in json.loads(done.stdout)]
    assert verdicts == [["slower"] * 2] * 2
    done = CliRunner().invoke(cli, ["compare", *paths, "--format", "markdown"])
    assert "| Logistic Regression |" in done.stdout


@pytest.mark.parametrize("content", [None, "", "[]", '{"plan": 3}'])
def test_what_is_no_result_is_refused_in_a_sentence(tmp_path: Path, content: str | None) -> None:
    of(saved()).save(tmp_path / "a.json")
    if content is not None:
        (tmp_path / "b.json").write_text(content)
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_result_of_the_python_api_compares_and_prints(tmp_path: Path) -> None:
    of(saved()).save(tmp_path / "a.json")
    found = of(saved(1.1, seed=1)).compare(load(tmp_path / "a.json"))
    assert "| model | p50 before | p50 |" in found._repr_markdown_()
    assert found.candidates[0].verdict == "slower"
    assert "Logistic Regression" in str(found)


def test_names_cannot_break_out_of_a_comparison() -> None:
    evil = saved()
    renamed = msgspec.structs.replace(evil.candidates[0], name="\x1b[31m|<b>\n")
    evil = msgspec.structs.replace(evil, candidates=(renamed,))
    for form in ("table", "markdown", "json"):
        text = render_comparisons([compare_saved(evil, evil, names=("\x1b[2J", "b"))], form)
        assert "\x1b" not in text


def test_files_of_other_tools_compare_by_name_and_process(tmp_path: Path) -> None:
    def hyperfine(factor: float) -> str:
        times = [0.1 * factor * (1 + k / 500) for k in range(10)]
        return json.dumps({"results": [{"command": "Logistic Regression", "times": times, "exit_codes": [0] * 10}]})

    for name, factor in (("a", 1.0), ("b", 1.2)):
        (tmp_path / f"{name}.json").write_text(hyperfine(factor))
    done = CliRunner().invoke(cli, ["compare", *(str(tmp_path / f"{name}.json") for name in "ab")])
    assert done.exit_code == 0
    assert "slower" in done.stdout
    of(saved()).save(tmp_path / "ours.json")
    done = CliRunner().invoke(cli, ["compare", str(tmp_path / "ours.json"), str(tmp_path / "b.json")])
    assert done.exit_code == 0
    assert "Logistic Regression  " in done.stdout
    assert "missing  Linear SVM is only in" in done.stdout or "Random Forest is only in" in done.stdout
    assert "CPU is A CPU in one and unknown in the other" in done.stdout


def test_results_of_the_history_are_named_by_name_and_age(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History.open(path, create=True) as history:
        for factor, seed in ((1.0, 1), (1.01, 2), (0.99, 3), (1.0, 4)):
            history.save(saved(factor, launches=1, seed=seed))
        history.save(saved(launches=1, seed=5), name="release")
        history.save(saved(1.4, launches=1, seed=6))
    arguments = ["--history", str(path), "--format", "json"]
    done = CliRunner().invoke(cli, ["compare", "release", "last", *arguments])
    (found,) = json.loads(done.stdout)
    assert [(one["verdict"], one["earlier_results"]) for one in found["candidates"]] == [("slower", 4)] * 2
    done = CliRunner().invoke(cli, ["compare", "release", "last~99", *arguments])
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
