"""A headless measurement on made events: exit codes, what is said, and what stands in the progress line."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.cli import headless
from latency_tui.cli.headless import failure_exit_code, measure_and_report, write_report
from latency_tui.cli.history_options import Place
from latency_tui.engine.cold_start_events import ColdStartStarted
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    Cause,
    Event,
    JobFinished,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    TrainingStarted,
)
from latency_tui.errors import DataError, EngineError
from latency_tui.history.store import History
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report import Format
from latency_tui.report.progress import Progress
from latency_tui.result.result import load
from tests.unit.fake_latencies import block
from tests.unit.fake_result import make_result

PLAN = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2]))


def failed(slug: str, cause: Cause = "raised") -> CandidateFailed:
    return CandidateFailed(job="j", candidate=slug, stage="training", message="ValueError: no", cause=cause)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are until the report is written."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "history.sqlite3", name="main")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the engine say these events, or raise."""

    def arrange(*events: Event | Exception) -> None:
        async def measure(_plan: Plan, **_: object) -> AsyncIterator[Event]:
            for event in events:
                await asyncio.sleep(0)
                if isinstance(event, Exception):
                    raise event
                yield event

        monkeypatch.setattr(headless, "measure", measure)

    return arrange


@pytest.mark.parametrize(
    ("causes", "code"),
    [
        ([], 0),
        (["raised"], 4),
        (["crashed"], 4),
        (["memory"], 4),
        (["timed out"], 124),
        (["timed out", "timed out"], 124),
        (["timed out", "raised"], 4),
    ],
)
def test_exit_codes_of_failures(causes: list[Cause], code: int) -> None:
    assert failure_exit_code(causes) == code


def test_a_failure_is_in_the_report_and_in_the_exit_code(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    play(failed("random-forest"), JobFinished(job="j", reason="nothing left to measure"))
    assert measure_and_report(PLAN, report_format="table", path=None, samples=True) == 4
    out, err = capsys.readouterr()
    assert "failed  Random Forest: ValueError: no" in out
    assert err == ""


@pytest.mark.parametrize("form", ["pyperf", "hyperfine", "svg", "github-action-benchmark"])
def test_a_format_with_nothing_to_write_gives_the_reason_and_the_exit_code(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path, form: Format
) -> None:
    play(failed("random-forest"), JobFinished(job="j", reason="completed"))
    assert measure_and_report(PLAN, report_format=form, path=tmp_path / "report", samples=True) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("latency-tui: No model was measured")
    assert "random-forest: ValueError: no" in err
    assert not (tmp_path / "report").exists()


def test_a_binary_report_that_cannot_be_written_is_json_on_stdout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    assert write_report(make_result(), "parquet", tmp_path / "no" / "a.parquet", samples=True) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["answer"] == make_result().answer
    assert err.startswith("latency-tui: Cannot write")


def test_an_engine_that_dies_is_a_sentence_after_what_was_measured(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    play(failed("random-forest"), EngineError("The measuring process ended unexpectedly (signal 9)."))
    assert measure_and_report(PLAN, report_format="json", path=tmp_path / "kept.json", samples=True) == 1
    assert capsys.readouterr().err.endswith("latency-tui: The measuring process ended unexpectedly (signal 9).\n")
    assert "no" in (tmp_path / "kept.json").read_text()


def test_an_engine_that_dies_before_measuring_leaves_an_older_result(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "kept.json").write_text("older")
    play(EngineError("The measuring process could not be started."))
    assert measure_and_report(PLAN, report_format="json", path=tmp_path / "kept.json", samples=True) == 1
    assert capsys.readouterr() == ("", "latency-tui: The measuring process could not be started.\n")
    assert (tmp_path / "kept.json").read_text() == "older"


def test_a_control_copy_that_fails_is_noise_and_no_failure_of_a_model(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = msgspec.structs.replace(PLAN, control=True)
    assert plan.control_candidate is not None
    play(failed(plan.control_candidate.slug), JobFinished(job="j", reason="completed"))
    assert measure_and_report(plan, report_format="table", path=None, samples=True) == 0
    assert "noise   The control failed" in capsys.readouterr().out


def test_data_that_cannot_be_read_leave_an_older_result_and_stdout_alone(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "kept.json").write_text("older")
    for path in (tmp_path / "kept.json", None):
        play(DataError("data.csv has no column 'tagret'."))
        assert measure_and_report(PLAN, report_format="json", path=path, samples=True) == 2
        assert capsys.readouterr() == ("", "latency-tui: data.csv has no column 'tagret'.\n")
    assert (tmp_path / "kept.json").read_text() == "older"


def test_a_file_that_cannot_be_written_in_the_end_costs_no_result(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    play(failed("random-forest"), JobFinished(job="j", reason="nothing left to measure"))
    assert measure_and_report(PLAN, report_format="csv", path=tmp_path / "gone" / "kept.csv", samples=True) == 2
    out, err = capsys.readouterr()
    assert "random-forest,failed,ValueError: no" in out
    assert err.startswith("latency-tui: Cannot write")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that is set by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def round_finished(number: int) -> RoundFinished:
    return RoundFinished(job="j", launch=0, round=number, rounds=40, seconds_left=3.2)


def test_progress_keeps_escape_sequences_of_models_from_the_terminal() -> None:
    terminal = Terminal()
    message = "names \x1b]52;c;ZXZpbA==\x07 a type"
    with Progress(PLAN, terminal, Clock()) as progress:
        progress._drawn_at = float("-inf")
        progress.update(CandidateFailed(job="j", candidate="a", stage="loading", message=message))
    assert "names" in terminal.getvalue()
    assert "\x1b]52" not in terminal.getvalue()


def test_progress_is_one_line_redrawn_at_most_four_times_a_second() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress(PLAN, terminal, clock) as progress:
        for number in range(40):
            clock.seconds = number * 0.05
            progress.update(round_finished(number))
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert len(drawn) <= 2 + 2.0 / 0.25 + 1
    assert any("round 21 of 40  3 s left" in line for line in drawn)
    assert drawn[-1] == ""
    assert "\n" not in terminal.getvalue()


def test_progress_says_what_goes_on_before_the_rounds() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress(PLAN, terminal, clock) as progress:
        for event in (
            TrainingFinished(job="j", candidate="logistic-regression", seconds=0.1, score=None),
            failed("random-forest"),
            MeasurementStarted(
                job="j", launch=0, rounds=10, calls={"logistic-regression": 10}, seconds=1.0, timer_floor_ns=70
            ),
            ColdStartStarted(job="j", launch=0, candidate="logistic-regression"),
        ):
            clock.seconds += 1
            progress.update(event)
    text = terminal.getvalue()
    assert "cold start 0 of 2" in text
    assert "trained 1 of 2" in text
    assert "random-forest failed: ValueError: no" in text
    assert "round 0 of 10" in text


def test_progress_shows_how_long_a_training_takes() -> None:
    terminal, clock = Terminal(), Clock()
    with Progress(PLAN, terminal, clock) as progress:
        progress.update(TrainingStarted(job="j", candidate="svm"))
        clock.seconds = 75
        progress.tick()
        progress.update(TrainingFinished(job="j", candidate="svm", seconds=75, score=None))
        clock.seconds = 80
        progress.tick()
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert [line for line in drawn if "75 s" in line] == ["trained 0 of 2; training svm for 75 s"]
    assert not [line for line in drawn if "80 s" in line]


def test_progress_is_silent_where_stderr_is_no_terminal() -> None:
    stream = io.StringIO()
    with Progress(PLAN, stream) as progress:
        progress.update(round_finished(1))
    assert stream.getvalue() == ""


def test_progress_gives_up_quietly_when_its_terminal_goes() -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    with Progress(PLAN, Gone()) as progress:
        progress.update(round_finished(1))


def measured(rounds: int = 10) -> list[BlockMeasured]:
    return [block(c.slug, [1_000 + r] * 10, round_=r) for r in range(rounds) for c in PLAN.candidates]


def test_without_a_history_nothing_is_left_once_the_report_is_written(
    play: Callable[..., None], tmp_path: Path, data_folder: Path
) -> None:
    play(*measured(), JobFinished(job="j", reason="completed"))
    assert measure_and_report(PLAN, report_format="json", path=tmp_path / "r.json", samples=True) == 0
    assert list(data_folder.iterdir()) == []


def test_a_result_is_kept_with_all_its_samples_whatever_the_report(play: Callable[..., None], place: Place) -> None:
    play(*measured(), JobFinished(job="j", reason="completed"))
    assert measure_and_report(PLAN, report_format="table", path=None, samples=False, place=place) == 0
    with History.open(place.path) as history:
        result = history.load(history.find("main"))
    assert [c.calls for c in result.candidates] == [100, 100]
    assert all(c.samples is not None for c in result.candidates)


def test_what_measured_nothing_is_not_kept(play: Callable[..., None], place: Place) -> None:
    play(*(failed(c.slug) for c in PLAN.candidates), JobFinished(job="j", reason="completed"))
    assert measure_and_report(PLAN, report_format="table", path=None, samples=False, place=place) == 4
    with History.open(place.path) as history:
        assert history.list() == []


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("where", ["statistics", "report"])
@pytest.mark.parametrize("error", [MemoryError(), ValueError("no such thing")])
def test_a_failure_at_the_end_names_the_command_that_shows_the_result(
    play: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    place: Place,
    is_kept: bool,
    where: str,
    error: Exception,
) -> None:
    play(*measured(), JobFinished(job="j", reason="completed"))

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as failing:
        if where == "statistics":
            failing.setattr(Recorder, "result", fail)
        else:
            failing.setattr(headless, "write", fail)
        kept = place if is_kept else None
        assert measure_and_report(PLAN, report_format="json", path=tmp_path / "r.json", samples=True, place=kept) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert type(error).__name__ in last
    shown = re.search(r"'latency-tui history show (\w+) --history (.*)' reports them", last)
    assert shown
    with History.open(Path(shlex.split(shown[2])[0])) as history, history.transaction() as connection:
        connection.execute("UPDATE results SET writer = ''")  # as if this process had ended
    with History.open(Path(shlex.split(shown[2])[0])) as history:
        result = history.load(shown[1])
    assert [c.calls for c in result.candidates] == [100, 100]
    assert result.plan == PLAN


def test_a_measurement_that_runs_out_of_memory_reports_what_it_has(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path, data_folder: Path
) -> None:
    play(*measured(), MemoryError())
    assert measure_and_report(PLAN, report_format="json", path=tmp_path / "r.json", samples=True) == 1
    assert [c.calls for c in load(tmp_path / "r.json").candidates] == [100, 100]
    assert "memory for samples ran out" in capsys.readouterr().err
    assert list(data_folder.iterdir()) == []


def test_more_calls_than_are_kept_are_told_before_they_are_made(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], data_folder: Path
) -> None:
    calls = {c.slug: 30_000_000 for c in PLAN.candidates}
    begun = MeasurementStarted(job="j", launch=0, rounds=10, calls=calls, seconds=1.0, timer_floor_ns=50.0)
    play(begun, JobFinished(job="j", reason="completed"))
    measure_and_report(PLAN, report_format="table", path=None, samples=True)
    told = capsys.readouterr().err
    assert "about 30,000,000 calls per model are planned; percentiles will be computed from at most 10,000,000" in told


def test_a_history_that_cannot_be_written_costs_one_sentence_and_no_result(
    play: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    play(*measured(), JobFinished(job="j", reason="completed"))
    place = Place(tmp_path / "file" / "history.sqlite3")
    assert measure_and_report(PLAN, report_format="json", path=tmp_path / "r.json", samples=True, place=place) == 0
    assert capsys.readouterr().err.count("This result is not kept: The history") == 1
    assert [c.calls for c in load(tmp_path / "r.json").candidates] == [100, 100]


def test_no_folder_for_temporary_files_costs_no_result(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    play(*measured(), JobFinished(job="j", reason="completed"))
    assert measure_and_report(PLAN, report_format="json", path=tmp_path / "r.json", samples=True) == 0
