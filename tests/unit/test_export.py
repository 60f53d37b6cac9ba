"""Results in the formats of other tools, read back by those tools or by the fields that they document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from latency_tui.cli import cli
from latency_tui.errors import NothingToExportError, UsageError
from latency_tui.history.reading import read_result, read_result_or_suite
from latency_tui.history.store import History
from latency_tui.plan.settings import Setting
from latency_tui.report import FORMATS, pieces, render, write
from latency_tui.report.call_samples import split_processes
from latency_tui.report.formats import Format, check_format
from latency_tui.report.parquet import METADATA_KEY
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.other_tools import Suite
from latency_tui.result.result import Result, load
from tests.unit.fake_result import EVIL_ERROR, EVIL_NAME, make_evil_result, make_result, make_statistics

MEASURED = ["Random Forest", "Logistic Regression", "Linear SVM"]


@pytest.fixture(scope="module")
def result() -> Result:
    """Three measured candidates whose latencies vary, in two launches."""
    made, random = make_result(), np.random.default_rng(0)
    candidates = tuple(
        replace(
            one, samples=one.samples * random.lognormal(0, 0.1, 100), launches=(0, 50), rounds=tuple(range(0, 100, 10))
        )
        if one.samples is not None
        else one
        for one in made.candidates
    )
    return replace(made, candidates=candidates)


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["export", *arguments])
    return done.exit_code, done.stdout, done.stderr


# --- pyperf ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pyperf_file(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pyperf") / "a.pyperf.json"
    write(result, path)
    return path


def test_pyperf_reads_values_runs_and_metadata(result: Result, pyperf_file: Path) -> None:
    pyperf = pytest.importorskip("pyperf")
    suite = pyperf.BenchmarkSuite.load(str(pyperf_file))
    assert suite.get_benchmark_names() == MEASURED
    for benchmark, candidate in zip(suite.get_benchmarks(), result.candidates, strict=False):
        assert candidate.samples is not None
        assert list(benchmark.get_values()) == candidate.samples.tolist()
        assert (benchmark.get_nrun(), benchmark.get_loops(), benchmark.get_unit()) == (2, 1, "second")
        known = benchmark.get_metadata()
        assert (known["hostname"], known["cpu_model_name"], known["cpu_count"]) == ("box", "A CPU", 2)
        assert (known["python_version"], known["cpu_affinity"]) == ("3.11.7", "1")


@pytest.mark.parametrize("command", ["stats", "compare_to", "dump", "check", "metadata"])
def test_commands_of_pyperf_accept_the_file(pyperf_file: Path, command: str) -> None:
    pytest.importorskip("pyperf")
    files = [str(pyperf_file)] * (2 if command == "compare_to" else 1)
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", command, *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Logistic Regression" in done.stdout


def test_a_process_is_a_launch_and_a_replica_where_they_are_known(result: Result) -> None:
    candidate = result.candidates[0]
    assert candidate.samples is not None
    assert [part.size for part in split_processes(result, candidate, candidate.samples)] == [50, 50]


def test_versions_of_another_environment_stand_at_its_benchmark(result: Result, tmp_path: Path) -> None:
    pyperf = pytest.importorskip("pyperf")
    older = replace(result.candidates[0], versions={"Python": "3.12.1", "scikit-learn": "1.5.0"})
    write(replace(result, candidates=(older, *result.candidates[1:])), tmp_path / "a.pyperf.json")
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "a.pyperf.json"))
    known = [one.get_metadata() for one in suite.get_benchmarks()]
    assert [one["python_version"] for one in known] == ["3.12.1", "3.11.7", "3.11.7"]
    assert [one["scikit_learn_version"] for one in known] == ["1.5.0", "1.9.0", "1.9.0"]


# --- hyperfine ------------------------------------------------------------------------------------------------------


def test_hyperfine_json_has_the_documented_fields(result: Result) -> None:
    document = json.loads(render(result, "hyperfine"))
    assert [entry["command"] for entry in document["results"]] == MEASURED
    for entry, candidate in zip(document["results"], result.candidates, strict=False):
        assert candidate.samples is not None
        assert candidate.statistics is not None
        assert entry["times"] == candidate.samples.tolist()
        assert entry["exit_codes"] == [0] * 100
        assert (entry["user"], entry["system"]) == (None, None)
        figures = [entry[name] for name in ("mean", "stddev", "median", "min", "max")]
        known = candidate.statistics
        assert figures == [known.mean, known.std, known.p50.value, known.min, known.max]


def test_settings_become_parameters_of_hyperfine(result: Result) -> None:
    settings: dict[str, Setting] = {"n_jobs": 1}
    first = replace(result.plan.candidates[1], settings=settings)
    candidate = replace(result.candidates[0], slug=first.slug, name=first.name)
    changed = Result(plan=replace(result.plan, candidates=(first,)), candidates=(candidate,))
    [entry] = json.loads(render(changed, "hyperfine"))["results"]
    assert (entry["command"], entry["parameters"]) == ("Random Forest [n_jobs=1]", {"n_jobs": "1"})


@pytest.mark.parametrize(("form", "processes"), [("hyperfine", 1), ("pyperf", 2)])
def test_our_files_for_other_tools_are_read_back(result: Result, tmp_path: Path, form: str, processes: int) -> None:
    write(result, tmp_path / f"a.{form}.json")
    suite = read_result_or_suite(tmp_path / f"a.{form}.json")
    assert isinstance(suite, Suite)
    assert [one.name for one in suite.benchmarks] == MEASURED
    for benchmark, candidate in zip(suite.benchmarks, result.candidates, strict=False):
        assert candidate.samples is not None
        assert benchmark.samples.tolist() == candidate.samples.tolist()
        assert len(benchmark.launches) == processes


@pytest.mark.parametrize("form", ["pyperf", "hyperfine"])
def test_a_file_of_many_calls_is_never_one_text(result: Result, form: Format) -> None:
    samples = np.arange(1, 250_001) / 1e9
    long = replace(result.candidates[0], samples=samples, launches=(0,), calls=250_000)
    parts = list(pieces(replace(result, candidates=(long,)), form))
    text = "".join(parts)
    assert max(map(len, parts)) < len(text) / 2
    document = json.loads(text)
    found = document["results"][0]["times"] if form == "hyperfine" else document["benchmarks"][0]["runs"][0]["values"]
    assert found == samples.tolist()


# --- github-action-benchmark ----------------------------------------------------------------------------------------


def test_values_of_the_action_are_milliseconds_and_a_bound_is_left_out(result: Result) -> None:
    entries = json.loads(render(result, "github-action-benchmark"))
    assert [entry["name"] for entry in entries] == [f"{name} p50" for name in MEASURED]
    linear = entries[2]
    assert {name: linear[name] for name in ("unit", "value", "range")} == {
        "unit": "ms",
        "value": 0.0713,
        "range": "95 % CI 0.070587–0.072726",
    }
    assert linear["extra"].splitlines() == [
        "1 row per call",
        "calls: 100",
        "launches: 2",
        "slower, compared with Logistic Regression: 1.15× slower (95 % CI 1.13–1.17)",
        "CPU: A CPU, on this host",
    ]


def test_a_p99_with_enough_calls_is_a_value_of_the_action(result: Result) -> None:
    candidate = replace(result.candidates[0], statistics=make_statistics(1e-3, calls=1000))
    entries = json.loads(render(replace(result, candidates=(candidate,), comparisons=()), "github-action-benchmark"))
    assert [(entry["name"], entry["value"]) for entry in entries] == [
        ("Random Forest p50", 1.0),
        ("Random Forest p99", 1.6),
    ]


# --- JUnit ----------------------------------------------------------------------------------------------------------


def verdict(word: str, slug: str = "linear-svm", **more: float) -> LimitVerdict:
    return msgspec.convert(
        {
            "limit": "p99 < 1ms",
            "candidate": slug,
            "metric": "p99",
            "bound": 1e-3,
            "verdict": word,
            "value": 9e-4,
            **more,
        },
        LimitVerdict,
    )


def test_limits_become_passed_failed_and_skipped_test_cases(result: Result) -> None:
    limits = (
        verdict("fail", "random-forest", value=4e-3, low=3.5e-3, high=4.5e-3),
        verdict("pass", "logistic-regression"),
        verdict("inconclusive", low=8e-4, high=1.2e-3, runs_to_decide=500, seconds_to_decide=2.0),
    )
    root = ElementTree.fromstring(render(replace(result, limits=limits), "junit"))
    [suite] = root
    assert root.tag == "testsuites"
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "hostname")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2", "hostname": "box"}
    cases = {case.get("classname"): case for case in suite.iter("testcase")}
    failure, error = cases["Random Forest"].find("failure"), cases["RBF SVM"].find("error")
    skipped = cases["Linear SVM"].find("skipped")
    assert failure is not None
    assert error is not None
    assert skipped is not None
    assert failure.get("message") == "Random Forest fails p99 < 1ms: 4.00 ms (3.50–4.50 ms)."
    assert error.get("message") == "ValueError: no such kernel"
    assert "about 500 more runs (2 s) would likely decide" in str(skipped.get("message"))
    assert cases["Logistic Regression"].get("name") == "p99 < 1ms"
    assert [child.tag for child in cases["Logistic Regression"]] == ["system-out"]


def test_names_do_not_break_out_of_xml() -> None:
    made = make_evil_result()
    failed = replace(made.candidates[1], name="\ufffe & <a/> \x00 ]]>", traceback=f"{EVIL_ERROR}\nlast \x1b[1mline")
    text = render(replace(made, candidates=(made.candidates[0], failed)), "junit")
    cases = list(ElementTree.fromstring(text).iter("testcase"))
    assert [case.get("classname") for case in cases] == [
        "=cmd|' /C calc'!A0, \"quoted\" | red <b>bold</b>",
        "\N{REPLACEMENT CHARACTER} & <a/>  ]]>",
    ]
    assert str(cases[1].findtext("error")).splitlines()[-1] == "last line"


# --- Parquet --------------------------------------------------------------------------------------------------------


def test_parquet_has_a_row_per_call_and_the_result_in_its_metadata(result: Result, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write(result, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["candidate", "launch", "round", "seconds"]
    assert table.num_rows == 300
    rows = table.to_pylist()
    assert [rows[index]["candidate"] for index in (0, 100, 200)] == [
        "random-forest",
        "logistic-regression",
        "linear-svm",
    ]
    assert [(rows[index]["launch"], rows[index]["round"]) for index in (0, 49, 50, 99)] == [
        (0, 0),
        (0, 4),
        (1, 5),
        (1, 9),
    ]
    assert result.candidates[2].samples is not None
    assert [row["seconds"] for row in rows[200:]] == result.candidates[2].samples.tolist()
    document = json.loads(table.schema.metadata[METADATA_KEY.encode()])
    assert document["answer"] == result.answer
    assert document["candidates"][0]["samples"] is None


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"Parquet needs pyarrow.*latency-tui\[data\]"):
        check_format("parquet")


# --- what a result lacks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [form for form, traits in FORMATS.items() if traits.needs_samples])
def test_a_format_of_samples_is_refused_without_them(result: Result, tmp_path: Path, form: Format) -> None:
    with pytest.raises(NothingToExportError, match=f"no samples, which {form} needs"):
        write(result.without_samples(), tmp_path / "a", form)
    with pytest.raises(UsageError, match=f"--no-samples omits what {form} consists of"):
        check_format(form, samples=False)
    nothing = replace(result, candidates=result.candidates[3:])
    with pytest.raises(NothingToExportError, match="No model was measured"):
        write(nothing, tmp_path / "a", form)
    assert not (tmp_path / "a").exists()


def test_a_model_that_failed_on_the_way_is_in_no_file_of_another_tool(result: Result) -> None:
    failed = tuple(
        replace(one, status="failed", error="it crashed") if one.slug == "linear-svm" else one
        for one in result.candidates
    )
    changed = replace(result, candidates=failed)
    for form in ("pyperf", "hyperfine", "github-action-benchmark"):
        assert "Linear SVM p50" not in render(changed, form)
        assert '"Linear SVM"' not in render(changed, form)


# --- the command ----------------------------------------------------------------------------------------------------


def test_export_writes_a_saved_result_in_another_format(result: Result, tmp_path: Path) -> None:
    write(result, tmp_path / "r.json")
    kept = load(tmp_path / "r.json")
    assert run(str(tmp_path / "r.json"), "--to", "csv") == (0, render(kept, "csv"), "")
    assert run(str(tmp_path / "r.json"), "-o", str(tmp_path / "r.md"))[0] == 0
    assert (tmp_path / "r.md").read_text() == render(kept, "markdown")
    assert run(str(tmp_path / "r.json"), "--to", "pyperf", "-o", str(tmp_path / "r.json2"))[0] == 0
    assert (tmp_path / "r.json2").read_text() == render(kept, "pyperf")
    code, out, _ = run(str(tmp_path / "r.json"), "--to", "json", "--no-samples")
    assert (code, out) == (0, kept.to_json(samples=False) + "\n")


def test_export_finds_a_result_of_the_history(result: Result, tmp_path: Path) -> None:
    with History.open(tmp_path / "h.sqlite3", create=True) as history:
        key = history.save(result, name="release")
    for reference in ("last", "release", key, key[:6]):
        found = run(reference, "--to", "csv", "--history", str(tmp_path / "h.sqlite3"))
        assert found == (0, render(result, "csv"), "")
    assert read_result("last", history=tmp_path / "h.sqlite3").to_json() == result.to_json()


def test_a_file_takes_precedence_over_a_name_but_not_over_last(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = replace(result, answer="the other")
    with History.open(tmp_path / "h", create=True) as history:
        history.save(result, name="release")
    for name in ("release", "last"):
        write(other, name, "json")
    assert read_result("release", history=tmp_path / "h").answer == "the other"
    assert read_result("last", history=tmp_path / "h").answer == result.answer
    assert read_result("./last", history=tmp_path / "h").answer == "the other"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.json", "--to", "csv"), "There is no file gone.json."),
        (("nobody", "--to", "csv"), "There is no file nobody. There is no result 'nobody'; the history"),
        (("r.json",), "Name a format with --to FORMAT, or a file with -o FILE"),
        (("r.json", "-o", "x.xlsx"), "The suffix of x.xlsx selects no format"),
        (("r.json", "--to", "parquet"), "parquet is not text; write it to a file with -o FILE.parquet."),
        (("r.json", "--to", "pyperf", "--no-samples"), "--no-samples omits what pyperf consists of"),
        (("bare.json", "--to", "hyperfine"), "The result has no samples, which hyperfine needs"),
        (("other.json", "--to", "csv"), "other.json is a result of hyperfine; name a result of latency-tui."),
        (("r.json", "--to", "csv", "-o", "no/folder.csv"), "Cannot write no/folder.csv"),
    ],
)
def test_a_request_that_cannot_be_met_gets_one_sentence(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(result, "r.json")
    write(result, "bare.json", samples=False)
    write(result, "other.json", "hyperfine")
    code, out, error = run(*arguments, "--history", "h.sqlite3")
    assert (code, out) == (2, "")
    assert error.startswith(f"latency-tui: {said}")
    assert error.count("\n") == 1


def test_hostile_names_stay_text_in_every_json(tmp_path: Path) -> None:
    for form in ("pyperf", "hyperfine", "github-action-benchmark"):
        text = render(make_evil_result(), form)
        assert json.loads(text)
        assert "\x1b" not in text
        assert EVIL_NAME not in text
