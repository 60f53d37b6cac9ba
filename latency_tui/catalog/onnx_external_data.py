"""Finds the external data files of an ONNX model, which contain its weights."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from latency_tui.catalog.bounded_reading import open_regular

_LOCATION = re.compile(rb"(?=\n\x08location\x12(.)([^\x00]{1,127}))", re.DOTALL)


def external_files(path: Path) -> tuple[Path, ...]:
    """Return the external data files of an ONNX model, in the order in which it names them; some may not exist.

    Raises:
        UsageError: The model cannot be read.
    """
    with open_regular(path, wanted="model") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # the file is empty
            return ()
        with content:
            found = [(size[0], name) for size, name in _LOCATION.findall(content)]
    names = (name[:size].decode(errors="replace") for size, name in found if size <= len(name))
    return tuple(path.parent / name for name in dict.fromkeys(names))
