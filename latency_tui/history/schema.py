"""The tables of the history, and the migrations that bring an older file up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

APPLICATION_ID = 0x4C543031
"""Application id in the header of the SQLite file, which marks it as a history of latency-tui."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE results (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        created_us INTEGER NOT NULL,
        finished INTEGER NOT NULL DEFAULT 0,
        writer TEXT NOT NULL DEFAULT '',
        name TEXT NOT NULL DEFAULT '',
        plan TEXT NOT NULL,
        environment TEXT NOT NULL DEFAULT '',
        summary BLOB NOT NULL
    );
    CREATE INDEX results_by_time ON results (created_us);
    CREATE INDEX results_by_name ON results (name) WHERE name != '';
    CREATE INDEX results_by_plan ON results (plan, environment);
    CREATE TABLE tags (
        result INTEGER NOT NULL REFERENCES results ON DELETE CASCADE,
        tag TEXT NOT NULL,
        PRIMARY KEY (tag, result)
    ) WITHOUT ROWID;
    CREATE INDEX tags_by_result ON tags (result);
    CREATE TABLE documents (
        result INTEGER PRIMARY KEY REFERENCES results ON DELETE CASCADE,
        content BLOB NOT NULL
    );
    CREATE TABLE chunks (
        result INTEGER NOT NULL REFERENCES results ON DELETE CASCADE,
        array INTEGER NOT NULL,
        position INTEGER NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (result, array, position)
    );
    CREATE TABLE events (
        number INTEGER PRIMARY KEY,
        result INTEGER NOT NULL REFERENCES results ON DELETE CASCADE,
        content BLOB NOT NULL
    );
    CREATE INDEX events_by_result ON events (result);
    """,
)
"""One script per version of the schema. Released scripts never change; a schema change adds one."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the schema of a file; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_history(connection: sqlite3.Connection) -> bool:
    """Return whether a file is a history or still empty."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
        return True
    return version_of(connection) == 0 and not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()


def migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Bring the schema of a file up to date in one transaction; two processes may do so concurrently.

    Args:
        connection: A connection without an open transaction.
        migrations: One script per version.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number, script in enumerate(migrations[version_of(connection) :], version_of(connection) + 1):
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
