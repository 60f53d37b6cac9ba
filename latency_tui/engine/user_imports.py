"""Imports modules of users, which may be in folders that are not on Python's path.

These folders are searched only if a model asks for a module that is found nowhere else, and only in the processes of
that model. They are not added to the path earlier, because libraries try optional imports, and a file such as
`pandas.py` in the working directory must not run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def import_with_fallback(action: Callable[[], T], folders: Iterable[str]) -> T:
    """Call a function that imports modules; if one is missing, add folders to the path and call it again.

    Args:
        action: The function.
        folders: Folders in which users' modules are searched.

    Returns:
        What the function returned.
    """
    try:
        return action()
    except ModuleNotFoundError:
        missing = [folder for folder in folders if folder not in sys.path]
        if not missing:
            raise
        sys.path += missing
    return action()
