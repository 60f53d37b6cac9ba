"""Warm-up: call a model until the medians of two consecutive windows agree, or up to a limit of time and calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns

MIN_NS = 20_000_000
MIN_CALLS = 100
WINDOW_NS = 4_000_000
MAX_WINDOW = 50
AGREEMENT = 0.05
BRIEF_NS = 1_500_000
MAX_NS = 1_000_000_000
MAX_CALLS = 5_000


@dataclass(frozen=True)
class WarmUp:
    """The outcome of a warm-up; `call_ns` is the median of its last window."""

    calls: int
    nanoseconds: int
    steady: bool
    call_ns: float


def warm_up(
    run: Callable[[int], list[int]],
    first_ns: int,
    level: Callable[[list[int]], float] | None = None,
    *,
    brief: bool = False,
) -> WarmUp:
    """Run windows of calls until the medians of two consecutive windows agree.

    Args:
        run: Makes the given number of calls and returns their durations in nanoseconds.
        first_ns: Duration of the previous call, which determines the size of the first window.
        level: Returns the level of a window from the durations of its calls; None for their median.
        brief: Whether the process is a replica of a warm one, so that only its own pages and caches are cold.

    Returns:
        The outcome. It takes at least `MIN_NS` or `MIN_CALLS`, whichever is reached first, and at most `MAX_NS` or
        `MAX_CALLS`, after which `steady` is False.
    """
    started = perf_counter_ns()
    calls, before, estimate = 0, 0.0, float(max(first_ns, 1))
    window_ns = BRIEF_NS if brief else WINDOW_NS
    while True:
        window = run(max(1, min(MAX_WINDOW, int(window_ns / estimate))))
        calls += len(window)
        estimate = max(float((level or median)(window)), 1.0)
        elapsed = perf_counter_ns() - started
        agree = before > 0 and abs(estimate - before) <= AGREEMENT * before
        if brief and elapsed >= BRIEF_NS:
            return WarmUp(calls, elapsed, agree, estimate)
        if agree and (elapsed >= MIN_NS or calls >= MIN_CALLS):
            return WarmUp(calls, elapsed, True, estimate)
        if elapsed >= MAX_NS or calls >= MAX_CALLS:
            return WarmUp(calls, elapsed, agree, estimate)
        before = estimate
