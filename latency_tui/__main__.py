"""Entry point of `latency-tui` and `python -m latency_tui`."""

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line; during the imports, Ctrl+C exits without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from latency_tui.cli import main as run  # the user may press Ctrl+C during this import

    run()


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
