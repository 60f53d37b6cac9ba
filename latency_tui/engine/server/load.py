"""Load tests: runs windows in which requests arrive by a schedule, the same for every candidate."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from latency_tui.engine import machine
from latency_tui.engine.candidate_protocol import AnswerRequests, RequestsAnswered
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, WindowEnd
from latency_tui.engine.protocol import Measure
from latency_tui.engine.request_queue import BACKLOG, STOPPED, RequestQueue
from latency_tui.engine.server.candidate_process import CandidateProcess
from latency_tui.engine.server.channel import Channel, JobStopped
from latency_tui.engine.server.core_use import CoreUse
from latency_tui.engine.server.supervisor import CandidateLost, Supervisor
from latency_tui.plan import Candidate, LoadTest, Plan
from latency_tui.plan.load import MAX_REQUESTS
from latency_tui.stats.arrivals import draw_arrivals

MAX_WINDOWS = 10
"""Most windows per candidate, rate and launch, unless they would be longer than `LONG_WINDOW_SECONDS`."""
LONG_WINDOW_SECONDS = 2.0
"""A long load test has more windows instead of longer ones: a kill loses the window under way."""
MIN_WINDOW_SECONDS = 0.5
"""Shortest window, unless the whole load test is shorter."""
MIN_WINDOW_REQUESTS = 20
"""Fewest requests of a window, on average."""
MIN_WINDOW_CALLS = 500
"""A window is as long as this many calls, if there is time: at a utilisation of 0.85, three times as long as a queue
needs to fill (its relaxation time is S ÷ (1 − √ρ)², with a mean service time of S)."""
FEW_WINDOWS = 4
"""Fewest windows of a rate, if each has enough requests."""
MAX_WAIT_SHARE = 0.5
"""A request that has waited for this share of the window's length ends the window: the backlog grows."""
MIN_WAIT_CALLS = 20
"""A request may always wait for this many calls, so that a short window of a slow model is not called overloaded."""
WINDOW_TIMEOUT_SECONDS = 10.0
"""Time limit of a window, in addition to its length, the longest wait and the plan's time limit for a call."""
POLL_SECONDS = 0.5
"""How often time and memory of workers are checked: less often than elsewhere, because the engine may share a core."""
OFFLINE_RATIO = 4
"""Offline, the number of requests divided by the number that the workers are expected to answer."""
MIN_CALL_SECONDS = 1e-6
"""Shortest call that is assumed, so that the number of requests stays finite."""
OFFLINE_WINDOWS = 5
"""Windows of each candidate offline, in turns."""
STOP_SECONDS = 0.5
"""How long workers may take to complete their calls when the job is stopped."""


class Window(NamedTuple):
    """One window of one candidate."""

    slug: str
    rate: float
    number: int
    seconds: float


def cut_windows(load: LoadTest, rate: float, call_seconds: Iterable[float]) -> tuple[int, float]:
    """Return the number of windows of a rate, and the length of each in seconds.

    A window begins with an empty queue, so it must be long compared with the time in which the queue fills. There are
    at least `FEW_WINDOWS`, so that there are intervals, unless that leaves too few requests in each.

    Args:
        load: The load test.
        rate: Requests per second.
        call_seconds: Seconds per call of each candidate.
    """
    if load.offline:
        return OFFLINE_WINDOWS, load.duration / OFFLINE_WINDOWS
    keeping_up = [seconds for seconds in call_seconds if rate * seconds < load.workers]
    shortest = max(MIN_WINDOW_SECONDS, MIN_WINDOW_REQUESTS / rate)
    wanted = max(shortest, MIN_WINDOW_CALLS * max(keeping_up, default=0.0))
    count = max(int(load.duration / wanted), min(FEW_WINDOWS, int(load.duration / shortest)), 1)
    count = min(count, max(MAX_WINDOWS, int(load.duration / LONG_WINDOW_SECONDS)))
    return count, load.duration / count


def order_windows(
    load: LoadTest, call_seconds: Mapping[str, float], seed: str, rates: Mapping[str, Sequence[float]]
) -> list[Window]:
    """Return all windows: in each turn, every candidate has a window of each of its rates.

    Windows of one rate follow each other, in an order drawn afresh.

    Args:
        load: The load test.
        call_seconds: Seconds per call of each candidate, by slug.
        seed: The same seed gives the same order.
        rates: The rates of each candidate, by slug.
    """
    rng = random.Random(f"{seed}/load")  # noqa: S311 (an order, not a secret)
    slugs_of: dict[float, list[str]] = {}
    for slug in call_seconds:
        for rate in rates.get(slug, ()):
            slugs_of.setdefault(rate, []).append(slug)
    windows_of = {
        rate: cut_windows(load, rate, (call_seconds[slug] for slug in slugs)) for rate, slugs in slugs_of.items()
    }
    found: list[Window] = []
    for number in range(max((count for count, _ in windows_of.values()), default=0)):
        for rate in rng.sample(list(windows_of), len(windows_of)):
            count, seconds = windows_of[rate]
            if number < count:
                found += [
                    Window(slug, rate, number, seconds) for slug in rng.sample(slugs_of[rate], len(slugs_of[rate]))
                ]
    return found


class LoadRunner:
    """Measures the candidates of a plan under load.

    Args:
        supervisor: Holds the processes of the candidates.
        channel: Receives the events.
        command: Says what to measure.
        call_seconds: Seconds per call by slug, as the warm-up found them.
        cores: The cores of this measurement.
        load: Says which cores are idle.

    Attributes:
        cores: Cores of the workers; empty if they are not pinned.
        is_exclusive: Whether workers share neither cores nor an interpreter.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        channel: Channel,
        command: Measure,
        call_seconds: Mapping[str, float],
        cores: CoreUse,
        load: machine.CoreLoad,
    ) -> None:
        assert command.plan.load is not None
        self._supervisor = supervisor
        self._channel = channel
        self._command = command
        self._call_seconds = call_seconds
        self._plan: Plan = command.plan
        self._load: LoadTest = command.plan.load
        self._candidates = {candidate.slug: candidate for candidate in command.plan.candidates}
        self._allowed = cores.allowed
        self.cores = choose_worker_cores(self._plan, self._allowed, load)
        self.is_exclusive = self._load.workers == 1 or (
            self._load.worker_kind == "process" and self._load.workers * self._plan.threads <= len(self.cores)
        )

    @property
    def live_call_seconds(self) -> dict[str, float]:
        """Seconds per call of the candidates that have not failed, by slug."""
        return {
            slug: seconds
            for slug, seconds in self._call_seconds.items()
            if slug in self._candidates and slug in self._supervisor
        }

    def run(self, rates: Mapping[str, Sequence[float]]) -> None:
        """Run the windows of some rates, and send an event per window.

        Args:
            rates: The rates of each candidate, by slug.

        Raises:
            JobStopped: The client stopped the job; what was measured before has been sent.
        """
        windows = order_windows(self._load, self.live_call_seconds, f"{self._plan.seed}/{self._command.launch}", rates)
        left = sum(window.seconds for window in windows)
        self.send_started(len(windows), left)
        for place, window in enumerate(windows, start=1):
            left -= window.seconds
            if window.slug in self._supervisor:
                self.run_window(window, len(windows) - place, left)

    def send_started(self, windows: int = 0, seconds: float = 0.0) -> None:
        """Send how the load test is run; the number of windows is 0 if it is not known."""
        self._channel.send(
            LoadStarted(
                job=self._command.job,
                launch=self._command.launch,
                workers=self._load.workers,
                worker_kind=self._load.worker_kind,
                cores=self.cores,
                is_exclusive=self.is_exclusive,
                shares_cores=not set(self._allowed) - set(self.cores),
                windows=windows,
                seconds=seconds,
            )
        )
        self._channel.flush()

    def run_window(self, window: Window, windows_left: int = 0, seconds_left: float = 0.0) -> LoadWindowMeasured | None:
        """Run one window and send its event; return it, or None if the candidate failed.

        Raises:
            JobStopped: The client stopped the job; the requests that were answered have been sent.
        """
        call_seconds = self._call_seconds[window.slug]
        if self._load.offline:  # the window ends when its requests, all due at once, have waited for as long
            count = OFFLINE_RATIO * self._load.workers * (window.seconds / max(call_seconds, MIN_CALL_SECONDS) + 1)
            arrivals, max_wait = np.zeros(min(round(count), MAX_REQUESTS), dtype=np.int64), window.seconds
        else:
            arrivals = draw_arrivals(
                window.rate,
                window.seconds,
                kind=self._load.arrivals,
                gaps=self._load.gaps,
                seed=(self._plan.seed, self._command.launch, window.number),
            )
            max_wait = max(MAX_WAIT_SHARE * window.seconds, MIN_WAIT_CALLS * call_seconds)
        queue = RequestQueue.create(arrivals, self._load.workers, round(max_wait * 1e9), str(self._supervisor.folder))
        stopped: JobStopped | None = None
        with queue:
            try:
                self._serve(window, queue, max_wait)
            except CandidateLost:
                return None
            except JobStopped as caught:
                stopped = caught
            times = queue.answered()
            ends: dict[int, WindowEnd] = {BACKLOG: "backlog", STOPPED: "stopped"}
            end = ends.get(queue.state, "completed")
        columns = [column.astype("<i8").tobytes() for column in times[:3]]
        event = LoadWindowMeasured(
            job=self._command.job,
            launch=self._command.launch,
            candidate=window.slug,
            rate=window.rate,
            window=window.number,
            arrivals=columns[0],
            starts=columns[1],
            ends=columns[2],
            workers=times[3].tobytes(),
            seconds=window.seconds,
            requests=int(arrivals.size),
            end=end,
            windows_left=windows_left,
            seconds_left=max(seconds_left, 0.0),
        )
        self._channel.send(event)
        self._channel.flush()
        if stopped is not None:
            raise stopped
        return event

    def _serve(self, window: Window, queue: RequestQueue, max_wait: float) -> None:
        """Let the workers of a candidate answer the requests of a window.

        Raises:
            CandidateLost: A worker raised, crashed, hung or filled the memory.
            JobStopped: The client stopped the job.
        """
        processes = self._worker_processes(window)
        workers_per_process = 1 if self._load.worker_kind == "process" else self._load.workers
        candidate = self._candidates[window.slug]
        timeout = window.seconds + max_wait + self._plan.call_timeout + WINDOW_TIMEOUT_SECONDS
        for number, process in enumerate(processes):
            request = AnswerRequests(
                queue=queue.path,
                worker=number * workers_per_process,
                workers=workers_per_process,
                as_threads=self._load.worker_kind == "thread",
                threads=int(candidate.settings.get("threads", self._plan.threads)),
                pinned=worker_cores(self.cores, candidate, self._plan, number),
                is_exclusive=self.is_exclusive and bool(self.cores),
            )
            process.ask(request, "measuring", timeout)
        waiting = list(processes)
        try:
            while waiting:
                for process in self._supervisor.ready(waiting, POLL_SECONDS):
                    waiting.remove(process)
                    self._supervisor.expect(process, RequestsAnswered)
        except JobStopped:
            queue.stop()
            self._collect(waiting)
            raise

    def _collect(self, waiting: list[CandidateProcess]) -> None:
        """Let workers of a stopped window complete their calls, and end a candidate that takes too long for that."""
        deadline = time.monotonic() + STOP_SECONDS
        for process in waiting:
            if process.connection.poll(max(deadline - time.monotonic(), 0)):
                process.reply()
            else:
                self._supervisor.end([process.slug])
                return

    def _worker_processes(self, window: Window) -> list[CandidateProcess]:
        """Return the processes of a window's workers; windows rotate over all replicas of a candidate.

        Raises:
            CandidateLost: There are fewer processes than workers.
        """
        wanted = worker_processes(self._plan)
        replicas = self._supervisor.processes(window.slug)
        processes = replicas[1:] if len(replicas) > wanted else replicas
        if len(processes) < wanted:
            message = (
                f"{wanted} workers need {wanted} processes, but its model could be copied to only {len(processes)}; "
                "use --worker-kind thread"
            )
            self._supervisor.mark_failed(replicas[0], "settings", message, "")
            raise CandidateLost
        first = window.number * wanted
        return [processes[(first + number) % len(processes)] for number in range(wanted)]


def choose_worker_cores(plan: Plan, allowed: tuple[int, ...], load: machine.CoreLoad) -> tuple[int, ...]:
    """Return the cores for the workers of every candidate: one per worker and thread, if there are enough."""
    assert plan.load is not None
    if plan.pinning == "none" or not allowed:
        return ()
    if isinstance(plan.pinning, tuple):
        return plan.pinning
    wanted = plan.load.workers * plan.threads
    return allowed if wanted >= len(allowed) else load.quietest(allowed, wanted)


def worker_cores(cores: tuple[int, ...], candidate: Candidate, plan: Plan, worker: int) -> tuple[int, ...]:
    """Return the cores of one worker process.

    It gets as many cores as it has threads, if there are enough for all workers; otherwise all workers share all cores.
    """
    assert plan.load is not None
    width = max(plan.threads, candidate.cores_wanted) if candidate.cores_wanted else len(cores)
    if plan.load.worker_kind == "process" and plan.load.workers * width <= len(cores):
        return cores[worker * width : (worker + 1) * width]
    return cores


def worker_processes(plan: Plan) -> int:
    """Return how many processes of each candidate the load test of a plan needs at once; 0 without one."""
    if plan.load is None:
        return 0
    return plan.load.workers if plan.load.worker_kind == "process" else 1
