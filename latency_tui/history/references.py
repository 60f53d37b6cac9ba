"""Finds the result that a reference names: an id, a name, a tag, `last`, `last~2`."""

from __future__ import annotations

import itertools
import os
import re
import sqlite3
from pathlib import Path

from latency_tui.errors import UsageError
from latency_tui.history.writing_process import is_running
from latency_tui.plan.suggest import hint

LAST = re.compile(r"last(?:~(\d{1,9}))?")
"""Pattern of a reference by age."""
_BEGINNING = re.compile(r"[0-9a-f]{4,12}")
_LONGEST = 100
_SHOWN = 5
_LIST = "'latency-tui history list' shows what there is."


def check_name(name: str) -> str:
    """Return a valid name or tag, without surrounding spaces.

    Raises:
        UsageError: It is not valid.
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST or not name.isprintable():
        raise UsageError(f"A name or tag has 1 to {_LONGEST} printable characters, not {name[:_LONGEST]!r}.")
    if LAST.fullmatch(name) or name.startswith("-"):
        raise UsageError(f"{name!r} cannot be a name or tag; choose another.")
    return name


def is_path(reference: str | Path) -> bool:
    """Return whether a reference to a result is a file, and not a result of the history."""
    if isinstance(reference, Path):
        return True
    if LAST.fullmatch(reference):
        return False
    name = reference.lower()
    looks_like_one = "/" in name or name.startswith("~") or name.endswith((".json", ".json.gz")) or ".json#" in name
    return looks_like_one or os.path.exists(reference)  # noqa: PTH110  the reference may not be a valid path


def find(connection: sqlite3.Connection, reference: str, path: Path) -> str:
    """Return the id of the result that a reference names; see `History.find`."""
    if last := LAST.fullmatch(reference):
        return _find_last(connection, int(last[1] or 0), path)
    if connection.execute("SELECT 1 FROM results WHERE id = ?", (reference,)).fetchone():
        return reference
    for condition in ("name = ?", "number IN (SELECT result FROM tags WHERE tag = ?)"):
        query = f"SELECT id FROM results WHERE {condition} ORDER BY created_us DESC, number DESC"  # noqa: S608
        if found := connection.execute(query, (reference,)).fetchone():
            return str(found[0])
    if _BEGINNING.fullmatch(reference):
        query = "SELECT id FROM results WHERE id GLOB ? ORDER BY id LIMIT ?"
        ids = [key for (key,) in connection.execute(query, (f"{reference}*", _SHOWN))]
        if len(ids) == 1:
            return str(ids[0])
        if ids:
            raise UsageError(f"Several results begin with {reference}: {', '.join(ids)}. Type more of the id.")
    raise UsageError(_nothing_found(connection, reference, path))


def _find_last(connection: sqlite3.Connection, before: int, path: Path) -> str:
    """Return the id of a result by its age; results that are being measured are ignored."""
    query = "SELECT id, finished, writer FROM results ORDER BY created_us DESC, number DESC"
    complete = (key for key, finished, writer in connection.execute(query) if finished or not is_running(writer))
    if found := next(itertools.islice(complete, before, None), None):
        return str(found)
    (count,) = connection.execute("SELECT count(*) FROM results").fetchone()
    if not count:
        raise UsageError(f"The history {path} is empty; 'latency-tui run' measures and keeps a result.")
    raise UsageError(f"There is no result last~{before}; the history has {count:,}. {_LIST}")


def _nothing_found(connection: sqlite3.Connection, reference: str, path: Path) -> str:
    names = [
        name for (name,) in connection.execute("SELECT name FROM results WHERE name != '' UNION SELECT tag FROM tags")
    ]
    if not connection.execute("SELECT 1 FROM results LIMIT 1").fetchone():
        return f"There is no result {reference!r}; the history {path} is empty."
    if not names:
        return f"There is no result {reference!r}. {_LIST}"
    return f"There is no result {reference!r}; {hint(reference, names, listed_by='latency-tui history list')}"
