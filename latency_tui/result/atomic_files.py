"""Writes files atomically, and checks beforehand that they can be written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from latency_tui.errors import UsageError


def check_writable(path: Path) -> None:
    """Check that `write_content` will be able to write to a path; it leaves no trace.

    Raises:
        UsageError: The path cannot be written; the message has the reason.
    """
    try:
        target = _target(path)
        if not _replaceable(target):
            return
        descriptor, trial = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        os.close(descriptor)
        Path(trial).unlink()
    except (OSError, RuntimeError, ValueError) as error:
        raise _refusal(path, error) from error


def write_content(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file through a temporary file in the same folder, so that a reader never sees half of it.

    Links are followed, an existing file keeps its permissions, and a special file (a pipe, `/dev/stdout`) is written
    directly.

    Raises:
        UsageError: The path cannot be written; the message has the reason.
    """
    try:
        target = _target(path)
        if not _replaceable(target):
            with target.open("wb") as file:
                file.writelines(pieces)
            return
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    except (OSError, RuntimeError, ValueError) as error:
        raise _refusal(path, error) from error


def _target(path: Path) -> Path:
    """Resolve links, and raise `OSError` for a folder and for a read-only file.

    `RuntimeError` is raised for an unknown home folder and for a link to itself.
    """
    target = path.expanduser().resolve()
    if target.is_dir():
        raise IsADirectoryError(21, "it is a folder")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "it is read-only")
    if not target.parent.is_dir():
        raise FileNotFoundError(2, f"there is no folder {target.parent}")
    return target


def _replaceable(target: Path) -> bool:
    """Return whether a file can be replaced: it is not a special file, and its folder is writable."""
    return not target.exists() or (target.is_file() and os.access(target.parent, os.W_OK))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refusal(path: Path, error: Exception) -> UsageError:
    reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
    return UsageError(f"Cannot write {path}: {reason[:1].lower()}{reason[1:]}.")
