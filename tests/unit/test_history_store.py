"""The store of the history: round trips, references, two writers, migrations, and files that cannot be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from latency_tui.errors import HistoryError, UsageError
from latency_tui.history import connection
from latency_tui.history.fingerprint import environment_fingerprint, plan_fingerprint
from latency_tui.history.location import is_on_network
from latency_tui.history.schema import MIGRATIONS
from latency_tui.history.store import History
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from latency_tui.plan.datasets import FileDataset
from latency_tui.plan.plan import Workload
from latency_tui.result.result import Result
from tests.unit.fake_result import make_evil_result, make_result

BEGAN = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "history.sqlite3"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with History.open(path, create=True) as opened:
        yield opened


def result_of(day: int = 0, base: Result | None = None) -> Result:
    return msgspec.structs.replace(base or make_result(), created_at=BEGAN + timedelta(days=day))


@pytest.mark.parametrize("make", [make_result, make_evil_result])
def test_a_result_comes_back_as_it_was(history: History, make: Callable[[], Result]) -> None:
    result = result_of(base=make())
    key = history.save(result)
    assert history.load(key).to_json() == result.to_json()
    assert history.load(key, samples=False).to_json() == result.without_samples().to_json()


@pytest.mark.parametrize(
    "samples",
    [
        np.arange(1, 120_002) * 1e-9,
        np.array([62.1e-6, 1 / 3, 1e300, 5e-324]),
        np.array([1e-9]),
        np.full(50_000, 4.54e-3),
        np.random.default_rng(1).gamma(3, 2e-5, 100_001),
    ],
)
def test_samples_are_kept_to_the_last_bit(history: History, samples: NDArray[np.float64]) -> None:
    result = make_result()
    first, *others = result.candidates
    rounds = tuple(range(0, samples.size, 7))
    first = msgspec.structs.replace(first, samples=samples, rounds=rounds)
    key = history.save(msgspec.structs.replace(result, candidates=(first, *others)))
    back = history.load(key).candidates[0]
    assert back.samples is not None
    assert back.samples.tobytes() == samples.astype(np.float64).tobytes()
    assert back.rounds == rounds


def test_ten_thousand_samples_take_about_28_kilobytes(history: History, path: Path) -> None:
    nanoseconds = (62_000 * np.exp(0.05 * np.random.default_rng(0).standard_t(3, 1_000_000))).astype(np.int64)
    first, *others = make_result().candidates
    first = msgspec.structs.replace(first, samples=nanoseconds * 1e-9)
    history.save(msgspec.structs.replace(make_result(), candidates=(first, *others)))
    history.close()
    assert path.stat().st_size < 100 * 28_000


def test_a_list_has_figures_and_the_newest_result_first(history: History) -> None:
    keys = [history.save(result_of(day), name=f"day {day}", tags=["nightly", f"d{day}"]) for day in (1, 0, 2)]
    rows = history.list()
    assert [row.id for row in rows] == [keys[2], keys[0], keys[1]]
    assert rows[0].created_at == BEGAN + timedelta(days=2)
    assert (rows[0].name, rows[0].tags, rows[0].state) == ("day 2", ("d2", "nightly"), "finished")
    summary = rows[0].summary
    assert (summary.fastest, summary.p50, summary.calls) == ("Logistic Regression", 62.1e-6, 300)
    assert (summary.host, summary.cpu, summary.cores) == ("box", "A CPU", 2)
    assert [row.id for row in history.list(most=1)] == keys[2:]
    assert [row.id for row in history.list(tag="d0")] == [keys[1]]
    assert [row.id for row in history.list(name="day 1")] == [keys[0]]
    assert [row.id for row in history.list(before=keys[0])] == [keys[1]]
    assert history.list(plan=rows[0].plan, environment=rows[0].environment) == rows
    assert history.row(keys[1]) == rows[2]


def test_every_kind_of_reference_names_its_result(history: History) -> None:
    first, second, third = (history.save(result_of(day)) for day in range(3))
    history.rename(first, "main")
    history.rename(second, "main")
    history.tag(first, ["release", "1.0"])
    assert history.find("last") == history.find("last~0") == third
    assert history.find("last~2") == first
    assert history.find("main") == second
    assert history.find("release") == history.find("1.0") == first
    assert history.find(third) == history.find(third[:6]) == third
    history.rename(second, "")
    assert history.find("main") == first
    history.tag(first, remove=["release"])
    with pytest.raises(UsageError, match=r"There is no result 'release'; there are 1\.0, main\."):
        history.find("release")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("mainn", "did you mean main?"),
        ("last~9", "There is no result last~9; the history has 1."),
        ("last~", "There is no result 'last~'"),
        ("abc", "There is no result 'abc'"),
        ("", "There is no result ''"),
        ("*", "There is no result '*'"),
    ],
)
def test_a_reference_to_nothing_says_what_to_do(history: History, reference: str, said: str) -> None:
    history.save(result_of(), name="main")
    with pytest.raises(UsageError) as refused:
        history.find(reference)
    assert said in str(refused.value)


def test_an_ambiguous_beginning_names_the_candidates(history: History) -> None:
    one, other = (history.save(result_of(day)) for day in range(2))
    with sqlite3.connect(history.path) as connection:
        connection.execute("UPDATE results SET id = 'abcd00000000' WHERE id = ?", (one,))
        connection.execute("UPDATE results SET id = 'abcd11111111' WHERE id = ?", (other,))
    connection.close()
    with pytest.raises(UsageError, match="begin with abcd: abcd00000000, abcd11111111"):
        history.find("abcd")
    assert history.find("abcd1") == "abcd11111111"


@pytest.mark.parametrize("name", ["", " ", "last", "last~2", "-x", "a\nb", "\x1b[31m", "x" * 101])
def test_an_unusable_tag_is_refused(history: History, name: str) -> None:
    key = history.save(result_of())
    with pytest.raises(UsageError, match="name or tag"):
        history.tag(key, [name])


def test_an_empty_history_says_so_and_is_not_created(path: Path) -> None:
    with History.open(path) as history:
        assert history.list() == []
        with pytest.raises(UsageError, match="is empty"):
            history.find("last")
    assert not path.parent.exists()


def test_saving_again_replaces_the_result_and_keeps_its_name(history: History) -> None:
    key = history.save(result_of(), name="main", tags=["x"])
    longer = msgspec.structs.replace(result_of(), answer="Another answer.")
    assert history.save(longer) == key
    (row,) = history.list()
    assert (row.summary.answer, row.name, row.tags) == ("Another answer.", "main", ("x",))
    assert history.load(key).to_json() == longer.to_json()


def test_what_is_removed_leaves_nothing_behind(history: History) -> None:
    keys = [history.save(result_of(day), tags=["x"]) for day in range(2)]
    assert history.remove([*keys, "no such id"]) == 2
    with sqlite3.connect(history.path) as connection:
        for table in ("results", "tags", "documents", "chunks", "events"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()


def test_prune_keeps_the_newest_and_whatever_has_a_name_or_tag(history: History) -> None:
    keys = [history.save(result_of(day)) for day in range(6)]
    history.rename(keys[0], "first")
    history.tag(keys[1], ["kept"])
    assert history.prune(keep=2) == 2
    assert {row.id for row in history.list()} == {keys[0], keys[1], keys[4], keys[5]}
    age = datetime.now(UTC) - BEGAN - timedelta(days=4.5)
    assert history.prune(older_than_days=age / timedelta(days=1)) == 1
    assert {row.id for row in history.list()} == {keys[0], keys[1], keys[5]}


def test_two_connections_write_and_see_what_the_other_wrote(path: Path, history: History) -> None:
    with History.open(path) as other:
        first, second = history.save(result_of(0)), other.save(result_of(1))
        assert [row.id for row in history.list()] == [row.id for row in other.list()] == [second, first]


def test_a_locked_history_is_reported_in_a_sentence(path: Path, history: History) -> None:
    with History.open(path, busy_seconds=0.01) as other, history.transaction():
        with pytest.raises(HistoryError, match="another process is writing to it"):
            other.save(result_of())
        assert other.list() == []


def test_an_older_schema_is_brought_up_to_date_and_keeps_its_results(path: Path, history: History) -> None:
    key = history.save(result_of(), name="main")
    history.close()
    newer = (*MIGRATIONS, "ALTER TABLE results ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'; CREATE TABLE t (x)")
    with History.open(path, migrations=newer) as upgraded:
        assert upgraded.find("main") == key
        assert upgraded.load(key).to_json() == result_of().to_json()
        upgraded.save(result_of(1))
    with pytest.raises(HistoryError, match=r"written by a newer latency-tui \(schema version 2\)"):
        History.open(path)


def test_a_migration_that_fails_changes_nothing(path: Path, history: History) -> None:
    key = history.save(result_of())
    history.close()
    with pytest.raises(HistoryError):
        History.open(path, create=True, migrations=(*MIGRATIONS, "DELETE FROM results; SELECT no_such_function()"))
    with History.open(path) as unchanged:
        assert [row.id for row in unchanged.list()] == [key]


def test_a_damaged_file_is_reported_and_left_alone(path: Path, history: History) -> None:
    for day in range(5):
        history.save(result_of(day))
    history.close()
    content = path.read_bytes()
    for damaged in (b"not a database" * 100, content[:4096] + b"\xff" * 8192 + content[12288:], content[:5000]):
        path.write_bytes(damaged)
        with (
            pytest.raises(HistoryError, match=r"is damaged or not a history|cannot be used"),
            History.open(path) as opened,
        ):
            opened.list()
            opened.load(opened.find("last"))
        assert path.read_bytes() == damaged


def test_a_damaged_chunk_is_reported(history: History) -> None:
    result = make_result()
    longer = msgspec.structs.replace(result.candidates[0], samples=np.full(1000, 1e-3), rounds=(0,))
    key = history.save(msgspec.structs.replace(result, candidates=(longer,)))
    with history.transaction() as connection:
        connection.execute("UPDATE chunks SET content = substr(content, 1, 12)")
    assert history.load(key, samples=False).candidates
    with pytest.raises(HistoryError, match=f"The result {key} in .* is damaged"):
        history.load(key)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="is not a history of latency-tui"):
        History.open(path, create=True)
    assert path.read_bytes() == before


def test_a_network_file_system_gets_no_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with History.open(path, create=True) as history:
        key = history.save(result_of())
    monkeypatch.setattr(connection, "is_on_network", lambda _: True)
    with History.open(path, create=True) as history:
        history.save(result_of(1))
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        assert history.find("last~1") == key


def test_the_file_system_of_a_path_is_that_of_the_innermost_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = "/dev/x / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\ntmpfs /home/me/tmp tmpfs rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: mounts)
    assert is_on_network(Path("/home/me/data/history.sqlite3"))
    assert not is_on_network(Path("/home/me/tmp/history.sqlite3"))
    assert not is_on_network(Path("/homework/history.sqlite3"))


def test_fingerprints_depend_on_what_is_measured_and_not_on_how_long() -> None:
    model = ModelSpec(name="m", file="models/m.skops")
    plan = Plan(candidates=(Candidate(model=model), Candidate(model=BUILTIN_MODELS[0])))
    same = Plan(
        candidates=(
            Candidate(model=BUILTIN_MODELS[0]),
            Candidate(model=msgspec.structs.replace(model, file="/ci/m.skops", colour="#ff0000")),
        ),
        runs=None,
        seconds=3.0,
        launches=5,
        baseline="m",
    )
    assert plan_fingerprint(plan) == plan_fingerprint(same)
    for other in (
        msgspec.structs.replace(plan, threads=2),
        msgspec.structs.replace(plan, workload=Workload(batch_size=2)),
        msgspec.structs.replace(plan, workload=Workload(dataset=FileDataset(path="a.csv"))),
        msgspec.structs.replace(plan, candidates=plan.candidates[:1]),
    ):
        assert plan_fingerprint(plan) != plan_fingerprint(other)


def test_a_new_field_with_a_default_does_not_change_fingerprints() -> None:
    plan = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),))
    assert plan_fingerprint(plan) == "106d40a64edb", "kept results would no longer belong to their plan"


def test_the_environment_is_cpu_cores_and_versions() -> None:
    environment = make_result().environment
    assert environment is not None
    assert environment_fingerprint(None) == ""
    renamed = msgspec.structs.replace(environment, host="other", governor="powersave", pinned=(0,))
    assert environment_fingerprint(environment) == environment_fingerprint(renamed)
    for change in ({"cpu": "B"}, {"cores": 4}, {"python": "3.12"}, {"versions": {"scikit-learn": "1.8"}}):
        assert environment_fingerprint(environment) != environment_fingerprint(
            msgspec.structs.replace(environment, **change)
        )
