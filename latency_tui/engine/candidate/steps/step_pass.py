"""The pass that times the steps of a model: blocks of the plain model and of one with timed steps take turns."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

from latency_tui.engine.candidate.block_runner import BlockRunner
from latency_tui.engine.candidate.models.loading import job_count
from latency_tui.engine.candidate.steps import blocks
from latency_tui.engine.candidate.steps.blocks import Block, Size, Times
from latency_tui.engine.candidate.steps.operators import time_operators
from latency_tui.engine.candidate.steps.other_inputs import Unnamed, as_arrays, same_answers
from latency_tui.engine.candidate.steps.tracer import Tracer, decode
from latency_tui.engine.candidate.timed_loop import PENDING, time_calls
from latency_tui.engine.candidate_protocol import StepsTimed, TimeSteps
from latency_tui.engine.step_events import StepTimes, StepTimings
from latency_tui.errors import ModelError

_SLOW_WAYS_SECONDS = 0.1
"""Validation and data frames are not measured if a call is longer: they are a small part of it then."""


class StepPass:
    """Times the steps of the model of a runner, some rounds per request.

    Args:
        runner: Has the model and its inputs; it is warm.
        model: The model.
    """

    def __init__(self, runner: BlockRunner, model: Any) -> None:
        self._runner = runner
        self._model = model
        self._tracer = Tracer(model)
        self._unnamed = Unnamed(model)
        self._draw = random.Random(0)  # noqa: S311 (an order, not a secret)
        self._position = 0
        self._done = 0
        self._ways: dict[str, Callable[[], Block]] = {}
        self._size = Size(1, 1, 0)

    def run(self, request: TimeSteps) -> StepsTimed:
        """Measure some rounds.

        Raises:
            ModelError: A step raised an exception; the message names it.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if hasattr(self._model, "with_profiling"):
                return time_operators(self._runner, self._model, request.seconds)
            try:
                if not self._ways:
                    self._choose(request.seconds)
                return self._some_rounds(request.reply_seconds)
            except Exception as error:
                if self._tracer.failed is None:
                    raise
                where = " › ".join(self._tracer.failed)
                raise ModelError(f"the step {where} failed while it was timed: {error}") from error

    def _choose(self, seconds: float) -> None:
        """Choose the ways that are possible, and the number of rounds."""
        call_seconds = min(self._time(self._runner.values(0, 3))) / 1e9
        ways: dict[str, Callable[[], Block]] = {"plain": self._plain}
        with self._tracer.installed():
            self._time(self._runner.values(0, 2))
        if len(self._tracer.nodes) > 1:
            ways["timed"] = self._timed
        if call_seconds < _SLOW_WAYS_SECONDS:
            if self._has_check():
                ways["unchecked"] = self._unchecked
            if self._takes_arrays():
                ways["array"] = self._array
        self._size = blocks.size_of(call_seconds, len(ways), seconds)
        self._ways = ways

    def _has_check(self) -> bool:
        """Return whether the model may use scikit-learn's check for NaN, and does not omit it already."""
        import sys

        sklearn = sys.modules.get("sklearn")
        return sklearn is not None and not sklearn.get_config()["assume_finite"]

    def _takes_arrays(self) -> bool:
        """Return whether calls receive data frames, and arrays give the same answers."""
        (frame,) = self._runner.values(0, 1)
        array = as_arrays([frame])
        if array is None:
            return False
        expected = self._runner.call(frame)
        try:
            with self._unnamed.applied():
                return same_answers(expected, self._runner.call(array[0]))
        except Exception:  # noqa: BLE001 (it selects columns by name, for example)
            return False

    def _some_rounds(self, seconds: float) -> StepsTimed:
        times, began = Times(), perf_counter_ns()
        while self._done < self._size.rounds:
            mix = self._runner.inputs is not None and self._runner.inputs.mix is not None
            blocks.run_round(self._ways, times, self._draw, all_calls=mix)
            self._position += self._size.discarded + self._size.calls
            self._done += 1
            if (perf_counter_ns() - began) / 1e9 > seconds:
                break
        return StepsTimed(timings=self._timings(times), done=self._done, total=self._size.rounds)

    def _timings(self, times: Times) -> StepTimings:
        nodes = [(node, node.part) for node in self._tracer.nodes if node.part is not None]
        steps = tuple(
            StepTimes(
                path=node.path,
                type=type(part.model).__name__,
                calls=sum(uses.get(node.index, 0.0) for uses in times.uses) / len(times.uses),
                nanoseconds=tuple(found.get(node.index, 0.0) for found in times.steps),
            )
            for node, part in (nodes if times.uses else ())
        )
        ways = {way: tuple(values) for way, values in times.ways.items()}
        return StepTimings(
            **ways, steps=steps, calls=times.calls, parallel=self._tracer.parallel, notes=tuple(self._notes())
        )

    def _notes(self) -> Iterator[str]:
        for part in (part for part in self._tracer.untimed if hasattr(part.model, "fit")):
            yield f"{part.name} ({type(part.model).__name__}) cannot be timed, because its methods cannot be replaced"
        if self._tracer.has_parts and len(self._tracer.nodes) == 1 and job_count(self._model) != 1:
            yield "its steps run in other processes, where they are not timed; n_jobs=1 runs them in this one"

    # --- ways -------------------------------------------------------------------------------------------------------

    def _values(self) -> tuple[list[Any], list[Any]]:
        """Return the inputs of this round's blocks: those of discarded calls, and those of timed ones."""
        count = self._size.discarded + self._size.calls
        found = self._runner.values(self._position, count)
        return found[: self._size.discarded], found[self._size.discarded :]

    def _time(self, values: list[Any]) -> list[int]:
        durations = [PENDING] * len(values)
        time_calls(self._runner.call, values, durations)
        return durations

    def _plain(self) -> Block:
        discarded, values = self._values()
        return Block(self._time([*discarded, *values])[len(discarded) :])

    def _unchecked(self) -> Block:
        import sklearn  # deferred: a process whose model is none of scikit-learn's need not import it

        with sklearn.config_context(assume_finite=True):
            return self._plain()

    def _array(self) -> Block:
        discarded, values = self._values()
        arrays = as_arrays([*discarded, *values]) or []
        with self._unnamed.applied():
            return Block(self._time(arrays)[len(discarded) :])

    def _timed(self) -> Block:
        discarded, values = self._values()
        call, tracer, durations, steps = self._runner.call, self._tracer, list[int](), list[dict[int, Any]]()
        tracer.failed = None
        spans: list[list[int]] = []
        with tracer.installed():
            self._time(discarded)
            for value in values:
                recorded: list[int] = []
                tracer.spans = recorded
                started = perf_counter_ns()
                call(value)
                durations.append(perf_counter_ns() - started)
                spans.append(recorded)
        for recorded in spans:
            row: dict[int, tuple[int, int]] = {}
            for span in recorded:
                index, elapsed = decode(span)
                total, uses = row.get(index, (0, 0))
                row[index] = (total + elapsed, uses + 1)
            steps.append(row)
        return Block(durations, steps)
