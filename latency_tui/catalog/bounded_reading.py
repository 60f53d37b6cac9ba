"""Reads files that somebody named: regular files only, without ever waiting, and never more than a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from latency_tui.errors import UsageError


def open_regular(path: Path, *, wanted: str) -> BinaryIO:
    """Open a regular file.

    Args:
        path: The file.
        wanted: What it is taken for: a model, data, a configuration or a result.

    Raises:
        UsageError: It does not exist, cannot be read, is a folder, a pipe or a device, is larger than the
            memory of this machine, or has a name that is not text.
    """
    try:
        str(path).encode()  # plans and results are UTF-8, and name their files
        _check(os.stat(path), path, wanted)  # noqa: PTH116 (before it is opened: that alone can rewind or reset a device)
        # Without waiting: it may have become a pipe since, and some files of /proc block their reader for ever.
        file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: PTH123, SIM115
        try:
            _check(os.fstat(file.fileno()), path, wanted)
        except BaseException:
            file.close()
            raise
    except UnicodeEncodeError:
        shown = str(path).encode(errors="surrogateescape").decode(errors="replace")
        raise UsageError(f"The name of {shown} is not UTF-8; rename it, or make a link to it.") from None
    except ValueError:  # a null character
        raise UsageError(f"No file can have the name {str(path)!r}.") from None
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.") from None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    return file


def read_whole(path: Path, limit: int, *, wanted: str) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        limit: Most bytes that such a file has.
        wanted: What it is taken for.

    Raises:
        UsageError: It is larger than the limit; see `open_regular` for the others.
    """
    with open_regular(path, wanted=wanted) as file:
        content = read_up_to(file, limit + 1, path)
    if len(content) > limit:
        raise UsageError(f"{path} is larger than {_size(limit)}, which no {wanted} file is.")
    return content


def read_up_to(file: BinaryIO, size: int, path: Path) -> bytes:
    """Return the first bytes of a file that was just opened; none if it says that it has none.

    Raises:
        UsageError: It cannot be read.
    """
    if not os.fstat(file.fileno()).st_size:  # as of most files of /proc, some of which never end
        return b""
    try:
        return file.read(size) or b""
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error


def _check(status: os.stat_result, path: Path, wanted: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{path} is a folder, not a {wanted} file.")
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is a pipe or a device, not a {wanted} file.")
    if 0 < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") < status.st_size:
        raise UsageError(f"{path} is {_size(status.st_size)} large, more than the memory of this machine.")


def _size(count: int) -> str:
    """Return a number of bytes as text, in the largest binary unit that leaves at least 1."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    step = max(count.bit_length() - 1, 0) // 10
    return f"{count / 1024**step:.3g} {units[step]}"
