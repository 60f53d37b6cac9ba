"""Entry point of `latency-tui` and `python -m latency_tui`."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line; during the imports, Ctrl+C exits without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    # OpenBLAS reserves 40 MB and starts a thread per core when numpy is imported, and prints if it cannot.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from latency_tui.cli import main as run  # the user may press Ctrl+C during this import
    except (ImportError, MemoryError) as error:
        if isinstance(error, MemoryError) or "failed to map segment" in str(error):
            sys.exit("latency-tui: There is not enough memory to start; raise the limit (ulimit -v).")
        raise
    run()


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
