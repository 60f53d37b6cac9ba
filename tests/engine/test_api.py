"""The Python API, as a script and as a notebook use it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import latency_tui
import latency_tui.errors
from latency_tui.engine.protocol import BlockMeasured, Event
from latency_tui.errors import UsageError
from latency_tui.report.result import Result

X, y = make_classification(n_samples=200, n_features=8, random_state=0)


@pytest.mark.slow
def test_fitted_models_and_a_function_are_measured_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    models = {
        "logistic": LogisticRegression().fit(X, y),
        "tree": DecisionTreeClassifier().fit(X, y),
        "sum": lambda rows: rows.sum(axis=1),
    }
    result = latency_tui.measure(models, X, y, runs=60, baseline="logistic")
    assert [candidate.status for candidate in result.candidates] == ["measured"] * 3
    assert [candidate.calls for candidate in result.candidates] == [60] * 3
    assert result.candidate("logistic").score == pytest.approx(LogisticRegression().fit(X, y).score(X, y))
    assert result.candidate("sum").score is None
    assert result.candidate("logistic").training_seconds is None
    assert {comparison.baseline for comparison in result.comparisons} == {"logistic"}
    (quick,) = (comparison for comparison in result.comparisons if comparison.candidate == "sum")
    assert quick.ratio is not None
    assert quick.ratio < 1
    assert quick.verdict == "faster"
    assert capsys.readouterr().err == "", "progress is shown only when it is asked for"


@pytest.mark.slow
def test_what_a_script_defines_and_what_lies_beside_it_is_found(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    model = "import numpy as np\nclass {}:\n    def predict(self, rows):\n        return np.zeros(len(rows))\n"
    (tmp_path / "examples" / "helpers_beside.py").write_text(model.format("Beside"))
    script = tmp_path / "examples" / "script.py"
    script.write_text(
        model.format("Mine") + "import latency_tui\nfrom helpers_beside import Beside\n"
        "result = latency_tui.measure({'mine': Mine(), 'beside': Beside()}, np.ones((50, 3)), runs=100)\n"
        "print([(one.status, one.calls) for one in result.candidates])\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.stdout == "[('measured', 100), ('measured', 100)]\n", done.stderr


@pytest.mark.slow
async def test_it_takes_lists_of_numbers_and_runs_in_a_notebook() -> None:
    await asyncio.sleep(0)
    result = latency_tui.measure({"first": lambda rows: rows[:, 0]}, X.tolist(), runs=10)
    assert result.candidates[0].calls == 10, result.candidates[0].error


@pytest.mark.slow
def test_a_model_that_fails_is_in_the_result_and_does_not_raise() -> None:
    def broken(rows: object) -> None:
        raise ValueError("no")

    result = latency_tui.measure({"broken": broken, "zeros": lambda rows: np.zeros(len(rows))}, X, runs=10)
    assert result.candidate("broken").status == "failed"
    assert result.candidate("broken").error == "ValueError: no"
    assert result.candidate("zeros").status == "measured"


@pytest.fixture(scope="module")
def zeros() -> tuple[Result, list[Event]]:
    """Return the result and the events of twenty calls."""
    events: list[Event] = []
    result = latency_tui.measure({"zeros": lambda rows: np.zeros(len(rows))}, X, runs=20, on_event=events.append)
    assert not [child for child in psutil.Process().children() if "latency_tui.engine" in " ".join(child.cmdline())]
    return result, events


def test_events_are_handed_out_as_they_happen(zeros: tuple[Result, list[Event]]) -> None:
    assert sum(len(event.block.samples) // 8 for event in zeros[1] if isinstance(event, BlockMeasured)) == 20


@pytest.mark.slow
def test_batches_have_the_size_asked_for_even_beyond_the_data() -> None:
    def only_of_five_hundred(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        assert rows.shape == (500, 8)
        return np.zeros(500)

    result = latency_tui.measure({"picky": only_of_five_hundred}, X, batch_size=500, runs=5)
    assert result.candidate("picky").status == "measured"


def test_a_result_is_saved_and_loaded_whole(zeros: tuple[Result, list[Event]], tmp_path: Path) -> None:
    result, _ = zeros
    result.save(tmp_path / "result.json")
    again = latency_tui.load(tmp_path / "result.json")
    assert again.to_json() == result.to_json()
    written = json.loads(result.to_json(samples=False))
    assert written["json_schema_version"] == 1
    assert written["candidates"][0]["samples"] is None


def test_what_a_listener_raises_in_a_notebook_ends_the_engine_too() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    def listen(_event: object) -> None:
        raise KeyError("enough")

    async def cell() -> None:
        latency_tui.measure({"zeros": lambda rows: np.zeros(len(rows))}, X, runs=20, on_event=listen)

    with pytest.raises(KeyError) as raised:  # which is kept, as a notebook keeps it
        asyncio.run(cell())
    assert "enough" in str(raised.value)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_newer_result_is_read_unless_its_meaning_changed(zeros: tuple[Result, list[Event]], tmp_path: Path) -> None:
    result, _ = zeros
    written = json.loads(result.to_json())
    written["plan"]["candidates"][0]["later"] = written["plan"]["candidates"][0]["model"]["later"] = 1
    written["candidates"][0]["later"] = written["later"] = 1
    path = tmp_path / "result.json"
    path.write_text(json.dumps(written))
    assert latency_tui.load(path).candidates[0].calls == 20
    path.write_text(json.dumps({**written, "json_schema_version": 2}))
    with pytest.raises(UsageError, match="newer latency-tui"):
        latency_tui.load(path)


def test_a_file_that_is_no_result_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"json_schema_version": 1, "plan"')
    with pytest.raises(UsageError, match="is not a result"):
        latency_tui.load(tmp_path / "cut.json")
    with pytest.raises(UsageError, match="There is no file"):
        latency_tui.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"models": {}}, "at least one model"),
        ({"runs": 0}, "Runs must be a whole number from 1"),
        ({"X": np.zeros((0, 3))}, "no rows"),
        ({"cpu": 999}, "Core 999 cannot be used"),
        ({"baseline": "other"}, "baseline 'other' is not among"),
        ({"method": "guess"}, "method must be one of"),
        ({"method": ["predict"]}, "method must be one of"),
        ({"models": [1]}, r"models must map names to models, not be \[1\]"),
        ({"models": {1: len}}, "A model's name must be text, not 1"),
        ({"models": {" ": len}}, "needs a name"),
        ({"runs": 2.5}, "runs must be a whole number, not 2.5"),
        ({"batch_size": "1"}, "batch_size must be a whole number, not '1'"),
        ({"launches": True}, "launches must be a whole number, not True"),
        ({"seed": 1.0}, "seed must be a whole number, not 1.0"),
        ({"threads": 1.5}, "threads must be a whole number, not 1.5"),
        ({"call_timeout": "60"}, "call_timeout must be a number, not '60'"),
        ({"baseline": 1}, "baseline must be the name of a model, or None, not 1"),
        ({"on_event": 1}, "on_event must be a function of an event, or None, not 1"),
        ({"cpu": 1.5}, "cpu must be core numbers, text such as '0,2-3', 'none' or None, not 1.5"),
        ({"cpu": [0, "1"]}, "cpu must be core numbers"),
        ({"cpu": "one"}, "Cores are numbers such as 0 or 0,2-3, or none, not 'one'"),
        ({"cpu": "999"}, "Core 999 cannot be used"),
        ({"cpu": []}, "cpu must be core numbers"),
        ({"X": 3}, "X must be an array, a data frame or a list of rows, not 3"),
        ({"X": np.float64(3)}, "X must be an array"),
        ({"X": "abc"}, "X must be an array"),
        ({"y": 3}, "y must be an array"),
        ({"runs": 5, "seconds": 1.0}, "Say one of|exclude each other"),
        ({"runs": None, "seconds": "1"}, "seconds must be a number, not '1'"),
        ({"runs": None, "until_known": 1}, "until_known must be True or False, not 1"),
        ({"control": "yes"}, "control must be True or False"),
        ({"progress": 2}, "progress must be True or False"),
        ({"equivalence": 2.0}, "region of equivalence must be a share"),
        ({"max_seconds": 0}, "longest time|[Tt]ime limit"),
        ({"runtimes": ["nope"]}, "There is no runtime 'nope'"),
        ({"runtimes": 1}, "runtimes must be a list of names, not 1"),
        ({"settings": {"zero": {}}}, "settings names 'zero', which is not among the models; did you mean zeros"),
        ({"settings": []}, "settings must map names of models to settings"),
        ({"settings": {"zeros": 1}}, "The settings of 'zeros' must be a dictionary, not 1"),
        ({"settings": {"zeros": {"n jobs": 1}}}, "must have a name such as n_jobs, not 'n jobs'"),
        ({"settings": {"zeros": {"n_jobs": [1]}}}, r"n_jobs of 'zeros' must be text, a number, True or False"),
        ({"settings": {"zeros": {"runtime": "nope"}}}, "There is no runtime 'nope'"),
        ({"settings": {"zeros": [{}, {}]}}, "are the same|Two candidates are called"),
        ({"y": y[:-1]}, "y must have one target per row: X has 200 rows and y has 199"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_a_sentence(arguments: dict[str, object], said: str) -> None:
    call: dict[str, Any] = {"models": {"zeros": lambda rows: np.zeros(len(rows))}, "X": X, "runs": 5, **arguments}
    with pytest.raises(latency_tui.errors.UsageError, match=said):
        latency_tui.measure(**call)


@pytest.mark.slow
def test_names_may_look_like_settings_and_numbers_be_numpys() -> None:
    models = {name: lambda rows: np.zeros(len(rows)) for name in ("rf[n_jobs=1]", "rf", "模型一", "模型二")}
    numbers: dict[str, Any] = {
        "runs": np.int64(10),
        "seed": np.uint8(3),
        "cpu": np.array([min(os.sched_getaffinity(0))]),
    }
    result = latency_tui.measure(models, X, baseline="rf[n_jobs=1]", **numbers)
    assert [candidate.status for candidate in result.candidates] == ["measured"] * 4
    assert {comparison.baseline for comparison in result.comparisons} == {"rf-n-jobs-1"}


@pytest.mark.slow
def test_names_that_differ_by_a_sign_are_measured_side_by_side() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    models = {name: lambda rows: rows[:, 0] for name in ("n_jobs=1", "n_jobs=-1")}
    result = latency_tui.measure(models, rows, runs=20, baseline="n_jobs=-1")
    assert [(one.name, one.status) for one in result.candidates] == [(name, "measured") for name in models]
    assert len({one.slug for one in result.candidates}) == 2
    assert result.candidate(result.plan.baseline or "").name == "n_jobs=-1"


@pytest.mark.slow
def test_settings_runtimes_a_control_and_a_cold_start_are_measured() -> None:
    models = {"logistic": LogisticRegression().fit(X, y), "tree": DecisionTreeClassifier().fit(X, y)}
    quick: dict[str, Any] = {"assume_finite": np.True_, "threads": np.int64(1)}
    result = latency_tui.measure(
        models,
        X,
        runs=30,
        settings={"logistic": [{}, quick]},
        runtimes="sklearn",
        control=True,
        cold_start=True,
        equivalence=0.05,
        baseline="logistic",
    )
    plain, other, tree = result.candidates
    assert (plain.name, other.slug) == ("logistic", "logistic[assume_finite=true,threads=1]")
    assert [candidate.status for candidate in result.candidates] == ["measured"] * 3
    assert all(candidate.cold_start for candidate in result.candidates)
    assert result.plan.control
    assert result.equivalence >= 0.05
    assert tree.slug == "tree"


@pytest.mark.slow
def test_a_time_or_a_verdict_says_how_long_instead_of_runs() -> None:
    models = {
        "first": lambda rows: rows[:, 0],
        "sum": lambda rows: np.sort(rows.repeat(200, axis=0), axis=0)[: len(rows), 0],
    }
    timed = latency_tui.measure(models, X, seconds=0.05)
    assert (timed.plan.runs, timed.plan.seconds) == (None, 0.05)
    known = latency_tui.measure(models, X, until_known=True, max_seconds=20)
    assert (known.plan.runs, known.plan.until_known, known.plan.max_seconds) == (None, True, 20)
    assert known.comparisons[0].verdict == "slower"


@pytest.mark.slow
def test_progress_is_a_line_on_stderr_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    latency_tui.measure({"first": lambda rows: rows[:, 0]}, X, runs=10, progress=True)
    shown = capsys.readouterr()
    assert "starting" in shown.err
    assert (shown.err.rstrip(" ")[-1], shown.out) == ("\r", "")


@pytest.mark.parametrize(("library", "says"), [("polars", "collect"), ("dask", "compute"), ("pyspark", "toPandas")])
def test_rows_that_are_not_computed_yet_are_refused_with_the_way(library: str, says: str) -> None:
    kind = type("LazyFrame", (), {"__module__": f"{library}.frame", says: lambda _self: None, "shape": (1, 2)})
    with pytest.raises(UsageError, match=rf"X is a lazy LazyFrame of {library}; pass X\.{says}\(\)"):
        latency_tui.measure({"first": lambda rows: rows[:, 0]}, kind())
    with pytest.raises(UsageError, match=rf"y is a lazy LazyFrame of {library}; pass y\.{says}\(\)"):
        latency_tui.measure({"first": lambda rows: rows[:, 0]}, X, kind())


def test_a_lazy_frame_of_polars_is_refused_with_the_way() -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(UsageError, match=r"pass X\.collect\(\)"):
        latency_tui.measure({"first": lambda rows: rows[:, 0]}, polars.DataFrame({"a": [1.0]}).lazy())
