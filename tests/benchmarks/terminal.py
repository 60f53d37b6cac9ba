"""A program in a real pty, its screen kept by a terminal emulator, each change of it with its time."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import pyte

from tests.benchmarks.harness import child_environment

COLUMNS, LINES = 100, 30


class Terminal:
    """Starts a program in a pty of its own and reads what it clusters.

    Args:
        command: The program and its arguments.
        columns: Width.
        lines: Height.

    Attributes:
        started: When the program was started, on the monotonic clock.
        drew: When it last drew something.
        drawn: All bytes since the last `forget`. The emulator reads them only when the screen's text is asked for, so
            that whoever is in a hurry can look at these instead.
    """

    def __init__(self, command: Sequence[str], columns: int = COLUMNS, lines: int = LINES) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._unread = bytearray()
        self.drawn = bytearray()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.started = self.drew = time.monotonic()
        self._child = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=child_environment(),
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        self._emulate()
        return list(self._screen.display)

    @property
    def text(self) -> str:
        """The same as one string."""
        self._emulate()
        return "\n".join(self._screen.display)

    def press(self, keys: str) -> float:
        """Type keys; returns when, on the monotonic clock."""
        os.write(self._master, keys.encode())
        return time.monotonic()

    def read(self, timeout: float) -> bytes:
        """Wait for it to draw, and take that in; empty where it drew nothing, or has ended."""
        if not select.select([self._master], [], [], max(timeout, 0.0))[0]:
            return b""
        try:
            drawn = os.read(self._master, 1 << 16)
        except OSError:
            return b""
        self.drew = time.monotonic()
        self._unread += drawn
        self.drawn += drawn
        return drawn

    def forget(self) -> None:
        """Drop the bytes drawn so far; the screen stays."""
        self._emulate()
        self.drawn.clear()

    def _emulate(self) -> None:
        self._stream.feed(bytes(self._unread))
        self._unread.clear()

    def wait_for_bytes(self, markers: Sequence[bytes], timeout: float) -> float:
        """Read until every marker has been drawn; returns when. Raises as `wait_for` does."""
        end = time.monotonic() + timeout
        while not all(marker in self.drawn for marker in markers):
            if time.monotonic() > end or (not self.read(min(0.2, end - time.monotonic())) and self.ended):
                raise TimeoutError(f"Not seen within {timeout:g} s; the screen was:\n{self.text}")
        return self.drew

    def wait_for(self, seen: Callable[[str], bool], timeout: float) -> float:
        """Read until the screen's text satisfies `seen`; returns when.

        Raises:
            TimeoutError: It never did; the message holds the screen.
        """
        end = time.monotonic() + timeout
        while not seen(self.text):
            if time.monotonic() > end or (not self.read(min(0.2, end - time.monotonic())) and self.ended):
                if seen(self.text):
                    break
                raise TimeoutError(f"Not seen within {timeout:g} s; the screen was:\n{self.text}")
        return self.drew

    def settle(self, quiet: float, timeout: float) -> float:
        """Read until the text has not changed for `quiet` seconds; returns when it last changed."""
        before, changed, end = self.text, time.monotonic(), time.monotonic() + timeout
        while time.monotonic() < min(end, changed + quiet):
            self.read(0.05)
            if self.text != before:
                before, changed = self.text, self.drew
        return changed

    @property
    def ended(self) -> bool:
        """Whether the program is gone."""
        return self._child.poll() is not None

    def close(self) -> None:
        """End the program and everything in its session, and close the pty."""
        if not self.ended:
            self._child.send_signal(signal.SIGHUP)
            end = time.monotonic() + 3
            while not self.ended and time.monotonic() < end:
                self.read(0.05)
        if not self.ended:
            self._child.kill()
        self._child.wait()
        os.close(self._master)


def _own_terminal() -> None:
    """Make the pty the controlling terminal of the child's new session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
