"""Opens the file of the history, and converts errors of SQLite to `HistoryError`."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from latency_tui.errors import HistoryError
from latency_tui.history.location import is_on_network
from latency_tui.history.schema import is_history, migrate, version_of

BUSY_SECONDS = 10.0
"""Longest wait for another process that writes."""


def connect(path: Path, *, create: bool, migrations: Sequence[str], busy_seconds: float) -> sqlite3.Connection:
    """Open a file, check that it is a history, and bring its schema up to date; see `History.open`."""
    with describing_errors(path):
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            return _prepare(_connect(":memory:", busy_seconds), path, migrations)
        connection = _connect(str(path), busy_seconds)
        try:
            return _prepare(connection, path, migrations)
        except sqlite3.OperationalError:
            connection.close()
            if create:
                raise
            return _open_read_only(path, migrations)
        except BaseException:
            connection.close()
            raise


def _connect(path: str, busy_seconds: float, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, uri=uri)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Check that a file is a history, choose its journal mode and bring its schema up to date."""
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
    """Change the journal mode. Another process that has the file open can prevent this, which is harmless."""
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
def describing_errors(path: Path) -> Iterator[None]:
    """Raise `HistoryError` with a readable message for errors of SQLite and of the operating system."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = str(error)
        if "locked" in reason:
            reason = "another process is writing to it"
        raise HistoryError(f"The history {path} cannot be used: {reason}.") from error
    except sqlite3.DatabaseError as error:
        raise HistoryError(
            f"{path} is damaged or not a history of latency-tui ({error}); move it away, or name another file with "
            "--history FILE."
        ) from error
    except OSError as error:
        raise HistoryError(f"The history {path} cannot be used: {(error.strerror or str(error)).lower()}.") from error
