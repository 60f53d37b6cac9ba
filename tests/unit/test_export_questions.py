"""Load tests, sweeps, steps and mixes in CSV, in Parquet and in the formats of other tools."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import msgspec
import pytest

from latency_tui.plan.mix import parse_mix
from latency_tui.report import Format, render
from latency_tui.report.parquet import call_columns
from latency_tui.report.result import of
from latency_tui.result.offline import OfflineResult
from latency_tui.result.result import Result
from latency_tui.text.exports import describe_omissions
from tests.unit.fake_load import make_load_result, make_search_result
from tests.unit.fake_result import make_result
from tests.unit.test_steps import with_steps
from tests.unit.test_sweeps import measured as sweep


@pytest.fixture(scope="module")
def swept() -> Result:
    return sweep("batch=1,4,16,64", {"flat": lambda n: 40 + n, "steep": lambda n: 10 + 3 * n})


def rows_of(result: Result, kind: str) -> list[dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(render(result, "csv")), strict=True))
    assert [row["kind"] for row in found[: len(result.candidates)]] == ["model"] * len(result.candidates)
    return [{name: cell for name, cell in row.items() if cell} for row in found if row["kind"] == kind]


def test_csv_has_one_row_per_model_and_rate_and_repeats_nothing() -> None:
    result = make_load_result(100.0, 500.0)
    rows = rows_of(result, "rate")
    assert len(rows_of(result, "model")) == 3
    assert [(row["slug"], float(row["rate"])) for row in rows] == [(one.candidate, one.rate) for one in result.load]
    assert not any("p50" in row for row in rows), "the latency alone is that of the model"
    assert float(rows[0]["response_p99"]) == result.load[0].response.p99
    assert rows[-1]["overloaded"] == "True"
    assert "response_p99" not in rows[-1]


def test_csv_has_the_outcome_of_a_search_with_each_model() -> None:
    found = {row["slug"]: row for row in rows_of(make_search_result(), "model")}
    assert float(found["linear-svm"]["highest_passing_rate"]) == 500
    assert "highest_passing_rate" not in found["random-forest"]
    assert float(found["random-forest"]["lowest_failing_rate"]) == 10


def test_csv_has_value_fit_and_crossing_of_a_sweep(swept: Result) -> None:
    assert [row["sweep_batch"] for row in rows_of(swept, "model")] == ["1", "4", "16", "64"] * 2
    fits = {row["slug"]: row for row in rows_of(swept, "curve")}
    fit = next(curve.fit for curve in swept.sweeps if curve.candidate == "flat")
    assert fit is not None
    assert float(fits["flat"]["per_row_seconds"]) == fit.per_row_seconds
    (crossing,) = rows_of(swept, "crossing")
    assert (crossing["name"], crossing["overtakes"]) == ("flat", "steep")
    assert float(crossing["value_low"]) < 15 < float(crossing["value_high"])


def test_csv_has_each_step_the_call_and_what_is_inside_it() -> None:
    rows = rows_of(with_steps(), "step")
    kinds = [row["step_kind"] for row in rows]
    assert kinds[0] == "call"
    assert {"step", "rest"} <= set(kinds)
    words = next(row for row in rows if row.get("step") == "columns › words")
    assert (words["parent"], words["depth"]) == ("columns", "1")
    assert float(words["share"]) == pytest.approx(0.5)
    assert float(words["seconds"]) == pytest.approx(500e-6)


def test_figures_in_python_have_the_columns_of_the_models_in_csv(swept: Result) -> None:
    for result in (swept, make_search_result(), with_steps()):
        (first, *_) = of(result).summary()
        assert set(rows_of(result, "model")[0]) - {"kind"} <= set(first)


def test_a_notebook_shows_the_table_of_each_question(swept: Result) -> None:
    page = of(make_load_result(100.0, 500.0))._repr_html_()
    assert page.count("<table>") == 2
    assert "capacity per core" in page
    assert "500/s" in page
    two = msgspec.structs.replace(swept, plan=msgspec.structs.replace(swept.plan, sweeps=swept.plan.sweeps * 2))
    assert of(two)._repr_html_().count("<table>") == 2
    offline = OfflineResult(candidate="linear-svm", batch_size=1, workers=1, worker_kind="process", rows_per_second=9.0)
    assert "rows per call" in of(msgspec.structs.replace(make_result(), offline=(offline,)))._repr_html_()


def test_calls_of_a_sweep_have_the_value_of_its_setting(swept: Result) -> None:
    columns = call_columns(swept, "parquet")
    for slug in (0, 3, 7):
        mine = columns["sweep_batch"][columns["candidate"] == slug]
        assert set(mine.tolist()) == {(1, 4, 16, 64)[slug % 4]}


def test_words_that_were_swept_are_texts_in_the_calls() -> None:
    result = sweep("kernel=rbf,linear", {"svm": lambda _: 40.0})
    assert set(call_columns(result, "parquet")["sweep_kernel"].tolist()) == {"rbf", "linear"}


def test_github_action_benchmark_has_response_times_under_their_own_names() -> None:
    entries = {
        one["name"]: one for one in json.loads(render(make_load_result(100.0, 500.0), "github-action-benchmark"))
    }
    alone, loaded = entries["Linear SVM p50"], entries["Linear SVM response p99 at 500/s"]
    assert alone["extra"].startswith("1 row per call, one call after another\n")
    assert loaded["value"] > alone["value"]
    assert "Random Forest response p50 at 100/s" in entries
    assert not any(name.startswith("Random Forest response") and name.endswith("500/s") for name in entries)
    searched = json.loads(render(make_search_result(), "github-action-benchmark"))
    assert not any("response" in one["name"] for one in searched), "each search tries other rates"


def test_other_tools_see_the_mix_and_the_batch_size_of_calls() -> None:
    made = make_result()
    mix = msgspec.structs.replace(made.plan.workload, mix=parse_mix("0.8:1,0.2:64"))
    first = msgspec.structs.replace(made.candidates[0], mix_average=5e-3)
    mixed = msgspec.structs.replace(
        made, plan=msgspec.structs.replace(made.plan, workload=mix), candidates=(first, *made.candidates[1:])
    )
    assert json.loads(render(mixed, "hyperfine"))["results"][0]["parameters"] == {"mix": "0.8:1,0.2:64"}
    average = json.loads(render(mixed, "github-action-benchmark"))[0]
    assert (average["name"], average["value"]) == ("Random Forest average call", 5.0)
    assert average["extra"].startswith("mix of 80 % 1 row, 20 % 64 rows\n")
    work = msgspec.structs.replace(made.plan.workload, batch_size=64)
    batched = msgspec.structs.replace(made, plan=msgspec.structs.replace(made.plan, workload=work))
    assert json.loads(render(batched, "hyperfine"))["results"][0]["parameters"] == {"batch": "64"}
    assert json.loads(render(batched, "github-action-benchmark"))[0]["extra"].startswith("64 rows per call\n")


def test_junit_has_a_test_case_per_search_that_fails_if_no_rate_passes() -> None:
    root = ElementTree.fromstring(render(make_search_result(), "junit"))
    cases = {case.get("classname"): case for case in root.iter("testcase")}
    assert {case.get("name") for case in cases.values()} == {"p99 < 5ms at any rate"}
    assert [child.tag for child in cases["Random Forest"]] == ["failure"]
    passed = cases["Linear SVM"].findtext("system-out") or ""
    assert passed.startswith("Linear SVM passes at 500/s and fails at 520/s")


def test_junit_says_the_answer_and_the_sentences_of_a_sweep(swept: Result) -> None:
    said = ElementTree.fromstring(render(swept, "junit")).findtext("testsuite/system-out") or ""
    assert said.startswith(swept.answer)
    assert "flat overtakes steep" in said


def test_the_picture_has_a_chart_per_question(swept: Result) -> None:
    def headings(result: Result) -> list[str]:
        root = ElementTree.fromstring(render(result, "svg"))
        return [str(one.text) for one in root if one.get("class") == "name heading"]

    assert headings(make_result()) == [], "one chart needs no heading"
    assert headings(make_load_result(20.0, 100.0)) == [
        "p50 of a call, one call after another; whisker: p99",
        "p99 of the response time at each request rate",
    ]
    assert headings(with_steps()) == ["p50 of a call; whisker: p99", "Where the time goes: Churn"]
    picture = render(swept, "svg")
    assert "flat, 16 rows: p50" in picture
    assert ">steep</text>" in picture
    assert ">columns (ColumnTransformer)<" in render(with_steps(), "svg")


def test_a_search_and_a_load_at_one_rate_say_what_the_picture_lacks() -> None:
    assert describe_omissions(make_load_result(20.0, 100.0), "svg") == ""
    assert "the load test" in describe_omissions(make_load_result(20.0), "svg")


def test_what_a_format_leaves_out_is_said(swept: Result) -> None:
    load, steps = make_load_result(100.0), with_steps()
    offline = OfflineResult(candidate="linear-svm", batch_size=1, workers=1, worker_kind="process", rows_per_second=9.0)
    both = msgspec.structs.replace(steps, offline=(offline,))
    assert describe_omissions(both, "hyperfine") == (
        "hyperfine has no place for the offline throughput and the steps; export csv, html or json for that."
    )
    assert describe_omissions(load, "pyperf").startswith("pyperf has no place for the load test;")
    assert describe_omissions(load, "github-action-benchmark") == ""
    assert "load test" in describe_omissions(make_search_result(), "github-action-benchmark")
    assert "fits of the sweep" in describe_omissions(swept, "pyperf")
    complete: tuple[Format, ...] = ("table", "json", "csv", "parquet", "markdown", "html")
    assert not any(describe_omissions(one, form) for one in (load, both, swept) for form in complete)
    assert not describe_omissions(make_result(), "junit")
