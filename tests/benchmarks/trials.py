"""Trials of this tool: a plan measured by a real engine in fresh candidate processes, and all rounds of it kept."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine import launches
from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    EngineFailed,
    Event,
    JobFinished,
    Measure,
    RoundFinished,
)
from latency_tui.plan import Plan
from latency_tui.result.result import Result
from latency_tui.stats.sequential import SequentialTest

LEVEL = 0.05


@dataclass(frozen=True)
class Trial:
    """One measurement.

    Attributes:
        plan: What was measured.
        result: As a user would read it.
        logs: Log of each block's median, `(n_candidates, n_rounds)`, in the order of the plan's candidates.
        clusters: Which of each candidate's processes answered in each round, `(n_candidates, n_rounds)`.
        positions: Which turn of its round each block had, `(n_candidates, n_rounds)`.
        blocks: Latencies in nanoseconds of each candidate, a block a round.
        seconds: Wall time from the command to the last event.
    """

    plan: Plan
    result: Result
    logs: NDArray[np.float64]
    clusters: NDArray[np.int64]
    positions: NDArray[np.int64]
    blocks: tuple[tuple[NDArray[np.int64], ...], ...]
    seconds: float


@dataclass(frozen=True)
class Stop:
    """Where the test that is looked at after each round came to an end.

    Attributes:
        verdict: `faster`, `slower`, `same`, or `inconclusive` where the rounds ran out.
        rounds: Rounds looked at.
        ratio: Estimate from these.
    """

    verdict: str
    rounds: int
    ratio: float


async def until_known(plan: Plan, job: str) -> Stop:
    """Measure a pair by an engine of its own until it is known, as a user does; the second against the first."""
    recording, rounds = Recorder(plan), 0
    async with Engine() as engine:
        async for event in launches.measure(plan, engine=engine, job=job, is_decided=recording.is_decided):
            recording.add(event)
            rounds += isinstance(event, RoundFinished)
            if isinstance(event, CandidateFailed | EngineFailed):
                raise RuntimeError(event.message)
    (comparison,) = recording.result().comparisons
    assert comparison.ratio is not None
    return Stop(comparison.verdict, rounds, comparison.ratio)


async def measure_afresh(plan: Plan, job: str) -> Trial:
    """Measure a plan by an engine of its own: what one engine measures shares an error, so that it is one draw."""
    async with Engine() as engine:
        return await measure(engine, plan, job)


async def measure(engine: Engine, plan: Plan, job: str) -> Trial:
    """Measure a plan by an engine and keep all of it."""
    started = time.monotonic()
    return trial_of(plan, [event async for event in engine.run(Measure(job=job, plan=plan))], started)


def trial_of(plan: Plan, events: Sequence[Event], started: float) -> Trial:
    """Fold events into a trial; `started` is when the command was sent, on the monotonic clock."""
    seconds = time.monotonic() - started
    recording, blocks = Recorder(plan), list[BlockMeasured]()
    for event in events:
        recording.add(event)
        if isinstance(event, CandidateFailed | EngineFailed):
            raise RuntimeError(event.message)
        if isinstance(event, BlockMeasured):
            blocks.append(event)
    assert isinstance(events[-1], JobFinished)
    logs, positions, clusters = table_of(plan, blocks)
    samples = tuple(
        tuple(np.frombuffer(block.block.samples, "<i8") for block in blocks if block.candidate == candidate.slug)
        for candidate in plan.candidates
    )
    return Trial(plan, recording.result(), logs, clusters, positions, samples, seconds)


def table_of(
    plan: Plan, blocks: Sequence[BlockMeasured]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the log of each block's median, its turn and its process, `(n_candidates, n_rounds)`; NaN, -1 for none."""
    rows = {candidate.slug: row for row, candidate in enumerate(plan.candidates)}
    columns = {key: column for column, key in enumerate(dict.fromkeys((b.launch, b.round) for b in blocks))}
    logs = np.full((len(rows), len(columns)), np.nan)
    positions, clusters = (np.full(logs.shape, -1, dtype=np.int64) for _ in range(2))
    for block in blocks:
        place = rows[block.candidate], columns[block.launch, block.round]
        logs[place] = math.log(float(np.median(np.frombuffer(block.block.samples, "<i8"))))
        positions[place], clusters[place] = block.position, block.replica
    return logs, positions, clusters


def stop_when_known(log_ratios: NDArray[np.float64], level: float = LEVEL) -> Stop:
    """Look at the anytime test after each round of one pair and stop where it says `different` or `same`.

    Args:
        log_ratios: Of the rounds in the order measured, `(n_rounds,)`.
        level: Of each of the two claims.
    """
    test, verdict, used = SequentialTest(1), "inconclusive", 0
    for ratio in log_ratios:
        test.update([ratio])
        used += 1
        if test.p_different[0] <= level:
            verdict = "slower" if test.p_slower[0] < test.p_faster[0] else "faster"
        elif test.p_same[0] <= level:
            verdict = "same"
        if verdict != "inconclusive":
            break
    return Stop(verdict, used, math.exp(float(np.median(log_ratios[:used]))))
