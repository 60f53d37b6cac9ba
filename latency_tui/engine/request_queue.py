"""The queue of requests of one window of a load test, in memory that the engine shares with the workers.

Arrivals are known beforehand, so there is no generator: a worker that is free takes the next request of the schedule
and waits until it is due. That is a first-come-first-served queue with several servers.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import mmap
import os
import tempfile
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

_NEXT, _BEGIN, STATE, _REQUESTS, _READY, _WORKERS, _MAX_WAIT, _HEADER = range(8)
_INT64 = 8
_COLUMNS = 4  # arrivals, starts, ends, workers
_POLL_SECONDS = 0.0005
"""How often a worker looks whether all others are ready; it only delays the begin of a window."""
_DELAY_NS = 2_000_000
"""Time from the moment when all workers are ready to the begin of the window; a multiple of the time between looks."""

RUNNING, STOPPED, BACKLOG = 0, 1, 2


class RequestQueue:
    """The requests of a window, and when each of them was answered.

    It is created by the engine and opened by each worker. Times are nanoseconds of the monotonic clock, which all
    processes of a machine share. If a worker dies, the system releases its lock.

    Args:
        path: A path that `path` of the engine's queue returned.

    Attributes:
        requests: Number of requests.
        header: The counters; `STATE` is the index of `state`.
        arrivals: When each request is due, `(requests,)` nanoseconds since the window began.
        starts: When each call began, likewise; 0 if it has not been made.
        ends: When each call returned; 0 if it has not.
        workers: Number of the worker that made the call.
    """

    def __init__(self, path: str) -> None:
        self._name = ""
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._open()

    @classmethod
    def create(cls, arrivals: NDArray[np.int64], workers: int, max_wait_ns: int, folder: str) -> RequestQueue:
        """Create a queue.

        Args:
            arrivals: When requests are due, `(n,)` nanoseconds since the window begins.
            workers: Number of workers that will take part.
            max_wait_ns: A request that has waited for longer than this ends the window: the backlog is too large.
            folder: Folder for a file, if the system has no anonymous one.

        Raises:
            OSError: There is no memory or descriptor left.
        """
        self = cls.__new__(cls)
        self._name = ""
        if hasattr(os, "memfd_create"):
            self._file = os.memfd_create("latency-tui-requests", os.MFD_CLOEXEC)
        else:
            self._file, self._name = tempfile.mkstemp(dir=folder)
        os.ftruncate(self._file, (_HEADER + _COLUMNS * max(arrivals.size, 1)) * _INT64)
        header = np.zeros(_HEADER, dtype=np.int64)
        header[[_REQUESTS, _WORKERS, _MAX_WAIT]] = arrivals.size, workers, max_wait_ns
        os.pwrite(self._file, header.tobytes() + arrivals.astype(np.int64).tobytes(), 0)
        self._open()
        return self

    def _open(self) -> None:
        self._map = mmap.mmap(self._file, 0)
        self.header = memoryview(self._map).cast("q")
        count = self.requests = self.header[_REQUESTS]
        begin = _HEADER
        self.arrivals = self.header[begin : begin + count]
        self.starts = self.header[begin + count : begin + 2 * count]
        self.ends = self.header[begin + 2 * count : begin + 3 * count]
        self.workers = self.header[begin + 3 * count : begin + 4 * count]

    @property
    def path(self) -> str:
        """The path with which another process of this user can open the queue while this one lives."""
        return self._name or f"/proc/{os.getpid()}/fd/{self._file}"

    @property
    def begin_ns(self) -> int:
        """When the window began; 0 if not all workers are ready."""
        return self.header[_BEGIN]

    @property
    def state(self) -> int:
        """Whether the window is `RUNNING`, was `STOPPED`, or ended because of its `BACKLOG`."""
        return self.header[STATE]

    @property
    def max_wait_ns(self) -> int:
        """The longest that a request may wait before the backlog counts as too large."""
        return self.header[_MAX_WAIT]

    def stop(self, state: int = STOPPED) -> None:
        """End the window: no further request is taken, and calls that have begun are completed."""
        self.header[STATE] = self.header[STATE] or state

    def counter(self) -> Callable[[], int]:
        """Return a function that returns the index of the next request, a number that is too large if there is none.

        It is called between two requests that wait, so it is as short as can be; a single worker needs no lock.
        """
        if self.header[_WORKERS] == 1:
            return itertools.count().__next__
        flock, file, view, exclusive, unlock = fcntl.flock, self._file, self.header, fcntl.LOCK_EX, fcntl.LOCK_UN

        def take() -> int:
            flock(file, exclusive)
            index = view[_NEXT]
            view[_NEXT] = index + 1
            flock(file, unlock)
            return index

        return take

    def begin_together(self) -> int:
        """Wait until all workers are ready, and return when the window begins; 0 if it was stopped before that."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        ready = self.header[_READY] = self.header[_READY] + 1
        if ready == self.header[_WORKERS]:
            self.header[_BEGIN] = time.monotonic_ns() + _DELAY_NS
        fcntl.flock(self._file, fcntl.LOCK_UN)
        while not self.header[_BEGIN] and not self.header[STATE]:
            time.sleep(_POLL_SECONDS)
        return self.header[_BEGIN]

    def answered(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
        """Return arrivals, starts, ends and workers of the requests that were answered, `(n_answered,)` each."""
        columns = [np.array(column, dtype=np.int64) for column in (self.arrivals, self.starts, self.ends, self.workers)]
        done = columns[2] > 0
        arrivals, starts, ends, workers = (column[done] for column in columns)
        return arrivals, starts, ends, workers.astype(np.uint8)

    def close(self) -> None:
        """Release the memory; the engine's queue also removes its file, if there is one."""
        for view in (self.arrivals, self.starts, self.ends, self.workers, self.header):
            view.release()
        self._map.close()
        os.close(self._file)
        if self._name:
            with contextlib.suppress(OSError):
                os.unlink(self._name)  # noqa: PTH108 (a path as it travels)

    def __enter__(self) -> RequestQueue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
