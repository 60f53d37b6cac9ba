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
from latency_tui.engine.request_queue import BACKLOG, RequestQueue

SPIN_NS = 200_000
"""A worker with a core of its own sleeps until this long before a request is due, and then polls the clock."""
LONGEST_SLEEP_NS = 50_000_000
"""Longest sleep before a worker looks whether the window was stopped."""
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
        spin_ns = SPIN_NS if request.is_exclusive and not request.as_threads else 0
        if not request.as_threads:
            sleep_precisely()
            answer_requests(queue, call, input_of, request.worker, take=queue.take, spin_ns=spin_ns)
            return

        def work(number: int, take: Callable[[], int]) -> None:
            limit_threads()
            answer_requests(queue, call, input_of, request.worker + number, take=take, spin_ns=spin_ns)

        run_in_threads(request.workers, work, queue.stop)


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
    spin_ns: int,
) -> None:
    """Answer requests of a window until there is none left, or the window is stopped.

    Args:
        queue: The requests, and the arrays that receive the times.
        call: The function that is measured. Its return value is released inside the timed span.
        input_of: Returns the input of a request, given its index.
        worker: Number of this worker.
        take: Returns the index of the next request.
        spin_ns: How long before a request is due to stop sleeping.
    """
    clock, requests, max_wait = monotonic_ns, queue.requests, queue.max_wait_ns
    arrivals, starts, ends, workers = queue.arrivals, queue.starts, queue.ends, queue.workers
    begin = queue.begin_together()
    while not queue.state:
        index = take()
        if index >= requests:
            return
        value = input_of(index)
        due = begin + arrivals[index]
        early = due - clock()
        if early > 0:
            if not _wait(queue, due, spin_ns):
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


def _wait(queue: RequestQueue, due: int, spin_ns: int) -> bool:
    """Wait until a request is due; return False if the window is stopped meanwhile."""
    clock = monotonic_ns
    while (left := due - clock() - spin_ns) > 0:
        time.sleep(min(left, LONGEST_SLEEP_NS) * 1e-9)
        if queue.state:
            return False
    while clock() < due:
        pass
    return True


def run_in_threads(workers: int, work: Callable[[int, Callable[[], int]], None], stop: Callable[[], None]) -> None:
    """Run several workers as threads of this process, which share one counter; the first error is raised.

    Args:
        workers: Number of threads.
        work: Called in each thread with its number and a function that returns the index of the next request.
        stop: Called after an error, so that the other threads end, too.
    """
    counter, errors = itertools.count(), list[BaseException]()
    configuration = _library_configuration()

    def target(number: int) -> None:
        try:
            sleep_precisely()
            configuration()
            work(number, counter.__next__)
        except BaseException as error:  # noqa: BLE001 (carried over to the caller's thread)
            errors.append(error)
            stop()

    threads = [threading.Thread(target=target, args=(number,)) for number in range(workers)]
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
