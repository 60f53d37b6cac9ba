"""Detects that the app runs in a browser tab instead of a terminal, and shows errors there.

A server (`latency-tui serve`, `textual serve`, textual-web) starts one process of the app per tab and selects Textual's
web driver by an environment variable. Stdin and stdout are then the connection to the tab, so nothing else may be
printed to stdout.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import sys

DRIVER = "TEXTUAL_DRIVER"
"""Environment variable of Textual that names the driver class."""
MAX_CELLS = 1000
"""Maximum number of columns or rows of a screen."""
_WEB_DRIVER = "web_driver"
_READABLE_FOR_SECONDS = 600.0


def is_browser_tab() -> bool:
    """Return whether the app runs in a browser tab: the web driver is selected, and stdin is not a terminal.

    A shell that a served app starts inherits the variable, but an app that is started from it has a terminal.
    """
    if _WEB_DRIVER not in os.environ.get(DRIVER, "") or sys.stdin is None or sys.stdout is None:
        return False
    return not sys.stdin.isatty() and not sys.stdout.isatty()


def use_terminal() -> None:
    """Use the terminal even if the environment was inherited from an app in a browser tab."""
    if _WEB_DRIVER in os.environ.get(DRIVER, ""):
        del os.environ[DRIVER]


def show_in_tab(sentence: str) -> None:
    """Show a sentence in the tab instead of the app, until the tab closes, or enter, escape or q is pressed."""
    text = f"\x1b[2J\x1b[H\x1b[?25l\r\n  {sentence}\r\n\r\n  Press q to end.\r\n".encode("utf-8", "replace")
    with contextlib.suppress(OSError, ValueError):
        descriptor = sys.__stdout__.fileno() if sys.__stdout__ else 1
        os.write(descriptor, b"__GANGLION__\n" + _packet(b"D", text))
        _wait_for_end(sys.__stdin__.fileno() if sys.__stdin__ else 0)
        os.write(descriptor, _packet(b"M", b'{"type": "exit"}'))


def clamp_size(value: object, fallback: int) -> int:
    """Return a valid number of columns or rows, whatever number a page sent."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return fallback
    return int(min(max(value, 1), MAX_CELLS))


def _wait_for_end(descriptor: int) -> None:
    while select.select([descriptor], [], [], _READABLE_FOR_SECONDS)[0]:
        packet = os.read(descriptor, 1 << 16)
        typed = packet[5:6] if packet[:1] == b"D" else b""
        if not packet or b'"quit"' in packet or typed in (b"q", b"\r", b"\x1b", b"\x03"):
            return


def _packet(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload
