"""A served app whose server was killed: nobody will ever close its tab, so it ends itself."""

from __future__ import annotations

import os
import signal
import threading
import time

SERVED = "LATENCY_TUI_SERVED"
"""Environment variable that is `1` in an app behind a browser tab."""
LOOK_EVERY = 0.5


def end_without_parent() -> None:
    """Send this process SIGTERM, which Textual obeys, once the process that started it has gone.

    Its stdin closes then as well, but Textual's web driver takes that for silence and stays.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1.0)
        os._exit(128 + signal.SIGTERM)  # the screen is stuck on a wire that nobody reads

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
