"""The log of the server and its apps: a file of limited size.

A write to stdout or stderr blocks forever if nobody reads the output of the server. The event loop therefore only puts
records into a queue; a thread writes them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import queue
import sys
import tempfile
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

from aiohttp.http_exceptions import HttpProcessingError

MAX_BYTES = 1_000_000
"""Size at which the file is renamed to `serve.log.1`, replacing the previous one."""
_MAX_RECORDS = 1000  # in the queue; records beyond this are dropped


@contextlib.contextmanager
def log_to_file(path: Path | None = None) -> Iterator[None]:
    """Write log records to a file, which is created with the first record.

    Args:
        path: The file; None for `serve.log` in the user's log folder.
    """
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(_MAX_RECORDS)
    listener = QueueListener(waiting, _File(path or log_path()))
    handler = _Queue(waiting)
    handler.addFilter(_is_ours)
    root = logging.getLogger()
    raising, logging.raiseExceptions = logging.raiseExceptions, False  # no tracebacks on stderr, which may block
    root.addHandler(handler)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        with contextlib.suppress(queue.Full):
            listener.stop()
        logging.raiseExceptions = raising


def log_path() -> Path:
    """Return the path of the log file, which may not exist."""
    from platformdirs import user_log_path

    try:
        return Path(user_log_path("latency-tui", appauthor=False)) / "serve.log"
    except (OSError, RuntimeError, KeyError):  # the user has no home folder
        return Path(tempfile.gettempdir()) / "latency-tui-serve.log"


class _Queue(QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


class _File(RotatingFileHandler):
    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True, errors="replace")
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
        self._announced = False

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        stream = super()._open()
        if not self._announced:
            self._announced = True
            with contextlib.suppress(OSError, AttributeError, ValueError):
                sys.stderr.write(f"latency-tui: there are error messages in {self.baseFilename}.\n")
                sys.stderr.flush()
        return stream


def _is_ours(record: logging.LogRecord) -> bool:
    """Return whether a record is logged: warnings and errors, except those about invalid HTTP requests."""
    error = record.exc_info[1] if record.exc_info else None
    return record.levelno >= logging.WARNING and not isinstance(error, HttpProcessingError)
