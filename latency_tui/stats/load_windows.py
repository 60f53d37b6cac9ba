"""Statistics of a load test: service time, queue wait and response time of requests, with intervals over windows.

Requests of a window depend on each other, because they wait in one queue. The unit of every interval is the window, or
the launch, never the request.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.distributions import student_quantile

DISCARDED_SHARE = 0.1
"""Share of each window that is discarded: it begins with an empty queue and cold caches."""
MIN_WINDOWS = 3
"""Fewest windows for an interval, and fewest launches for one over launches."""
MAX_LATENESS_NS = 1_000_000.0
"""A request that a worker begins later than this after it could have is late (Triton's perf_analyzer: 1 ms)."""
MAX_LATENESS_SHARE = 0.1
"""It is also late after this share of the median service time."""
MAX_LATE_SHARE = 0.01
"""A window in which a larger share of requests was late is invalid (perf_analyzer: 1 %)."""

Times = NDArray[np.int64]


class RequestTimes(NamedTuple):
    """The requests of one window that were answered, in the order of arrival; nanoseconds since the window began.

    Attributes:
        arrivals: When each request was due, `(n,)`.
        starts: When its call began.
        ends: When its call returned.
        workers: Number of the worker that answered it.
        seconds: Length of the window.
        requests: Number of requests that were due, answered or not.
        launch: Which launch.
        backlog: Whether the window ended early because too many requests were waiting.
    """

    arrivals: Times
    starts: Times
    ends: Times
    workers: NDArray[np.uint8]
    seconds: float
    requests: int
    launch: int = 0
    backlog: bool = False

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which requests count, `(n,)`: those that arrived after the discarded begin of the window.

        All count if the backlog grew so fast that only requests of the begin were answered.
        """
        late = self.arrivals >= DISCARDED_SHARE * self.seconds * 1e9
        return ~late if self.backlog and not late.any() else late

    @property
    def service(self) -> Times:
        """Service times: from the start of a call to its end, `(n,)`."""
        return self.ends - self.starts

    @property
    def wait(self) -> Times:
        """Queue waits: from the arrival of a request to the start of its call, `(n,)`."""
        return (self.starts - self.arrivals).clip(min=0)

    @property
    def response(self) -> Times:
        """Response times: from the arrival of a request to the end of its call, `(n,)`."""
        return self.ends - self.arrivals


def lateness(window: RequestTimes, *, exclusive: bool) -> Times:
    """Return how much later each call began than its worker could have begun it, `(n,)` nanoseconds.

    A worker can begin once the request is due and the call before has returned. If workers share a core, or the lock of
    one interpreter, a worker may be kept from it by the call of another one; that belongs to such a deployment, and is
    counted as 0.

    Args:
        window: The window.
        exclusive: Whether workers share neither cores nor an interpreter.
    """
    able = window.arrivals.copy()
    for worker in np.unique(window.workers):
        mine = np.flatnonzero(window.workers == worker)
        mine = mine[np.argsort(window.starts[mine], kind="stable")]
        able[mine[1:]] = np.maximum(able[mine[1:]], window.ends[mine[:-1]])
    late: Times = (window.starts - able).clip(min=0)
    if not exclusive:
        begun = np.searchsorted(np.sort(window.starts), window.starts, side="left")
        ended = np.searchsorted(np.sort(window.ends), able, side="right")
        late[begun > ended] = 0
    return late


def late_share(window: RequestTimes, service_p50: float, *, exclusive: bool) -> float:
    """Return the share of requests that began late by the fault of the measurement.

    Args:
        window: The window.
        service_p50: Median service time in nanoseconds.
        exclusive: Whether workers share neither cores nor an interpreter.
    """
    counted = window.counted
    if not counted.any():
        return 0.0
    allowed = min(MAX_LATENESS_NS, MAX_LATENESS_SHARE * service_p50)
    return float(np.mean(lateness(window, exclusive=exclusive)[counted] > allowed))


class UsableWindows(NamedTuple):
    """The windows that the figures of one candidate and rate are from.

    Attributes:
        windows: The valid windows; all of them if more than half are invalid.
        valid: Whether at most half are invalid.
        invalid: Number of invalid windows.
        late_share: Share of late requests in all windows.
    """

    windows: list[RequestTimes]
    valid: bool
    invalid: int
    late_share: float


def usable_windows(windows: Iterable[RequestTimes], *, exclusive: bool) -> UsableWindows:
    """Leave out the windows that the measurement itself has spoiled.

    Args:
        windows: Windows of one candidate and rate; those in which no request counts are ignored.
        exclusive: Whether workers share neither cores nor an interpreter.
    """
    known = [one for one in windows if one.counted.any()]
    if not known:
        return UsableWindows([], valid=False, invalid=0, late_share=0.0)
    p50 = percentile([one.service[one.counted] for one in known], 0.5)
    shares = [late_share(one, p50, exclusive=exclusive) for one in known]
    valid = [one for one, share in zip(known, shares, strict=True) if share <= MAX_LATE_SHARE]
    late = float(np.average(shares, weights=[one.counted.sum() for one in known]))
    enough = 2 * len(valid) >= len(known)
    return UsableWindows(valid if enough else known, enough, len(known) - len(valid), late)


def is_overloaded(windows: Sequence[RequestTimes], rate: float, workers: int) -> bool:
    """Return whether the backlog grows: the utilisation is 1 or more, or a window ended because of its backlog.

    Args:
        windows: Windows of one candidate and rate, at least one.
        rate: Requests per second.
        workers: Number of workers.
    """
    return any(one.backlog for one in windows) or rate * mean_service(windows) * 1e-9 >= workers


def mean_service(windows: Sequence[RequestTimes]) -> float:
    """Return the mean service time of the requests that count, in nanoseconds."""
    return float(np.concatenate([one.service[one.counted] for one in windows]).mean())


def percentile(values: Sequence[Times], share: float) -> float:
    """Return a sample percentile of all values, an order statistic."""
    every = np.concatenate(values)
    rank = max(math.ceil(share * every.size) - 1, 0)
    return float(np.partition(every, rank)[rank])


def mean_interval(values: Sequence[Times], launches: Sequence[int]) -> tuple[float, float] | None:
    """Return a 95 % interval of the mean over windows, or over launches if that is wider; None for too few windows.

    Args:
        values: Values of each window.
        launches: Launch of each window.
    """
    totals = np.array([float(one.sum()) for one in values])
    sizes = np.array([one.size for one in values], dtype=float)
    half_width = _half_width(totals, sizes, launches)
    if half_width is None:
        return None
    mean = float(totals.sum() / sizes.sum())
    return max(mean - half_width, 0.0), mean + half_width


def percentile_interval(
    values: Sequence[Times], launches: Sequence[int], share: float
) -> tuple[float, float | None] | None:
    """Return a 95 % interval of a percentile over windows, or over launches if that is wider.

    The share of values up to the percentile has an interval over windows; its ends, as ranks, give those of the
    percentile (Woodruff 1952). The upper end is None if there are too few requests beyond the percentile.

    Args:
        values: Values of each window.
        launches: Launch of each window.
        share: Which percentile, 0 to 1.
    """
    every = np.sort(np.concatenate(values))
    value = every[max(math.ceil(share * every.size) - 1, 0)]
    over = np.array([np.count_nonzero(one > value) for one in values], dtype=float)
    sizes = np.array([one.size for one in values], dtype=float)
    half_width = _half_width(over, sizes, launches)
    if half_width is None:
        return None
    least = student_quantile(0.975, 1000) * math.sqrt(share * (1 - share) / every.size)  # of independent requests
    half_width = max(half_width, least)
    low = max(math.floor((share - half_width) * every.size) - 1, 0)
    high = math.ceil((share + half_width) * every.size)
    return float(every[low]), float(every[high]) if high < every.size else None


def throughput(window: RequestTimes) -> float:
    """Return the calls per second of a window whose requests were all there at once.

    Each worker counts from its first call after the discarded begin of the window to the end of its last.
    """
    begin, found = DISCARDED_SHARE * window.seconds * 1e9, 0.0
    for worker in np.unique(window.workers):
        mine = (window.workers == worker) & (window.starts >= begin)
        if mine.any():
            found += float(mine.sum() / ((window.ends[mine].max() - window.starts[mine].min()) * 1e-9))
    return found


def interval_of_means(values: Sequence[float], launches: Sequence[int]) -> tuple[float, float] | None:
    """Return a 95 % interval of the mean of one value per window; None for too few windows."""
    half_width = _half_width(np.asarray(values, dtype=float), np.ones(len(values)), launches)
    mean = sum(values) / max(len(values), 1)
    return None if half_width is None else (max(mean - half_width, 0.0), mean + half_width)


def share_interval(over: Sequence[int], sizes: Sequence[int], launches: Sequence[int]) -> tuple[float, float] | None:
    """Return a 95 % interval of a share over windows, or over launches if that is wider; None for too few windows.

    Args:
        over: Number of requests of each window that count.
        sizes: Number of requests of each window.
        launches: Launch of each window.
    """
    half_width = _half_width(np.array(over, dtype=float), np.array(sizes, dtype=float), launches)
    if half_width is None:
        return None
    share = sum(over) / sum(sizes)
    return max(share - half_width, 0.0), min(share + half_width, 1.0)


def _half_width(totals: NDArray[np.float64], sizes: NDArray[np.float64], launches: Sequence[int]) -> float | None:
    """Return half of the width of a 95 % interval of the ratio of totals to sizes (Cochran 1977, section 6.4)."""
    if totals.size < MIN_WINDOWS or not sizes.sum():
        return None
    half_width = _half_width_of_clusters(totals, sizes)
    labels = np.unique(np.asarray(launches), return_inverse=True)[1]
    if labels.max() + 1 >= MIN_WINDOWS:
        half_width = max(half_width, _half_width_of_clusters(np.bincount(labels, totals), np.bincount(labels, sizes)))
    return half_width


def _half_width_of_clusters(totals: NDArray[Any], sizes: NDArray[Any]) -> float:
    clusters, count = totals.size, float(sizes.sum())
    deviations = totals - totals.sum() / count * sizes
    variance = float(np.square(deviations).sum()) * clusters / (clusters - 1) / count**2
    return student_quantile(0.975, clusters - 1) * math.sqrt(variance)
