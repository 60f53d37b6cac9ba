"""Textual's web driver, made safe against what a server or a browser tab may do.

The wire is a pipe to any server: `latency-tui serve`, `textual serve`, textual-web. The app must end when the tab or
the server has gone, whatever it is doing, and survive whatever a page sends.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from functools import partial
from typing import Any

from textual.drivers.web_driver import WebDriver

from latency_tui.tui.tab import cells

LAST_DEADLINE = 1.5
"""Seconds that the app may take to leave once its tab has gone."""
_ENDED = 143


class TabDriver(WebDriver):
    """Draws into a browser tab; see Textual's class for the protocol."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: Textual's, passed on
        super().__init__(*arguments, **options)
        if self._size is not None:
            self._size = (cells(self._size[0], 80), cells(self._size[1], 24))
        # Whatever else writes to stdout, such as a C library, must not write into the wire.
        wire = os.dup(self.fileno)
        with contextlib.suppress(OSError):
            os.dup2(2, self.fileno)
        self.fileno = wire
        self._write = partial(self._write_whole)
        self._input = sys.__stdin__.fileno() if sys.__stdin__ else 0

    def start_application_mode(self) -> None:
        """Begin to draw, and to watch for the server's end."""
        super().start_application_mode()
        threading.Thread(target=self._leave_when_hung_up, name="tab-watch", daemon=True).start()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Obey a message of the server; sizes that no terminal has are brought into bounds."""
        if packet_type == "resize":
            width, height = self._size or (80, 24)
            payload = {
                "width": cells(payload.get("width"), width),
                "height": cells(payload.get("height"), height),
            }
        elif packet_type in ("quit", "exit"):
            self._end_by_deadline()
        super().on_meta(packet_type, payload)

    def stop_application_mode(self) -> None:
        """Stop drawing; the tab may have gone already."""
        self._end_by_deadline()
        super().stop_application_mode()

    def _write_whole(self, data: bytes) -> int:
        """Write to the wire; without a reader there is nobody to draw for, so the process ends."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.fileno, left) :]
        except OSError:
            os._exit(_ENDED)
        return len(data)

    def _leave_when_hung_up(self) -> None:
        """Wait until nobody holds the other end of stdin, then leave: the server has died."""
        hang_up = select.poll()
        hang_up.register(self._input, 0)  # reports a hang-up only
        hang_up.poll()
        self._end_by_deadline()
        super().on_meta("quit", {})

    def _end_by_deadline(self) -> None:
        """End the process even if the app cannot leave, for example because nobody reads what it draws."""
        watchdog = threading.Timer(LAST_DEADLINE, os._exit, (_ENDED,))
        watchdog.daemon = True
        watchdog.start()
