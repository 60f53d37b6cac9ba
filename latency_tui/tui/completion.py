"""What may be meant by what is typed so far: models by name, and files of the folder that is being typed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from latency_tui.plan import ModelSpec
from latency_tui.tui.text import clean

MOST = 100
_MAX_LOOKED_AT = 5000


@dataclass(frozen=True)
class Match:
    """One line of the list under the field.

    Attributes:
        text: What it puts into the field.
        label: How it is called in the list.
        note: A word on it.
        meaning: What it is, in a line.
        kind: Whether it can be taken as it is (`name`), is looked at first (`file`) or leads on (`folder`).
    """

    text: str
    label: str
    note: str = ""
    meaning: str = ""
    kind: Literal["name", "file", "folder"] = "name"


def is_path(text: str) -> bool:
    """Return whether what is typed begins or holds a path of a file."""
    return "/" in text or text in ("~", ".", "..")


def names_like(text: str, models: Iterable[ModelSpec]) -> list[Match]:
    """Return the models whose name or group has the words typed, in the order given."""
    words = text.casefold().replace("-", " ").split()
    return [
        Match(text=model.name, label=model.name, note=model.group, meaning=model.description)
        for model in models
        if all(word in f"{model.name} {model.group}".casefold() for word in words)
    ]


def at_home(text: str) -> Path:
    """Return a path with `~` put in full, or as it is typed where nobody has that home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def files_like(text: str, wanted: Callable[[Path], str]) -> list[Match]:
    """Return the folders and the files that the path typed may go on with; nothing where it leads nowhere.

    Args:
        text: The path as far as it is typed; `~` is the user's own folder.
        wanted: Says in a word what a file is; empty for one that is of no use.
    """
    if text in ("~", ".", ".."):
        text += "/"
    head, slash, start = text.rpartition("/")
    folder = at_home(head + slash or ".")
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
    """Return a file's size in words, `12.3 kB`; nothing where it is gone."""
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
    """Yield what lies in a folder and begins so, upper or lower case; what is hidden only where a dot is typed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _MAX_LOOKED_AT):
            name = entry.name
            if not name.casefold().startswith(start.casefold()) or (name[:1] == "." and start[:1] != "."):
                continue
            if clean(name) != name:  # no terminal could show it, nor a person type it
                continue
            with suppress(OSError):
                if entry.is_dir():
                    yield Match(name, name, kind="folder")
                elif entry.is_file():
                    yield Match(name, name, kind="file")
