"""Whether a browser tab stands in for the terminal, and an error shown in such a tab.

A server (`latency-tui serve`, `textual serve`, textual-web) starts one process of the app for each tab, with Textual's
web driver in the environment. Stdin and stdout are then the wire to the tab, so nothing else may be printed to stdout.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import sys

DRIVER = "TEXTUAL_DRIVER"
"""Environment variable of Textual that names the class that draws."""
MAX_CELLS = 1000
"""Columns or rows of the widest screen."""
_WEB_DRIVER = "web_driver"
_READABLE_FOR_SECONDS = 600.0


def in_tab() -> bool:
    """Return whether the process draws into a browser tab: the web driver is asked for, and stdin is no terminal.

    A shell inside a served app inherits the variable, but an app started there has a terminal to draw on.
    """
    if _WEB_DRIVER not in os.environ.get(DRIVER, "") or sys.stdin is None or sys.stdout is None:
        return False
    return not sys.stdin.isatty() and not sys.stdout.isatty()


def forget_tab() -> None:
    """Draw on the terminal, although the environment was inherited from an app in a tab."""
    if _WEB_DRIVER in os.environ.get(DRIVER, ""):
        del os.environ[DRIVER]


def show_in_tab(sentence: str) -> None:
    """Show a sentence in the tab instead of the app, until the tab closes, or enter, escape or q is pressed."""
    text = f"\x1b[2J\x1b[H\x1b[?25l\r\n  {sentence}\r\n\r\n  Press q to end.\r\n".encode("utf-8", "replace")
    with contextlib.suppress(OSError, ValueError):
        wire = sys.__stdout__.fileno() if sys.__stdout__ else 1
        os.write(wire, b"__GANGLION__\n" + _packet(b"D", text))
        _wait_for_end(sys.__stdin__.fileno() if sys.__stdin__ else 0)
        os.write(wire, _packet(b"M", b'{"type": "exit"}'))


def cells(value: object, fallback: int) -> int:
    """Return a number of cells that a terminal may have, from whatever a page sent."""
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
