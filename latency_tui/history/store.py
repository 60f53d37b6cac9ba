"""The store: one SQLite file with the results of all sessions, which several processes may read and write at once."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latency_tui.errors import HistoryError, UsageError
from latency_tui.history import references
from latency_tui.history.location import default_path, is_on_network
from latency_tui.history.rows import COLUMNS, Row, row_of
from latency_tui.history.schema import MIGRATIONS, is_history, migrate, version_of
from latency_tui.history.writing_process import State, is_running

if TYPE_CHECKING:
    from latency_tui.result.result import Result

BUSY_SECONDS = 10.0
"""Longest wait for another process that writes."""


class History:
    """The results of all sessions.

    A connection belongs to the thread that opened it. Use it as a context manager, or call `close`.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(
        cls,
        path: Path | None = None,
        *,
        create: bool = False,
        migrations: Sequence[str] = MIGRATIONS,
        busy_seconds: float = BUSY_SECONDS,
    ) -> History:
        """Open the history.

        Args:
            path: The file; None for the user's history.
            create: Whether to create the file. Without, a missing file is an empty history.
            migrations: The versions of the schema.
            busy_seconds: Longest wait for another process that writes.

        Raises:
            HistoryError: The file cannot be used; the sentence says why. The file is left as it is.
        """
        path = path or default_path()
        if path is None:
            raise HistoryError("There is no home folder for the history; name a file with --history FILE.")
        with _telling(path):
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            elif not path.exists():
                return cls(path, _prepare(_connect(":memory:", busy_seconds), path, migrations))
            connection = _connect(str(path), busy_seconds)
            try:
                return cls(path, _prepare(connection, path, migrations))
            except sqlite3.OperationalError:
                connection.close()
                if create:
                    raise
                return cls(path, _open_read_only(path, migrations))
            except BaseException:
                connection.close()
                raise

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    # --- reading -----------------------------------------------------------------------------------------------------

    def list(
        self,
        *,
        most: int | None = None,
        name: str | None = None,
        tag: str | None = None,
        plan: str | None = None,
        environment: str | None = None,
        before: str | None = None,
    ) -> list[Row]:
        """Return the results, the newest first; conditions that are given must all hold.

        Args:
            most: Largest number of results.
            name: Their name.
            tag: One of their tags.
            plan: Fingerprint of their plan, see `fingerprint.plan_fingerprint` and `Row.plan`.
            environment: Fingerprint of their environment, see `Row.environment`.
            before: Id of a result; only earlier ones are returned.
        """
        conditions: dict[str, object] = {
            "name = ?": name,
            "number IN (SELECT result FROM tags WHERE tag = ?)": tag,
            "plan = ?": plan,
            "environment = ?": environment,
            "(created_us, number) < (SELECT created_us, number FROM results WHERE id = ?)": before,
        }
        given = {condition: value for condition, value in conditions.items() if value is not None}
        where = f"WHERE {' AND '.join(given)}" if given else ""
        query = f"SELECT {COLUMNS} FROM results {where} ORDER BY created_us DESC, number DESC LIMIT ?"  # noqa: S608
        with _telling(self.path):
            found = self._connection.execute(query, (*given.values(), -1 if most is None else most)).fetchall()
            tags = self._tags(None if len(found) > 100 else [values[-1] for values in found])
        return [row_of(values, tags.get(values[-1], ()), self._state(values[2], values[3])) for values in found]

    def row(self, key: str) -> Row:
        """Return the row of the result with this id.

        Raises:
            UsageError: There is no such result.
        """
        with _telling(self.path):
            values = self._connection.execute(
                f"SELECT {COLUMNS} FROM results WHERE id = ?",  # noqa: S608
                (key,),
            ).fetchone()
            if values is None:
                raise UsageError(f"There is no result {key!r} in {self.path}.")
            tags = self._tags([values[-1]])
        return row_of(values, tags.get(values[-1], ()), self._state(values[2], values[3]))

    def find(self, reference: str) -> str:
        """Return the id of the result that a reference names.

        Args:
            reference: `last`, `last~2` (the second before the last), an id or the beginning of one, a name or a tag. A
                name and a tag stand for the newest result that has it.

        Raises:
            UsageError: No result or several results match; the sentence says what to do.
        """
        with _telling(self.path):
            return references.find(self._connection, reference, self.path)

    def load(self, key: str, *, samples: bool = True) -> Result:
        """Return the result with this id.

        Args:
            key: The id, see `find`.
            samples: Whether to read the samples and the checkpoint too, which takes longer.

        Raises:
            UsageError: There is no such result, or it was not finished.
            HistoryError: The file is damaged.
        """
        from latency_tui.history.documents import decode  # deferred: numpy, 0.1 s; lists do not need it

        with _telling(self.path):
            found = self._connection.execute(
                "SELECT number, content FROM results LEFT JOIN documents ON result = number WHERE id = ?", (key,)
            ).fetchone()
            if found is None:
                raise UsageError(f"There is no result {key!r} in {self.path}.")
            number, content = found
            if content is None:
                raise UsageError(f"The result {key} was not finished.")
            try:
                return decode(content, (lambda array: self._chunks(number, array)) if samples else None)
            except ValueError as error:
                raise HistoryError(f"The result {key} in {self.path} is damaged: {error}.") from error

    # --- writing -----------------------------------------------------------------------------------------------------

    def save(self, result: Result, *, name: str = "", tags: Iterable[str] = ()) -> str:
        """Keep a result, and return its id. A result that is there already is replaced; its name and tags stay.

        Raises:
            UsageError: The name or a tag is invalid.
            HistoryError: The file cannot be written.
        """
        from latency_tui.history.documents import encode
        from latency_tui.history.rows import values_of_result

        name, tags = name and references.check_name(name), [references.check_name(tag) for tag in tags]
        content, chunks = encode(result)
        values: dict[str, object] = values_of_result(result) | {"finished": 1, "writer": ""}
        if name:
            values["name"] = name
        with self.transaction() as connection:
            number = put(connection, values)
            for table in ("chunks", "events"):
                connection.execute(f"DELETE FROM {table} WHERE result = ?", (number,))  # noqa: S608
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (number, content))
            connection.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?)", ((number, *chunk) for chunk in chunks))
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", ((number, tag) for tag in tags))
        return str(values["id"])

    def rename(self, key: str, name: str) -> None:
        """Give a result a name, or none if it is empty; the name stands for the newest result that has it."""
        name = name and references.check_name(name)
        with self.transaction() as connection:
            connection.execute("UPDATE results SET name = ? WHERE id = ?", (name, key))

    def tag(self, key: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add tags to a result, and remove others."""
        add = [references.check_name(tag) for tag in add]
        with self.transaction() as connection:
            for tag in add:
                connection.execute("INSERT OR IGNORE INTO tags SELECT number, ? FROM results WHERE id = ?", (tag, key))
            for tag in remove:
                connection.execute(
                    "DELETE FROM tags WHERE tag = ? AND result = (SELECT number FROM results WHERE id = ?)", (tag, key)
                )

    def remove(self, keys: Iterable[str]) -> int:
        """Remove results with these ids, except for those that are being measured; return how many were removed."""
        removed = 0
        with self.transaction() as connection:
            for key in keys:
                values = connection.execute("SELECT finished, writer FROM results WHERE id = ?", (key,)).fetchone()
                if values is not None and self._state(*values) != "measuring":
                    removed += connection.execute("DELETE FROM results WHERE id = ?", (key,)).rowcount
        with _telling(self.path):
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return removed

    def prune(self, *, keep: int | None = None, older_than_days: float | None = None) -> int:
        """Remove old results that have neither a name nor a tag, and return how many were removed.

        Args:
            keep: Number of the newest of these results that stay; None for no condition.
            older_than_days: Only results that are older are removed; None for no condition.
        """
        limit = datetime.now().astimezone() - timedelta(days=older_than_days or 0)
        unnamed = [row for row in self.list() if not row.name and not row.tags][keep or 0 :]
        return self.remove(row.id for row in unnamed if row.created_at < limit)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; waits for another process that writes.

        Raises:
            HistoryError: The file cannot be written.
        """
        with _telling(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk has rolled it back already
                    self._connection.execute("ROLLBACK")
                raise

    def _chunks(self, number: int, array: int) -> tuple[bytes, ...]:
        query = "SELECT content FROM chunks WHERE result = ? AND array = ? ORDER BY position"
        return tuple(content for (content,) in self._connection.execute(query, (number, array)))

    def _tags(self, numbers: Sequence[int] | None) -> dict[int, tuple[str, ...]]:
        """Return the tags of results by number; of all results if `numbers` is None."""
        where = "" if numbers is None else f"WHERE result IN ({', '.join('?' * len(numbers))})"
        found: dict[int, tuple[str, ...]] = {}
        query = f"SELECT result, tag FROM tags {where} ORDER BY tag"  # noqa: S608
        for number, tag in self._connection.execute(query, numbers or ()):
            found[number] = (*found.get(number, ()), tag)
        return found

    @staticmethod
    def _state(finished: int, writer: str) -> State:
        if finished:
            return "finished"
        return "measuring" if is_running(writer) else "unfinished"


def put(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    """Insert or update the row of a result, and return its number."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    updates = ", ".join(f"{column} = excluded.{column}" for column in values if column != "id")
    connection.execute(
        f"INSERT INTO results ({columns}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {updates}",  # noqa: S608
        tuple(values.values()),
    )
    return int(connection.execute("SELECT number FROM results WHERE id = ?", (values["id"],)).fetchone()[0])


def _connect(path: str, busy_seconds: float, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, uri=uri)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Check that a file is a history, choose its journal and bring its schema up to date."""
    _check(connection, path, len(migrations))
    is_empty = version_of(connection) == 0
    if is_empty:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    wanted = "delete" if is_on_network(path) else "wal"
    if connection.execute("PRAGMA journal_mode").fetchone()[0] not in (wanted, "memory"):
        _set_journal(connection, wanted)
    if version_of(connection) < len(migrations):
        migrate(connection, migrations)
    return connection


def _set_journal(connection: sqlite3.Connection, wanted: str) -> None:
    """Change the journal; another process that has the file open can prevent it, which does no harm."""
    for _ in range(20):
        try:
            connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)  # SQLite does not wait for this lock itself
        else:
            return


def _open_read_only(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Open a file in a folder that cannot be written, where SQLite cannot create its journal."""
    location = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = _connect(location, 0.0, uri=True)
    _check(connection, path, len(migrations))
    if version_of(connection) < len(migrations):
        raise HistoryError(
            f"{path} is of an older latency-tui and cannot be written, so it cannot be brought up to date."
        )
    return connection


def _check(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    if not is_history(connection):
        raise HistoryError(f"{path} is not a history of latency-tui; name another file with --history FILE.")
    if (version := version_of(connection)) > newest:
        raise HistoryError(f"{path} was written by a newer latency-tui (schema version {version}); upgrade to use it.")


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the system into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        said = str(error)
        if "locked" in said:
            said = "another process is writing to it"
        raise HistoryError(f"The history {path} cannot be used: {said}.") from error
    except sqlite3.DatabaseError as error:
        raise HistoryError(
            f"{path} is damaged or not a history of latency-tui ({error}); move it away, or name another file with "
            "--history FILE."
        ) from error
    except OSError as error:
        raise HistoryError(f"The history {path} cannot be used: {(error.strerror or str(error)).lower()}.") from error
