"""Candidates under other interpreters: their names, settings and counterparts, without running any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from latency_tui.catalog.configuration import find_configuration
from latency_tui.catalog.interpreters import find_interpreter
from latency_tui.catalog.named_models import resolve_model
from latency_tui.catalog.trust_store import is_trusted
from latency_tui.catalog.validate import check_settings
from latency_tui.engine.candidate.predictions import differing_rows, predict
from latency_tui.engine.candidate_protocol import Predict, Predicted, protocol
from latency_tui.engine.data.array_exchange import read_arrays, write_arrays
from latency_tui.engine.data.dataset import prepare
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, ModelSpec, Plan, SyntheticDataset
from latency_tui.plan.candidates import Revision
from latency_tui.plan.trust import Trust
from latency_tui.text.environments import format_versions

FOREST = ModelSpec(name="Random Forest", factory="sklearn.ensemble:RandomForestClassifier")


def of(**settings: bool | int | str) -> Candidate:
    return Candidate(model=FOREST, settings=dict(settings))


@pytest.mark.parametrize(
    ("python", "shown"),
    [
        ("../old/bin/python", "../old"),
        ("/home/me/.venv/bin/python3", "/home/me/.venv"),
        ("../old", "../old"),
        ("python3.12", "python3.12"),
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("../old/bin/python3.12", "../old/bin/python3.12"),
    ],
)
def test_names_show_the_virtual_environment(python: str, shown: str) -> None:
    assert of(python=python).name == f"Random Forest [python={shown}]"
    assert of(python=python, n_jobs=1).slug == f"random-forest[python={shown},n_jobs=1]"
    assert of(python=python).environment == shown


def test_the_interpreter_is_no_parameter_of_the_model() -> None:
    candidate = resolve_model("random-forest[python=3,n_jobs=2]")
    assert candidate.python == "3"
    assert candidate.parameters == {"n_jobs": 2}


def test_an_import_path_may_exist_only_in_the_other_environment() -> None:
    assert resolve_model("no_such_package.models:make[python=../old]").model.factory == "no_such_package.models:make"
    with pytest.raises(UsageError, match="There is no module"):
        resolve_model("no_such_package.models:make")
    with pytest.raises(UsageError, match="not an import path"):
        resolve_model("no-such-package:make[python=../old]")


def test_each_candidate_is_compared_with_the_same_model_elsewhere() -> None:
    other = Candidate(model=ModelSpec(name="other", factory="sklearn.svm:LinearSVC"))
    plain, old, older, jobs = of(), of(python="old"), of(python="older"), of(python="old", n_jobs=2)
    plan = Plan(candidates=(old, other, plain, older, jobs))
    assert plan.counterparts == {old.slug: plain.slug, older.slug: plain.slug}
    assert Plan(candidates=(old, older)).counterparts == {older.slug: old.slug}
    assert Plan(candidates=(other, old)).counterparts == {old.slug: other.slug}
    assert Plan(candidates=(other, old, jobs), baseline="other").counterparts == {
        old.slug: "other",
        jobs.slug: "other",
    }
    assert Plan(candidates=(plain, other)).counterparts == {}


def test_a_model_file_is_compared_with_itself_at_a_revision() -> None:
    revision = Revision(name="main", commit="a" * 40, python="/cache/env/bin/python", folder="/cache/tree")
    here, there = (ModelSpec(name="m.onnx", file=f"/{place}/m.onnx", file_format="onnx") for place in ("here", "cache"))
    plan = Plan(candidates=(Candidate(model=here), Candidate(model=there, revision=revision)))
    assert plan.counterparts == {"m.onnx-main": "m.onnx"}
    assert plan.revision_pairs == {"m.onnx": "m.onnx-main"}


def test_a_revision_is_part_of_the_name() -> None:
    revision = Revision(name="main", commit="a" * 40, python="/cache/env/bin/python", folder="/cache/tree")
    there = Candidate(model=FOREST, revision=revision)
    assert (there.name, there.slug) == ("Random Forest (main)", "random-forest-main")
    assert there.environment == "revision main"
    assert Plan(candidates=(of(), there)).counterparts == {"random-forest-main": "random-forest"}


def test_links_of_a_virtual_environment_are_not_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").touch(mode=0o755)
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "bin" / "python").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert find_interpreter("env/bin/python") == str(tmp_path / "env/bin/python")
    assert find_interpreter("env") == str(tmp_path / "env/bin/python")
    assert find_interpreter("env/../env/bin/python") == str(tmp_path / "env/../env/bin/python")
    monkeypatch.setenv("PATH", str(tmp_path / "env" / "bin"))
    assert find_interpreter("python") == str(tmp_path / "env/bin/python")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("../old/bin/python", "There is no Python interpreter ../old/bin/python."),
        ("folder", "folder is not a virtual environment: it has no bin/python."),
        ("text", "text is not a program that can be run"),
        ("dangling", "a link to a file that was removed"),
        ("~nobody-here/x", "There is no Python interpreter"),
    ],
)
def test_a_setting_that_names_no_interpreter_is_refused(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("text").write_text("text")
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(UsageError) as refused:
        check_settings(of(python=text))
    assert message in str(refused.value)


def test_a_plan_names_interpreters_relative_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "old" / "bin").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    Path("project/latency-tui.toml").write_text(
        "[plans.p]\nmodels = ['random-forest[n_jobs=1, python=old]', 'random-forest[python=../x/bin/python]', "
        "'random-forest[python=python3.12]']\n"
    )
    models = find_configuration("project/latency-tui.toml").plan("p").models
    assert [resolve_model(text).python for text in models] == ["project/old", "project/../x/bin/python", "python3.12"]


def test_a_table_of_a_model_names_its_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "old" / "bin").mkdir(parents=True)
    (tmp_path / "project" / "latency-tui.toml").write_text(
        "[models.forest]\npath = 'sklearn.ensemble:RandomForestClassifier'\n"
        "[models.former]\npath = 'sklearn.ensemble:RandomForestClassifier'\npython = 'old'\n"
    )
    monkeypatch.chdir(tmp_path)
    named = find_configuration("project/latency-tui.toml")
    forest, former = named.candidates(["forest", "former"])
    assert (forest.python, former.python, former.environment) == ("", "project/old", "project/old")
    assert named.candidates(["former[python=other]"])[0].python == "other", "a setting takes precedence"
    with pytest.raises(UsageError, match="has no bin/python"):
        check_settings(former)
    monkeypatch.chdir("project")
    found = find_configuration()
    forest, former = found.candidates(["forest", "former"])
    assert not forest.model.configuration_digest
    assert former.model.configuration_digest == found.digest, "the author of the file chose the program that runs"
    assert not is_trusted(former, Trust())
    assert found.code() == (("former", "old sklearn.ensemble:RandomForestClassifier()"),)


def test_a_found_plan_with_an_interpreter_needs_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("""random-forest[n_jobs=1,python="a, b/bin/python"]""", """random-forest[python='a, b/bin/python']"""):
        Path("latency-tui.toml").write_text(f"[plans.p]\nmodels = ['''{text}''']\n")
        quoted = find_configuration()
        (candidate,) = quoted.candidates(quoted.plan("p").models, named_by_plan=True)
        assert candidate.python == "a, b/bin/python"
        assert candidate.model.configuration_digest, "an interpreter in quotes needs trust too"
        assert quoted.code() == (("plan p", text),)
    Path("latency-tui.toml").write_text("[plans.p]\nmodels = ['random-forest[python=./evil]']\n")
    found = find_configuration()
    assert found.code() == (("plan p", "random-forest[python=./evil]"),)
    (candidate,) = found.candidates(found.plan("p").models, named_by_plan=True)
    assert candidate.model.configuration_digest == found.digest
    (typed,) = found.candidates(["random-forest[python=./evil]"])
    assert not typed.model.configuration_digest


def test_the_protocol_has_a_version_that_does_not_depend_on_order() -> None:
    assert protocol() == protocol()
    assert protocol().startswith("1-")


def test_datasets_reach_other_environments_unchanged(tmp_path: Path) -> None:
    for dataset in (SyntheticDataset(samples=60), SyntheticDataset(samples=60, sparse=True, task="regression")):
        data = prepare(dataset)
        write_arrays(tmp_path / "data.npz", data)
        read = read_arrays(tmp_path / "data.npz")
        for name in ("X_train", "y_train", "X_test", "y_test", "X_all"):
            mine, theirs = getattr(data, name), getattr(read, name)
            assert abs(mine - theirs).max() == 0, name
        assert (read.kind, read.default, read.y_all, read.columns) == (data.kind, data.default, None, data.columns)


def predicted(*answers: object, rows_per_call: int = 1, rows: int = 200) -> Predicted:
    return predict(Predict(rows=rows, seconds=60), lambda number: answers[number], len(answers), rows_per_call)


def test_rows_on_which_predictions_differ_are_counted() -> None:
    assert differing_rows(predicted([1], [0], [1]), predicted([1], [1], [1])) == (3, 1)
    assert differing_rows(predicted(["a"], ["b"]), predicted(["a"], ["c"])) == (2, 1)
    assert differing_rows(predicted([1.0], [2.0]), predicted([1.0 + 1e-9], [2.1])) == (2, 1)
    assert differing_rows(predicted([float("nan")]), predicted([float("nan")])) == (1, 0)
    assert differing_rows(predicted([[0.5, 0.5]]), predicted([[0.4, 0.6]])) == (1, 1)
    assert differing_rows(predicted([1], [2]), predicted([1])) == (1, 0), "of the rows that both predicted"
    assert differing_rows(predicted([1]), predicted(["1"])) == (1, 1)
    assert differing_rows(predicted([[1, 2]]), predicted([1])) == (1, 1)
    assert differing_rows(predicted([2**60 + 1]), predicted([2**60])) == (1, 1)
    assert differing_rows(
        predicted([1, 2], [3, 4], rows_per_call=2, rows=3), predicted([1, 2], [3, 5], rows_per_call=2)
    ) == (3, 0)
    assert differing_rows(predicted({"a": 1}, rows_per_call=2), predicted([1, 2], rows_per_call=2)) is None


def test_versions_are_written_in_words() -> None:
    assert format_versions({"scikit-learn": "1.6.1"}) == "scikit-learn 1.6.1"
    assert (
        format_versions({"Python": "3.12.1", "numpy": "2.1", "pandas": "3.1"})
        == "Python 3.12.1, numpy 2.1 and pandas 3.1"
    )


def test_a_command_is_found_only_without_a_folder() -> None:
    with pytest.raises(UsageError):
        find_interpreter(f".{os.sep}sh")
