"""The `--info` option: collects versions, cores, folders and the terminal for a bug report."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

from latency_tui.catalog.configuration import find_configuration, user_path
from latency_tui.errors import LatencyTuiError

_PACKAGE = "latency-tui"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_VARIABLES = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "SSH_CONNECTION", "TMUX")
"""Environment variables that affect how the app looks."""
_PRIVATE = ("SSH_CONNECTION", "TMUX")
"""Variables that may contain personal names or hosts: only whether they are set is shown."""


def describe() -> dict[str, object]:
    """Return what a bug report needs; versions come from package metadata, so no library is imported."""
    return {
        "version": _version(_PACKAGE),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cores": {"machine": os.cpu_count(), "usable": _usable_cores()},
        "libraries": {name: _version(name) for name in _libraries()},
        "paths": _paths(),
        "terminal": {
            "encoding": getattr(sys.stdout, "encoding", None),
            **{name: _read_variable(name) for name in _VARIABLES},
        },
    }


def _libraries() -> list[str]:
    """Return the names of the required and optional dependencies, in the order of the package metadata."""
    try:
        required = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return []
    names = [found[0] for line in required if "'dev'" not in line.replace('"', "'") and (found := _NAME.match(line))]
    return [name for name in dict.fromkeys(names) if name != _PACKAGE]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _usable_cores() -> int | None:
    """Return the number of cores that this process may use; a container or taskset can limit it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _paths() -> dict[str, str | None]:
    from platformdirs import user_data_path, user_log_path

    found: dict[str, Path | None] = {
        "package": Path(__file__).parents[1],
        "configuration_used": _find_configuration_path(),
        "configuration_of_user": user_path(),
    }
    for name, folder in (("data", user_data_path), ("logs", user_log_path)):
        try:
            found[name] = Path(folder(_PACKAGE, appauthor=False))
        except (OSError, RuntimeError, KeyError):  # the user has no home folder
            found[name] = None
    return {name: None if path is None else str(path) for name, path in found.items()}


def _find_configuration_path() -> Path | None:
    try:
        return find_configuration(None).path
    except (LatencyTuiError, OSError):  # --info must work with an invalid file too
        return None


def _read_variable(variable: str) -> str | bool | None:
    value = os.environ.get(variable)
    return value if variable not in _PRIVATE else value is not None
