"""An exact simulation of requests that wait in one queue for several workers, to which a load test is compared."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from latency_tui.stats.load_windows import RequestTimes


def simulate(arrivals: Iterable[int], service: Iterable[int], workers: int) -> RequestTimes:
    """Return when each request is answered if it goes to the worker that is free first; whole nanoseconds.

    Args:
        arrivals: When each request is due, ascending.
        service: How long its call takes.
        workers: Number of workers.
    """
    arrivals = [int(due) for due in arrivals]
    free = [(0, number) for number in range(workers)]
    starts, ends, served = [], [], []
    for due, span in zip(arrivals, service, strict=True):
        available, worker = heapq.heappop(free)
        begin = max(due, available)
        starts.append(begin)
        ends.append(begin + int(span))
        served.append(worker)
        heapq.heappush(free, (begin + int(span), worker))
    return RequestTimes(
        arrivals=np.array(arrivals, dtype=np.int64),
        starts=np.array(starts, dtype=np.int64),
        ends=np.array(ends, dtype=np.int64),
        workers=np.array(served, dtype=np.uint8),
        seconds=max(arrivals) * 1e-9,
        requests=len(arrivals),
    )
