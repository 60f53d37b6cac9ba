"""Signals during a measurement: the first one ends it and keeps the result, a second Ctrl+C exits immediately."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


def watched_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a measurement: SIGINT, SIGTERM and, unless nohup is used, SIGHUP.

    SIGINT is handled even if the parent shell ignores it, as shells do for background jobs of a script.
    """
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hung_up)


class Interruption:
    """The signal that ended a measurement, if any."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 plus the signal number, as in shells: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP; 0 if none."""
        return 128 + self.received if self.received is not None else 0


@contextmanager
def cancel_on_signal(task: asyncio.Task[None], interruption: Interruption) -> Iterator[None]:
    """Cancel the task on the first SIGINT, SIGTERM or SIGHUP, and store the signal in `interruption`.

    Only a second SIGINT exits immediately, because a terminal that closes sends SIGHUP more than once. The engine then
    exits too, because its stdin closes.
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
        # The result is written next; only Ctrl+C may interrupt that.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if interruption.received is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Killed(BaseException):
    """A signal arrived while the report was written; no subclass of `Exception`, so that no handler catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        """128 plus the signal number."""
        return 128 + self.signal


@contextmanager
def raise_on_signal() -> Iterator[None]:
    """Raise `Killed` on SIGINT and SIGTERM unless they are ignored."""

    def receive(number: int, _frame: object) -> None:
        raise Killed(number)

    watched = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, receive)) for number in watched]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
