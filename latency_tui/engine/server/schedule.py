"""Whose turn it is: how many calls a block has, how many rounds there are, and the order within each round."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, log2, sqrt
from statistics import geometric_mean

from latency_tui.plan import Plan

BLOCK_SECONDS = 0.0045
SMALLEST_BLOCK = 10
FEWEST_ROUNDS = 10
LEVEL = 0.05
SLOW_CALLS = 6
ENOUGH_ROUNDS = 192
LONGER = 2.0
MOST_CALLS = 100_000
ALIKE = 2.0
LONGEST_BALANCED = 60
MOST_REPLICAS = 24
MANY_REPLICAS = 12
PROCESSES = 72
REPLICA_ROUNDS = 2


@dataclass(frozen=True)
class Schedule:
    """How a launch is cut into rounds.

    Attributes:
        rounds: Number of rounds.
        calls: For each candidate, the number of calls of each of its blocks, `(rounds,)`.
        seconds: Expected duration of all timed calls together.
    """

    rounds: int
    calls: Mapping[str, tuple[int, ...]]
    seconds: float


def schedule(plan: Plan, call_seconds: Mapping[str, float]) -> Schedule:
    """Cut a plan into rounds.

    A block is as many calls as fill `BLOCK_SECONDS`, at least one. A turn costs 2 ms besides. With blocks of 3 ms the
    interval of a ratio is as wide after as much measuring time, so the shorter waste time; in short measurements blocks
    of 6 ms make it wider by a tenth after as much time on the clock, for the machine wanders meanwhile.
    With a number of runs each candidate makes the same number of calls in a round, so the average candidate sets that
    number, but nobody's block is so short that its first calls, which find cold caches, are most of it. With few runs
    rounds come first (100 runs are ten rounds of ten), for rounds are what every interval rests on.
    With a measuring time each candidate fills the same time. What that holds beyond `ENOUGH_ROUNDS`, eight of each of
    two dozen processes, brings further rounds and longer blocks alike, `LONGER` times as long at the most: so turns
    take less of it. Nobody's block has more than `MOST_CALLS`, whose latencies are all in memory at once: a candidate
    that much faster than the slowest is measured for less time.

    Args:
        plan: Says how many runs, or how long.
        call_seconds: Duration of one call of each candidate, by slug, as the warm-up found it.
    """
    fewest = fewest_rounds(len(call_seconds))
    cost = alike({slug: max(seconds, 1e-8) for slug, seconds in call_seconds.items()})
    if plan.runs is not None:
        size = calls_per_block(cost.values())
        rounds = max(ceil(plan.runs / size), min(fewest, plan.runs))
        sizes = split(plan.runs, rounds)
        return Schedule(rounds, dict.fromkeys(cost, sizes), sum(cost.values()) * plan.runs)
    if plan.seconds is None:  # until it is known: short blocks, as many as the time that one is ready to wait can hold
        span = BLOCK_SECONDS
        rounds = max(ceil(plan.max_seconds / sum(max(seconds, span) for seconds in cost.values())), fewest)
    else:
        slow = max(cost.values())
        span = max(BLOCK_SECONDS, SLOW_CALLS * slow)
        if (plenty := plan.seconds / span / ENOUGH_ROUNDS) > 1:
            span = max(1, round(span * min(sqrt(plenty), LONGER) / slow)) * slow
        rounds = max(ceil(plan.seconds / span), 1)
        if rounds < fewest:  # a slow candidate: rounds come first, and a block has a call at least
            wish = min(span, plan.seconds / fewest)
            span = max(max(1, round(wish / slow)) * slow, BLOCK_SECONDS)
            rounds = max(ceil(plan.seconds / span), 1)
    calls = {slug: (_filling(span, seconds),) * rounds for slug, seconds in cost.items()}
    return Schedule(rounds, calls, sum(cost[slug] * sum(sizes) for slug, sizes in calls.items()))


def calls_per_block(call_seconds: Collection[float]) -> int:
    """Return how many calls each candidate makes in a round, where they make a number of runs and these are many.

    Args:
        call_seconds: Duration of one call of each of them.
    """
    fair, most = (BLOCK_SECONDS / cost for cost in (sum(call_seconds) / len(call_seconds), min(call_seconds)))
    return max(1, round(max(fair, min(most, SMALLEST_BLOCK))))


def calls_per_long_block(call_seconds: Mapping[str, float]) -> dict[str, int]:
    """Return how many calls a block of each candidate has at the most, where they are measured for a time.

    Args:
        call_seconds: Duration of one call of each candidate, by slug.
    """
    span = LONGER * max(BLOCK_SECONDS, SLOW_CALLS * max(call_seconds.values(), default=0.0))
    return {slug: _filling(span, seconds) for slug, seconds in call_seconds.items()}


def long_block_calls(plan: Plan, call_seconds: Mapping[str, float]) -> dict[str, int]:
    """Return how many calls per block each candidate would make if this plan were a long one; nothing for until-known.

    Args:
        plan: How long to measure.
        call_seconds: Duration of one call of each candidate, by slug.
    """
    if plan.until_known or not call_seconds:
        return {}
    if plan.seconds is not None:
        return calls_per_long_block(call_seconds)
    return dict.fromkeys(call_seconds, calls_per_block(call_seconds.values()))


def most_replicas(candidates: int, *, fork: bool) -> int:
    """Return how many processes each candidate has if there are many rounds.

    With 24 processes the interval of a ratio is a sixth narrower than with 12 in the same measuring time, and the error
    between two identical models of 5 ms is a third smaller. A forked process takes 10 ms to start and a fresh
    interpreter a second, so that many candidates, or those that are not forked, get 12 each.

    Args:
        candidates: How many candidates there are.
        fork: Whether the processes are forked.
    """
    return max(MANY_REPLICAS, min(MOST_REPLICAS, PROCESSES // candidates)) if fork else MANY_REPLICAS


def _filling(span: float, seconds: float) -> int:
    return min(max(1, round(span / seconds)), MOST_CALLS)


def fewest_rounds(candidates: int) -> int:
    """Return how many rounds there are to be at the least, for a verdict to be possible at all.

    All of n rounds on one side have a chance of 2 · ½ⁿ among equals, and that must stay below the level shared out
    among all pairs: with eight candidates ten rounds are not enough, however large the difference.
    """
    pairs = candidates * (candidates - 1) // 2
    return max(FEWEST_ROUNDS, ceil(1 + log2(max(pairs, 1) / LEVEL)))


def alike(cost: Mapping[str, float]) -> dict[str, float]:
    """Give candidates of about the same cost the same cost, so that their blocks have the same number of calls.

    The warm-up's estimates are noisy, and a block's first calls are slower: of two identical candidates the one with
    the shorter blocks would look the slower. Neighbours within `ALIKE` of their group's cheapest share its mean.
    """
    groups: list[list[str]] = []
    for slug in sorted(cost, key=cost.__getitem__):
        if groups and cost[slug] <= ALIKE * cost[groups[-1][0]]:
            groups[-1].append(slug)
        else:
            groups.append([slug])
    return {slug: geometric_mean(cost[name] for name in group) for group in groups for slug in group}


def split(total: int, parts: int) -> tuple[int, ...]:
    """Return `parts` whole numbers that differ by at most one and add up to `total`."""
    size, extra = divmod(total, parts)
    return (size + 1,) * extra + (size,) * (parts - extra)


def orders(slugs: list[str], rounds: int, seed: str, *, balanced: bool) -> Iterator[tuple[str, ...]]:
    """Yield the order of turns of every round.

    A long measurement draws each round's order afresh and uniformly. A short one of fixed length is balanced by
    position instead: groups of rounds are Latin squares drawn at random, so that nobody is often first by luck.

    Args:
        slugs: The candidates.
        rounds: Number of rounds planned.
        seed: The same seed gives the same orders.
        balanced: Whether position may be balanced; not where a comparison may stop at any round, for that rests on a
            draw that is fair given all rounds before.
    """
    rng = random.Random(seed)  # noqa: S311 (turns, not secrets)
    produced = 0
    while produced < rounds:
        group = (
            latin_square(slugs, rng)
            if balanced and rounds <= LONGEST_BALANCED
            else [tuple(rng.sample(slugs, len(slugs)))]
        )
        for order in group[: rounds - produced]:
            yield order
            produced += 1


def rotation(replicas: int, seed: str) -> Iterator[int]:
    """Yield, for ever, which copy of the candidates' processes a round uses: each once before any comes again."""
    rng = random.Random(f"{seed}/replicas")  # noqa: S311 (turns, not secrets)
    while True:
        yield from rng.sample(range(max(replicas, 1)), max(replicas, 1))


def replica_count(candidates: int, rounds: int, *, fork: bool) -> int:
    """Return how many processes each candidate is to have; each of them needs `REPLICA_ROUNDS` rounds.

    Args:
        candidates: How many candidates there are.
        rounds: How many rounds are planned.
        fork: Whether the processes are forked.
    """
    return min(most_replicas(candidates, fork=fork), rounds // REPLICA_ROUNDS)


def latin_square(slugs: list[str], rng: random.Random) -> list[tuple[str, ...]]:
    """Return as many orders as there are candidates, each candidate once in every position."""
    count = len(slugs)
    symbols, rows, columns = (rng.sample(range(count), count) for _ in range(3))
    return [tuple(slugs[symbols[(row + column) % count]] for column in columns) for row in rows]
