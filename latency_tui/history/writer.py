"""Writes a measurement to the history while it runs, in a separate thread.

The caller only appends to a queue. If the history cannot be written, the measurement continues, and `problem` has the
reason.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from latency_tui.analysis.journal import Begun, Entry, KeptBlock
from latency_tui.engine.protocol import BlockMeasured, EngineStarted, Environment
from latency_tui.errors import HistoryError, LatencyTuiError
from latency_tui.history.journal_batches import pack
from latency_tui.history.listing import values_of
from latency_tui.history.store import History, open_journal, put
from latency_tui.history.writing_process import describe
from latency_tui.result.result import Result

MAX_WAITING = 100_000
"""Entries in the queue at which the writer gives up, because the disk does not keep up."""

_Task = Callable[[], None]


class Writer:
    """Writes the journal of one measurement, and finally its result.

    Attributes:
        path: The file of the history.
        key: Id of the result.
        problem: Why the result is not kept, in one sentence; empty if it is kept.
    """

    def __init__(
        self, path: Path, key: str, *, base: Result | None = None, name: str = "", tags: Iterable[str] = ()
    ) -> None:
        """Create the writer of a measurement; nothing is written before the first block.

        Args:
            path: The file of the history.
            key: Id of the result.
            base: The continued result, if it may be missing from the history; it is then saved first.
            name: Name of the result.
            tags: Tags of the result.
        """
        self.path, self.key, self.problem = path, key, ""
        self._base, self._name, self._tags = base, name, tuple(tags)
        self._early: list[Entry] = []
        self._begun: Begun | None = None
        self._environment: Environment | None = None
        self._number: int | None = None
        self._history: History | None = None
        self._queue: queue.SimpleQueue[Entry | _Task] = queue.SimpleQueue()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="latency-tui history", daemon=True)
        self._thread.start()

    @property
    def is_kept(self) -> bool:
        """Whether the history has the result, or the samples from which it can be computed."""
        return self._number is not None and not self.problem

    def write(self, entry: Entry) -> None:
        """Queue one entry for the thread that writes the file."""
        if not self.problem:
            self._queue.put(entry)

    def flush(self) -> None:
        """Wait until all queued entries are written, or writing has failed."""
        done = threading.Event()
        self._queue.put(done.set)
        while self._thread.is_alive() and not done.wait(0.1):
            pass

    def finish(self, result: Result | None) -> None:
        """Replace the journal with the result, and end the thread; `close` waits for both.

        Args:
            result: The result with its samples; None to discard the journal.
        """
        self._queue.put(lambda: self._finish(result))
        self.abandon()

    def abandon(self) -> None:
        """End the thread and leave the journal in the file; the result can be restored from it."""
        self._queue.put(self._end)

    def close(self) -> None:
        """Wait until the thread has ended, after `finish` or `abandon`."""
        self._thread.join()

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._ended:
            entries, task = self._next_entries()
            self._attempt(lambda entries=entries: self._append(entries))  # type: ignore[misc]  # bound in the loop
            if task is not None:
                self._attempt(task)
        if self._history is not None:
            self._history.close()

    def _next_entries(self) -> tuple[list[Entry], _Task | None]:
        """Wait for an entry or a task. Return all queued entries up to the next task, and that task if there is one."""
        entries: list[Entry] = []
        if self._queue.qsize() > MAX_WAITING:
            self.problem = self.problem or f"The history {self.path} cannot be used: the disk does not keep up."
        while not entries or not self._queue.empty():
            one = self._queue.get()
            if callable(one):
                return entries, one
            entries.append(one)
        return entries, None

    def _attempt(self, task: _Task) -> None:
        try:
            task()
        except LatencyTuiError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 (such as MemoryError; the measurement must go on)
            self.problem = f"The history {self.path} cannot be used: {type(error).__name__}: {error}".rstrip(": ") + "."

    def _open(self) -> History:
        if self._history is None:
            self._history = History.open(self.path, create=True)
        return self._history

    def _append(self, entries: list[Entry]) -> None:
        if self.problem or not entries:
            return
        for entry in entries:
            if isinstance(entry, Begun):
                self._begun = entry
            elif isinstance(entry, EngineStarted) and self._environment is None:
                self._environment = entry.environment
        if self._number is None:
            self._early += entries
            if any(isinstance(entry, BlockMeasured | KeptBlock) for entry in entries):
                self._begin()
            return
        with self._open().transaction() as connection:
            connection.execute("INSERT INTO events (result, content) VALUES (?, ?)", (self._number, pack(entries)))

    def _begin(self) -> None:
        """Insert the row of the result, and all entries so far."""
        history = self._open()
        row = history.find_row(self.key)
        if row is not None and row.state == "measuring" and row.writer != describe():
            raise HistoryError(f"The result {self.key} in {self.path} is being measured by another process.")
        if self._base is not None:
            if row is not None and row.summary.calls > sum(candidate.calls for candidate in self._base.candidates):
                raise HistoryError(f"{self.path} has more calls of the result {self.key} than the continued file.")
            history.save(self._base, key=self.key)
        with history.transaction() as connection:
            if self._begun is not None:
                put(
                    connection,
                    values_of(self._begun.plan, self._begun.created_at, self._environment) | {"id": self.key},
                )
            number = open_journal(connection, self.key, describe())
            history.label(number, self._name, self._tags)
            connection.execute("INSERT INTO events (result, content) VALUES (?, ?)", (number, pack(self._early)))
        self._number = number
        self._early.clear()

    def _finish(self, result: Result | None) -> None:
        if result is not None and result.measured:
            self._open().save(result, key=self.key, name=self._name, tags=self._tags)
            self._number, self.problem = self._open().row(self.key).number, ""
        elif self._number is not None:
            self._open().discard_journal(self.key)
            self._number = None

    def _end(self) -> None:
        self._ended = True
