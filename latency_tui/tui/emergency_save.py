"""Writes results to files if the app is terminated without the user's request, so that they are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from latency_tui.errors import UsageError

if TYPE_CHECKING:
    from latency_tui.result.result import Result


def save_results(results: Iterable[Result]) -> tuple[Path, ...]:
    """Write each result as JSON into the user's data folder, or else the folder for temporary files.

    Returns:
        The files, in the order of the results; results that cannot be written are left out.
    """
    from latency_tui.report import write

    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    kept: list[Path] = []
    for number, result in enumerate(results, 1):
        for folder in _folders():
            path = _free(folder, f"{stamp}-{number}")
            with suppress(OSError, UsageError):
                folder.mkdir(parents=True, exist_ok=True)
                write(result, path)
                kept.append(path)
                break
    return tuple(kept)


def _folders() -> list[Path]:
    from platformdirs import user_data_path

    folders: list[Path] = []
    with suppress(OSError, RuntimeError, KeyError):  # the user has no home folder
        folders.append(Path(user_data_path("latency-tui", appauthor=False)) / "results")
    with suppress(OSError):
        folders.append(Path(tempfile.gettempdir()))
    return folders


def _free(folder: Path, stem: str) -> Path:
    """Return a name in the folder that no file has."""
    path, again = folder / f"latency-tui-{stem}.json", 1
    while path.exists():
        again += 1
        path = folder / f"latency-tui-{stem}-{again}.json"
    return path
