"""A configuration that is found in the working directory: what it names runs only once it is trusted."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from latency_tui.catalog.configuration import find_configuration, load_configuration
from latency_tui.catalog.resolve import Request, resolve, trust_configuration
from latency_tui.catalog.trust_store import digest_of, recall
from latency_tui.cli import cli
from latency_tui.engine.candidate.models.loading import load
from latency_tui.errors import UsageError
from latency_tui.plan.trust import Trust


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of somebody else's, with a memory of the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("latency_tui.catalog.trust_store.memory_path", lambda: tmp_path / "memory" / "trusted.json")
    monkeypatch.setattr("latency_tui.catalog.configuration.user_path", lambda: tmp_path / "user" / "latency-tui.toml")


def write(text: str) -> Path:
    path = Path("latency-tui.toml")
    path.write_text(text)
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["run", "-n", "1", *arguments])


SYSTEM = 'path = "os:system"\nparameters = {command = "touch ran"}\n'
PLAN = "[plans.p]\nmodels = "
WAYS: dict[str, tuple[str, list[str]]] = {
    "a chosen import path": (f"[models.a]\n{SYSTEM}", []),
    "one that is named by the user": (f"[models.a]\nchosen = false\n{SYSTEM}", ["-m", "a"]),
    "one with settings": (f"[models.a]\n{SYSTEM}", ["-m", "a[threads=2]"]),
    "one under another runtime": (f"[models.a]\n{SYSTEM}", ["-m", "a", "--runtime", "onnx"]),
    "one called like a built-in model": (f'[models.a]\nname = "Random Forest"\n{SYSTEM}', ["-m", "random-forest"]),
    "one called like what the user types": (f'[models.a]\nname = "mine:Model"\n{SYSTEM}', ["-m", "mine:Model"]),
    "a plan with an import path": (f"{PLAN}['beside:Model']", ["p"]),
    "a plan with an import path and settings": (f"{PLAN}['beside:Model[threads=1]']", ["p"]),
    "a plan with two import paths of one name": (f"{PLAN}['beside:Model', 'other:Model']", ["p"]),
    "a plan with a model of the file": (f"[models.a]\nchosen = false\n{SYSTEM}{PLAN}['a']", ["p"]),
    "a module beside it": ("[models.a]\npath = 'beside:Model'\n", []),
    "a name further down": ("[models.a]\npath = 'sklearn.datasets._base:os.system'\n", []),
    "a class of scikit-learn with a folder of pickles": (
        "[models.a]\npath = 'sklearn.pipeline:Pipeline'\nparameters = {memory = '.'}\n",
        [],
    ),
    "a pickle that it trusts": ("[models.a]\nfile = 'a.pkl'\ntrust = true\n", []),
    "the user's trust in another file": (f"[models.a]\n{SYSTEM}", ["--trust", "a.pkl", "-m", "a.pkl", "-m", "a"]),
    "a plan with a pickle": (f"{PLAN}['a.pkl']", ["p"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_a_found_file_names_runs(way: str) -> None:
    text, arguments = WAYS[way]
    write(text)
    for module in ("beside", "other"):
        Path(f"{module}.py").write_text("open('ran', 'w')\nclass Model:\n    def predict(self, rows): return rows\n")
    Path("a.pkl").write_bytes(pickle.dumps(Runs()))
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert "--trust ./latency-tui.toml." in done.stderr or "--trust a.pkl" in done.stderr
    assert not Path("ran").exists()


class Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return open, ("ran", "w")


def test_the_engine_refuses_it_too() -> None:
    write(f"[models.a]\n{SYSTEM}")
    (candidate,) = find_configuration().candidates(["a"])
    with pytest.raises(UsageError, match="in this directory names"):
        load(candidate, Trust())
    assert not Path("ran").exists()


def test_typed_models_and_scikit_learn_estimators_need_no_question() -> None:
    write("[models.a]\npath = 'sklearn.svm:LinearSVC'\nparameters = {C = 2}\n")
    Path("beside.py").write_text("class Model: pass\n")
    found = find_configuration()
    assert not found.is_trusted_location
    assert found.code() == ()
    (typed,) = found.candidates(["beside:Model"])
    assert not typed.model.configuration_digest


@pytest.mark.parametrize("option", ["--trust", "--config"])
@pytest.mark.parametrize("written", ["latency-tui.toml", "./latency-tui.toml", "../here/latency-tui.toml"])
def test_an_option_trusts_it_however_the_file_is_written(option: str, written: str) -> None:
    path = write(f"[models.a]\n{SYSTEM}")
    trusted = [written] if option == "--trust" else []
    found = find_configuration(written if option == "--config" else None, trusted)
    assert found.is_trusted_location
    asked = resolve(Request(models=("a",), trust=tuple(trusted)), found)
    assert not asked.candidates[0].model.configuration_digest
    assert path.exists()


def test_trust_is_remembered_for_this_very_content() -> None:
    path = write("[models.a]\npath = 'beside:Model'\n[models.b]\nfile = 'b.pkl'\ntrust = true\n")
    Path("b.pkl").write_bytes(pickle.dumps([1]))
    found = find_configuration()
    assert found.code() == (("a", "beside:Model()"), ("b", "b.pkl"))
    trust = trust_configuration(Trust(), found)
    assert trust.trusts_all(found.digest)
    assert trust.trusts_all(digest_of(Path("b.pkl")))
    assert recall() == {digest_of(path): ("*",)}
    assert find_configuration().is_trusted_location
    write("[models.a]\npath = 'beside:Other'\n")
    assert not find_configuration().is_trusted_location


def test_a_plan_of_a_trusted_file_is_the_users_own_word() -> None:
    write(f"{PLAN}['beside:Model']")
    Path("beside.py").write_text("class Model: pass\n")
    (candidate,) = load_configuration(Path("latency-tui.toml")).candidates(["beside:Model"], named_by_plan=True)
    assert not candidate.model.configuration_digest


@pytest.mark.slow
def test_a_bare_run_is_refused_and_a_trusted_one_runs(tmp_path: Path) -> None:
    write("[models.a]\npath = 'beside:Model'\n")
    Path("beside.py").write_text("open('ran', 'w')\nclass Model:\n    def predict(self, rows): return rows[:, 0]\n")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}

    def program(*arguments: str) -> int:
        words = [sys.executable, "-P", "-m", "latency_tui.cli", "run", "-n", "20", "-m", "linear-svm", *arguments]
        return subprocess.run(words, env=environment, capture_output=True, timeout=300).returncode

    assert program("-m", "a") == 2
    assert not Path("ran").exists()
    assert program("-m", "a", "--trust", "latency-tui.toml") == 0
    assert Path("ran").exists()
