"""The timed loop. Anything added to it is added to every latency that is reported."""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

PENDING = -1


def time_calls(call: Callable[[Any], object], inputs: Sequence[Any], durations: list[int]) -> None:
    """Call once for each input and store how long each call took.

    Args:
        call: The function that is measured. Its return value is released inside the timed span.
        inputs: `(n_calls,)` prepared inputs, one per call.
        durations: `(n_calls,)` preallocated list that receives nanoseconds.
    """
    clock = perf_counter_ns
    index = 0
    for value in inputs:
        started = clock()
        call(value)
        durations[index] = clock() - started
        index += 1  # noqa: SIM113 (enumerate would create a tuple per iteration)


class GcPauseRecorder:
    """Records the pauses of the garbage collector during a block, and the call that each interrupted.

    Args:
        durations: `(n_calls,)` list that the timed loop fills; calls that have not returned are `PENDING`.
    """

    def __init__(self, durations: list[int]) -> None:
        self.calls: list[int] = []
        self.nanoseconds: list[int] = []
        self._durations = durations
        self._started = 0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """Record the start or end of a collection; called by `gc.callbacks`."""
        if phase == "start":
            self._started = perf_counter_ns()
            return
        pause = perf_counter_ns() - self._started
        index = bisect_left(self._durations, 0, key=_is_open)  # inside a timed call, so it must be fast
        if index < len(self._durations):  # otherwise the pause was after the last call
            self.calls.append(index)
            self.nanoseconds.append(pause)

    def clear(self) -> None:
        """Discard the pauses recorded so far."""
        self.calls.clear()
        self.nanoseconds.clear()

    def __enter__(self) -> GcPauseRecorder:
        gc.callbacks.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self)


def timer_floor() -> float:
    """Return the median duration in nanoseconds that the loop reports for a call that does nothing."""
    durations = [PENDING] * 2001
    time_calls(_nothing, [None] * len(durations), durations)
    return float(sorted(durations)[len(durations) // 2])


def _is_open(duration: int) -> int:
    return 0 if duration == PENDING else -1


def _nothing(_value: object) -> None:
    return None
