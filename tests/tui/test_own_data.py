"""A user changes the data by `d`: by name, from real files with their target, of the configuration."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from latency_tui.catalog.configuration import load_configuration
from latency_tui.catalog.data_columns import column_names
from latency_tui.engine.protocol import Measure
from latency_tui.plan import BundledDataset, FileDataset, SyntheticDataset
from latency_tui.tui.screens.change_data import ChangeDataScreen
from tests.parameters import one_quick
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import until

SIZES = [(140, 45), (80, 24), (40, 12), (12, 4), (1, 1)]
ORDERS = "price,weight,returned\n1.5,2,0\n2.5,3,1\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def type_in(harness: AppHarness, text: str) -> None:
    screen = harness.app.screen
    assert isinstance(screen, ChangeDataScreen)
    screen.query_one("#wanted", Input).value = text
    await harness.pilot.pause()


async def see(harness: AppHarness, words: str) -> None:
    try:
        await until(lambda: words in " ".join(harness.text().replace("│", " ").split()))
    except AssertionError:
        raise AssertionError(f"{words!r} never came:\n{harness.text()}") from None


def dataset(harness: AppHarness) -> object:
    return harness.state.plan.workload.dataset


async def closed(harness: AppHarness) -> None:
    await until(lambda: len(harness.app.screen_stack) == 1)
    await harness.pilot.pause()


@pytest.mark.slow
async def test_a_bundled_set_is_taken_by_name_shown_in_the_header_and_measured(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("t")
        await harness.idle()
        assert all(row.stage == "ready" for row in harness.state.rows)
        await harness.press("d")
        await see(harness, "breast-cancer")
        await harness.press(*"iri", "enter")
        await closed(harness)
        assert dataset(harness) == BundledDataset(name="iris")
        assert "iris" in harness.text().splitlines()[0]
        assert {(row.stage, row.score) for row in harness.state.rows} == {("new", None)}, "they know other data"
        assert len(harness.state.rows) == 6
        await harness.profile()
        command = harness.script.commands[-1]
        assert isinstance(command, Measure)
        assert command.plan.workload.dataset == BundledDataset(name="iris")


@pytest.mark.slow
async def test_over_an_old_result_the_header_says_what_comes_next(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("d", *"wine", "enter")
        await closed(harness)
        title = harness.text().splitlines()[0]
        assert "synthetic" in title, "the numbers on the screen are of this"
        assert "next: wine" in title
        await harness.profile()
        assert "next" not in harness.text().splitlines()[0]


async def test_a_file_is_found_and_its_target_chosen_from_its_columns(open_app: Open, folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "notes.txt").write_text("nothing")
    async with open_app(80, 24) as harness:
        await harness.press("d", *"ord")
        await see(harness, "orders.csv")
        assert "notes.txt" not in harness.text()
        await harness.press("enter")
        await see(harness, "Select the target column.")
        assert "weight" in harness.text()
        await harness.press("enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path="orders.csv", target="returned"), "the last column is the likeliest"


async def test_a_file_may_be_taken_without_a_target(open_app: Open, folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS)
    async with open_app() as harness:
        await harness.press("d")
        await type_in(harness, "orders.csv")
        await see(harness, "no target")
        await harness.press("pagedown", "enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path="orders.csv")


async def test_a_typed_target_must_be_a_column(open_app: Open, folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS)
    async with open_app() as harness:
        await harness.press("d")
        await type_in(harness, "orders.csv[target=colour]")
        await harness.press("enter")
        await see(harness, "has no column 'colour'")
        await type_in(harness, "orders.csv[target=weight]")
        await harness.press("enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path="orders.csv", target="weight")


@pytest.mark.parametrize("how", one_quick(["typed", "listed"]))
async def test_a_target_that_is_a_number_brings_the_regressors(open_app: Open, folder: Path, how: str) -> None:
    (folder / "orders.csv").write_text(ORDERS)
    async with open_app() as harness:
        await harness.press("d")
        await type_in(harness, "orders.csv[target=price,task=ranking]")
        await harness.press("enter")
        await see(harness, "must be classification or regression")
        if how == "typed":
            await type_in(harness, "orders.csv[target=price,task=regression]")
            await harness.press("enter")
        else:
            await type_in(harness, "orders.csv[target=price]")
            await see(harness, "Regressors are listed.")
            await harness.press("down", "enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path="orders.csv", target="price", task="regression")
        assert {row.candidate.model.task for row in harness.state.rows} == {"regression"}


async def test_a_typed_target_is_taken_and_no_longer_one(open_app: Open, folder: Path) -> None:
    (folder / "orders.csv").write_text("weight,weight_kg\n1,2\n")
    async with open_app() as harness:
        await harness.press("d")
        await type_in(harness, "orders.csv[target=weight]")
        await harness.press("enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path="orders.csv", target="weight")


@pytest.mark.slow
async def test_the_task_of_an_array_file_needs_no_target(open_app: Open, folder: Path) -> None:
    np.savez(folder / "a.npz", X=np.ones((2, 2)), y=np.ones(2))
    async with open_app() as harness:
        await harness.press("d")
        await type_in(harness, "a.npz[task=regression]")
        await harness.press("enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path="a.npz", task="regression")


@pytest.mark.slow
async def test_models_for_another_task_give_way_and_come_back(open_app: Open) -> None:
    async with open_app() as harness:
        before = [row.slug for row in harness.state.rows]
        await harness.press("d", *"diabetes", "enter")
        await closed(harness)
        tasks = {row.candidate.model.task for row in harness.state.rows}
        assert tasks == {"regression"}
        assert harness.state.row is not None
        assert harness.state.selected
        await harness.press("d", *"synthetic 1", "enter")
        await closed(harness)
        assert dataset(harness) == SyntheticDataset()
        assert [row.slug for row in harness.state.rows] == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing-such", "There is no file and no bundled dataset"),
        ("gone.csv", "There is no file gone.csv"),
        ("empty.csv", "empty.csv is empty"),
        ("fake.parquet", "is not a Parquet file"),
        ("iris[target=y]", "iris"),
        pytest.param("x" * 5000, "There is no file and no bundled dataset", id="too long for a path"),
    ],
)
async def test_what_is_no_data_is_told_in_a_sentence_and_nothing_changes(
    open_app: Open, folder: Path, text: str, said: str
) -> None:
    (folder / "empty.csv").write_text("")
    (folder / "fake.parquet").write_bytes(b"PK\x03\x04nothing")
    async with open_app() as harness:
        await harness.press("d")
        await type_in(harness, text)
        await harness.press("enter")
        await see(harness, said)
        await harness.press("escape")
        await closed(harness)
        assert dataset(harness) == SyntheticDataset()


async def test_datasets_of_the_configuration_have_names(open_app: Open, folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "latency-tui.toml").write_text('[datasets.shop]\nfile = "orders.csv"\ntarget = "returned"\n')
    loaded = load_configuration(folder / "latency-tui.toml")
    async with open_app(configuration=loaded) as harness:
        await harness.press("d", *"shop", "enter")
        await closed(harness)
        assert dataset(harness) == FileDataset(path=str(folder / "orders.csv"), target="returned")


@pytest.mark.slow
async def test_a_dataset_of_the_configuration_that_cannot_be_made_is_told(open_app: Open, folder: Path) -> None:
    (folder / "latency-tui.toml").write_text("[datasets.tiny]\nsamples = 5\n")
    async with open_app(configuration=load_configuration(folder / "latency-tui.toml")) as harness:
        await harness.press("d", *"tiny", "enter")
        await see(harness, "whole number from 20 to 100,000,000, not 5.")
        await harness.press("escape")
        await closed(harness)
        assert dataset(harness) == SyntheticDataset()


@pytest.mark.parametrize("key", ["d", "plus"])
async def test_nothing_changes_while_something_runs_and_a_sentence_says_so(open_app: Open, key: str) -> None:
    async with open_app() as harness:
        harness.script.gate = asyncio.Event()
        await harness.press("p")
        await until(lambda: harness.state.work == "profiling")
        await harness.press(key)
        await see(harness, "Something is running")
        assert len(harness.app.screen_stack) == 1
        await harness.press("escape")
        harness.script.gate.set()
        await harness.idle()


@pytest.mark.slow
async def test_the_dialog_lives_in_any_size(open_app: Open, folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS)
    async with open_app() as harness:
        for width, height in SIZES:
            await harness.pilot.resize_terminal(width, height)
            await harness.press("d", "down", "down", "up", "pagedown", "pageup", "tab")
            await type_in(harness, "orders.csv")
            await harness.pilot.resize_terminal(7, 3)
            await harness.pilot.resize_terminal(width, height)
            target = "price" if dataset(harness) != FileDataset(path="orders.csv", target="price") else "weight"
            await type_in(harness, f"orders.csv[target={target}]")
            await harness.press("enter")
            await closed(harness)
            assert dataset(harness) == FileDataset(path="orders.csv", target=target)


def test_names_of_columns_are_read_from_the_first_lines_alone(folder: Path) -> None:
    (folder / "a.csv").write_text(ORDERS)
    (folder / "numbers.csv").write_text("1,2.5,3\n4,5,6\n")
    (folder / "a.jsonl").write_text(json.dumps({"b": 1, "c": 2}) + "\nnonsense")
    np.savez(folder / "a.npz", X=np.ones((2, 2)), y=np.ones(2))
    (folder / "cut.npz").write_bytes((folder / "a.npz").read_bytes()[:50])
    (folder / "list.jsonl").write_text("{not json")
    (folder / "tabs.tsv").write_text("a b\t c\n1,5\t2\n", encoding="utf-16")
    (folder / "index.csv").write_text(",a,a\n0,1,2\n1,3,4\n")
    (folder / "records.json").write_text('[{"b": 1},\n {"b": 2, "c": "x"}]')
    (folder / "columns.json").write_text('{"b": {"0": 1}, "c": {"0": 2}}')
    with gzip.open(folder / "packed.csv.gz", "wt") as file:
        file.write(ORDERS)
    assert column_names(folder / "a.csv") == ("price", "weight", "returned")
    assert column_names(folder / "numbers.csv") == ("0", "1", "2")
    assert column_names(folder / "a.jsonl") == ("b", "c")
    assert column_names(folder / "a.npz") == ("X", "y")
    assert column_names(folder / "tabs.tsv") == ("a b", "c")
    assert column_names(folder / "index.csv") == ("a", "a.1")
    assert column_names(folder / "records.json") == ("b", "c")
    assert column_names(folder / "columns.json") == ("b", "c")
    assert column_names(folder / "packed.csv.gz") == ("price", "weight", "returned")
    for name in ("cut.npz", "list.jsonl", "gone.csv"):
        assert column_names(folder / name) == ()
