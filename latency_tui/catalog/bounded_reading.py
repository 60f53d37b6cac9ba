"""Reads files safely: only regular files, without blocking, and only up to a limit."""

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
        wanted: The expected kind of file for messages: `model`, `data`, `configuration` or `result`.

    Raises:
        UsageError: The file does not exist, cannot be read, is a folder, a pipe or a device, is larger than the memory
            of this machine, or has a name that is not UTF-8.
    """
    try:
        str(path).encode()  # plans and results contain file names in UTF-8
        _check(os.stat(path), path, wanted)  # noqa: PTH116 (check first, because opening can rewind or reset a device)
        # Non-blocking, because the file may have been replaced by a pipe, and some files of /proc block forever.
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
        limit: Maximum size in bytes.
        wanted: The expected kind of file for messages.

    Raises:
        UsageError: The file is larger than the limit, or `open_regular` refused it.
    """
    with open_regular(path, wanted=wanted) as file:
        content = read_up_to(file, limit + 1, path)
    if len(content) > limit:
        raise UsageError(f"{path} is larger than {_size(limit)}, which no {wanted} file is.")
    return content


def read_up_to(file: BinaryIO, size: int, path: Path) -> bytes:
    """Return the first bytes of an open file; empty if its reported size is 0.

    Raises:
        UsageError: The file cannot be read.
    """
    if not os.fstat(file.fileno()).st_size:  # most files of /proc report 0, and some of them never end
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
    """Return a number of bytes as text, in the largest binary unit in which it is at least 1."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    step = max(count.bit_length() - 1, 0) // 10
    return f"{count / 1024**step:.3g} {units[step]}"
