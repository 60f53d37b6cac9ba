"""Writing to stdout where nobody may be reading any more: `latency-tui run | head`, or a terminal that went away."""

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
    """Write a report and its last newline to stdout; return 0, also where the reader has gone.

    Where it cannot be written for another reason, a sentence on stderr says so, and the code of a usage error is
    returned.

    Args:
        pieces: The report.
        json: Whether it is JSON, which has escapes for what the encoding of stdout lacks.
    """
    code = 0
    if sys.stdout is None:  # started with stdout closed
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
        if not isinstance(error, BrokenPipeError):  # of a reader that has gone nobody needs to be told
            complain(f"latency-tui: Cannot write the report: {(error.strerror or str(error)).lower()}.")
            code = code or UsageError.exit_code
        give_up(sys.stdout)
    return code


def complain(line: str) -> None:
    """Write a line to stderr, which may be closed, full, or a terminal that has gone."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        give_up(sys.stderr)


def give_up(stream: TextIO | None) -> None:
    """Let what cannot be written go nowhere: Python flushes once more as it leaves, and would complain."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is there at all (a program may be started with it closed), and is a terminal."""
    return stream is not None and stream.isatty()


def terminal_style() -> tuple[int | None, bool]:
    """Return the width of the terminal that stdout is (None where it is none), and whether it wants colour."""
    if not is_terminal(sys.stdout):
        return None, False
    return shutil.get_terminal_size().columns, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
