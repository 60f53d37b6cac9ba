"""Comparing the slow ends of two candidates, where there are calls enough to see them.

A p99 is one order statistic of few samples, and blocks of slow calls come in bursts; so nothing is assumed of it but
that, were the two alike, it would not matter which of them had which block of a round. Exchanging the two labels in
rounds drawn at random, or in whole processes where there are several, shows how far apart two p99 come to lie by
chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.samples import Latencies, as_latencies, as_starts, sizes_of

LEAST_CALLS = 1000
"""Calls of each candidate below which no p99 are compared."""

_CHUNK = 4_000_000
_LEAST_UNITS = 6  # of five, one labelling in sixteen says as much as all that is measured


@dataclass(frozen=True, slots=True)
class TailComparison:
    """A percentile of the second candidate against that of the first.

    Attributes:
        ratio: Second over first.
        p_value: How often two candidates that are alike would differ by as much, either way.
        rounds: Rounds in which both had a block.
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
    """Compare a percentile by a permutation test that exchanges the labels within rounds.

    The null is that the two are exchangeable within a round: a small p-value says that the slow ends differ, though it
    may be for the reason that all of the latencies do.

    Args:
        first: Latencies, `(n,)` nanoseconds, and the index of each round's first sample, `(n_rounds,)`. Rounds of both
            candidates correspond; rounds that only one has must be left out.
        second: The same of the other.
        clusters: Which of the pair's processes each round is of, `(n_rounds,)`. Where there are six or more, these are
            exchanged whole, for a process is slow in its own way as long as it lives. None for one of all.
        share: Of the percentile, 0 to 1.
        relabellings: How many to draw; the least p-value is one in this plus one.
        seed: Of the draw.

    Returns:
        The comparison; None where either has fewer than a thousand calls, or there are fewer than six rounds.

    Raises:
        ValueError: A sample is refused, or the two have different numbers of rounds.
    """
    samples = [as_latencies(one) for one, _ in (first, second)]
    starts = [as_starts(cuts, one.size) for one, (_, cuts) in zip(samples, (first, second), strict=True)]
    rounds = starts[0].size
    if rounds != starts[1].size:
        raise ValueError("Both candidates must have a block in each round.")
    if min(one.size for one in samples) < LEAST_CALLS or rounds < 6:
        return None
    sizes = np.stack([sizes_of(cuts, one.size) for one, cuts in zip(samples, starts, strict=True)])
    ends = [np.log(np.partition(one, _place(one.size, share))[_place(one.size, share)]) for one in samples]
    observed = float(ends[1] - ends[0])
    ordered, of_first, of_round = _top(samples, sizes, share)
    units = np.arange(rounds) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    if units.max() + 1 < _LEAST_UNITS:
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


def _place(count: Any, share: float) -> Any:  # Any: an int, or an array of them
    """Return the place of a percentile among samples in ascending order, from 0: the least that enough reach."""
    return np.ceil(share * count).astype(np.int64) - 1


def _top(
    samples: list[Latencies], sizes: NDArray[np.int64], share: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return the greatest samples of both in descending order, whether each is the first's, and its round.

    Of a percentile's tail eight times as many, in which the percentile of either lies unless nearly all rounds are
    exchanged the same way.
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
    """Return the log of the ratio of percentiles, second over first, for each labelling, `(n_labellings,)`.

    NaN where the percentile of one of them lies below the samples given.

    Args:
        ordered: The greatest samples in descending order, `(n_top,)`.
        of_first: Whether each is the first's, `(n_labellings, n_top)`.
        totals: Samples of the first and of the second, `(2, n_labellings)`.
        share: Of the percentile.
    """
    logs = np.log(ordered)
    values = []
    for mine, total in zip((of_first, ~of_first), totals, strict=True):
        rank = total - _place(total, share)  # from the top, at least 1
        reached = np.cumsum(mine, axis=1, dtype=np.int32) >= rank[:, np.newaxis]
        values.append(np.where(reached[:, -1], logs[reached.argmax(axis=1)], np.nan))
    return values[1] - values[0]
