"""The schedule: the calls per block, the number of rounds, and the order of candidates within each round."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, log2, sqrt
from statistics import geometric_mean

from latency_tui.plan import Plan
from latency_tui.plan.mix import cycle_length

BLOCK_SECONDS = 0.0045
"""Duration of a block. Longer blocks widen the interval of a short measurement, shorter ones lose time to the turns."""
MIN_BLOCK_CALLS = 10
"""Fewest calls per block if there are many runs, so that the first calls, with cold caches, do not dominate it."""
SLOW_BLOCK_CALLS = 6
"""Calls per block of the slowest candidate in a timed measurement, for the same reason."""
MAX_BLOCK_CALLS = 100_000
"""Most calls per block, because all latencies of a block are in memory at once."""
MAX_BLOCK_RATIO = 2.0
"""How much longer blocks become, at most, if there is time for more than `ENOUGH_ROUNDS`."""
MIN_ROUNDS = 10
"""Every interval is computed from rounds; fewer than ten give none that is of use."""
ENOUGH_ROUNDS = 192
"""Eight rounds for each of 24 processes. Beyond that, blocks become longer as well as more numerous."""
SIGNIFICANCE_LEVEL = 0.05
"""Level of a verdict, shared among all pairs of candidates."""
SAME_COST_RATIO = 2.0
"""Candidates whose calls differ by less than this get the same number of calls; warm-up estimates are that noisy."""
MAX_BALANCED_ROUNDS = 60
"""Up to this many rounds the order is balanced by position; with more, random orders balance themselves."""
MAX_REPLICAS = 24
"""Processes per candidate: the interval of a ratio is a sixth narrower than with 12 (see `max_replicas`)."""
FEW_REPLICAS = 12
"""Processes per candidate if there are many candidates, or if each process is a fresh interpreter."""
MAX_PROCESSES = 72
"""Processes of all candidates together, unless each has only `FEW_REPLICAS`; a forked one takes 10 ms to start."""
LEAST_REPLICAS = 3
"""Processes per candidate in a plan with very many candidates, such as the cells of a sweep."""
MOST_PROCESSES = 240
"""Processes of all candidates together, unless each has only `LEAST_REPLICAS`: they take about 5 GB of memory."""
ROUNDS_PER_REPLICA = 2
"""Fewest rounds per process: with one, its own level could not be distinguished from the noise of a round."""


@dataclass(frozen=True)
class Schedule:
    """How a launch is divided into rounds.

    Attributes:
        rounds: Number of rounds.
        calls: Calls of each block of each candidate, `(rounds,)`, by slug.
        seconds: Expected duration of all timed calls together.
    """

    rounds: int
    calls: Mapping[str, tuple[int, ...]]
    seconds: float


def schedule(plan: Plan, call_seconds: Mapping[str, float]) -> Schedule:
    """Divide a plan into rounds.

    A block has as many calls as fill `BLOCK_SECONDS`, at least one. Each turn costs another 2 ms. Blocks of 3 ms give
    the same interval of a ratio per measuring time, so they only lose time. In short measurements, blocks of 6 ms make
    the interval a tenth wider per time on the clock, because the machine drifts.

    If the plan has a number of runs, every candidate makes the same number of calls per round. The average candidate
    sets that number, but no block is so short that its first calls, with cold caches, dominate it. If there are few
    runs, the number of rounds has priority (100 runs are ten rounds of ten): intervals are computed from rounds.

    If the plan has a measuring time, every candidate fills the same time. Time beyond `ENOUGH_ROUNDS` is used for more
    rounds and for longer blocks, up to `MAX_BLOCK_RATIO` times as long, so that turns take a smaller share. No
    block has more than `MAX_BLOCK_CALLS`, so a candidate that is much faster than the slowest is measured for
    less time.

    A block of a request mix consists of whole cycles of the mix, so that each has the same shares, unless the plan is
    too short for enough such rounds.

    Args:
        plan: Says how many runs, or how long.
        call_seconds: Duration of one call of each candidate, by slug, as the warm-up measured it.
    """
    fewest, cycle = min_rounds(len(call_seconds)), cycle_length(plan.workload.mix)
    cost = equalize_costs({slug: max(seconds, 1e-8) for slug, seconds in call_seconds.items()})
    if plan.runs is not None:
        size = calls_per_block(cost.values())
        if plan.runs < fewest * cycle:
            cycle = 1
        rounds = max(ceil(plan.runs / (ceil(size / cycle) * cycle)), min(fewest, plan.runs))
        *whole, last = split(plan.runs // cycle, rounds)
        sizes = (*(calls * cycle for calls in whole), last * cycle + plan.runs % cycle)
        return Schedule(rounds, dict.fromkeys(cost, sizes), sum(cost.values()) * plan.runs)
    if plan.seconds is None:  # until decided: short blocks, as many as fit into the time limit
        span = max(BLOCK_SECONDS, cycle * max(cost.values()) if cycle > 1 else 0)
        rounds = max(ceil(plan.max_seconds / sum(max(seconds, span) for seconds in cost.values())), fewest)
    else:
        slow = max(cost.values())
        if plan.seconds < fewest * cycle * slow:
            cycle = 1
        span = max(BLOCK_SECONDS, SLOW_BLOCK_CALLS * slow, cycle * slow if cycle > 1 else 0)
        if (plenty := plan.seconds / span / ENOUGH_ROUNDS) > 1:
            span = max(1, round(span * min(sqrt(plenty), MAX_BLOCK_RATIO) / slow)) * slow
        rounds = max(ceil(plan.seconds / span), 1)
        if rounds < fewest:  # a slow candidate: rounds have priority, and a block has at least one call
            wish = min(span, plan.seconds / fewest)
            span = max(max(1, round(wish / slow)) * slow, BLOCK_SECONDS)
            rounds = max(ceil(plan.seconds / span), 1)
    calls = {slug: (_calls_in(span, seconds, cycle),) * rounds for slug, seconds in cost.items()}
    return Schedule(rounds, calls, sum(cost[slug] * sum(sizes) for slug, sizes in calls.items()))


def calls_per_block(call_seconds: Collection[float]) -> int:
    """Return how many calls per round each candidate makes if the plan has a large number of runs.

    Args:
        call_seconds: Duration of one call of each of them.
    """
    fair, most = (BLOCK_SECONDS / cost for cost in (sum(call_seconds) / len(call_seconds), min(call_seconds)))
    return max(1, round(max(fair, min(most, MIN_BLOCK_CALLS))))


def calls_per_long_block(call_seconds: Mapping[str, float]) -> dict[str, int]:
    """Return the maximum number of calls per block of each candidate, for a plan with a measuring time.

    Args:
        call_seconds: Duration of one call of each candidate, by slug.
    """
    span = MAX_BLOCK_RATIO * max(BLOCK_SECONDS, SLOW_BLOCK_CALLS * max(call_seconds.values(), default=0.0))
    return {slug: _calls_in(span, seconds) for slug, seconds in call_seconds.items()}


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


def max_replicas(candidates: int, *, fork: bool) -> int:
    """Return how many processes each candidate has if there are many rounds.

    With 24 processes the interval of a ratio is a sixth narrower than with 12 in the same measuring time, and the error
    between two identical models of 5 ms is a third smaller. A forked process takes 10 ms to start and a fresh
    interpreter a second, so that many candidates, or those that are not forked, get 12 each. More than 20 candidates
    get fewer, because each process takes memory.

    Args:
        candidates: How many candidates there are.
        fork: Whether the processes are forked.
    """
    few = max(LEAST_REPLICAS, min(FEW_REPLICAS, MOST_PROCESSES // candidates))
    return max(few, min(MAX_REPLICAS, MAX_PROCESSES // candidates)) if fork else few


def _calls_in(span: float, seconds: float, cycle: int = 1) -> int:
    return min(max(1, round(span / seconds / cycle)) * cycle, MAX_BLOCK_CALLS // cycle * cycle)


def min_rounds(candidates: int) -> int:
    """Return the fewest rounds with which a verdict is possible at all.

    For two equal candidates, all of n rounds favour the same one with probability 2 · ½ⁿ. That must stay below the
    level, shared among all pairs: with eight candidates ten rounds are not enough, however large the difference.
    """
    pairs = candidates * (candidates - 1) // 2
    return max(MIN_ROUNDS, ceil(1 + log2(max(pairs, 1) / SIGNIFICANCE_LEVEL)))


def equalize_costs(cost: Mapping[str, float]) -> dict[str, float]:
    """Give candidates of about the same cost the same cost, so that their blocks have the same number of calls.

    The warm-up's estimates are noisy, and a block's first calls are slower: of two identical candidates the one with
    the shorter blocks would look slower. Neighbours within `SAME_COST_RATIO` of their group's cheapest share its mean.
    """
    groups: list[list[str]] = []
    for slug in sorted(cost, key=cost.__getitem__):
        if groups and cost[slug] <= SAME_COST_RATIO * cost[groups[-1][0]]:
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
    position instead: groups of rounds are Latin squares drawn at random, so that no candidate is often first by chance.

    Args:
        slugs: The candidates.
        rounds: Number of rounds planned.
        seed: The same seed gives the same orders.
        balanced: Whether position may be balanced. It may not if the comparison can stop at any round, because the
            sequential test needs an order that is random given all rounds before.
    """
    rng = random.Random(seed)  # noqa: S311 (an order, not a secret)
    produced = 0
    while produced < rounds:
        group = (
            latin_square(slugs, rng)
            if balanced and rounds <= MAX_BALANCED_ROUNDS
            else [tuple(rng.sample(slugs, len(slugs)))]
        )
        for order in group[: rounds - produced]:
            yield order
            produced += 1


def rotation(replicas: int, seed: str) -> Iterator[int]:
    """Yield the number of the replica that each round uses, without end: each number once before any is repeated."""
    rng = random.Random(f"{seed}/replicas")  # noqa: S311 (an order, not a secret)
    while True:
        yield from rng.sample(range(max(replicas, 1)), max(replicas, 1))


def replica_count(candidates: int, rounds: int, *, fork: bool) -> int:
    """Return how many processes each candidate gets; each of them needs `ROUNDS_PER_REPLICA` rounds.

    Args:
        candidates: How many candidates there are.
        rounds: How many rounds are planned.
        fork: Whether the processes are forked.
    """
    return min(max_replicas(candidates, fork=fork), rounds // ROUNDS_PER_REPLICA)


def latin_square(slugs: list[str], rng: random.Random) -> list[tuple[str, ...]]:
    """Return as many orders as there are candidates, each candidate once in every position."""
    count = len(slugs)
    symbols, rows, columns = (rng.sample(range(count), count) for _ in range(3))
    return [tuple(slugs[symbols[(row + column) % count]] for column in columns) for row in rows]
