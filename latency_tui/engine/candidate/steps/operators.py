"""Times the operators of an ONNX model with ONNX Runtime's own profiler, in a session of its own."""

from __future__ import annotations

import random
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from latency_tui.engine.candidate.block_runner import BlockRunner
from latency_tui.engine.candidate.call_adapters import caller
from latency_tui.engine.candidate.steps import blocks
from latency_tui.engine.candidate.steps.blocks import Block, Times
from latency_tui.engine.candidate.steps.profile import HALF_MICROSECOND, Operator, read_profile
from latency_tui.engine.candidate.steps.profiler_floor import measure_floor
from latency_tui.engine.candidate.timed_loop import PENDING, time_calls
from latency_tui.engine.candidate_protocol import StepsTimed
from latency_tui.engine.step_events import StepTimes, StepTimings

MAX_EVENTS = 60_000
"""Largest number of events that the profiler may write, about 600 bytes each; it drops those after a million."""
MAX_NODES = 12
"""Operators of a larger graph are added up by type."""


def time_operators(runner: BlockRunner, model: Any, seconds: float) -> StepsTimed:
    """Make all rounds of the pass for an ONNX model.

    Args:
        runner: Has the model and its inputs; it is warm.
        model: The adapter of the model.
        seconds: Intended duration.
    """
    with tempfile.TemporaryDirectory(prefix="latency-tui-") as folder:
        floor = measure_floor(Path(folder) / "floor")
        first = _run_profiled(runner, model, Path(folder) / "first", 1)
        nodes = max(len(first[0]) if first else 1, 1)
        call_seconds = min(_durations(runner.call, runner.values(0, 3))) / 1e9
        size = blocks.size_of(call_seconds, 2, seconds)
        runs = max(MAX_EVENTS // (nodes + 2), 2 * blocks.MIN_ROUNDS)
        calls = max(min(size.calls, runs // size.rounds - size.discarded), 1)
        rounds = max(min(size.rounds, runs // (calls + size.discarded)), blocks.MIN_ROUNDS)
        size = blocks.Size(rounds, calls, size.discarded)
        times = Times()
        profiled = model.with_profiling(Path(folder) / "profile")
        call = caller(profiled, runner.method)
        _durations(call, runner.values(0, 2))
        timed: list[list[int]] = []
        position = 0

        def block(function: Any) -> Block:
            nonlocal position
            count = size.discarded + size.calls
            durations = _durations(function, runner.values(position, count))
            position += count
            return Block(durations[size.discarded :])

        def profiled_block() -> Block:
            found = block(call)
            timed.append(found.durations)
            return found

        ways = {"plain": lambda: block(runner.call), "timed": profiled_block}
        draw = random.Random(0)  # noqa: S311 (an order, not a secret)
        for _ in range(size.rounds):
            blocks.run_round(ways, times, draw)
        recorded = read_profile(profiled.end_profiling(runner.method))[2:]
    steps, notes = _steps(recorded, timed, size, floor)
    timings = StepTimings(
        plain=tuple(times.ways["plain"]),
        timed=tuple(times.ways["timed"]),
        steps=steps,
        calls=size.rounds * size.calls,
        notes=notes,
    )
    return StepsTimed(timings=timings, done=size.rounds, total=size.rounds)


def _steps(
    recorded: list[list[Operator]], timed: list[list[int]], size: blocks.Size, floor: float
) -> tuple[tuple[StepTimes, ...], tuple[str, ...]]:
    """Return the time of each operator, or of each type of operators, and notes.

    Args:
        recorded: Operators of each run, without the runs before the first block.
        timed: Durations of the calls of each block.
        size: Number of rounds, and of calls per block.
        floor: What the profiler reports for an operator that does nothing, in nanoseconds.
    """
    count = size.discarded + size.calls
    if len(recorded) < size.rounds * count:
        return (), ("the profiler of ONNX Runtime recorded fewer runs than were made, so operators are not listed",)
    nodes = {(one.name, one.type): None for run in recorded for one in run}
    types = Counter(kind for _, kind in nodes)
    by_type = len(nodes) > MAX_NODES
    times: dict[tuple[str, str], list[float]] = {}
    uses: defaultdict[tuple[str, str], float] = defaultdict(float)
    for number, durations in enumerate(timed):
        runs = recorded[number * count + size.discarded : (number + 1) * count]
        kept = [runs[index] for index in blocks.middle_half(durations)]
        for one in (one for run in kept for one in run):
            key = (_count_of(one.type, types), one.type) if by_type else (one.name, one.type)
            row = times.setdefault(key, [0.0] * size.rounds)
            row[number] += max(one.nanoseconds - floor, 0.0) / len(kept)
            uses[key] += 1 / (len(kept) * size.rounds)
    steps = tuple(
        StepTimes(
            path=(name,),
            type=kind,
            calls=uses[name, kind],
            nanoseconds=tuple(row),
            resolution=HALF_MICROSECOND * uses[name, kind],
        )
        for (name, kind), row in times.items()
    )
    return steps, ()


def _count_of(kind: str, types: Counter[str]) -> str:
    return f"{types[kind]:,} × {kind}" if types[kind] > 1 else kind


def _run_profiled(runner: BlockRunner, model: Any, prefix: Path, calls: int) -> list[list[Operator]]:
    profiled = model.with_profiling(prefix)
    _durations(caller(profiled, runner.method), runner.values(0, calls))
    return read_profile(profiled.end_profiling(runner.method))


def _durations(call: Any, values: list[Any]) -> list[int]:
    durations = [PENDING] * len(values)
    time_calls(call, values, durations)
    return durations
