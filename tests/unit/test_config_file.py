"""The configuration file: what it holds is found, what does not belong there is told with where it stands."""

from __future__ import annotations

import json
import pickle
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from latency_tui.catalog.configuration import LoadedConfiguration, find_configuration, load_configuration
from latency_tui.catalog.configuration_schema import Configuration, DatasetTable, ModelTable, PlanTable, json_schema
from latency_tui.catalog.resolve import Request, extend_trust, listed_models, resolve
from latency_tui.cli.init import EXAMPLE
from latency_tui.errors import UsageError
from latency_tui.plan import BundledDataset, FileDataset, SyntheticDataset, Trust
from latency_tui.plan.datasets import task_of
from latency_tui.tui.bindings import binding_id
from latency_tui.tui.commands import COMMANDS

WHOLE = """
theme = "nord"
[keys]
profile = "p,f5"
[models.checkout]
name = "Checkout Forest"
colour = "#73daca"
file = "models/checkout.pkl"
trust = true
[models.small-forest]
path = "sklearn.ensemble:RandomForestClassifier"
parameters = { n_estimators = 10, random_state = 42 }
task = "classification"
chosen = false
[datasets.orders]
file = "orders.csv"
target = "returned"
seed = 7
[datasets.wide]
samples = 5000
features = 200
[datasets.prices]
file = "orders.csv"
target = "x"
task = "regression"
[datasets.flowers]
bundled = "iris"
[plans.checkout-service]
models = ["checkout-forest", "small-forest[n_jobs=1]"]
dataset = "orders"
runtimes = ["sklearn", "onnx"]
runs = 1000
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedConfiguration:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "checkout.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "orders.csv").write_text("x,returned\n1,2\n")
    return write(tmp_path, WHOLE)


def write(folder: Path, text: str) -> LoadedConfiguration:
    (folder / "latency-tui.toml").write_text(text)
    return load_configuration(folder / "latency-tui.toml")


def test_models_are_candidates_like_the_six(loaded: LoadedConfiguration, tmp_path: Path) -> None:
    checkout, small = loaded.models()
    assert (checkout.name, checkout.colour) == ("Checkout Forest", "#73daca")
    assert checkout.file == str(tmp_path / "models" / "checkout.pkl"), "meant from where the file lies"
    assert (small.name, small.factory) == ("small-forest", "sklearn.ensemble:RandomForestClassifier")
    assert loaded.chosen_models() == (checkout,)
    assert loaded.trusted_files() == (checkout.file,)
    plan = loaded.plan("checkout-service")
    slugs = [candidate.slug for candidate in loaded.candidates(plan.models)]
    assert slugs == ["checkout-forest", "small-forest[n_jobs=1]"]
    assert (plan.runs, plan.seconds, plan.runtimes) == (1000, None, ("sklearn", "onnx"))
    assert loaded.configuration.theme == "nord"
    assert loaded.configuration.keys == {"profile": "p,f5"}


def test_datasets_of_every_kind(loaded: LoadedConfiguration, tmp_path: Path) -> None:
    assert loaded.dataset("orders") == FileDataset(path=str(tmp_path / "orders.csv"), target="returned", seed=7)
    assert loaded.dataset("prices") == FileDataset(path=str(tmp_path / "orders.csv"), target="x", task="regression")
    assert task_of(loaded.dataset("prices", task="classification")) == "classification"
    assert task_of(loaded.dataset("wide", task="regression")) == "regression"
    assert loaded.dataset("orders", "x") == FileDataset(path=str(tmp_path / "orders.csv"), target="x", seed=7)
    assert loaded.dataset("wide") == SyntheticDataset(samples=5000, features=200)
    assert loaded.dataset("flowers") == loaded.dataset("iris") == BundledDataset(name="iris")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.a]\nfil = 'x'", "models.a.fil in .* is not known; did you mean file?"),
        ("[modles.a]\nfile = 'x'", "modles in .* is not known; did you mean models?"),
        ("zzz = 1", "zzz in .* is not known; known are models, datasets, plans, keys, theme."),
        ("[plans.a]\nruns = 'many'", "plans.a.runs in .* must be a whole number, not 'many'"),
        ("[plans.a]\nmethod = 'guess'", "plans.a.method .* must be predict or predict_proba or .*, not 'guess'"),
        ("[plans.a]\nmodels = 'one'", "plans.a.models .* must be a list of text, not 'one'"),
        ("[models]\na = 3", "models.a in .* must be a table, not 3"),
        ("models = 3", "models in .* must be a table, not 3"),
        ("theme = 3", "theme in .* must be text, not 3"),
        ("[models.a]\ntrust = 1", "models.a.trust .* must be true or false, not 1"),
        ("[models.a", "is not TOML: Expected"),
        ("\x00", "is not TOML"),
    ],
)
def test_what_does_not_belong_there_is_told_with_where_it_stands(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        write(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.a]\nname = 'x'", "models.a in .* needs either a path"),
        ("[models.a]\npath = 'a:b'\ncolour = 'red'", "models.a.colour .* #rrggbb, not 'red'"),
        ("[models.a]\nfile = 'a.skops'\nparameters = {n = 1}", "models.a.parameters .* needs a path"),
    ],
)
def test_models_that_make_no_sense_are_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        write(tmp_path, text).models()


def test_plans_and_datasets_that_are_not_there_are_told(loaded: LoadedConfiguration, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean checkout-service?"):
        loaded.plan("checkout-servce")
    with pytest.raises(UsageError, match=r"no latency-tui.toml here with plans"):
        LoadedConfiguration().plan("x")
    with pytest.raises(UsageError, match=r"datasets.a in .* needs exactly one of"):
        write(tmp_path, "[datasets.a]\nbundled = 'iris'\nsamples = 50").dataset("a")
    with pytest.raises(UsageError, match=r"datasets.a in .*latency-tui.toml: Samples must be .*, not 5\."):
        write(tmp_path, "[datasets.a]\nsamples = 5").dataset("a")
    with pytest.raises(UsageError, match=r"did you mean iris?"):
        loaded.dataset("irsi")


def test_it_is_found_here_then_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    (home / "latency-tui").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setattr(
        "latency_tui.catalog.configuration.user_path", lambda: home / "latency-tui" / "latency-tui.toml"
    )
    assert find_configuration() == LoadedConfiguration()
    write(home / "latency-tui", "theme = 'home'")
    assert find_configuration().configuration.theme == "home"
    assert find_configuration().is_trusted_location
    write(here, "theme = 'here'")
    assert find_configuration().configuration.theme == "here"
    assert not find_configuration().is_trusted_location, "it may be anyone's"
    assert find_configuration("latency-tui.toml").is_trusted_location
    assert find_configuration(str(home / "latency-tui" / "latency-tui.toml")).configuration.theme == "home"
    with pytest.raises(UsageError, match="There is no file"):
        find_configuration("missing.toml")


def test_a_missing_file_is_reported_when_measured_and_hides_no_other(
    tmp_path: Path,
) -> None:
    loaded = write(tmp_path, "[models.gone]\nfile = 'gone.skops'\n[models.mine]\npath = 'a:b'\n")
    gone, mine = loaded.models()
    assert gone.description == f"There is no file {tmp_path / 'gone.skops'}."
    assert loaded.readable((gone, mine)) == (mine,)
    assert resolve(Request(models=("mine",)), loaded).candidates[0].model == mine
    for asked in (Request(models=("gone",)), Request()):
        with pytest.raises(UsageError, match=r"models\.gone\.file in .*latency-tui\.toml: There is no file .*gone"):
            resolve(asked, loaded)
    listed = [candidate.name for candidate in resolve(Request(), loaded, lenient=True).candidates]
    assert listed[-1] == "mine"
    loaded = write(tmp_path, "[models.gone]\nfile = 'gone.pkl'\ntrust = true\n")
    assert not extend_trust(Trust(), listed_models(SyntheticDataset(), loaded), loaded).files
    assert "gone" not in listed


def test_files_and_modules_of_a_plan_are_meant_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, sub = tmp_path / "here", tmp_path / "sub"
    here.mkdir()
    sub.mkdir()
    for path in (sub / "old.pkl", here / "other.pkl"):
        path.write_bytes(pickle.dumps([1]))
    (sub / "d.csv").write_text("x,y\n1,2\n")
    (sub / "beside.py").write_text("class Mine: ...\n")
    (sub / "random-forest").write_text("no model")
    monkeypatch.chdir(here)
    texts = "'old.pkl[dtype=float32]', 'other.pkl', 'beside:Mine', 'random-forest'"
    loaded = write(sub, f"[plans.p]\nmodels = [{texts}]\ndataset = 'd.csv'\nbaseline = 'other.pkl'\n")
    plan = loaded.plan("p")
    old, other, mine, forest = (candidate.model for candidate in loaded.candidates(plan.models))
    assert (old.file, other.file) == (str(sub / "old.pkl"), "other.pkl")
    assert (mine.factory, forest.name) == ("beside:Mine", "Random Forest")
    assert plan.dataset == str(sub / "d.csv")
    assert plan.baseline == "other.pkl"


def test_the_example_is_empty_as_it_is_and_whole_without_its_marks(tmp_path: Path) -> None:
    assert write(tmp_path, EXAMPLE.read_text()).configuration == Configuration()
    text = "\n".join(re.sub(r"^# (?=[a-z_-]+ = |\[)", "", line) for line in EXAMPLE.read_text().splitlines())
    found = write(tmp_path, text).configuration
    assert set(found.models) == {"checkout", "small-forest"}
    assert set(found.datasets) == {"orders", "wide", "flowers"}
    assert found.plans["checkout-service"].launches == 5
    actions = {binding_id(name): command.keys for name, command in COMMANDS.items() if command.keys}
    assert {action: tuple(keys.split(",")) for action, keys in found.keys.items()} == actions
    shown = {table: set[str]() for table in ("models", "datasets", "plans")}
    for table, keys in shown.items():
        for entry in tomllib.loads(text)[table].values():
            keys |= set(entry)
    kinds: dict[str, type[msgspec.Struct]] = {"models": ModelTable, "datasets": DatasetTable, "plans": PlanTable}
    missing = {table: set(kinds[table].__struct_fields__) - keys for table, keys in shown.items()}
    assert missing == {
        "models": set(),
        "datasets": set(),
        "plans": {"seconds", "until_known", "max_seconds", "find_rate", "mix"},
    }


def test_the_schema_knows_every_key() -> None:
    schema = json.loads(msgspec.json.encode(json_schema()))
    tables = schema["$defs"]
    keys = {"models", "datasets", "plans", "keys", "theme", "history", "against"}
    assert set(tables["Configuration"]["properties"]) == keys
    assert set(tomllib.loads(WHOLE)["plans"]["checkout-service"]) <= set(tables["PlanTable"]["properties"])
    assert tables["ModelTable"]["additionalProperties"] is False
