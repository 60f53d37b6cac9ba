"""Blocks of calls of one model in several ways, which take turns in random order."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

BLOCK_SECONDS = 0.004
"""Duration of the calls of a block, if a call is shorter."""
MAX_BLOCK_CALLS = 200
MIN_BLOCK_CALLS = 4
SLOW_SECONDS = 0.2
"""A block of a model whose call is longer than this has one call."""
MAX_DISCARDED = 10
DISCARDED_SECONDS = 0.0015
"""Duration of the discarded calls before a block; of a slow model it is one call."""
MIN_ROUNDS = 8
MAX_ROUNDS = 60


class Block(NamedTuple):
    """The calls of one block: durations in nanoseconds, and nanoseconds and number of uses of each step per call."""

    durations: list[int]
    steps: Sequence[dict[int, tuple[int, int]]] = ()


class Size(NamedTuple):
    """Number of rounds, and of calls per block."""

    rounds: int
    calls: int
    discarded: int


@dataclass
class Times:
    """Times of rounds: of calls by way, and of each step by its index; `uses` has the number of uses per call."""

    ways: dict[str, list[float]] = field(default_factory=dict)
    steps: list[dict[int, float]] = field(default_factory=list)
    uses: list[dict[int, float]] = field(default_factory=list)
    calls: int = 0


def size_of(call_seconds: float, ways: int, seconds: float) -> Size:
    """Return how many rounds take about some seconds.

    Args:
        call_seconds: Duration of a call.
        ways: Number of blocks per round.
        seconds: Intended duration of all rounds.
    """
    slow = call_seconds > SLOW_SECONDS
    calls = 1 if slow else min(max(round(BLOCK_SECONDS / max(call_seconds, 1e-9)), MIN_BLOCK_CALLS), MAX_BLOCK_CALLS)
    discarded = 0 if slow else max(min(round(DISCARDED_SECONDS / max(call_seconds, 1e-9)), MAX_DISCARDED), 1)
    rounds = round(seconds / (ways * (calls + discarded) * max(call_seconds, 1e-9)))
    return Size(min(max(rounds, MIN_ROUNDS), MAX_ROUNDS), calls, discarded)


def run_round(
    ways: Mapping[str, Callable[[], Block]], times: Times, draw: random.Random, *, all_calls: bool = False
) -> None:
    """Make one block in each way, in random order, and add their times.

    Only the calls of the middle half of a block count, by duration: a call that was interrupted would otherwise count
    as time of the step in which that happened. All calls count if they have different numbers of rows (`all_calls`).
    """
    for way in draw.sample(sorted(ways), len(ways)):
        block = ways[way]()
        kept = list(range(len(block.durations))) if all_calls else middle_half(block.durations)
        times.ways.setdefault(way, []).append(sum(block.durations[index] for index in kept) / len(kept))
        if block.steps:
            rows = [block.steps[index] for index in kept]
            used = {number for row in rows for number in row}
            times.steps.append({n: sum(row.get(n, (0, 0))[0] for row in rows) / len(rows) for n in used})
            times.uses.append({n: sum(row.get(n, (0, 0))[1] for row in rows) / len(rows) for n in used})
            times.calls += len(block.durations)


def middle_half(durations: Sequence[int]) -> list[int]:
    """Return the indices of the durations without the fastest and the slowest quarter; never none."""
    order = sorted(range(len(durations)), key=durations.__getitem__)
    quarter = len(order) // 4
    return order[quarter : len(order) - quarter]
