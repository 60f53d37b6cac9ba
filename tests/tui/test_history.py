"""The tab History: the results of all sessions are listed, opened, filtered and deleted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from latency_tui.cli import cli, open_result
from latency_tui.history.store import History
from latency_tui.plan import BUILTIN_MODELS
from latency_tui.result.result import Result, load
from latency_tui.tui.app import LatencyApp
from latency_tui.tui.reducers.history import open_saved
from latency_tui.tui.state import mean_calls, start
from tests.parameters import one_quick
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import Script, fake_plan, until
from tests.unit.fake_result import make_result
from tests.unit.test_trend import noise, results

FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)


def fill(path: Path, *names: str) -> list[str]:
    """Keep a result of each name, a day apart, the oldest first; return their ids."""
    with History.open(path, create=True) as history:
        return [
            history.save(msgspec.structs.replace(make_result(), created_at=FIRST + timedelta(days=day)), name=name)
            for day, name in enumerate(names)
        ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a history with three results."""
    path = tmp_path / "history.sqlite3"
    fill(path, "oldest", "middle", "newest")
    return path


async def listed(harness: AppHarness) -> None:
    """Open the tab, and wait until the list is read."""
    await harness.press("7")
    await until(lambda: harness.state.history.all_rows is not None)
    await harness.pilot.pause()


@pytest.mark.parametrize(("width", "height"), [(140, 40), (80, 24), (60, 20)])
async def test_all_results_are_listed_the_newest_first(open_app: Open, path: Path, width: int, height: int) -> None:
    async with open_app(width, height, history=path) as harness:
        await listed(harness)
        text = harness.text()
        assert [row.name for row in harness.state.history.rows] == ["newest", "middle", "oldest"]
        assert text.index("2026-11-03") < text.index("2026-11-02") < text.index("2026-11-01")
        assert "Logistic Regr" in text
        assert "62.1 µs" in text


@pytest.mark.slow
async def test_enter_opens_a_saved_result_and_says_from_when_it_is(open_app: Open, path: Path, tmp_path: Path) -> None:
    async with open_app(history=path) as harness:
        await listed(harness)
        await harness.press("j", "enter")
        await until(lambda: harness.state.result is not None)
        await harness.idle()
        text = harness.text()
        assert "saved 2026-11-02" in text
        assert "62.1 µs" in text
        assert "Logistic Regression is fastest" in text
        assert harness.state.result is not None
        assert harness.state.result.candidate("linear-svm").samples is not None
        await harness.press("s", "end", "ctrl+u")
        await harness.paste(tmp_path / "saved.json")
        await harness.press("enter")
        await until(lambda: (tmp_path / "saved.json").exists())
        await harness.pilot.pause(0.2)
        samples = load(tmp_path / "saved.json").candidate("linear-svm").samples
        assert samples is not None
        assert samples.size == 100


@pytest.mark.slow
async def test_a_saved_result_precedes_those_of_this_session(open_app: Open, path: Path) -> None:
    async with open_app(history=path) as harness:
        await harness.profile()
        await listed(harness)
        await until(lambda: len(harness.state.history.rows) == 4)
        await harness.press("j", "enter")
        await until(lambda: len(harness.state.measurements) == 2)
        await listed(harness)
        await harness.press("j", "enter")
        await until(lambda: len(harness.state.measurements) == 3)
        assert [one.is_saved for one in harness.state.measurements] == [True, True, False]
        assert "result 1 of 3" in harness.text()
        await harness.press("b", "m", "right_square_bracket", "right_square_bracket")
        assert harness.state.measurement is not None
        assert not harness.state.measurement.is_saved
        assert len(harness.screen.controller.results_so_far()) == 1, "saved results are not saved again"


@pytest.mark.slow
async def test_a_result_is_listed_as_finished_when_it_is_kept(open_app: Open, path: Path) -> None:
    async with open_app(history=path) as harness:
        harness.script.gate = asyncio.Event()
        await harness.press("p")
        await until(lambda: harness.state.result is not None)
        await listed(harness)
        await until(lambda: [row.state for row in harness.state.history.rows[:1]] == ["measuring"])
        await harness.press("enter")
        assert "Something is running" in harness.text()
        harness.script.gate.set()
        await until(lambda: harness.state.history.rows[0].state == "finished")
        assert harness.state.tab == "history"


async def test_opening_an_open_result_shows_it(open_app: Open, path: Path) -> None:
    async with open_app(history=path) as harness:
        await listed(harness)
        await harness.press("enter")
        await until(lambda: harness.state.result is not None)
        await listed(harness)
        await harness.press("enter")
        assert harness.state.tab == "latency"
        assert len(harness.state.measurements) == 1


@pytest.mark.slow
async def test_b_compares_results_with_a_saved_one_until_pressed_again(open_app: Open, path: Path) -> None:
    with History.open(path) as history:
        newest = history.load(history.find("newest"))
        assert newest.environment is not None
        environment = msgspec.structs.replace(newest.environment, versions={"numpy": "9.9"})
        history.save(msgspec.structs.replace(newest, environment=environment))
    async with open_app(history=path) as harness:
        await listed(harness)
        await harness.press("j", "j", "b")
        await until(lambda: harness.state.saved_baseline is not None)
        assert "against saved 2026-11-01 08:00 (oldest)" in harness.text()
        await harness.press("k", "k", "enter")
        await until(lambda: harness.state.result is not None)
        await harness.idle()
        assert "░ saved" in harness.text()
        await harness.press("3")
        await harness.pilot.pause(0.1)
        text = harness.text()
        assert "saved 2026-11-03 08:00 against saved 2026-11-01 08:00 (oldest), unpaired" in text
        assert "1.00×" in text
        assert "No verdict: the results were not measured in turns" in text
        assert "version: numpy" in text
        assert harness.state.highlighted == "logistic-regression"
        await listed(harness)
        await harness.press("j", "j", "b")
        assert harness.state.saved_baseline is None
        await harness.press("3")
        assert "against saved" not in harness.text()


async def test_a_result_of_this_session_is_compared_with_a_saved_one(open_app: Open, path: Path) -> None:
    async with open_app(80, 24, history=path) as harness:
        await listed(harness)
        await harness.press("b")
        await until(lambda: harness.state.saved_baseline is not None)
        await harness.profile()
        await harness.press("3")
        await until(lambda: "this result against saved 2026-11-03 08:00 (newest)" in harness.text())
        baseline = harness.state.saved_baseline
        assert baseline is not None
        await until(lambda: harness.state.saved_baseline is not None and bool(harness.state.saved_baseline.compared))


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Return the file of a history in which a plan became 1.2 times as slow with another numpy."""
    path = tmp_path / "changed.sqlite3"
    factors = noise(16)
    factors[10:] *= 1.2
    with History.open(path, create=True) as history:
        for result in reversed(results(factors.tolist(), numpy_from=10).values()):
            history.save(result)
    return path


@pytest.mark.parametrize(("width", "height"), one_quick([(80, 24), (140, 45), (60, 20)]))
async def test_the_trend_of_a_plan_shows_changes_and_what_differs(
    open_app: Open, changed: Path, width: int, height: int
) -> None:
    async with open_app(width, height, history=changed) as harness:
        await listed(harness)
        await harness.press("T")
        await until(lambda: harness.state.history.trend is not None)
        await harness.pilot.pause(0.1)
        text = harness.text()
        assert "p50 of Logistic Regression, 16 results" in text
        assert "┊ 1.20× slower" in text
        assert "1.2" in text.split("Logistic Regression is ")[1]
        assert "numpy was 2.1" in " ".join(text.split())
        assert ("  measured " in text) == (width > 100), "the list is above the chart if there is room"
        await harness.press("T")
        assert "p50 of Linear SVM" in harness.text()
        await harness.press("T", "T")
        assert "p50 of" not in harness.text()
        assert harness.state.history.trend_model is None


async def test_the_trend_follows_the_highlight_to_another_plan(open_app: Open, changed: Path) -> None:
    with History.open(changed) as history:
        other = make_result()
        work = msgspec.structs.replace(other.plan.workload, batch_size=64)
        plan = msgspec.structs.replace(other.plan, workload=work)
        history.save(msgspec.structs.replace(other, plan=plan, created_at=FIRST))
    async with open_app(history=changed) as harness:
        await listed(harness)
        await harness.press("T", "end")
        await until(
            lambda: (
                harness.state.history.trend is not None and "p50 of Logistic Regression, 1 result " in harness.text()
            )
        )
        assert "Changes can be found from 10 results on; there is 1." in harness.text()


@pytest.mark.parametrize(("width", "height"), one_quick([(140, 45), (80, 24)]))
async def test_home_end_and_page_keys_move_the_highlight(
    open_app: Open, changed: Path, width: int, height: int
) -> None:
    async with open_app(width, height, history=changed) as harness:
        first, last = harness.state.rows[0].slug, harness.state.rows[-1].slug
        await harness.press("end")
        assert harness.state.highlighted == last
        await harness.press("pageup")
        assert harness.state.highlighted == first
        await listed(harness)
        ids = [row.id for row in harness.state.history.rows]
        for key, place in (("end", 15), ("pageup", 5), ("home", 0), ("pagedown", 10), ("pagedown", 15)):
            await harness.press(key)
            assert harness.state.history.highlighted == ids[place], key
        assert harness.state.highlighted == first


@pytest.mark.slow
async def test_the_filter_lists_results_that_contain_the_text(open_app: Open, path: Path) -> None:
    async with open_app(80, 24, history=path) as harness:
        await listed(harness)
        await harness.press("slash", *"middle", "enter")
        assert [row.name for row in harness.state.history.rows] == ["middle"]
        assert "1 of 3 results" in harness.text()
        await harness.press("slash", *"xx", "enter")
        assert "No result contains 'xx'" in harness.text()
        await harness.press("slash", "escape")
        assert len(harness.state.history.rows) == 3


async def test_minus_deletes_a_result_after_a_question(open_app: Open, path: Path) -> None:
    async with open_app(history=path) as harness:
        await listed(harness)
        await harness.press("minus")
        assert "again deletes the result of 2026-11-03" in harness.text()
        assert len(harness.state.rows) == 6, "no model is removed"
        await harness.press("minus")
        await until(lambda: len(harness.state.history.rows) == 2)
        with History.open(path) as history:
            assert [row.name for row in history.list()] == ["middle", "oldest"]


async def test_another_result_is_not_deleted_without_its_own_question(open_app: Open, path: Path) -> None:
    async with open_app(history=path) as harness:
        await listed(harness)
        await harness.press("minus", "j", "minus")
        await harness.idle()
        assert len(harness.state.history.rows) == 3


@pytest.mark.slow
async def test_an_empty_or_unusable_history_says_so_in_one_sentence(open_app: Open, tmp_path: Path) -> None:
    async with open_app(history=tmp_path / "none.sqlite3") as harness:
        await listed(harness)
        assert "The history is empty; p measures" in harness.text()
        await harness.press("enter")
        assert "No result of the history is highlighted." in harness.text()
    (tmp_path / "text").write_text("This is a text, and not a database. " * 100)
    async with open_app(80, 24, history=tmp_path / "text") as harness:
        await listed(harness)
        assert "damaged or not a history" in " ".join(harness.text().split())
    async with open_app() as harness:
        await listed(harness)
        assert "This session keeps no history" in harness.text()


@pytest.mark.slow
async def test_brackets_go_on_through_results_of_older_sessions(open_app: Open, path: Path) -> None:
    async with open_app(history=path) as harness:
        await harness.profile()
        await harness.profile()
        await harness.press(*["left_square_bracket"] * 3)
        await until(lambda: len(harness.state.measurements) == 4)
        await harness.idle()
        assert "saved 2026-11-01" not in harness.text()
        assert "saved 2026-11-02" in harness.text()
        await harness.press("left_square_bracket", "left_square_bracket")
        await until(lambda: "There is no other result" in harness.text())
        assert "saved 2026-11-01" in harness.text()
        await harness.press("right_square_bracket")
        await until(lambda: "saved 2026-11-02" in harness.text())
        await harness.press(*["right_square_bracket"] * 3)
        await until(lambda: "result 5 of 5" in harness.text())
        assert harness.state.measurement is not None
        assert not harness.state.measurement.is_saved


@pytest.mark.slow
async def test_without_a_history_brackets_stay_in_this_session(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("left_square_bracket")
        await until(lambda: "There is no other result; p measures." in harness.text())
        await harness.profile()
        await harness.profile()
        await harness.press("left_square_bracket")
        await until(lambda: "result 1 of 2" in harness.text())


@pytest.mark.parametrize("named", ["file", "history"])
async def test_a_long_result_is_read_after_the_first_frame(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setattr(open_result, "_LARGE_BYTES", 100)
    (tmp_path / "long.json").write_text(make_result().to_json())
    saved = open_result.find_result(str(tmp_path / "long.json") if named == "file" else "middle", path)
    assert not isinstance(saved, Result)
    app = LatencyApp(fake_plan(), BUILTIN_MODELS[:2], engine_factory=Script().make, saved=saved, history=path)
    async with app.run_test(size=(140, 45)) as pilot:
        harness = AppHarness(app, pilot, Script())
        await until(lambda: "Logistic Regression is fastest" in harness.text() and "71.3 µs" in harness.text())
        await until(lambda: any(c.samples is not None for c in harness.state.result.candidates))  # type: ignore[union-attr]  # it is shown


async def test_the_app_opens_with_a_saved_result() -> None:
    app = LatencyApp(fake_plan(), BUILTIN_MODELS[:2], engine_factory=Script().make, saved=make_result())
    async with app.run_test(size=(140, 45)) as pilot:
        harness = AppHarness(app, pilot, Script())
        await until(lambda: "Logistic Regression is fastest" in harness.text() and "71.3 µs" in harness.text())
        assert f"saved {datetime.now().astimezone():%Y}" in harness.text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["broken.json"], "broken.json"),
        (["missing.json"], "missing.json"),
        (["last"], "is empty"),
        (["newest", "--history", "history.sqlite3"], "The app needs a terminal"),
        (["--history=history.sqlite3", "last~2"], "The app needs a terminal"),
        (["--history", "history.sqlite3", "newset"], "No such command 'newset'"),
    ],
)
def test_a_result_in_place_of_a_command_is_opened_or_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("LATENCY_TUI_HOME", str(path.parent / "home"))
    Path("broken.json").write_text("{")
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_saved_result_does_not_estimate_how_long_this_machine_needs() -> None:
    candidates = fake_plan().candidates
    state = open_saved(start(fake_plan(), candidates), make_result())
    assert state.result is not None
    assert mean_calls(state) == {}


def test_a_result_of_the_history_is_found_without_reading_it(path: Path) -> None:
    words = (
        "import sys; from pathlib import Path; from latency_tui.cli.open_result import find_result; "
        f"found = find_result('middle', Path({str(path)!r})); print(found.name, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "middle False"


def test_sqlite_is_not_imported_before_the_first_frame() -> None:
    words = "import sys, latency_tui.tui.app; print(*sorted({'sqlite3', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
