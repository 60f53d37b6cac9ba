"""Looks up the Python interpreter of a candidate: a path, the folder of a virtual environment, or a command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from latency_tui.errors import UsageError


def find_interpreter(text: str) -> str:
    """Return the absolute path of an interpreter. Nothing is run, and symbolic links are not resolved.

    The interpreter of a virtual environment is a link, and Python finds the environment by the link's own folder.

    Args:
        text: A path, the folder of a virtual environment, or the name of a command.

    Raises:
        UsageError: There is no such interpreter, or it is not executable.
    """
    path = _absolute(text)
    if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for a folder without access)
        path = path / "bin" / "python"
        if not os.path.exists(path):  # noqa: PTH110 (as above)
            raise UsageError(f"{text} is not a virtual environment: it has no bin/python.")
    elif not os.path.lexists(path) and os.sep not in text and (command := shutil.which(text)):
        path = _absolute(command)
    if not os.path.exists(path):  # noqa: PTH110 (as above)
        gone = " any more: it is a link to a file that was removed" if os.path.islink(path) else ""  # noqa: PTH114
        raise UsageError(f"There is no Python interpreter {text}{gone}.")
    if not (os.path.isfile(path) and os.access(path, os.X_OK)):  # noqa: PTH113 (as above)
        raise UsageError(f"{text} is not a program that can be run, so it is no Python interpreter.")
    return str(path)


def _absolute(text: str) -> Path:
    """Return an absolute path without removing `..`, whose meaning depends on links.

    Raises:
        UsageError: The text is no path, or the working directory was deleted.
    """
    try:
        path = Path(text).expanduser()
        return path.absolute() if "\0" not in text else _refuse(text)
    except (RuntimeError, FileNotFoundError):
        return _refuse(text)


def _refuse(text: str) -> Path:
    raise UsageError(f"There is no Python interpreter {text!r}.")
