"""The spool file: events of a measurement on disk as they arrive, so that samples survive a crash.

It consists of JSON lines: the plan, then one event per line. A continuation begins with a line of its own, which
contains the previous result unless that is in the same file. If the process was killed, the last line may be
incomplete. Of blocks whose samples are thinned in memory only the kept samples are written, so the size of the file is
bounded.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from latency_tui.engine.protocol import BlockMeasured, Event
from latency_tui.errors import UsageError
from latency_tui.plan import Plan
from latency_tui.result.more import More
from latency_tui.result.result import Result
from latency_tui.result.rows import decode_row
from latency_tui.stats.samples import Latencies
from latency_tui.stats.totals import Totals, compute_totals

MAX_DAYS = 30
"""Days after which a spool that was not recovered is removed."""

_PATTERN = "unfinished-*.jsonl"
_FLUSH_SECONDS = 1.0
"""Longest time that an event stays in the buffer."""
_BUFFER_BYTES = 1 << 20


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first line of a spool: the plan, and when the measurement began."""

    plan: Plan
    created_at: datetime


class KeptBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A block of which only some samples are kept.

    Attributes:
        event: The block, with the kept samples.
        median: Median of all its calls, in nanoseconds.
        totals: Totals of all its calls, in nanoseconds.
    """

    event: BlockMeasured
    median: float
    totals: Totals


class Continued(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """The line before the events of a continuation.

    Attributes:
        more: The requested amount.
        result: The previous result; None if its events are in the same file.
    """

    more: More
    result: Result | None = None


_encoder = msgspec.json.Encoder()
_begun_decoder: msgspec.json.Decoder[Begun] = msgspec.json.Decoder(Begun)
_line_decoder: msgspec.json.Decoder[Event | KeptBlock | Continued] = msgspec.json.Decoder(
    Event | KeptBlock | Continued, dec_hook=decode_row
)


class Spool:
    """Appends events to a file. Write errors are ignored, since the measurement must go on.

    Attributes:
        path: The file; None if it could not be created or can no longer be written.
    """

    def __init__(self, plan: Plan, created_at: datetime | None = None) -> None:
        """Create the file in the user's data folder, or in the temporary folder."""
        self.path: Path | None = None
        self._file: IO[bytes] | None = None
        self._flushed = time.monotonic()
        for folder in _folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                descriptor, name = tempfile.mkstemp(f"-{os.getpid()}.jsonl", "unfinished-", folder)
            except OSError:
                continue
            self.path = Path(name)
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held until this process ends
            remove_old(folder)
            self._file = open(descriptor, "wb", buffering=_BUFFER_BYTES)  # noqa: PTH123, SIM115 (a descriptor, kept)
            self._write(_encoder.encode(Begun(plan=plan, created_at=created_at or datetime.now(UTC))))
            return

    def write(self, event: Event | KeptBlock) -> None:
        """Append one event; it is on disk after one second at the latest."""
        if self._file is not None:
            self._write(_encoder.encode(event))

    def write_continuation(self, more: More, result: Result | None) -> None:
        """Begin a continuation.

        Args:
            more: The requested amount.
            result: The previous result; None if its events are in this file.
        """
        if self._file is None:
            return
        self._write(_encoder.encode(Continued(more=more))[:-1], end=b"" if result else b"}\n")
        for place, piece in enumerate(result.json_pieces(indent=None) if result else ()):
            if self._file is not None:
                self._write((b"" if place else b',"result":') + piece.encode(), end=b"")
        if result is not None and self._file is not None:
            self._write(b"}")
        self.flush()

    def write_block(self, event: BlockMeasured, latencies: Latencies, kept: Latencies, median: float) -> None:
        """Append a block with its kept samples."""
        if self._file is None:
            return
        if kept.size == latencies.size:
            self.write(event)
            return
        self.write(
            KeptBlock(
                event=msgspec.structs.replace(
                    event, block=msgspec.structs.replace(event.block, samples=kept.astype("<i8").tobytes())
                ),
                median=median,
                totals=compute_totals(latencies),
            )
        )

    def flush(self) -> None:
        """Pass all buffered data to the operating system."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError:
                self._give_up()
            self._flushed = time.monotonic()

    def close(self, *, remove: bool) -> None:
        """Close the file, and remove it if its samples have been saved elsewhere."""
        self.flush()
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
        if remove and self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.path = None

    def _write(self, line: bytes, end: bytes = b"\n") -> None:
        assert self._file is not None
        try:
            self._file.write(line + end)
        except OSError:
            self._give_up()
            return
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def _give_up(self) -> None:
        """Remove the file after a write error, so that it does not fill the disk."""
        file, self._file = self._file, None
        with contextlib.suppress(OSError):
            if file is not None:
                file.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.path = None


def unfinished() -> list[Path]:
    """Return the spools of processes that have ended, the oldest first."""
    found = [path for folder in _folders() for path in folder.glob(_PATTERN) if _is_left_behind(path)]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def remove_old(folder: Path) -> None:
    """Remove spools in a folder that were abandoned `MAX_DAYS` ago or earlier."""
    for path in folder.glob(_PATTERN):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - MAX_DAYS * 86_400 and _is_left_behind(path):
                path.unlink()


def remove_recovered(path: Path) -> None:
    """Remove a spool whose samples have been saved elsewhere, unless it is in use or only a copy."""
    with contextlib.suppress(OSError):
        if path.resolve() in [one.resolve() for one in unfinished()]:
            path.unlink()


def _is_left_behind(path: Path) -> bool:
    """Return whether a spool belongs to this user and no running process writes to it."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return False
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def read(path: Path) -> tuple[Begun, Iterator[Event | KeptBlock | Continued]]:
    """Return the plan of a spool, and its events; an incomplete last line is ignored.

    Raises:
        UsageError: The file cannot be read or is not a spool.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(file)
        try:
            begun = _begun_decoder.decode(file.readline(1 << 24))
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            raise UsageError(f"{path} does not hold the samples of a measurement.") from error
        stack.pop_all()
    return begun, _events(file)


def _events(file: IO[bytes]) -> Iterator[Event | KeptBlock | Continued]:
    with file:
        for line in file:
            try:
                yield _line_decoder.decode(line)
            except (msgspec.MsgspecError, ValueError):
                return


def _folders() -> Iterator[Path]:
    """Yield the folders that may contain spools, the preferred one first."""
    from platformdirs import user_data_path  # deferred: only needed here

    with contextlib.suppress(RuntimeError, OSError):  # a user without a home
        yield Path(user_data_path("latency-tui", appauthor=False)) / "unfinished"
    with contextlib.suppress(OSError):  # no folder for temporary files
        yield Path(tempfile.gettempdir())
