"""Where a user's own modules lie, besides where Python looks.

These folders are looked in once a module is missing that a user's model asks for, and in that model's processes alone.
They are on no path before: libraries try imports of their own, and a folder must not have its `pandas.py` run for being
worked in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

FOLDERS: list[str] = []

T = TypeVar("T")


def import_with_fallback(action: Callable[[], T]) -> T:
    """Do something that imports; where a module is missing, do it again with the user's own folders on the path."""
    try:
        return action()
    except ModuleNotFoundError:
        missing = [folder for folder in FOLDERS if folder not in sys.path]
        if not missing:
            raise
        sys.path += missing
    return action()
