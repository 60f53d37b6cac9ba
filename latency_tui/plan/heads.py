"""Opens a file that someone named, far enough to see what it is."""

from __future__ import annotations

from pathlib import Path

from latency_tui.errors import UsageError


def head_of(path: Path, size: int, *, wanted: str) -> bytes:
    """Return the first bytes of a file, at least one and at most so many.

    Args:
        path: The file.
        size: How many bytes are enough.
        wanted: What it was taken for: a model, or data.

    Raises:
        UsageError: It is not there, cannot be read, is empty, no file, or has a name that is not text.
    """
    try:
        str(path).encode()  # plans and results are UTF-8, and name their files
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a {wanted} file.")
        if path.exists() and not path.is_file():  # a pipe would keep the reader waiting for ever
            raise UsageError(f"{path} is a pipe or a device, not a {wanted} file.")
        with path.open("rb") as file:
            head = file.read(size)
    except UnicodeEncodeError:
        shown = str(path).encode(errors="surrogateescape").decode(errors="replace")
        raise UsageError(f"The name of {shown} is not UTF-8; rename it, or make a link to it.") from None
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.") from None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    if not head:
        raise UsageError(f"{path} is empty.")
    return head
