"""Output to stdout and stderr that tolerates a closed pipe (`latency-tui run | head`) or a closed terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from latency_tui.cli.encoding import JSON_ESCAPES, PLAIN
from latency_tui.errors import UsageError


def emit(pieces: Iterable[str], *, json: bool = False) -> int:
    """Write a report to stdout, ending with a newline, and return the exit code.

    The exit code is 0 even if the reader has closed the pipe. Other write errors are printed to stderr and return the
    exit code of a usage error.

    Args:
        pieces: The report in pieces.
        json: Whether the report is JSON; characters that stdout cannot encode are then written as escape sequences.
    """
    code = 0
    if sys.stdout is None:  # the program was started with stdout closed
        return code
    encoding, errors = sys.stdout.encoding or "ascii", JSON_ESCAPES if json else PLAIN
    last = ""
    try:
        for piece in pieces:
            sys.stdout.write(piece.encode(encoding, errors).decode(encoding))
            last = piece or last
        if not last.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # a closed pipe is no error
            print_status(f"latency-tui: Cannot write the report: {(error.strerror or str(error)).lower()}.")
            code = code or UsageError.exit_code
        redirect_to_null(sys.stdout)
    return code


def print_status(line: str) -> None:
    """Write a line to stderr; do nothing if stderr is closed or cannot be written."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        redirect_to_null(sys.stderr)


def redirect_to_null(stream: TextIO | None) -> None:
    """Redirect a stream to the null device, because Python flushes it at exit and would report an error."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream exists and is a terminal; a program may be started with a closed stream."""
    return stream is not None and stream.isatty()


def terminal_style() -> tuple[int | None, bool]:
    """Return the width of the terminal on stdout, None if stdout is no terminal, and whether to use colour."""
    if not is_terminal(sys.stdout):
        return None, False
    return shutil.get_terminal_size().columns, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
