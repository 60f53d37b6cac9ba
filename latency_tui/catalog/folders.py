"""Locates the folder for data that is kept between sessions: the history and trusted types."""

from __future__ import annotations

import os
from pathlib import Path

HOME = "LATENCY_TUI_HOME"
"""Environment variable that names the folder."""


def data_folder() -> Path | None:
    """Return the folder for the user's data; None if the user has no home folder."""
    if named := os.environ.get(HOME):
        return Path(named).absolute()
    from platformdirs import user_data_path  # deferred: most starts need no folder

    try:
        return Path(user_data_path("latency-tui", appauthor=False))
    except (RuntimeError, KeyError, OSError):
        return None
