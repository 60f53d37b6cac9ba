"""A real pseudo-terminal with a terminal emulator at its other end: the command as a user meets it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import psutil
import pyte

_OTHERS = ("NO_COLOR", "SSH_CONNECTION", "TEXTUAL_THEME", "COLUMNS", "LINES")  # the last two would outvote the terminal
COMMAND = str(Path(sys.executable).with_name("latency-tui"))


class Terminal:
    """Runs a command in a terminal and reads its screen.

    Args:
        arguments: The command's arguments.
        command: Another program instead.
        width: Columns.
        height: Rows.
    """

    def __init__(self, *arguments: str, command: str = COMMAND, width: int = 140, height: int = 45) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _OTHERS}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.process = pexpect.spawn(command, list(arguments), dimensions=(height, width), env=environment, timeout=120)
        self._known: set[psutil.Process] = set()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.close(force=True)

    def read(self, seconds: float = 0.05) -> None:
        """Take in what the program has written."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                data = self.process.read_nonblocking(65536, timeout=max(deadline - time.monotonic(), 0.01))
            except pexpect.TIMEOUT:
                return
            except (pexpect.EOF, OSError):
                time.sleep(0.02)
                return
            self.raw += data
            self._stream.feed(data)
            if time.monotonic() > deadline:
                return

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self._screen.display)

    def until(self, words: str | Callable[[str], bool], seconds: float = 120.0) -> str:
        """Wait until the screen shows some words; returns the screen, fails with it where they never come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read()
            text = self.text
            if words(text) if callable(words) else words in text:
                return text
        raise AssertionError(f"{words!r} never came:\n{self.text}")

    def press(self, keys: str) -> None:
        """Type."""
        self.process.send(keys)
        self.read(0.1)

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(height, width)
        self.process.setwinsize(height, width)
        self.read(0.3)

    def processes(self) -> set[psutil.Process]:
        """Return every process that the command is or has started and that still lives."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            self._known |= {root, *root.children(recursive=True)}
        return {process for process in self._known if _alive(process)}

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self.processes()
        os.kill(self.process.pid, number)

    def gone_within(self, seconds: float = 120.0) -> None:
        """Fail where a process is left after some seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.02)
            if not self.processes():
                return
        raise AssertionError(f"left behind: {[process.cmdline() for process in self.processes()]}")


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
