"""A robust web driver: the app exits when the browser tab or the server ends, and tolerates any message of a page.

The app is connected to the server (`latency-tui serve`, `textual serve` or textual-web) by pipes.
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

from latency_tui.tui.browser_tab import clamp_size

LAST_DEADLINE = 1.5
"""Time limit for the app to exit after its tab has closed."""
_ENDED = 143


class TabDriver(WebDriver):
    """Draws in a browser tab; see Textual's class for the protocol."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: Textual's, passed on
        super().__init__(*arguments, **options)
        if self._size is not None:
            self._size = (clamp_size(self._size[0], 80), clamp_size(self._size[1], 24))
        # Other output to stdout, such as that of a C library, must not reach the connection.
        descriptor = os.dup(self.fileno)
        with contextlib.suppress(OSError):
            os.dup2(2, self.fileno)
        self.fileno = descriptor
        self._write = partial(self._write_whole)
        self._input = sys.__stdin__.fileno() if sys.__stdin__ else 0

    def start_application_mode(self) -> None:
        """Start drawing, and start watching for the end of the server."""
        super().start_application_mode()
        threading.Thread(target=self._leave_when_hung_up, name="tab-watch", daemon=True).start()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Handle a message of the server; invalid terminal sizes are clipped."""
        if packet_type == "resize":
            width, height = self._size or (80, 24)
            payload = {
                "width": clamp_size(payload.get("width"), width),
                "height": clamp_size(payload.get("height"), height),
            }
        elif packet_type in ("quit", "exit"):
            self._end_by_deadline()
        super().on_meta(packet_type, payload)

    def stop_application_mode(self) -> None:
        """Stop drawing; the tab may be closed already."""
        self._end_by_deadline()
        super().stop_application_mode()

    def _write_whole(self, data: bytes) -> int:
        """Write to the connection; if it has no reader, end the process."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.fileno, left) :]
        except OSError:
            os._exit(_ENDED)
        return len(data)

    def _leave_when_hung_up(self) -> None:
        """Wait until the other end of stdin is closed, because the server has ended; then exit."""
        hang_up = select.poll()
        hang_up.register(self._input, 0)  # reports a hang-up only
        hang_up.poll()
        self._end_by_deadline()
        super().on_meta("quit", {})

    def _end_by_deadline(self) -> None:
        """End the process after a time limit, even if the app cannot exit, such as because its output is not read."""
        watchdog = threading.Timer(LAST_DEADLINE, os._exit, (_ENDED,))
        watchdog.daemon = True
        watchdog.start()
