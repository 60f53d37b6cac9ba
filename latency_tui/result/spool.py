"""A spool: the events of a measurement on disk as they come, so that samples outlive the process that counts them.

A file of JSON lines: the plan, then one event per line. A continuation begins with a line of its own, which holds the
result that is continued unless that is in the same file. A process that is killed may leave half a line at the end. Of
blocks of which not every sample is kept in memory, not every one is written either, so that the file stays bounded too.
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
from latency_tui.stats.summary import summarise

MOST_DAYS = 30
"""How long a spool is kept that nobody recovers."""

_PATTERN = "unfinished-*.jsonl"
_FLUSH_SECONDS = 1.0
_BUFFER_BYTES = 1 << 20


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first line: what is measured, and since when."""

    plan: Plan
    created_at: datetime


class KeptBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A block of which some samples are kept, and what all of them came to, in nanoseconds.

    Attributes:
        event: The block, with the samples that are kept.
        calls: Number of calls that were made.
        median: Of all of them.
        mean: Of all of them.
        squares: Sum of their squared deviations from the mean.
        min: Least of all of them.
        max: Greatest of all of them.
    """

    event: BlockMeasured
    calls: int
    median: float
    mean: float
    squares: float
    min: float
    max: float


class Continued(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """The events that follow are more of the same result.

    Attributes:
        more: How much was asked for.
        result: What was measured before; None where the lines above tell.
    """

    more: More
    result: Result | None = None


_encoder = msgspec.json.Encoder()
_begun_decoder: msgspec.json.Decoder[Begun] = msgspec.json.Decoder(Begun)
_line_decoder: msgspec.json.Decoder[Event | KeptBlock | Continued] = msgspec.json.Decoder(
    Event | KeptBlock | Continued, dec_hook=decode_row
)


class Spool:
    """A file that events are appended to. What cannot be written is lost without a word: the measurement goes on.

    Attributes:
        path: The file; None where it could not be created, or no longer be written.
    """

    def __init__(self, plan: Plan, created_at: datetime | None = None) -> None:
        """Create the file in the user's data folder, or where temporary files are."""
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
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends
            remove_old(folder)
            self._file = open(descriptor, "wb", buffering=_BUFFER_BYTES)  # noqa: PTH123, SIM115 (a descriptor, kept)
            self._write(_encoder.encode(Begun(plan=plan, created_at=created_at or datetime.now(UTC))))
            return

    def write(self, event: Event | KeptBlock) -> None:
        """Append one event; what it holds is on disk a second later at the latest."""
        if self._file is not None:
            self._write(_encoder.encode(event))

    def write_continuation(self, more: More, result: Result | None) -> None:
        """Begin a continuation.

        Args:
            more: How much is going to be measured.
            result: What was measured before; None if it is in this file.
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
        """Append a block and those of its samples that are kept."""
        if self._file is None:
            return
        if kept.size == latencies.size:
            self.write(event)
            return
        totals = summarise(latencies)
        self.write(
            KeptBlock(
                event=msgspec.structs.replace(
                    event, block=msgspec.structs.replace(event.block, samples=kept.astype("<i8").tobytes())
                ),
                calls=totals.count,
                median=median,
                mean=totals.mean,
                squares=totals.squares,
                min=totals.min,
                max=totals.max,
            )
        )

    def flush(self) -> None:
        """Hand everything to the system now."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError:
                self._give_up()
            self._flushed = time.monotonic()

    def close(self, *, remove: bool) -> None:
        """Close the file, and remove it where its samples have been written elsewhere."""
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
        """Leave a full disk as it was found."""
        file, self._file = self._file, None
        with contextlib.suppress(OSError):
            if file is not None:
                file.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.path = None


def unfinished() -> list[Path]:
    """Return the spools that processes left behind which have ended, the oldest first."""
    found = [path for folder in _folders() for path in folder.glob(_PATTERN) if _is_left_behind(path)]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def remove_old(folder: Path) -> None:
    """Remove the spools in a folder that were left behind `MOST_DAYS` ago or earlier."""
    for path in folder.glob(_PATTERN):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - MOST_DAYS * 86_400 and _is_left_behind(path):
                path.unlink()


def remove_recovered(path: Path) -> None:
    """Remove a spool whose samples have been written elsewhere, unless it is still written to or is only a copy."""
    with contextlib.suppress(OSError):
        if path.resolve() in [one.resolve() for one in unfinished()]:
            path.unlink()


def _is_left_behind(path: Path) -> bool:
    """Return whether no running process writes to a spool of this user's."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return False
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def read(path: Path) -> tuple[Begun, Iterator[Event | KeptBlock | Continued]]:
    """Return the plan of a spool, and its events; a last line that is not whole is left out.

    Raises:
        UsageError: The file cannot be read, or is no spool.
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
    """Yield where a spool may be, the best place first."""
    from platformdirs import user_data_path  # deferred: only this needs it

    with contextlib.suppress(RuntimeError, OSError):  # a user without a home
        yield Path(user_data_path("latency-tui", appauthor=False)) / "unfinished"
    with contextlib.suppress(OSError):  # no folder for temporary files
        yield Path(tempfile.gettempdir())
