"""Own models, data and runtimes on the command line: what plan they make, what is refused, what is remembered."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import click
import pytest
from click.testing import CliRunner, Result

from latency_tui.catalog.bounded_reading import open_regular
from latency_tui.catalog.file_head import read_head
from latency_tui.catalog.trust_store import digest_of, recall, remember
from latency_tui.cli import cli
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.options import format_arguments, make_plan, measuring_options
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, BundledDataset, FileDataset, Plan, SyntheticDataset


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with a memory and a configuration folder of the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("latency_tui.catalog.trust_store.memory_path", lambda: tmp_path / "memory" / "trusted.json")
    monkeypatch.setattr("latency_tui.catalog.configuration.user_path", lambda: tmp_path / "user" / "latency-tui.toml")


def values_of(*arguments: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}

    @click.command()
    @measuring_options
    def command(**values: Any) -> None:
        kept.update(values)

    command.main(list(arguments), standalone_mode=False)
    return kept


def make_from(values: dict[str, Any], **how: bool) -> Plan:
    return make_plan(values, read_configuration(values), **how)


def plan_of(*arguments: str) -> Plan:
    return make_from(values_of(*arguments))


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Plan:
    """Return the plan that `latency-tui run` would measure."""
    from latency_tui.cli import headless

    plans: list[Plan] = []

    def measure(plan: Plan, **_: object) -> int:
        plans.append(plan)
        return 0

    monkeypatch.setattr(headless, "measure_and_report", measure)
    done = invoke("run", *arguments)
    assert done.exit_code == 0, done.stderr
    return plans[0]


def skops_file(name: str = "a.skops") -> Path:
    import zipfile

    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr("schema.json", "{}")
    return Path(name)


def test_models_data_and_runtimes_reach_the_plan() -> None:
    skops_file()
    Path("old.joblib").write_bytes(pickle.dumps([1]))
    Path("orders.csv").write_text("x,y\n1,2\n")
    plan = plan_of(
        *("-m", "a.skops", "-m", "old.joblib", "--trust", "old.joblib", "-m", "decision-tree", "--runtime", "sklearn"),
        *("--runtime", "onnx", "--data", "orders.csv", "--target", "y", "--baseline", "a.skops[runtime=onnx]"),
    )
    slugs = [candidate.slug for candidate in plan.candidates]
    assert slugs[:3] == ["a.skops", "a.skops[runtime=onnx]", "old.joblib"]
    assert len(slugs) == 6
    assert plan.workload.dataset == FileDataset(path="orders.csv", target="y")
    assert plan.trust.trusts_all(digest_of(Path("old.joblib")))
    assert plan.baseline == slugs[1]


def test_made_and_bundled_datasets() -> None:
    plan = plan_of("--samples", "500", "--features", "5", "--classes", "3", "--sparse")
    assert plan.workload.dataset == SyntheticDataset(samples=500, features=5, classes=3, sparse=True)
    assert plan_of("--data", "wine").workload.dataset == BundledDataset(name="wine")
    for arguments in (["--data", "diabetes"], ["--task", "regression"]):
        regression = plan_of(*arguments)
        assert {candidate.model.task for candidate in regression.candidates} == {"regression"}
        assert len(regression.candidates) == 6


def test_the_task_of_a_file_chooses_the_models() -> None:
    Path("orders.csv").write_text("x,y\n1,2\n")
    file = ("--data", "orders.csv", "--target", "y")
    plan = plan_of(*file, "--task", "regression")
    assert plan.workload.dataset == FileDataset(path="orders.csv", target="y", task="regression")
    assert {candidate.model.task for candidate in plan.candidates} == {"regression"}
    assert plan_of(*file).candidates == plan_of().candidates
    with pytest.raises(UsageError, match=r"Ridge is for regression, and orders\.csv is for classification"):
        plan_of(*file, "--task", "classification", "-m", "ridge")


def test_what_skops_files_may_name_is_remembered_for_the_next_time() -> None:
    path = skops_file()
    plan = plan_of("-m", "a.skops", "--trust-type", "sklearn.tree._tree.Tree")
    assert recall() == {}, "making a plan writes nothing"
    remember(plan.candidates, plan.trust)
    assert recall()[digest_of(path)] == ("sklearn.tree._tree.Tree",)
    assert plan_of("-m", "a.skops").trust.types_in(digest_of(path)) == ("sklearn.tree._tree.Tree",)


@pytest.mark.parametrize(
    ("name", "trusts"), [("a.joblib", ("--trust", "a.joblib")), ("a.skops", ("--trust", "a.skops")), ("a.skops", ())]
)
@pytest.mark.parametrize("is_configured", [False, True])
def test_a_model_file_is_identified_and_hashed_once_per_run(
    monkeypatch: pytest.MonkeyPatch, name: str, trusts: tuple[str, ...], is_configured: bool
) -> None:
    file = Path(name)
    _ = file.write_bytes(pickle.dumps([1])) if file.suffix == ".joblib" else skops_file(name)
    if is_configured:
        Path("latency-tui.toml").write_text(f'[models.mine]\nfile = "{name}"\n')
    read, hashed = Mock(wraps=read_head), Mock(wraps=open_regular)
    monkeypatch.setattr("latency_tui.catalog.model_files.read_head", read)
    monkeypatch.setattr("latency_tui.catalog.trust_store.open_regular", hashed)
    run(monkeypatch, *(() if is_configured else ("-m", name)), *trusts)
    assert (read.call_count, hashed.call_count) == (1, 1 if trusts else 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-m", "missing.skops"], "There is no file missing.skops"),
        (["-m", "old.joblib"], "runs its author's code"),
        (["-m", "random-forest", "--trust", "old.joblib"], "trusted but not used"),
        (["--runtime", "onyx"], "There is no runtime 'onyx'; did you mean onnx?"),
        (["--data", "missing.csv"], "There is no file missing.csv"),
        (["--target", "y"], "--target names a column of --data"),
        (["--data", "iris", "--samples", "50"], "--samples is for the synthetic dataset"),
        (["--data", "iris", "--task", "regression"], "iris is for classification"),
        (["--samples", "3"], "Samples must be"),
        (["--samples", "0"], "Samples must be"),
        (["--features", "0"], "Features must be"),
        (["-m", "ridge"], "Ridge is for regression"),
        (["-m", "no_such_thing:model"], "There is no module 'no_such_thing'"),
        (["--config", "missing.toml"], "There is no file missing.toml"),
        (["checkout"], "There is no plan 'checkout'"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_one_sentence_and_exit_2(arguments: list[str], sentence: str) -> None:
    Path("old.joblib").write_bytes(pickle.dumps([1]))
    done = invoke("run", *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


CONFIGURATION = """
[models.mine]
path = "sklearn.tree:DecisionTreeClassifier"
[models.rare]
path = "sklearn.svm:LinearSVC"
chosen = false
[datasets.flowers]
bundled = "iris"
[plans.nightly]
models = ["mine", "rare"]
dataset = "flowers"
seconds = 2.0
launches = 3
cpu = "none"
"""


def test_a_model_of_the_configuration_is_measured_like_the_six() -> None:
    Path("latency-tui.toml").write_text(CONFIGURATION)
    assert [c.name for c in plan_of().candidates] == [*(model.name for model in BUILTIN_MODELS), "mine"]
    assert plan_of("-m", "rare").candidates[0].model.factory == "sklearn.svm:LinearSVC"
    assert json.loads(invoke("models", "--format", "json").stdout)[-1]["slug"] == "rare"
    assert "hist-gradient-boosting" in invoke("models", "--all").stdout


def test_a_plan_by_name_and_what_is_typed_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("latency-tui.toml").write_text(CONFIGURATION)
    plan = run(monkeypatch, "nightly")
    assert [candidate.slug for candidate in plan.candidates] == ["mine", "rare"]
    assert (plan.runs, plan.seconds, plan.launches, plan.pinning) == (None, 2.0, 3, "none")
    assert plan.workload.dataset == BundledDataset(name="iris")
    plan = run(monkeypatch, "nightly", "-n", "50", "-m", "rare", "--launches", "1")
    assert (plan.runs, plan.seconds, plan.launches) == (50, None, 1)
    assert [candidate.slug for candidate in plan.candidates] == ["rare"]
    assert run(monkeypatch, "nightly", "--rigorous").launches == 5
    assert run(monkeypatch, "nightly", "--rigorous", "--launches", "2").launches == 2
    assert run(monkeypatch, "nightly", "--rigorous", "--launches", "1").launches == 1
    plan = run(monkeypatch, "nightly", "--samples", "100")
    assert plan.workload.dataset == SyntheticDataset(samples=100)


def test_files_of_a_plan_are_found_beside_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sub").mkdir()
    for name in ("a", "b"):
        Path("sub", name).mkdir()
        skops_file(f"sub/{name}/model.skops")
    Path("sub/d.csv").write_text("x,y\n1,2\n")
    Path("sub/latency-tui.toml").write_text(
        "[plans.p]\nmodels = ['a/model.skops', 'b/model.skops']\nbaseline = 'b/model.skops'\ndataset = 'd.csv'\n"
    )
    plan = run(monkeypatch, "p", "--config", "sub/latency-tui.toml")
    assert [candidate.model.file for candidate in plan.candidates] == ["sub/a/model.skops", "sub/b/model.skops"]
    assert plan.baseline == plan.candidates[1].slug
    assert plan.workload.dataset == FileDataset(path="sub/d.csv")
    one = run(monkeypatch, "-m", "sub/a/model.skops", "-m", "linear-svm", "--baseline", "sub/a/model.skops")
    assert one.baseline == "model.skops", "a file may be named as it was"


def test_trust_in_a_file_that_was_found_does_not_count() -> None:
    Path("h.pkl").write_bytes(pickle.dumps([1]))
    Path("latency-tui.toml").write_text("[models.h]\nfile = 'h.pkl'\ntrust = true\n")
    for asked in ([], ["-m", "h"]):
        refused = invoke("run", *asked)
        assert refused.exit_code == 2
        assert "h runs the code h.pkl, which latency-tui.toml in this directory names" in refused.stderr
        assert "add --trust ./latency-tui.toml." in refused.stderr
    digest = digest_of(Path("h.pkl"))
    for said in (["--config", "./latency-tui.toml"], ["--trust", "./latency-tui.toml"], ["--trust", "h.pkl"]):
        assert plan_of("-m", "h", *said).trust.trusts_all(digest)
    assert not plan_of("-m", "linear-svm").trust.files, "what is not measured is not asked about"


def test_a_found_file_cannot_have_a_skops_file_remembered_as_trusted() -> None:
    path = skops_file()
    Path("latency-tui.toml").write_text("[models.a]\nfile = 'a.skops'\ntrust = true\n")
    assert "latency-tui.toml in this directory names" in invoke("run", "-m", "a").stderr
    assert recall() == {}
    plan = plan_of("-m", "a", "--trust-type", "sklearn.tree._tree.Tree")
    remember(plan.candidates, plan.trust)
    assert plan_of("-m", "a").trust.types_in(digest_of(path)), "what was trusted before needs no word of the file's"


def test_trust_in_the_users_own_file_counts(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "h.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "user" / "latency-tui.toml").write_text("[models.h]\nfile = 'h.pkl'\ntrust = true\n")
    assert plan_of("-m", "h").trust.files


def test_a_link_to_the_users_own_file_vouches_for_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "latency-tui.toml").write_text("[models.h]\nfile = 'h.pkl'\ntrust = true\n")
    Path("latency-tui.toml").symlink_to(tmp_path / "user" / "latency-tui.toml")
    Path("h.pkl").write_bytes(pickle.dumps([1]))
    assert "latency-tui.toml in this directory names" in invoke("run", "-m", "h").stderr


def test_models_named_in_any_script_are_told_apart() -> None:
    Path("latency-tui.toml").write_text(
        "[models.a]\nname = '模型一'\npath = 'sklearn.svm:SVC'\n"
        "[models.b]\nname = '模型二'\npath = 'sklearn.tree:Tree'\n",
        encoding="utf-8",
    )
    (chosen,) = plan_of("-m", "模型二").candidates
    assert chosen.model.factory == "sklearn.tree:Tree"
    assert len(plan_of().candidates) == 8


def test_two_models_of_one_name_are_refused() -> None:
    Path("latency-tui.toml").write_text("[models.a-b]\npath = 'x:y'\n[models.c]\nname = 'a-b'\npath = 'x:z'\n")
    assert "models.a-b and models.c in latency-tui.toml have the same name" in invoke("models").stderr


def test_models_of_names_that_are_typed_alike_are_listed_by_their_tables() -> None:
    Path("latency-tui.toml").write_text("[models.a]\nname='x+'\npath='m:a'\n[models.b]\nname='x-'\npath='m:b'\n")
    listed = invoke("models", "--format", "json").output
    typed = [row["slug"] for row in json.loads(listed) if row.get("key")]
    assert typed == ["a", "b"]


def test_models_are_listed_though_a_file_is_gone() -> None:
    Path("latency-tui.toml").write_text("[models.gone]\nfile = 'gone.skops'\n")
    listed = invoke("models")
    assert listed.exit_code == 0
    assert "There is no file gone.skops." in listed.stdout
    refused = invoke("run")
    assert refused.exit_code == 2
    assert "models.gone.file in latency-tui.toml: There is no file gone.skops." in refused.stderr
    assert make_from(values_of(), lenient=True).candidates, "the app opens, and lists it with that word"


def test_init_writes_a_file_that_can_be_read_and_never_twice() -> None:
    assert invoke("init").exit_code == 0
    assert plan_of().candidates
    again = invoke("init")
    assert (again.exit_code, "already exists" in again.stderr) == (2, True)
    assert "PlanTable" in json.loads(invoke("init", "--schema").stdout)["$defs"]


def test_the_options_can_be_typed_again() -> None:
    typed = [
        "--runtime=onnx",
        "--trust=a",
        "--trust-type=a.B",
        "--data=iris",
        "--sparse",
        "--samples=50",
        "--task=regression",
    ]
    assert values_of(*format_arguments(values_of(*typed))) == values_of(*typed)
