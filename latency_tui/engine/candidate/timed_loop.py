"""The timed loop, alone in its file: whatever is added here is added to every number that a user reads."""

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
        call: What is measured. Its answer is dropped inside the timed span, as a caller in a hurry would drop it.
        inputs: `(n_calls,)` prepared inputs, one a call.
        durations: `(n_calls,)` list made beforehand; receives nanoseconds.
    """
    clock = perf_counter_ns
    index = 0
    for value in inputs:
        started = clock()
        call(value)
        durations[index] = clock() - started
        index += 1  # noqa: SIM113 (enumerate would make a tuple a turn inside the loop)


class GcPauseRecorder:
    """Notes the garbage collector's pauses during a block, and which call each of them fell into.

    Args:
        durations: `(n_calls,)` list that the timed loop fills; what is still `PENDING` has not come to its end.
    """

    def __init__(self, durations: list[int]) -> None:
        self.calls: list[int] = []
        self.nanoseconds: list[int] = []
        self._durations = durations
        self._started = 0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """Be told by `gc.callbacks` that a collection starts or stops."""
        if phase == "start":
            self._started = perf_counter_ns()
            return
        pause = perf_counter_ns() - self._started
        index = bisect_left(self._durations, 0, key=_is_open)  # the call pays for it: as little as can be
        if index < len(self._durations):  # else after the last call
            self.calls.append(index)
            self.nanoseconds.append(pause)

    def forget(self) -> None:
        """Forget what was noted until now, before the calls that count."""
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
