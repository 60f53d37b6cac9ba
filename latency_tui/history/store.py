"""The store: one SQLite file with the results of all sessions, which several processes may read and write at once."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latency_tui.errors import HistoryError, UsageError
from latency_tui.history import references
from latency_tui.history.connection import BUSY_SECONDS, connect, describing_errors
from latency_tui.history.listing import COLUMNS, Row, row_of
from latency_tui.history.location import default_path
from latency_tui.history.schema import MIGRATIONS
from latency_tui.history.writing_process import State, is_running

if TYPE_CHECKING:
    from latency_tui.result.result import Result


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
            create: Whether to create the file. If False, a missing file is an empty history.
            migrations: The versions of the schema.
            busy_seconds: Longest wait for another process that writes.

        Raises:
            HistoryError: The file cannot be used; the message has the reason. The file is not changed.
        """
        path = path or default_path()
        if path is None:
            raise HistoryError("There is no home folder for the history; name a file with --history FILE.")
        return cls(path, connect(path, create=create, migrations=migrations, busy_seconds=busy_seconds))

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
        """Return the results that meet all given conditions, newest first.

        Args:
            most: Largest number of results.
            name: Name of the results.
            tag: A tag of the results.
            plan: Fingerprint of the plan, see `fingerprint.plan_fingerprint` and `Row.plan`.
            environment: Fingerprint of the environment, see `Row.environment`.
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
        with describing_errors(self.path):
            tags = self._tags()
            found = self._connection.execute(query, (*given.values(), -1 if most is None else most))
            return [
                row_of(
                    values,
                    tags.get(values[-1], ()),
                    "finished" if values[2] else self._state(values[2], values[3]),
                )
                for values in found  # iterated lazily, because a list of all rows would keep the garbage collector busy
            ]

    def row(self, key: str) -> Row:
        """Return the row of the result with this id.

        Raises:
            UsageError: There is no such result.
        """
        row = self.find_row(key)
        if row is None:
            raise UsageError(f"There is no result {key!r} in {self.path}.")
        return row

    def find_row(self, key: str) -> Row | None:
        """Return the row of the result with this id; None if there is none."""
        with describing_errors(self.path):
            query = f"SELECT {COLUMNS} FROM results WHERE id = ?"  # noqa: S608
            values = self._connection.execute(query, (key,)).fetchone()
            if values is None:
                return None
            tags = self._tags(values[-1])
        return row_of(values, tags.get(values[-1], ()), self._state(values[2], values[3]))

    def find(self, reference: str) -> str:
        """Return the id of the result that a reference names.

        Args:
            reference: `last`, `last~2` (the second before the last), an id or the beginning of one, a name or a tag. A
                name and a tag stand for the newest result that has it.

        Raises:
            UsageError: No result or several results match; the message says what to do.
        """
        with describing_errors(self.path):
            return references.find(self._connection, reference, self.path)

    def load(self, key: str, *, samples: bool = True) -> Result:
        """Return the result with this id.

        An unfinished result is computed from its journal and saved.

        Args:
            key: The id, see `find`.
            samples: Whether to read the samples and the checkpoint too, which takes longer.

        Raises:
            UsageError: There is no such result, or it is being measured.
            HistoryError: The file is damaged.
        """
        from latency_tui.history.result_codec import decode  # deferred: numpy, 0.1 s; lists do not need it

        row = self.row(key)
        if row.state == "measuring":
            raise UsageError(f"The result {key} is being measured; wait until that has ended.")
        with describing_errors(self.path), self._telling_damage(key):
            content = self._document(key)
            if row.state == "finished" and content is not None:
                return decode(content, (lambda array: self._chunks(key, array)) if samples else None)
            result = self._restore(key, content)
        with contextlib.suppress(HistoryError):  # such as a read-only folder
            self.save(result, key=key)
        return result if samples else result.without_samples()

    def _restore(self, key: str, content: bytes | None) -> Result:
        """Compute an unfinished result from its journal."""
        from latency_tui.analysis.restoring import restore
        from latency_tui.history.journal_batches import unpack
        from latency_tui.history.result_codec import decode

        base = None if content is None else decode(content, lambda array: self._chunks(key, array))
        query = "SELECT content FROM events WHERE result = (SELECT number FROM results WHERE id = ?) ORDER BY number"
        return restore(base, unpack(batch for (batch,) in self._connection.execute(query, (key,)))).result()

    # --- writing -----------------------------------------------------------------------------------------------------

    def save(self, result: Result, *, key: str | None = None, name: str = "", tags: Iterable[str] = ()) -> str:
        """Save a result and return its id. An existing result with this id is replaced but keeps its name and tags.

        Args:
            result: The result with its samples.
            key: Its id; None to compute it with `fingerprint.result_id`.
            name: Its name; empty to leave the name unchanged.
            tags: Tags to add.

        Raises:
            UsageError: The name or a tag is invalid.
            HistoryError: The file cannot be written.
        """
        from latency_tui.history.listing import values_of_result
        from latency_tui.history.result_codec import encode

        content, chunks = encode(result)
        values: dict[str, object] = values_of_result(result) | {"finished": 1, "writer": ""}
        if key is not None:
            values["id"] = key
        with self.transaction() as connection:
            number = put(connection, values)
            self.label(number, name, tags)
            for table in ("chunks", "events"):
                connection.execute(f"DELETE FROM {table} WHERE result = ?", (number,))  # noqa: S608
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (number, content))
            connection.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?)", ((number, *chunk) for chunk in chunks))
        return str(values["id"])

    def label(self, number: int, name: str, tags: Iterable[str]) -> None:
        """Set the name of a row and add tags, within a transaction; an empty name leaves the name unchanged."""
        if name:
            name = references.check_name(name)
            self._connection.execute("UPDATE results SET name = ? WHERE number = ?", (name, number))
        pairs = [(number, references.check_name(tag)) for tag in tags]
        self._connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", pairs)

    def discard_journal(self, key: str) -> None:
        """Remove the journal of a measurement; a result that it continued is kept."""
        with self.transaction() as connection:
            number = "(SELECT number FROM results WHERE id = ?)"
            connection.execute(f"DELETE FROM events WHERE result = {number}", (key,))  # noqa: S608
            connection.execute("UPDATE results SET finished = 1, writer = '' WHERE id = ?", (key,))
            connection.execute(
                "DELETE FROM results WHERE id = ? AND number NOT IN (SELECT result FROM documents)", (key,)
            )

    def rename(self, key: str, name: str) -> None:
        """Set the name of a result; an empty name removes it. A name refers to the newest result that has it."""
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
        with describing_errors(self.path):
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return removed

    def prune(self, *, keep: int | None = None, older_than_days: float | None = None) -> int:
        """Remove old results that have neither a name nor a tag, and return how many were removed.

        Args:
            keep: Number of the newest of these results to keep; None for no condition.
            older_than_days: Only results that are older are removed; None for no condition.
        """
        limit = datetime.now().astimezone() - timedelta(days=older_than_days or 0)
        unnamed = [row for row in self.list() if not row.name and not row.tags][keep or 0 :]
        return self.remove(row.id for row in unnamed if row.created_at < limit)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Begin a transaction, which is rolled back after an error. Waits for another process that writes.

        Raises:
            HistoryError: The file cannot be written.
        """
        with describing_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite has already rolled back if the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _telling_damage(self, key: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, UsageError) as error:
            if isinstance(error, HistoryError):
                raise
            raise HistoryError(f"The result {key} in {self.path} is damaged: {str(error).rstrip('.')}.") from error

    def _document(self, key: str) -> bytes | None:
        query = "SELECT content FROM documents WHERE result = (SELECT number FROM results WHERE id = ?)"
        found = self._connection.execute(query, (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def _chunks(self, key: str, array: int) -> tuple[bytes, ...]:
        query = (
            "SELECT content FROM chunks WHERE result = (SELECT number FROM results WHERE id = ?) AND array = ? "
            "ORDER BY position"
        )
        return tuple(content for (content,) in self._connection.execute(query, (key, array)))

    def _tags(self, number: int | None = None) -> dict[int, tuple[str, ...]]:
        """Return the tags of a result, or of all results, by number."""
        query = "SELECT result, tag FROM tags WHERE result = coalesce(?, result) ORDER BY tag"
        found: dict[int, tuple[str, ...]] = {}
        for one, tag in self._connection.execute(query, (number,)):
            found[one] = (*found.get(one, ()), tag)
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


def open_journal(connection: sqlite3.Connection, key: str, writer: str) -> int:
    """Mark a result as being measured by a process, and return its number."""
    connection.execute("UPDATE results SET finished = 0, writer = ? WHERE id = ?", (writer, key))
    return int(connection.execute("SELECT number FROM results WHERE id = ?", (key,)).fetchone()[0])
