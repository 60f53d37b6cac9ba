"""Writing to the history while measuring: what is there after a kill, on a full disk and in a read-only folder."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import restore
from latency_tui.engine.protocol import BlockMeasured
from latency_tui.errors import HistoryError, UsageError
from latency_tui.history.fingerprint import result_id
from latency_tui.history.journal_batches import unpack
from latency_tui.history.store import History
from latency_tui.history.writer import Writer
from latency_tui.plan import Plan
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.result import Result
from tests.unit.test_analysis_launches import plan_of as plan_of_launches
from tests.unit.test_analysis_recorder import blocks, plan_of
from tests.unit.test_result_checkpoint import add, everything

TOO_LARGE = 3_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def begin(path: Path, plan: Plan, *, max_samples: int = 10**6) -> tuple[Recorder, Writer]:
    recording = Recorder(plan, max_samples=max_samples)
    writer = Writer(path, result_id(recording.created_at, plan), name="main", tags=["nightly"])
    recording.write_to(writer)
    return recording, writer


def end(writer: Writer, result: Result | None = None, *, abandoned: bool = False) -> None:
    """End a writer without a problem of its own making."""
    if abandoned:
        writer.abandon()
    else:
        writer.finish(result)
    writer.close()


def cut_off(path: Path, key: str) -> None:
    """Have the history believe that the process which writes a result has gone."""
    with History.open(path) as history, history.transaction() as connection:
        connection.execute("UPDATE results SET writer = '' WHERE id = ?", (key,))


@pytest.mark.parametrize("max_samples", [10**6, 700])
def test_what_was_written_brings_back_the_very_result(path: Path, max_samples: int) -> None:
    plan = plan_of(2, seed=7)
    recording, writer = begin(path, plan, max_samples=max_samples)
    add(recording, [*blocks(plan, (1, 1.3), 60, 20)])
    end(writer, abandoned=True)
    cut_off(path, writer.key)
    with History.open(path) as history:
        (row,) = history.list()
        assert (row.state, row.name, row.tags) == ("unfinished", "main", ("nightly",))
        query = "SELECT content FROM events ORDER BY number"
        with history.transaction() as connection:
            batches = [content for (content,) in connection.execute(query)]
        assert restore(None, unpack(batches), max_samples=max_samples).result().to_json() == (
            recording.result().to_json()
        )
        if max_samples == 10**6:
            assert history.load(history.find("last")).to_json() == recording.result().to_json()
            assert history.row(writer.key).state == "finished"


def test_a_finished_measurement_is_its_result_and_no_journal(path: Path) -> None:
    recording, writer = begin(path, plan_of(2))
    add(recording, [*blocks(plan_of(2), (1, 1.3), 12)])
    end(writer, recording.result())
    assert writer.is_kept
    with History.open(path) as history:
        assert history.load(history.find("main")).to_json() == recording.result().to_json()
        with history.transaction() as connection:
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_nothing_is_written_before_the_first_block(path: Path) -> None:
    recording, writer = begin(path, plan_of(2))
    add(recording, [event for event in everything(plan_of_launches(2), 0, 3) if not isinstance(event, BlockMeasured)])
    end(writer, None)
    assert not path.exists()


def test_a_measurement_that_is_refused_leaves_no_row(path: Path) -> None:
    recording, writer = begin(path, plan_of(2))
    add(recording, [*blocks(plan_of(2), (1, 1.3), 3)])
    end(writer, None)
    with History.open(path) as history:
        assert history.list() == []


def test_a_result_that_is_being_measured_cannot_be_opened_or_removed(path: Path) -> None:
    recording, writer = begin(path, plan_of(2))
    add(recording, [*blocks(plan_of(2), (1, 1.3), 3)])
    writer.flush()
    with History.open(path) as history:
        assert [row.state for row in history.list()] == ["measuring"]
        with pytest.raises(UsageError, match="is being measured; wait"):
            history.load(writer.key)
        assert history.remove([writer.key]) == 0
        with pytest.raises(UsageError, match="There is no result last~0"):
            history.find("last")
    end(writer, recording.result())


@pytest.mark.parametrize("has_document", [True, False])
def test_a_continuation_that_is_cut_off_includes_what_was_before(path: Path, has_document: bool) -> None:
    plan = plan_of_launches(2, runs=800)
    recording, writer = begin(path, plan)
    add(recording, everything(plan, 0, 30, planned=80))
    before = recording.result()
    end(writer, before)
    if not has_document:  # continued from a file
        with History.open(path) as history:
            history.remove([writer.key])
    following = Writer(path, writer.key, base=None if has_document else before)
    recording.write_to(following)
    add(recording, everything(plan, recording.continue_with(MeasurementAmount(runs=500)), 50))
    end(following, abandoned=True)
    cut_off(path, writer.key)
    with History.open(path) as history:
        assert history.load(writer.key).to_json() == recording.result().to_json()


def test_a_continuation_that_adds_nothing_leaves_the_result(path: Path) -> None:
    plan = plan_of_launches(2, runs=800)
    recording, writer = begin(path, plan)
    add(recording, everything(plan, 0, 30, planned=80))
    before = recording.result()
    end(writer, before)
    following = Writer(path, writer.key)
    recording.write_to(following)
    add(recording, everything(plan, recording.continue_with(MeasurementAmount(runs=500)), 50))
    end(following, None)
    with History.open(path) as history:
        assert history.load(writer.key).to_json() == before.to_json()


def test_an_older_copy_does_not_replace_a_longer_result(path: Path) -> None:
    plan = plan_of_launches(2, runs=800)
    recording, writer = begin(path, plan)
    add(recording, everything(plan, 0, 10, planned=80))
    older = recording.result()
    add(recording, everything(plan, 0, 30, planned=80)[len(everything(plan, 0, 10, planned=80)) :])
    end(writer, recording.result())
    following = Writer(path, writer.key, base=older)
    following.write(next(event for event in everything(plan, 1, 5) if isinstance(event, BlockMeasured)))
    following.flush()
    assert "has more calls of the result" in following.problem
    end(following, None)


def test_a_folder_that_cannot_be_made_costs_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recording, writer = begin(tmp_path / "file" / "history.sqlite3", plan_of(2))
    add(recording, [*blocks(plan_of(2), (1, 1.3), 12)])
    end(writer, recording.result())
    assert writer.problem.startswith("The history ")
    assert not writer.is_kept
    assert recording.result().measured


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_listed_and_not_written(path: Path) -> None:
    recording, writer = begin(path, plan_of(2))
    add(recording, [*blocks(plan_of(2), (1, 1.3), 12)])
    end(writer, recording.result())
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        again, refused = begin(path, plan_of(2))
        add(again, [*blocks(plan_of(2), (1, 1.3), 12)])
        end(refused, again.result())
        assert "read" in refused.problem
        with History.open(path) as history:
            assert [row.id for row in history.list()] == [writer.key]
            with pytest.raises(HistoryError):
                history.rename(writer.key, "x")
    finally:
        path.parent.chmod(0o700)


_WRITE = """
import resource, sys
from pathlib import Path
from tests.unit.test_history_writer import begin, blocks, end, plan_of
limit = int(sys.argv[2])
if limit:
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
plan = plan_of(2)
while True:
    recording, writer = begin(Path(sys.argv[1]), plan)
    calls = 0
    for event in blocks(plan, (1, 1.3), 3000, 500):
        recording.add(event)
        writer.flush()
        if writer.problem:
            break
        calls = sum(recording.calls.values())
        print(writer.key, calls, flush=True)
    end(writer, recording.result())
    print("end", writer.problem, flush=True)
    if limit and writer.problem:
        break
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE holds on Linux")
def test_a_full_disk_costs_one_sentence_and_no_earlier_result(path: Path) -> None:
    command = [sys.executable, "-c", _WRITE, str(path), str(TOO_LARGE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"end The history {path} cannot be used: ")
    check_integrity(path)
    with History.open(path) as history:
        for row in history.list():
            assert sum(candidate.calls for candidate in history.load(row.id).candidates) > 0


def check_integrity(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(4))
def test_a_kill_at_any_moment_loses_at_most_the_block_in_flight(path: Path, attempt: int) -> None:
    command = [sys.executable, "-c", _WRITE, str(path), "0"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as other,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3 * attempt + 0.1)
        process.send_signal(signal.SIGKILL)
        other.send_signal(signal.SIGKILL)
        said = [line.split() for line in process.stdout.read().splitlines() if not line.startswith("end")]
    key, calls = said[-1]
    check_integrity(path)
    with History.open(path) as history:
        assert all(row.state != "measuring" for row in history.list())
        found = sum(candidate.calls for candidate in history.load(key).candidates)
        assert found >= int(calls)
        for row in history.list():
            assert history.load(row.id).measured
