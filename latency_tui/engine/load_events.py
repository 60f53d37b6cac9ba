"""Events of a load test, in which requests arrive by a schedule. See `protocol` for all events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.plan.load import WorkerKind

if TYPE_CHECKING:
    from latency_tui.stats.load_windows import RequestTimes

WindowEnd = Literal["completed", "backlog", "stopped"]


class LoadStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The windows of a load test begin. It follows the rounds, in which the candidates were measured alone.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        workers: Workers per candidate.
        worker_kind: Whether they are processes or threads.
        cores: Cores that the workers run on; empty if they are not pinned.
        is_exclusive: Whether workers share neither cores nor an interpreter.
        shares_cores: Whether the engine has to run on these cores, too.
        windows: Number of windows planned, over all candidates and rates; 0 if that is not known.
        seconds: Expected duration of all windows.
    """

    job: str
    launch: int
    workers: int
    worker_kind: WorkerKind
    cores: tuple[int, ...] = ()
    is_exclusive: bool = False
    shares_cores: bool = False
    windows: int = 0
    seconds: float = 0.0


class LoadWindowMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One candidate has answered the requests of one window, which began with an empty queue.

    Times are int64 nanoseconds, little-endian, since the window began, one per request in the order of arrival.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        candidate: The candidate's slug.
        rate: Requests per second that the schedule has on average; 0 if all requests are there at once (offline).
        window: Number of the window among those of its rate, from 0; the same schedule for every candidate.
        arrivals: When each request was due.
        starts: When its call began.
        ends: When its call returned.
        workers: Number of the worker that answered each request, uint8.
        seconds: Length of the window.
        requests: Number of requests that were due; the last ones may not have been answered, see `end`.
        end: `completed`; `backlog` if too many requests were waiting, or offline if the time was over; `stopped` if the
            client stopped the job.
        windows_left: Number of windows that follow; 0 if that is not known.
        seconds_left: Their expected duration.
    """

    job: str
    launch: int
    candidate: str
    rate: float
    window: int
    arrivals: bytes
    starts: bytes
    ends: bytes
    workers: bytes
    seconds: float
    requests: int
    end: WindowEnd = "completed"
    windows_left: int = 0
    seconds_left: float = 0.0


class RateSearchFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The search for a candidate's highest rate has ended; both ends are measured again in a fresh launch.

    Attributes:
        job: The job.
        launch: Which launch, from 0.
        candidate: The candidate's slug.
        passes: Highest rate that met the limits; None if none did.
        fails: Lowest rate above it that did not; None if none failed.
    """

    job: str
    launch: int
    candidate: str
    passes: float | None
    fails: float | None


def decode_window(event: LoadWindowMeasured) -> RequestTimes:
    """Return the requests of a window that were answered."""
    import numpy as np  # deferred: a front end imports the events before its first frame

    from latency_tui.stats.load_windows import RequestTimes

    arrivals, starts, ends = (
        np.frombuffer(column, dtype="<i8").astype(np.int64) for column in (event.arrivals, event.starts, event.ends)
    )
    return RequestTimes(
        arrivals=arrivals,
        starts=starts,
        ends=ends,
        workers=np.frombuffer(event.workers, dtype=np.uint8),
        seconds=event.seconds,
        requests=event.requests,
        launch=event.launch,
        backlog=event.end == "backlog",
    )
