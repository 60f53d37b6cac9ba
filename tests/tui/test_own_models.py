"""A user adds models by `+`: by name, from real files that are looked at in a process of their own, by import path."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import psutil
import pytest
import skops.io
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from textual.widgets import Input

from latency_tui.catalog.configuration import load_configuration
from latency_tui.catalog.trust_store import digest_of, recall
from latency_tui.engine.inspection import Inspection, inspect
from latency_tui.engine.protocol import Measure
from latency_tui.plan import Candidate, ModelSpec, Plan, SyntheticDataset, Trust
from latency_tui.tui.screens import add_model
from latency_tui.tui.screens.add_model import AddModelScreen
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import until

X, y = make_classification(n_samples=80, n_features=20, random_state=0)
TREE = "sklearn.tree._tree.Tree"
SIZES = [(140, 45), (80, 24), (30, 8), (1, 1)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of the test; what is trusted is remembered beside it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


class Hostile:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return Path.write_text, (self.victim, "owned")


def dialog(harness: AppHarness) -> AddModelScreen:
    screen = harness.app.screen
    assert isinstance(screen, AddModelScreen)
    return screen


def trusted(harness: AppHarness) -> dict[str, tuple[str, ...]]:
    return harness.state.plan.trust.files


async def type_in(harness: AppHarness, text: str) -> None:
    """Put a text into the field, as pasting it would."""
    dialog(harness).query_one("#wanted", Input).value = text
    await harness.pilot.pause()


async def see(harness: AppHarness, words: str) -> None:
    """Wait until the screen shows some words, wherever its lines are broken."""
    try:
        await until(lambda: words in " ".join(harness.text().replace("│", " ").split()))
    except AssertionError:
        raise AssertionError(f"{words!r} never came:\n{harness.text()}") from None


async def listed(harness: AppHarness, count: int) -> None:
    await until(lambda: len(harness.state.rows) == count)
    await harness.pilot.pause()


@pytest.mark.slow
async def test_a_model_of_the_catalogue_is_found_by_a_part_of_its_name(
    open_app: Open,
) -> None:
    async with open_app() as harness:
        await harness.press("plus")
        await see(harness, "Hist Gradient Boosting")
        assert "Ridge Regressor" not in harness.text(), "it is for numbers, and the data has classes"
        await harness.press(*"decis")
        await see(harness, "A single unpruned tree.")
        assert "Naive Bayes" not in harness.text()
        await harness.press("enter")
        await listed(harness, 7)
        assert (harness.state.highlighted, harness.state.rows[-1].selected) == ("decision-tree", True)
        assert len({look for look, _ in harness.screen._candidate_styles.values()}) == 7
        await harness.profile()
        command = harness.script.commands[-1]
        assert isinstance(command, Measure)
        assert len(command.plan.candidates) == 7
        assert "Decision Tree" in harness.text()


async def test_a_module_may_lie_beside_the_configuration(open_app: Open, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("class Mine: ...\n")
    (tmp_path / "latency-tui.toml").write_text("")
    async with open_app(configuration=load_configuration(tmp_path / "latency-tui.toml")) as harness:
        await harness.press("plus")
        await type_in(harness, "beside_it:Mine")
        await see(harness, "a class")
        await harness.press("enter")
        await listed(harness, 7)


async def test_tab_completes_and_down_chooses_from_the_list(open_app: Open) -> None:
    async with open_app(80, 24) as harness:
        await harness.press("plus", *"extra")
        await see(harness, "100 trees split at random.")
        await harness.press("tab")
        assert dialog(harness).text == "Extra Trees"
        await harness.press("ctrl+u")
        await see(harness, "Decision Tree")
        await harness.press("down", "down", "enter")
        await listed(harness, 7)
        assert harness.state.highlighted == "extra-trees"
        assert "[✔]" in harness.text(), "the models are shown, whichever tab was open"


@pytest.mark.slow
async def test_a_skops_file_that_asks_nothing_is_shown_and_added_by_enter(open_app: Open, folder: Path) -> None:
    skops.io.dump(LogisticRegression().fit(X, y), folder / "plain.skops")
    async with open_app() as harness:
        await harness.press("plus", *"pla", "tab")
        await see(harness, "is a skops file of")
        await see(harness, f"sha-256 {digest_of(folder / 'plain.skops')[:16]}")
        assert "without trusting anything" in harness.text()
        await harness.press("enter")
        await listed(harness, 7)
        assert harness.state.rows[-1].candidate.model.file == "plain.skops"
        assert trusted(harness) == {}
        assert recall() == {}


@pytest.mark.slow
async def test_types_in_a_skops_file_are_named_trusted_and_remembered(open_app: Open, folder: Path) -> None:
    path = folder / "forest.skops"
    skops.io.dump(RandomForestClassifier(3).fit(X, y), path)
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, str(path))
        await see(harness, "It names a type that skops does not trust by default")
        assert TREE in harness.text()
        await harness.press("enter", "enter", "enter")
        await see(harness, "Nothing is added yet")
        assert (len(harness.state.rows), recall()) == (6, {})
        await harness.press("ctrl+t")
        await listed(harness, 7)
        assert trusted(harness) == {digest_of(path): (TREE,)} == recall()
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, str(path))
        await see(harness, f"You have trusted: {TREE}.")
        await harness.press("enter")
        await listed(harness, 7)
        assert trusted(harness) == {digest_of(path): (TREE,)}
        skops.io.dump(RandomForestClassifier(4).fit(X, y), folder / "forest2.skops")
        await harness.press("plus")
        await type_in(harness, "forest2.skops")
        await see(harness, "It names a type that skops does not trust by default")  # another content asks again


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.pkl", "a.joblib", "a.cloudpickle", "a.skops", "no-suffix"])
async def test_a_hostile_pickle_is_shown_for_what_it_is_and_leaves_no_trace(
    open_app: Open, folder: Path, name: str
) -> None:
    victim = folder / "victim"
    (folder / name).write_bytes(pickle.dumps(Hostile(victim)))
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, f"./{name}")
        await see(harness, "is a pickle of")
        await see(harness, "Loading it runs its author's code")
        await harness.press("enter")
        await see(harness, "Nothing is added yet")
        await harness.press("escape")
        await harness.pilot.pause()
        assert (len(harness.state.rows), trusted(harness)) == (6, {})
    assert not victim.exists()


@pytest.mark.slow
async def test_a_joblib_file_is_added_after_confirmation_each_time(open_app: Open, folder: Path) -> None:
    joblib.dump(LogisticRegression().fit(X, y), folder / "old.joblib")
    for _ in range(2):
        async with open_app() as harness:
            await harness.press("plus")
            await type_in(harness, "old.joblib")
            await see(harness, "Loading it runs its author's code")
            await harness.pilot.click("#trust")
            await listed(harness, 7)
            assert trusted(harness) == {digest_of(folder / "old.joblib"): ("*",)}
            assert recall() == {}


@pytest.mark.slow
async def test_a_listed_file_is_trusted_from_the_same_dialog(open_app: Open, folder: Path) -> None:
    path = folder / "forest.skops"
    skops.io.dump(RandomForestClassifier(3).fit(X, y), path)
    model = ModelSpec(name="Checkout", file=str(path))
    async with open_app(plan=Plan(candidates=(Candidate(model=model),)), models=(model,)) as harness:
        await harness.press("plus")
        await type_in(harness, "forest.skops")
        await see(harness, "It names a type that skops does not trust by default")
        await harness.press("enter")
        await see(harness, "It is listed but not trusted yet")
        await harness.press("ctrl+t")
        await until(lambda: trusted(harness) == {digest_of(path): (TREE,)})
        assert [row.slug for row in harness.state.rows] == ["checkout"]
        await harness.press("plus")
        await type_in(harness, "forest.skops")
        await harness.press("enter")
        await see(harness, "Checkout is already in the list")


@pytest.mark.slow
async def test_an_inspection_says_nothing_once_enter_was_refused(
    open_app: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skops.io.dump(LogisticRegression().fit(X, y), folder / "plain.skops")
    model = ModelSpec(name="Checkout", file=str(folder / "plain.skops"))
    begun, released = asyncio.Event(), asyncio.Event()

    async def slow_once(path: str) -> Inspection:
        found, first = await inspect(path), not begun.is_set()
        if first:
            begun.set()
            await released.wait()
        return found

    monkeypatch.setattr(add_model, "inspect", slow_once)
    async with open_app(plan=Plan(candidates=(Candidate(model=model),)), models=(model,)) as harness:
        await harness.press("plus")
        await type_in(harness, "plain.skops")
        await asyncio.wait_for(begun.wait(), 120)
        await harness.press("enter")
        await see(harness, "Checkout is already in the list")
        released.set()
        await asyncio.sleep(0.5)  # in which it would speak
        await harness.pilot.pause()
        await see(harness, "Checkout is already in the list")
        await type_in(harness, "plain.skop")
        await type_in(harness, "plain.skops")
        await see(harness, "Enter adds it.")


@pytest.mark.slow
async def test_a_file_that_is_exchanged_after_it_was_looked_at_is_not_trusted(open_app: Open, folder: Path) -> None:
    path = folder / "old.joblib"
    joblib.dump(LogisticRegression().fit(X, y), path)
    before = digest_of(path)
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, "old.joblib")
        await see(harness, "Loading it runs its author's code")
        path.write_bytes(pickle.dumps(Hostile(folder / "victim")))
        await harness.press("ctrl+t")
        await listed(harness, 7)
        assert trusted(harness) == {before: ("*",)}, "trust is given to what was looked at"


REFUSED = [
    ("missing.skops", "There is no file missing.skops"),
    ("nowhere/model.onnx", "There is no file nowhere/model.onnx"),
    ("cut.skops", "is not a skops file, as its name says: it is truncated"),
    ("empty.pkl", "is empty"),
    ("./", "is a folder that holds"),
    ("pipe.pkl", "is a pipe or a device"),
    ("randm-forest", "did you mean random-forest?"),
    ("Random Forest", "Random Forest is already in the list"),
    ("Ridge", "Ridge is for regression"),
    ("random-forest[dtype=int8]", "dtype must be float32 or float64"),
    ("ridge-classifier[runtime=onx]", "There is no runtime 'onx'; did you mean onnx?"),
    ("random-forest[", "is not a model, nor a model with settings"),
    ("sklearn.svm:SVCC", "The module sklearn.svm has no 'SVCC'; did you mean SVC?"),
    ("sklearn.svn:SVC", "There is no module 'sklearn.svn'"),
    ("no_such_module:x", "There is no module 'no_such_module'"),
    ("a b:c", "is not an import path"),
    ("x" * 3000, "There is no model"),
    ("[bold]x[/bold]\x1b[31m", "is not a model"),
    ("", "Type something first"),
]


@pytest.mark.slow
async def test_what_cannot_be_added_is_told_in_a_sentence_and_nothing_is_lost(open_app: Open, folder: Path) -> None:
    skops.io.dump(LogisticRegression().fit(X, y), folder / "whole.skops")
    (folder / "cut.skops").write_bytes((folder / "whole.skops").read_bytes()[:300])
    (folder / "empty.pkl").touch()
    os.mkfifo(folder / "pipe.pkl")
    async with open_app() as harness:
        await harness.press("plus")
        for text, said in REFUSED:
            await type_in(harness, text)
            await harness.press("enter")
            await see(harness, said)
            assert "Traceback" not in harness.text()
            assert dialog(harness).text == text, "what was typed is still there to be mended"
        await harness.press("escape")
        assert len(harness.state.rows) == 6


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_is_told_in_a_sentence(open_app: Open, folder: Path) -> None:
    (folder / "a.pkl").write_bytes(pickle.dumps([1]))
    (folder / "a.pkl").chmod(0)
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, "a.pkl")
        await harness.press("enter")
        await see(harness, "Permission denied")


@pytest.mark.slow
async def test_an_import_path_is_told_from_its_sources_which_are_not_run(open_app: Open, folder: Path) -> None:
    (folder / "mine_to_add.py").write_text(
        f"open({str(folder / 'victim')!r}, 'w')\nclass Mine:\n    'A model of my own.'\n    def predict(self, X): ...\n"
    )
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, "mine_to_add:Mine")
        await see(harness, "a class: A model of my own.")
        await harness.press("enter")
        await listed(harness, 7)
        assert harness.state.rows[-1].candidate.model.factory == "mine_to_add:Mine"
        assert "mine_to_add" not in sys.modules
        assert not (folder / "victim").exists()


@pytest.mark.slow
async def test_settings_in_brackets_make_a_variant_under_its_model(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("plus")
        await type_in(harness, "random-forest[n_jobs=1]")
        await harness.press("enter")
        await listed(harness, 7)
        assert [row.slug for row in harness.state.rows[1:3]] == ["random-forest", "random-forest[n_jobs=1]"]


@pytest.mark.slow
async def test_two_files_of_one_name_are_told_apart_and_one_is_listed_once(open_app: Open, folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
        skops.io.dump(LogisticRegression().fit(X, y), folder / name / "model.skops")
    async with open_app() as harness:
        for count, text in ((7, "a/model.skops"), (8, "b/model.skops")):
            await harness.press("plus")
            await type_in(harness, text)
            await harness.press("enter")
            await listed(harness, count)
        assert [row.candidate.name for row in harness.state.rows[6:]] == ["model.skops", "b/model.skops"]
        await harness.press("plus")
        await type_in(harness, str(folder / "a" / "model.skops"))
        await harness.press("enter")
        await see(harness, "model.skops is already in the list")


def test_names_that_differ_by_a_sign_and_mlflow_folders_are_resolved(folder: Path) -> None:
    (folder / "churn").mkdir()
    (folder / "churn" / "MLmodel").write_text("flavors:\n  xgboost:\n    data: model.json\n")
    for name in ("m_1.json", "m-1.json", "churn/model.json"):
        (folder / name).write_text('{"learner":{}}')
    listed = Candidate(model=ModelSpec(name="m_1.json", file="m_1.json"))
    screen = AddModelScreen((), [listed], SyntheticDataset(), Trust())
    assert [screen._resolve(name).slug for name in ("m_1.json", "m-1.json")] == ["m-1.json", "m-1.json-2"]
    assert screen._resolve("./churn").model.file == "churn/model.json"


@pytest.mark.slow
async def test_a_removed_model_can_be_had_back_those_of_the_configuration_too(open_app: Open) -> None:
    own = ModelSpec(name="Checkout", factory="shop.models:Checkout", colour="#73daca", group="Shop")
    async with open_app(plan=Plan(candidates=(Candidate(model=own),)), models=(own,)) as harness:
        await harness.press("minus")
        await listed(harness, 0)
        await harness.press("plus", *"check", "enter")
        await listed(harness, 1)
        assert harness.state.rows[0].candidate.model == own


@pytest.mark.slow
@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("checkout", marks=pytest.mark.slow),
        "checkout[dtype=float32]",
        pytest.param("till", marks=pytest.mark.slow),
    ],
)
async def test_a_file_of_the_configuration_is_inspected_by_its_name_too(
    open_app: Open, folder: Path, typed: str
) -> None:
    path = folder / "forest.skops"
    skops.io.dump(RandomForestClassifier(3).fit(X, y), path)
    own = ModelSpec(name="Checkout", file=str(path), key="till")
    async with open_app(plan=Plan(candidates=(Candidate(model=own),)), models=(own,)) as harness:
        await harness.press("minus")
        await listed(harness, 0)
        await harness.press("plus")
        await type_in(harness, typed)
        await see(harness, "It names a type that skops does not trust by default")
        await harness.press("ctrl+t")
        await listed(harness, 1)
        assert harness.state.rows[0].candidate.model == own
        assert trusted(harness) == {digest_of(path): (TREE,)}


@pytest.mark.slow
async def test_leaving_the_dialog_ends_the_process_that_looks(
    open_app: Open, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "slow").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "slow").chmod(0o755)
    (folder / "a.pkl").write_bytes(pickle.dumps([1]))
    async with open_app() as harness:
        monkeypatch.setattr(sys, "executable", str(folder / "slow"))
        before = set(psutil.Process().children())
        await harness.press("plus")
        await type_in(harness, "a.pkl")
        await until(lambda: bool(set(psutil.Process().children()) - before))
        await see(harness, "Inspecting the file")
        await harness.press("escape")
        await until(lambda: not set(psutil.Process().children()) - before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "height"),
    SIZES,
)
async def test_the_dialog_lives_in_any_size(open_app: Open, folder: Path, width: int, height: int) -> None:
    skops.io.dump(RandomForestClassifier(3).fit(X, y), folder / "forest.skops")
    async with open_app(width, height) as harness:
        await harness.press("plus", "down", "down", "up", "pagedown", "pageup")
        await type_in(harness, "forest.skops")
        await until(lambda: bool(dialog(harness).query_one("#consent").display))
        await harness.press("down", "tab", "tab")
        await harness.pilot.resize_terminal(7, 3)
        await harness.pilot.resize_terminal(width, height)
        if width >= 60:
            await see(harness, "It names a type")
        await harness.press("ctrl+t")
        await listed(harness, 7)


def test_the_process_that_looks_never_outlives_the_loop_that_started_it(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A dialog that is closed in an app that ends cancels its look twice."""
    path = folder / "big.pkl"
    path.write_bytes(pickle.dumps(b"x" * 20_000_000))

    async def give_up_twice() -> None:
        others = set(psutil.Process().children())
        looking = asyncio.create_task(inspect(str(path)))
        await until(lambda: bool({*psutil.Process().children()} - others))
        for _ in range(8):
            looking.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await looking
        assert not {*psutil.Process().children()} - others

    for _ in range(5):
        asyncio.run(give_up_twice())
    gc.collect()
    assert not caplog.records


@pytest.mark.slow
def test_neither_numpy_nor_scikit_learn_is_imported_to_add_a_model(folder: Path) -> None:
    skops.io.dump(RandomForestClassifier(3).fit(X, y), folder / "forest.skops")
    program = (
        "import asyncio, sys\n"
        "from latency_tui.engine.inspection import inspect\n"
        "from latency_tui.plan import Dataset, SyntheticDataset, Trust\n"
        "from latency_tui.tui.screens.add_model import AddModelScreen\n"
        "screen = AddModelScreen((), (), SyntheticDataset(), Trust())\n"
        "assert screen.completions('tree') and screen.completions('./')\n"
        "assert screen._resolve('forest.skops') and screen._resolve('sklearn.svm:SVC')\n"
        "assert asyncio.run(inspect('forest.skops')).untrusted_types\n"
        "print(sorted({'numpy', 'sklearn', 'scipy', 'skops', 'joblib'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "[]"
