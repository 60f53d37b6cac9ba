"""Permutation test of a tail percentile of two candidates.

A p99 is an order statistic of few samples, and slow calls come in bursts, so no distribution is assumed. If two
candidates do not differ, exchanging their labels within a round changes nothing. The test exchanges labels in rounds
drawn at random, or in whole processes if there are enough of them, and counts how often the two percentiles differ by
as much as was observed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.samples import Latencies, round_sizes, validate_latencies, validate_starts

MIN_CALLS = 1000
"""Fewest calls per candidate for a comparison of p99."""

_CHUNK = 4_000_000
"""Samples times labellings that are computed in one step, which bounds the memory."""
_MIN_UNITS = 6
"""Fewest processes that are exchanged as a whole. With five, the smallest p-value would be 1/16."""


@dataclass(frozen=True, slots=True)
class TailComparison:
    """A percentile of the second candidate compared with that of the first.

    Attributes:
        ratio: Percentile of the second candidate divided by that of the first.
        p_value: Two-sided probability of so large a difference between candidates that do not differ.
        rounds: Number of rounds in which both have a block.
    """

    ratio: float
    p_value: float
    rounds: int


def compare_tails(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    clusters: ArrayLike | None = None,
    share: float = 0.99,
    relabellings: int = 999,
    seed: int = 0,
) -> TailComparison | None:
    """Compare a percentile of two candidates by a permutation test that exchanges labels within rounds.

    The null hypothesis is that the candidates are exchangeable within a round. A small p-value shows that the tails
    differ; the cause may be that the whole distributions differ.

    Args:
        first: Latencies, `(n,)` nanoseconds, and the index of the first sample of each round, `(n_rounds,)`. The rounds
            of both candidates correspond; leave out rounds that only one of them has.
        second: The same for the other candidate.
        clusters: Process of each round, `(n_rounds,)`; None if all rounds share one. Six or more processes are
            exchanged as a whole, because processes differ in speed.
        share: The percentile, 0 to 1.
        relabellings: Number of random labellings; the smallest p-value is 1 / (relabellings + 1).
        seed: Seed of the random generator.

    Returns:
        The comparison; None if a candidate has fewer than 1,000 calls or there are fewer than six rounds.

    Raises:
        ValueError: A sample is invalid, or the candidates have different numbers of rounds.
    """
    samples = [validate_latencies(one) for one, _ in (first, second)]
    starts = [validate_starts(cuts, one.size) for one, (_, cuts) in zip(samples, (first, second), strict=True)]
    rounds = starts[0].size
    if rounds != starts[1].size:
        raise ValueError("Both candidates must have a block in each round.")
    if min(one.size for one in samples) < MIN_CALLS or rounds < 6:
        return None
    sizes = np.stack([round_sizes(cuts, one.size) for one, cuts in zip(samples, starts, strict=True)])
    ends = [np.log(np.partition(one, _place(one.size, share))[_place(one.size, share)]) for one in samples]
    observed = float(ends[1] - ends[0])
    ordered, of_first, of_round = _top(samples, sizes, share)
    units = np.arange(rounds) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    if units.max() + 1 < _MIN_UNITS:
        units = np.arange(rounds)
    random = np.random.default_rng(seed)
    beyond = 0
    done = 0
    while done < relabellings:
        batch = min(relabellings - done, max(1, _CHUNK // max(ordered.size, rounds)))
        exchanged = (random.random((batch, int(units.max()) + 1)) < 0.5)[:, units]
        totals = np.stack(
            [
                np.where(exchanged, sizes[1], sizes[0]).sum(axis=1),
                np.where(exchanged, sizes[0], sizes[1]).sum(axis=1),
            ]
        )
        drawn = _log_ratio(ordered, of_first ^ exchanged[:, of_round], totals, share)
        beyond += int((~(np.abs(drawn) < abs(observed) * (1 - 1e-12))).sum())  # NaN counts as beyond
        done += batch
    return TailComparison(math.exp(observed), (1 + beyond) / (1 + relabellings), rounds)


def _place(count: Any, share: float) -> Any:  # Any: an integer or an array of integers
    """Return the index of a percentile among samples in ascending order: the smallest that covers the share."""
    return np.ceil(share * count).astype(np.int64) - 1


def _top(
    samples: list[Latencies], sizes: NDArray[np.int64], share: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return the largest samples of both in descending order, whether each belongs to the first, and its round.

    The number of samples is eight times that of a percentile's tail, which contains the percentile of either candidate
    unless nearly all rounds are exchanged in the same direction.
    """
    both = np.concatenate(samples).astype(np.float64)
    is_first = np.arange(both.size) < samples[0].size
    rounds = np.concatenate([np.repeat(np.arange(row.size), row) for row in sizes])
    most = min(both.size, max(math.ceil(8 * (1 - share) * both.size), 64))
    places = np.argpartition(both, both.size - most)[both.size - most :]
    places = places[np.argsort(both[places], kind="stable")[::-1]]
    return both[places], is_first[places], rounds[places]


def _log_ratio(
    ordered: NDArray[np.float64], of_first: NDArray[np.bool_], totals: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    """Return the log-ratio of percentiles, second over first, for each labelling, `(n_labellings,)`.

    It is NaN if the percentile of one candidate is below the given samples.

    Args:
        ordered: The largest samples in descending order, `(n_top,)`.
        of_first: Whether each sample belongs to the first candidate, `(n_labellings, n_top)`.
        totals: Number of samples of the first and of the second candidate, `(2, n_labellings)`.
        share: The percentile, 0 to 1.
    """
    logs = np.log(ordered)
    values = []
    for mine, total in zip((of_first, ~of_first), totals, strict=True):
        rank = total - _place(total, share)  # from the top, at least 1
        reached = np.cumsum(mine, axis=1, dtype=np.int32) >= rank[:, np.newaxis]
        values.append(np.where(reached[:, -1], logs[reached.argmax(axis=1)], np.nan))
    return values[1] - values[0]
