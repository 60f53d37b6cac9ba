"""Writing to stdout where nobody may be reading any more: `latency-tui run | head`, or a terminal that went away."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from latency_tui.errors import UsageError


def emit(pieces: Iterable[str], code: int = 0) -> int:
    """Write a report and its last newline to stdout and return the code, also where the reader has gone.

    Where it cannot be written for another reason that is said on stderr, and a code of 0 becomes that of an error.
    """
    if sys.stdout is None:  # started with stdout closed
        return code
    encoding = sys.stdout.encoding or "ascii"
    last = ""
    try:
        for piece in pieces:
            sys.stdout.write(piece.encode(encoding, "replace").decode(encoding))  # one without UTF-8 gets the rest
            last = piece or last
        if not last.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # of a reader that has gone nobody needs to be told
            with contextlib.suppress(OSError):
                sys.stderr.write(f"latency-tui: Cannot write the report: {(error.strerror or str(error)).lower()}.\n")
            code = code or UsageError.exit_code
        # Python flushes once more as it leaves, and would complain: let that flush go nowhere.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is there at all (a program may be started with it closed), and is a terminal."""
    return stream is not None and stream.isatty()


def terminal_style() -> tuple[int | None, bool]:
    """Return the width of the terminal that stdout is (None where it is none), and whether it wants colour."""
    if not is_terminal(sys.stdout):
        return None, False
    return shutil.get_terminal_size().columns, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
