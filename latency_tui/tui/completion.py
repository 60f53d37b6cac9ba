"""Completes typed text: names of models, and paths of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from latency_tui.plan import ModelSpec
from latency_tui.tui.text import sanitize_line

MOST = 100
_MAX_LOOKED_AT = 5000


@dataclass(frozen=True)
class Match:
    """One completion, a line of the list under the field.

    Attributes:
        text: The text that it puts into the field.
        label: Its label in the list.
        note: A note of one or two words, shown after the label.
        meaning: A description of one line.
        kind: `name` if it can be accepted as it is, `file` if the file is inspected first, `folder` if its content is
            listed next.
    """

    text: str
    label: str
    note: str = ""
    meaning: str = ""
    kind: Literal["name", "file", "folder"] = "name"


def is_path(text: str) -> bool:
    """Return whether a text is a path or the beginning of a path."""
    return "/" in text or text in ("~", ".", "..")


def names_like(text: str, models: Iterable[ModelSpec]) -> list[Match]:
    """Return the models whose name or group contains the typed words, in the given order."""
    words = text.casefold().replace("-", " ").split()
    return [
        Match(text=model.name, label=model.name, note=model.group, meaning=model.description)
        for model in models
        if all(word in f"{model.name} {model.group}".casefold() for word in words)
    ]


def expand_home(text: str) -> Path:
    """Return a path with `~` expanded; unchanged if there is no such home folder."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def files_like(text: str, wanted: Callable[[Path], str]) -> list[Match]:
    """Return the folders and files that complete a path; empty if there are none.

    Args:
        text: The beginning of the path; `~` is the user's home folder.
        wanted: Returns the kind of a file in one word; empty to omit the file.
    """
    if text in ("~", ".", ".."):
        text += "/"
    head, slash, start = text.rpartition("/")
    folder = expand_home(head + slash or ".")
    found = sorted(_entries(folder, start), key=lambda match: (match.kind, match.label.casefold()))
    listed: list[Match] = []
    for match in found:
        path = folder / match.label
        if match.kind == "folder":
            listed.append(Match(head + slash + match.label + "/", match.label + "/", "folder", kind="folder"))
        elif what := wanted(path):
            listed.append(Match(head + slash + match.label, match.label, size_of(path), what, kind="file"))
        if len(listed) == MOST:
            break
    return listed


def size_of(path: Path) -> str:
    """Return the size of a file as text, such as `12.3 kB`; empty if the file does not exist."""
    try:
        size = float(path.stat().st_size)
    except OSError:
        return ""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _entries(folder: Path, start: str) -> Iterator[Match]:
    """Yield the entries of a folder that begin with a text, ignoring case; hidden ones only if it begins with a dot."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MAX_LOOKED_AT):
            name = entry.name
            if not name.casefold().startswith(start.casefold()) or (name[:1] == "." and start[:1] != "."):
                continue
            if sanitize_line(name) != name:  # a terminal cannot show it, and a user cannot type it
                continue
            with suppress(OSError):
                if entry.is_dir():
                    yield Match(name, name, kind="folder")
                elif entry.is_file():
                    yield Match(name, name, kind="file")
