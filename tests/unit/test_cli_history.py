"""The history commands: what they print, what they refuse, and which file they use."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.cli import cli, history_options
from latency_tui.history.store import History
from latency_tui.report import write
from tests.unit.fake_result import make_evil_result, make_result

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the history."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LATENCY_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


@pytest.fixture
def keys() -> list[str]:
    """Ids of three results, the oldest first."""
    with History.open(create=True) as history:
        return [
            history.save(msgspec.structs.replace(make_result(), created_at=BEGAN + timedelta(days=day)))
            for day in range(3)
        ]


def test_an_empty_history_is_an_empty_list_and_a_sentence(folder: Path) -> None:
    done = run("history", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"The history {folder / 'history.sqlite3'} is empty.\n"
    assert json.loads(run("history", "list", "--format", "json").stdout) == []
    assert not folder.exists()


def test_the_list_shows_the_newest_first_and_as_json_all_of_it(keys: list[str]) -> None:
    run("history", "tag", keys[0], "nightly", "--name", "main")
    table = run("history", "list").stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == [key[:8] for key in reversed(keys)]
    assert "main  nightly" in table[-1]
    assert run("history", "list", "-n", "1").stdout.count(keys[2][:8]) == 1
    rows = json.loads(run("history", "list", "--format", "json").stdout)
    assert [row["id"] for row in rows] == [*reversed(keys)]
    assert (rows[2]["name"], rows[2]["tags"], rows[2]["p50"]) == ("main", ["nightly"], 62.1e-6)
    (row,) = json.loads(run("history", "list", "--tag", "nightly", "--format", "json").stdout)
    assert row["id"] == keys[0]


def test_the_guide_names_every_field_of_the_list(keys: list[str]) -> None:
    from latency_tui.guide import read_page

    (row, *_) = json.loads(run("history", "list", "--format", "json").stdout)
    table = read_page("history").text.partition("## The list as JSON")[2]
    assert [name for name in row if f"`{name}`" not in table] == []


def test_show_prints_the_table_or_all_of_the_result(keys: list[str]) -> None:
    shown = run("history", "show", "last~1").stdout
    assert shown.startswith(keys[1])
    assert make_result().answer in shown
    content = json.loads(run("history", "show", keys[1][:6], "--format", "json").stdout)
    assert len(content["candidates"][0]["samples"]) == 100
    bare = json.loads(run("history", "show", keys[1], "--format", "json", "--no-samples").stdout)
    assert bare["candidates"][0]["samples"] is None


def test_names_that_attack_the_terminal_are_harmless() -> None:
    with History.open(create=True) as history:
        history.save(make_evil_result())
    for shown in (run("history", "list").stdout, run("history", "show", "last").stdout):
        assert "\x1b" not in shown
        assert "\x9b" not in shown


def test_results_are_imported_once_and_removed(keys: list[str]) -> None:
    write(msgspec.structs.replace(make_result(), created_at=BEGAN), "r.json")
    done = run("history", "import", "r.json", "--name", "imported", "--tag", "ci")
    assert done.stderr == f"r.json is kept as {keys[0]}.\n"
    assert len(json.loads(run("history", "list", "--format", "json").stdout)) == 3
    assert run("history", "rm", "imported", keys[1], keys[1]).stderr == "Removed 2 results.\n"
    assert run("history", "prune", "--older-than", "1").stderr == "Removed 1 result.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nothing"], "There is no result 'nothing'"),
        (["rm", "last", "last~7"], "There is no result last~7"),
        (["tag", "last"], "Give a tag, --remove TAG or --name NAME."),
        (["tag", "last", "last~2"], "'last~2' cannot be a name or tag"),
        (["prune"], "--keep N, or --older-than DAYS"),
        (["import", "nothing.json"], "nothing.json"),
        (["list", "--limit", "0"], "--limit"),
        (["lst"], "No such command 'lst'"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(keys: list[str], arguments: list[str], said: str) -> None:
    done = run("history", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(json.loads(run("history", "list", "--format", "json").stdout)) == 3


def test_options_and_configuration_select_the_file(keys: list[str], tmp_path: Path) -> None:
    with History.open(tmp_path / "other.sqlite3", create=True) as history:
        key = history.save(make_result())
    assert key[:8] in run("history", "list", "--history", "other.sqlite3").stdout
    assert key[:8] in run("--history", "other.sqlite3", "history", "list").stdout
    Path("latency-tui.toml").write_text('history = "other.sqlite3"\n')
    assert key[:8] in run("history", "list").stdout
    Path("latency-tui.toml").write_text("history = false\n")
    assert "keeps no history" in run("history", "list").stderr
    Path("latency-tui.toml").write_text('history = "../elsewhere.sqlite3"\n')
    assert "is outside of its folder" in run("history", "list").stderr


@pytest.mark.parametrize("arguments", [["--history", "x", "--no-history"], ["--no-history", "--name", "x"]])
def test_options_that_contradict_each_other_are_refused(arguments: list[str]) -> None:
    done = run("run", *arguments)
    assert done.exit_code == 2
    assert "history" in done.stderr


def test_without_a_home_folder_a_sentence_says_that_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(history_options, "default_path", lambda: None)
    place = history_options.find_place({"history": None, "no_history": False}, LoadedConfiguration())
    place.remove()
    assert "This result is not kept: there is no home folder" in capsys.readouterr().err
    history_options.find_place({"history": None, "no_history": True}, LoadedConfiguration()).remove()
    assert capsys.readouterr().err == ""


def test_check_finds_its_baseline_in_the_history_that_is_named(keys: list[str]) -> None:
    run("history", "tag", keys[0], "release")
    check = ("check", "-m", "linear-svm", "--limit", "p50 < 1.05x", "--baseline", "release")
    done = run(*check, "--history", "other.sqlite3")
    assert done.exit_code == 2
    assert "There is no result 'release'" in done.stderr


def test_a_trend_has_all_results_of_the_plan_and_marks_a_change(folder: Path) -> None:
    slower = 1.2
    with History.open(create=True) as history:
        for day in range(12):
            result = msgspec.structs.replace(make_result(), created_at=BEGAN + timedelta(days=day))
            [first, *others] = result.candidates
            assert first.statistics is not None
            factor = (1 + 0.001 * (day % 3)) * (slower if day >= 7 else 1.0)
            p50 = msgspec.structs.replace(first.statistics.p50, value=(first.statistics.p50.value or 0.0) * factor)
            statistics = msgspec.structs.replace(first.statistics, p50=p50)
            first = msgspec.structs.replace(first, statistics=statistics, per_launch=())
            history.save(msgspec.structs.replace(result, candidates=(first, *others)))
    trend = json.loads(run("history", "trend", "--format", "json").stdout)
    changes = {one["name"]: one["changes"] for one in trend["candidates"]}
    (change,) = changes.pop("Random Forest")
    assert change["since"] == trend["candidates"][-1]["points"][7]["result"]
    assert change["low"] < slower < change["high"]
    assert not any(changes.values())
    assert re.search(r"is 1\.20*× slower \(95 % CI [\d.–]+\) since", run("history", "trend", "last~3").stdout)


def test_a_trend_of_few_results_says_from_how_many_on_it_looks_for_changes(keys: list[str]) -> None:
    assert "Changes can be found from 10 results on; there are 3." in run("history", "trend", keys[0]).stdout
