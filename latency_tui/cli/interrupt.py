"""Signals while measuring: the first ends it and keeps what was measured, a second Ctrl+C ends the program at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def watched_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a program here: SIGHUP is left alone under nohup.

    SIGINT counts even where a script's shell had it ignored, as it does for what it puts into the background: whoever
    sends it means it.
    """
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hung_up)


class Interruption:
    """What came in, if anything did."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells have it: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.received if self.received is not None else 0


@contextmanager
def cancel_on_signal(task: asyncio.Task[None], interruption: Interruption) -> Iterator[None]:
    """Cancel the task on the first SIGINT, SIGTERM or SIGHUP, and keep which it was.

    A terminal that closes sends SIGHUP more than once, so only a second SIGINT ends the program there and then; the
    engine ends with it, because its stdin closes.
    """
    loop = task.get_loop()

    def receive(number: signal.Signals) -> None:
        if interruption.received is None:
            interruption.received = number
            task.cancel()
        elif number == signal.SIGINT:
            os._exit(128 + number)

    watched = watched_signals()
    for number in watched:
        loop.add_signal_handler(number, receive, number)
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)
        # What is left to do is to write the result, and nothing but an impatient Ctrl+C should come between.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if interruption.received is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Killed(BaseException):
    """A signal came while the report was made. No `Exception`: nothing on the way may take it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        """As of an interruption."""
        return 128 + self.signal


@contextmanager
def raise_on_signal() -> Iterator[None]:
    """Raise `Killed` on SIGINT and SIGTERM, where these are not ignored."""

    def receive(number: int, _frame: object) -> None:
        raise Killed(number)

    watched = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, receive)) for number in watched]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
