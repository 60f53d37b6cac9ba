"""Measures a model: its first call, its warm-up, and blocks of timed calls."""

from __future__ import annotations

import os
import pickle
import resource
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.engine import machine
from latency_tui.engine.candidate.call_adapters import caller, input_converter, output_converter
from latency_tui.engine.candidate.fork_server import find_new_libraries
from latency_tui.engine.candidate.load_worker import serve_window
from latency_tui.engine.candidate.model_preparation import ModelPreparation
from latency_tui.engine.candidate.models import loading
from latency_tui.engine.candidate.models.model_traits import check_batch_size
from latency_tui.engine.candidate.predictions import predict
from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.candidate.reusable_inputs import CallInputs, InputMix, mixed_batches
from latency_tui.engine.candidate.slowdown import with_slowdown
from latency_tui.engine.candidate.timed_loop import PENDING, GcPauseRecorder, time_calls, timer_floor
from latency_tui.engine.candidate.warm_up import warm_up
from latency_tui.engine.candidate_protocol import (
    AnswerRequests,
    BlockDone,
    Called,
    FirstCall,
    LoadStored,
    Predict,
    Predicted,
    RequestsAnswered,
    RunBlock,
    Store,
    Stored,
    Warmed,
    WarmUp,
)
from latency_tui.engine.data.rows import batches, describe
from latency_tui.engine.library_state import ModelWithState
from latency_tui.engine.object_pickling import dumps
from latency_tui.engine.protocol import Block, Stage
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import EngineError
from latency_tui.plan import Workload

FIRST_CALLS = 100
"""Number of first calls of a process that are reported."""
CHECK_SECONDS = 0.25
"""Time for calls with inputs that the warm-up did not use, because a model may change only some rows in place."""
BRIEF_CHECK_SECONDS = 0.05
"""The same in a replica of a warm process."""


class BlockRunner:
    """Calls one model: first once, then until it is warm, then in timed blocks.

    Args:
        prepared: The model and its data.
        context: What this process shares with the engine.
        begin_stage: Called with each stage that begins.

    Attributes:
        method: Name of the method that is called.
        call: That method, bound to the model.
        inputs: The inputs of the calls, used in turn; None before the first call.
        rows_per_call: Rows of the calls whose answers are checked: the batch size, or the most common one of a mix.
        workload: The workload of this process's very first calls.
        first_calls: Durations in nanoseconds of the first calls of this process, at most `FIRST_CALLS`.
        fresh: Whether these belong to the current workload; otherwise they are not reported.
        latest: Duration in nanoseconds of the call whose output was checked.
    """

    def __init__(
        self, prepared: ModelPreparation, context: ProcessContext, begin_stage: Callable[[Stage], None]
    ) -> None:
        self._prepared = prepared
        self._context = context
        self._begin_stage = begin_stage
        self._modules = frozenset(sys.modules)
        self._waiting = RunQueueDelay()
        self.method = "predict"
        self.call: Any = None
        self.inputs: CallInputs | None = None
        self.rows_per_call = 1
        self.workload: Workload | None = None
        self.first_calls: list[int] = []
        self.fresh = True
        self.latest = 0

    @property
    def fresh_per_call(self) -> bool:
        """Whether each call gets a fresh copy of its input, because the model changes what it receives."""
        return self.inputs is not None and self.inputs.fresh_per_call

    def first_call(self, request: FirstCall) -> Called:
        """Prepare the inputs, move to the cores and call once."""
        prepared = self._prepared
        assert prepared.data is not None
        self._begin_stage("warm-up")
        if request.pinned:
            machine.pin(request.pinned)
        self.method = request.workload.method
        for batch_size in request.workload.batch_sizes:
            check_batch_size(prepared.model, batch_size)
        self.call = with_slowdown(caller(prepared.model, self.method), prepared.settings)
        notes: tuple[str, ...] = ()
        while True:
            self.inputs = self._prepare_inputs(request)
            (value,) = self.inputs.lead_in(1, 1)
            try:
                started = time.perf_counter_ns()
                answer = self.call(value)
                elapsed = time.perf_counter_ns() - started
                break
            except Exception as error:
                if not prepared.try_alternative(error):
                    raise
                assert prepared.adapted is not None
                prepared.data, notes = prepared.adapted.data, prepared.adapted.notes[-1:]
        self._check(answer)
        loading.check_two_rows(prepared.model, self.method, prepared.data.X_test)
        if self.inputs.detect_changes():
            notes = (*notes, "the model changes the rows that it receives, so each call gets a fresh copy")
        self.latest = elapsed
        if self.workload is None and not prepared.converted:
            self.workload = request.workload
        self.fresh = self.workload == request.workload
        self._keep([elapsed])
        generated = prepared.adapted is not None and prepared.adapted.generated
        first = self.inputs.mix.lead[0] if self.inputs.mix else 0
        received = describe(self.inputs.rows[first], self.rows_per_call, generated=generated)
        return Called(nanoseconds=elapsed, received=received, notes=notes)

    def _prepare_inputs(self, request: FirstCall) -> CallInputs:
        """Prepare the inputs of the calls, and set the rows of the call that is checked."""
        prepared, workload = self._prepared, request.workload
        assert prepared.data is not None
        rows, convert = prepared.data.X_test, input_converter(prepared.model)
        if not workload.mix:
            self.rows_per_call = workload.batch_size
            return CallInputs(batches(rows, workload.batch_size, request.seed, order=prepared.order), convert)
        inputs, mix = mixed_batches(rows, workload.mix, request.seed, order=prepared.order)
        self.rows_per_call = int(mix.batch_sizes[mix.lead[0]])
        return CallInputs(inputs, convert, mix=mix)

    def _check(self, answer: Any) -> None:
        """Check that the output has one value per row; tensors of fixed size may have any axes."""
        answer = output_converter(self._prepared.model)(self.method, answer)
        fixed = self.rows_per_call == 1 or getattr(self._prepared.model, "fixed_rows", None) is not None
        free = fixed and getattr(self._prepared.model, "tensors", None)
        loading.check(answer, None if free else self.rows_per_call, self.method)

    def warm_up(self, request: WarmUp) -> Warmed:
        """Call the model until its latencies are steady."""
        self._begin_stage("warm-up")
        assert self.inputs is not None
        self.latest = self.latest or self._time(0, 1)[0]
        position = 1

        def run(count: int) -> list[int]:
            nonlocal position
            durations = self._time(position, count)
            position += count
            self._keep(durations)
            return durations

        level = self._mean_of_mix(brief=request.brief) if self.inputs.mix else None
        done = warm_up(run, self.latest, level, brief=request.brief)
        if not request.brief:
            self._call_remaining_inputs(position)
        return Warmed(
            calls=done.calls + 1,
            nanoseconds=done.nanoseconds,
            steady=done.steady,
            first_calls=array("q", self.first_calls if self.fresh else ()).tobytes(),
            call_ns=done.call_ns,
            timer_floor_ns=0.0 if request.brief else timer_floor(),
        )

    def _mean_of_mix(self, *, brief: bool) -> Callable[[Sequence[int]], float]:
        """Call the model once per batch size of the mix, and return a function for the warm-up.

        It returns the average duration of a call of the mix, in nanoseconds, from the durations of consecutive calls:
        the medians per batch size, weighted by share.
        """
        assert self.inputs is not None
        inputs = self.inputs
        assert inputs.mix is not None
        sizes, shares, position = inputs.mix.batch_sizes, inputs.mix.shares, 1
        latest: dict[int, float] = {}
        until = time.perf_counter() + (BRIEF_CHECK_SECONDS if brief else CHECK_SECONDS)
        for index in inputs.mix.lead:
            durations = [PENDING]
            time_calls(self.call, inputs.select([index]), durations)
            latest[int(sizes[index])] = float(durations[0])
            if time.perf_counter() > until:
                break

        def mean(window: Sequence[int]) -> float:
            nonlocal position
            called = inputs.batch_sizes(position, len(window))
            assert called is not None
            position += len(window)
            durations = np.asarray(window)
            for size in np.unique(called):
                latest[int(size)] = float(np.median(durations[called == size]))
            return sum(shares[size] * ns for size, ns in latest.items()) / sum(shares[size] for size in latest)

        return mean

    def _call_remaining_inputs(self, called: int) -> None:
        """Call the model with inputs that were not used yet, for at most `CHECK_SECONDS`, and detect changed inputs."""
        assert self.inputs is not None
        until = time.perf_counter() + CHECK_SECONDS
        for position in range(called, len(self.inputs)):
            if time.perf_counter() > until:
                break
            time_calls(self.call, self.inputs.select([position]), [PENDING])
        self.inputs.detect_changes()

    def predict(self, request: Predict) -> Predicted:
        """Return predictions for the first inputs, to be compared with those of another environment."""
        self._begin_stage("warm-up")
        inputs, finish = self.inputs, output_converter(self._prepared.model)
        assert inputs is not None
        chosen = inputs.most_common

        def answer(number: int) -> Any:
            (value,) = inputs.select([chosen[number]])
            return finish(self.method, self.call(value))

        return predict(request, answer, len(chosen), self.rows_per_call)

    def run_block(self, request: RunBlock) -> BlockDone:
        """Warm the caches again, then time the calls of a block.

        The discarded calls precede the timed calls in the same loop, because anything in between would cool the caches
        again. The first discarded call is separate, because its output is checked.
        """
        self._begin_stage("measuring")
        thrown = request.discard_calls
        assert self.inputs is not None
        begin, *inputs = self.inputs.lead_in(request.offset, 1 + thrown)
        inputs += self.inputs.values(request.offset, request.calls)
        batch_sizes = self.inputs.batch_sizes(request.offset, request.calls)
        durations = [PENDING] * len(inputs)
        with GcPauseRecorder(durations) as pauses:
            switches, waited = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw, self._waiting.nanoseconds()
            cpu, started = time.process_time_ns(), time.perf_counter_ns()
            answer = self.call(begin)
            first = time.perf_counter_ns() - started
            pauses.clear()
            time_calls(self.call, inputs, durations)
            wall, cpu = time.perf_counter_ns() - started, time.process_time_ns() - cpu
            switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
            waited = self._waiting.nanoseconds() - waited
        self._check(answer)
        discarded, samples = durations[:thrown], durations[thrown:]
        spent = first + sum(discarded)
        share = (wall - spent) / max(wall, 1)  # share of the timed calls; the counters cannot be read in between
        block = Block(
            samples=array("q", samples).tobytes(),
            discarded=array("q", [first, *discarded]).tobytes(),
            started_ns=started + spent,
            wall_ns=wall - spent,
            cpu_ns=round(cpu * share),
            switches=switches,
            waited_ns=round(waited * share),
            gc_calls=tuple(call - thrown for call in pauses.calls if call >= thrown),
            gc_ns=tuple(ns for call, ns in zip(pauses.calls, pauses.nanoseconds, strict=True) if call >= thrown),
            batch_sizes=b"" if batch_sizes is None else batch_sizes.astype("<i4").tobytes(),
        )
        return BlockDone(block=block)

    def answer_requests(self, request: AnswerRequests) -> RequestsAnswered:
        """Answer requests of a window of a load test; a call before it warms up, and its output is checked."""
        self._begin_stage("measuring")
        assert self.inputs is not None
        if request.pinned:
            machine.pin(request.pinned)
        self._check(self.call(self.inputs.lead_in(1, 1)[0]))
        limit_threads = partial(self._context.thread_limiter.limit, request.threads, reuse=True)
        serve_window(request, self.call, self.inputs, limit_threads)
        return RequestsAnswered()

    def store(self, request: Store) -> Stored:
        """Write the model and its inputs to a file.

        Raises:
            EngineError: The file cannot be written.
        """
        self._begin_stage("cold start")
        assert self.inputs is not None
        model = dumps((ModelWithState(self._prepared.model, environment=True), self.method))
        count, mix = request.max_inputs, self.inputs.mix
        rows, mix = (self.inputs.rows, mix) if count is None else (self.inputs.first_calls(count), None)
        inputs = dumps((rows, self.inputs.fresh_per_call, self.rows_per_call, mix))
        path = Path(request.path)
        try:
            path.write_bytes(model + inputs)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            remedy = "set TMPDIR to another folder"
            raise EngineError(f"the model cannot be stored in {path.parent}: {why}; {remedy}") from error
        return Stored(modules=loading.find_modules(self._prepared.model), libraries=find_new_libraries(self._modules))

    def load_stored(self, request: LoadStored) -> Warmed:
        """Take over the model and the inputs that another process of the same candidate stored, and warm up.

        The warm-up may run on any core; the process moves to its cores afterwards.
        """
        self._begin_stage("loading")
        self._prepared.model, self.method, stored = import_with_fallback(
            lambda: _read_stored(Path(request.path)), self._context.import_folders
        )
        rows, fresh_per_call, self.rows_per_call, mix = stored
        loading.configure(request.candidate.settings)  # the stored model already has its parameters
        threads = int(request.candidate.settings.get("threads", request.threads))
        self._context.thread_limiter.limit(threads, reuse=True)
        self.call = with_slowdown(caller(self._prepared.model, self.method), request.candidate.settings)
        self.inputs = CallInputs(rows, input_converter(self._prepared.model), fresh_per_call=fresh_per_call, mix=mix)
        warmed = self.warm_up(WarmUp(brief=True))
        if request.pinned:
            machine.pin(request.pinned)
        return warmed

    def _keep(self, durations: list[int]) -> None:
        if self.fresh:
            self.first_calls.extend(durations[: FIRST_CALLS - len(self.first_calls)])

    def _time(self, offset: int, count: int) -> list[int]:
        durations = [PENDING] * count
        time_calls(self.call, self.values(offset, count), durations)
        return durations

    def values(self, offset: int, count: int) -> list[Any]:
        """Return the inputs of `count` calls, starting with call number `offset`; see `CallInputs`."""
        assert self.inputs is not None
        return self.inputs.values(offset, count)


def _read_stored(path: Path) -> tuple[Any, str, tuple[list[Any], bool, int, InputMix | None]]:
    with path.open("rb") as file:  # another process of this engine has just written it
        return (*pickle.load(file), pickle.load(file))  # noqa: S301 (as said)


class RunQueueDelay:
    """Measures how long the thread that created it was ready to run but had no core.

    The file stays open, because opening it takes ten times as long as reading it, twice per block.
    """

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def nanoseconds(self) -> int:
        """Return the delay up to now; 0 if the system does not report it."""
        try:
            return int(os.pread(self._file, 64, 0).split()[1])
        except (OSError, IndexError, ValueError):
            return 0
