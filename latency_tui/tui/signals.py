"""Signal handlers that end the app if the system terminates it or the terminal closes.

A closed terminal cannot be written to: Textual's writer thread would end with an error, and the app would wait for it
forever. The terminal's descriptors are therefore redirected to the null device at once, and the process exits after a
deadline in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable

_WRITING_DEADLINE = 30.0
_LAST_DEADLINE = 1.5
_HUNG_UP = 129


def install_signal_handlers(keep: Callable[[], None], leave: Callable[[signal.Signals], None]) -> None:
    """Install handlers of SIGTERM, SIGINT and SIGHUP that call both functions; call this from the event loop.

    Args:
        keep: Keeps the results.
        leave: Starts the shutdown of the app, and returns at once.
    """
    loop = asyncio.get_running_loop()
    terminals = [descriptor for descriptor in (0, 1, 2) if _is_terminal(descriptor)]

    def end(number: signal.Signals) -> None:
        keep()
        leave(number)

    def hang_up() -> None:
        _redirect_to_null(terminals)
        _exit_within(_WRITING_DEADLINE)
        keep()
        _exit_within(_LAST_DEADLINE)
        leave(signal.SIGHUP)

    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, end, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGINT, end, signal.SIGINT)
        loop.add_signal_handler(signal.SIGHUP, hang_up)


def _exit_within(seconds: float) -> None:
    watchdog = threading.Timer(seconds, os._exit, (_HUNG_UP,))
    watchdog.daemon = True
    watchdog.start()


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _redirect_to_null(descriptors: list[int]) -> None:
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in descriptors:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
