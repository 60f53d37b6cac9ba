"""The workers of a load test: each takes the next request, waits until it is due, and calls the model."""

from __future__ import annotations

import ctypes
import itertools
import sys
import threading
import time
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from latency_tui.engine.candidate.reusable_inputs import CallInputs
from latency_tui.engine.candidate_protocol import AnswerRequests
from latency_tui.engine.request_queue import BACKLOG, STATE, RequestQueue

SPIN_NS = 200_000
"""A worker with a core of its own sleeps until this long before a request is due, and then polls the clock."""
LONGEST_SLEEP_NS = 50_000_000
"""Longest sleep before a worker looks whether the window was stopped."""
SHORT_SLEEP_NS = 30_000
"""Sleep of a thread that must not poll: it gives the lock of the interpreter away."""
MAX_COPIES = 20_000
"""Most copies of inputs that are made before a window, for a model that changes its input."""
_PR_SET_TIMERSLACK = 29


def serve_window(
    request: AnswerRequests, call: Callable[[Any], object], inputs: CallInputs, limit_threads: Callable[[], None]
) -> None:
    """Run the workers of this process until all requests of a window are answered.

    Args:
        request: Says which window, and how many workers.
        call: The function that is measured.
        inputs: The inputs of the calls.
        limit_threads: Limits the threads of BLAS and OpenMP libraries; OpenMP has a limit per calling thread.
    """
    with RequestQueue(request.queue) as queue:
        input_of = _input_source(inputs, queue.requests)
        if not request.as_threads:
            sleep_precisely()
            wait = _wait_at_work if request.is_exclusive else _wait_asleep
            answer_requests(queue, call, input_of, request.worker, take=queue.counter(), wait=wait)
            return
        threads = WorkerThreads(request.workers)

        def work(number: int) -> None:
            limit_threads()
            worker = request.worker + number
            busy = threads.watch(number, call)
            answer_requests(queue, busy, input_of, worker, take=threads.take(number), wait=threads.wait(number))

        threads.run(work, queue.stop)


def _input_source(inputs: CallInputs, requests: int) -> Callable[[int], Any]:
    """Return a function of the index of a request that returns its input.

    If each call needs a fresh copy, the copies of most requests are made before the window begins.
    """
    if inputs.fresh_per_call:
        copies = inputs.values(0, min(requests, MAX_COPIES))
        return lambda index: copies.pop() if copies else inputs.values(index, 1)[0]
    values = inputs.values(0, inputs.period)
    return lambda index: values[index % len(values)]


def answer_requests(
    queue: RequestQueue,
    call: Callable[[Any], object],
    input_of: Callable[[int], Any],
    worker: int,
    *,
    take: Callable[[], int],
    wait: Callable[[RequestQueue, int], bool],
) -> None:
    """Answer requests of a window until there is none left, or the window is stopped.

    Whatever stands between the end of a call and the start of the next one delays requests that are waiting.

    Args:
        queue: The requests, and the arrays that receive the times.
        call: The function that is measured. Its return value is released inside the timed span.
        input_of: Returns the input of a request, given its index.
        worker: Number of this worker.
        take: Returns the index of the next request.
        wait: Waits until a time on the monotonic clock; returns False if the window was stopped meanwhile.
    """
    clock, requests, max_wait, header = monotonic_ns, queue.requests, queue.max_wait_ns, queue.header
    arrivals, starts, ends, workers = queue.arrivals, queue.starts, queue.ends, queue.workers
    begin = queue.begin_together()
    while not header[STATE]:
        index = take()
        if index >= requests:
            return
        value = input_of(index)
        due = begin + arrivals[index]
        early = due - clock()
        if early > 0:
            if not wait(queue, due):
                return
        elif -early > max_wait:
            queue.stop(BACKLOG)
            return
        started = clock()
        call(value)
        ended = clock()
        starts[index] = started - begin
        workers[index] = worker
        ends[index] = ended - begin


def _wait_at_work(queue: RequestQueue, due: int) -> bool:
    """Wait until a request is due, and poll the clock at the end, because waking up takes time."""
    if not _sleep_until(queue, due - SPIN_NS):
        return False
    clock = monotonic_ns
    while clock() < due:
        pass
    return True


def _wait_asleep(queue: RequestQueue, due: int) -> bool:
    """Wait until a request is due without the core, which other workers need."""
    return _sleep_until(queue, due)


def _sleep_until(queue: RequestQueue, until: int) -> bool:
    while (left := until - monotonic_ns()) > 0:
        time.sleep(min(left, LONGEST_SLEEP_NS) * 1e-9)
        if queue.state:
            return False
    return True


class WorkerThreads:
    """Workers that are threads of this process: they share one counter and the lock of the interpreter.

    A thread that polls the clock holds the lock, for up to 5 ms if another one needs it. So a thread polls only if no
    other one is in a call and none has an earlier request.

    Args:
        count: Number of threads.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = itertools.count().__next__
        self._in_calls: set[int] = set()
        self._taken = [-1] * count

    def take(self, number: int) -> Callable[[], int]:
        """Return the function with which a thread takes the next request."""
        following, taken = self._next, self._taken

        def take() -> int:
            index = taken[number] = following()
            return index

        return take

    def watch(self, number: int, call: Callable[[Any], object]) -> Callable[[Any], object]:
        """Return a function that makes a call in a thread, and lets the other threads know; the same if it is alone."""
        if self._count == 1:
            return call
        begin, end = self._in_calls.add, self._in_calls.discard

        def watched(value: Any) -> None:
            begin(number)
            call(value)
            end(number)

        return watched

    def wait(self, number: int) -> Callable[[RequestQueue, int], bool]:
        """Return the function with which a thread waits."""
        clock, in_calls, taken = monotonic_ns, self._in_calls, self._taken

        def wait(queue: RequestQueue, due: int) -> bool:
            if not _sleep_until(queue, due - SPIN_NS):
                return False
            while (left := due - clock()) > 0:
                if in_calls or min(taken) < taken[number]:
                    time.sleep(min(left, SHORT_SLEEP_NS) * 1e-9)
            return True

        return wait

    def run(self, work: Callable[[int], None], stop: Callable[[], None]) -> None:
        """Run all threads, and raise the first error.

        Args:
            work: Called in each thread with its number.
            stop: Called after an error, so that the other threads end, too.
        """
        errors = list[BaseException]()
        configure = _library_configuration()

        def target(number: int) -> None:
            try:
                sleep_precisely()
                configure()
                work(number)
            except BaseException as error:  # noqa: BLE001 (carried over to the caller's thread)
                errors.append(error)
                stop()
            finally:
                self._taken[number] = sys.maxsize

        threads = [threading.Thread(target=target, args=(number,)) for number in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]


def _library_configuration() -> Callable[[], None]:
    """Return a function that gives a thread the configuration of scikit-learn that this thread has."""
    sklearn = sys.modules.get("sklearn")
    if sklearn is None:
        return lambda: None
    settings = sklearn.get_config()
    return lambda: sklearn.set_config(**settings)


def sleep_precisely() -> None:
    """Let this thread wake up when it asked to: by default, Linux may wake it 50 µs later, to save energy."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
