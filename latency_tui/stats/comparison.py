"""Comparisons of candidates that took turns: paired by round, distribution-free, corrected for many pairs.

Inside a round the machine is nearly the same for everyone, and the log of the ratio of two block medians hardly
depends on that of the round before. So the round is the unit: the estimate is the median over rounds of that log, and
its interval comes from order statistics of the rounds, which asks neither for moments nor for a shape. Several
launches, or within one launch several copies of each candidate's process, add what lies between processes: identical
models in two processes differ by up to a percent for as long as both live.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock import clock_margin
from latency_tui.stats.clusters import ClusteredRounds, ClusterLabels
from latency_tui.stats.median_ci import median_interval, median_level
from latency_tui.stats.multiplicity import holm
from latency_tui.stats.percentiles import LEAST_ROUNDS
from latency_tui.stats.quantiles import normal_quantile, student_quantile

EQUIVALENCE = 0.01
"""Half-width of the region of practical equivalence: a ratio within 1 % of 1 makes no difference to anyone."""

Verdict = Literal["faster", "slower", "same", "inconclusive"]
_OTHER_WAY: dict[Verdict, Verdict] = {
    "faster": "slower",
    "slower": "faster",
    "same": "same",
    "inconclusive": "inconclusive",
}
_MOST_ROUNDS = 1e9
_MOST_LAUNCHES = 1000
_ROUNDS_THAT_TELL = 6  # of each process: with fewer, what lies between processes may be what lies between their rounds


@dataclass(frozen=True, slots=True)
class PairComparison:
    """The second of a pair against the first. Logs are natural logs of the ratio of latencies, second over first.

    Attributes:
        first: Index of the candidate that is compared with.
        second: Index of the candidate that is compared.
        rounds: Rounds in which both had a block.
        clusters: Launches, or where they are few processes, that these rounds come from.
        across_launches: Whether it is launches.
        log_ratio: The estimate; None where no round has both.
        low: Lower end of the interval, by itself (not corrected for other pairs); None where there are too few rounds.
        high: Upper end.
        p_different: Smallest level at which the interval excludes the region of equivalence; 1 where there is none.
        p_same: Smallest level at which the interval lies inside that region; 1 where there is none.
        verdict: Of the second, after Holm's correction over all pairs asked.
        rounds_to_settle: Rounds in all after which the verdict would likely stand; None where it does or none would do.
        launches_to_settle: Launches in all after which it would, if launches are the clusters and rounds do not help.
        rounds_in_interval: Rounds that the interval rests on, where they are fewer than all; None for all.
        half_width: Half the width of the interval that the rounds alone would give; None where there is none.
        clock_margin: By how much a coarse clock may have moved the log-ratio; the interval has it at both ends.
        cluster_medians: Median log-ratio of each of these, in their order.
    """

    first: int
    second: int
    rounds: int
    clusters: int
    log_ratio: float | None
    low: float | None
    high: float | None
    p_different: float
    p_same: float
    across_launches: bool = False
    verdict: Verdict = "inconclusive"
    rounds_to_settle: int | None = None
    launches_to_settle: int | None = None
    rounds_in_interval: int | None = None
    half_width: float | None = None
    clock_margin: float = 0.0
    cluster_medians: tuple[float, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Latency of the second over that of the first."""
        return None if self.log_ratio is None else math.exp(self.log_ratio)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval of the ratio."""
        return None if self.low is None or self.high is None else (math.exp(self.low), math.exp(self.high))

    @property
    def flipped(self) -> PairComparison:
        """The first against the second."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            log_ratio=None if self.log_ratio is None else -self.log_ratio,
            low=None if self.high is None else -self.high,
            high=None if self.low is None else -self.low,
            cluster_medians=tuple(-centre for centre in self.cluster_medians),
            verdict=_OTHER_WAY[self.verdict],
        )


def compare(
    medians: ArrayLike,
    launches: ArrayLike | None = None,
    *,
    processes: ArrayLike | None = None,
    pairs: Sequence[tuple[int, int]] | None = None,
    equivalence: float = EQUIVALENCE,
    confidence: float = 0.95,
    clock_step: int = 0,
) -> tuple[PairComparison, ...]:
    """Compare candidates pair by pair.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN where a candidate had no block.
        launches: Which launch each round belongs to, `(n_rounds,)`; None for one. Each counts as one observation, so
            that what was stopped early should be left out.
        processes: For each candidate which of its processes answered, `(n_candidates, n_rounds)`; None where one did in
            each launch.
        pairs: Which pairs are asked about, as indices (first, second); None for all. Holm's correction is over these.
        equivalence: Half-width of the region of practical equivalence, as a share: 0.01 is a ratio within 1 %.
        confidence: Of each interval. One less this is the level at which all verdicts of a kind err together: those
            that say different, and those that say the same.
        clock_step: What the clock counts in, in nanoseconds, where that is coarse; 0 where it is too fine to tell.

    Returns:
        A comparison a pair, in the order asked.

    Raises:
        ValueError: A median is zero, negative or infinite, or the shapes do not fit.
    """
    table = np.asarray(medians, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("Block medians must be a table of candidates by rounds.")
    if np.isinf(table).any() or (table <= 0).any():
        raise ValueError("A block median must be a positive, finite number of nanoseconds.")
    if not equivalence >= 0:
        raise ValueError("The region of equivalence cannot be narrower than nothing.")
    origins = ClusterLabels.of(table.shape, launches, processes)
    asked = list(combinations(range(table.shape[0]), 2)) if pairs is None else list(pairs)
    logs = np.log(table)
    margin, off = math.log1p(equivalence), clock_margin(table, clock_step)
    alone = [_pair(i, j, logs[j] - logs[i], origins, margin, confidence, float(off[i] + off[j])) for i, j in asked]
    return judge(alone, equivalence=equivalence, confidence=confidence)


def judge(
    pairs: Sequence[PairComparison],
    *,
    equivalence: float = EQUIVALENCE,
    confidence: float = 0.95,
    most_processes: int = 0,
) -> tuple[PairComparison, ...]:
    """Return the same comparisons with their verdicts, by Holm's correction over all of them.

    Two families are corrected, each at the level: no pair is wrongly called different, and none is wrongly called the
    same. Both claims about one pair would need one interval inside the region of equivalence and another one beyond
    it, around the same estimate.

    Args:
        pairs: Comparisons with p-values.
        equivalence: Half-width of the region of practical equivalence, as a share.
        confidence: One less the level at which each kind of claim errs.
        most_processes: How many processes a candidate would have at the most, were there more rounds.
    """
    level = 1 - confidence
    # Pairs with too few rounds were not tested, so that they take nothing from the others.
    tested = [k for k, pair in enumerate(pairs) if pair.rounds >= LEAST_ROUNDS]
    different, same = np.ones(len(pairs)), np.ones(len(pairs))
    different[tested] = holm([pairs[k].p_different for k in tested])
    same[tested] = holm([pairs[k].p_same for k in tested])
    return tuple(
        _judged(pair, bool(p <= level), bool(q <= level), equivalence, confidence, len(tested), most_processes)
        for pair, p, q in zip(pairs, different, same, strict=True)
    )


def _judged(
    pair: PairComparison,
    different: bool,
    same: bool,
    equivalence: float,
    confidence: float,
    pairs: int,
    most_processes: int,
) -> PairComparison:
    if pair.log_ratio is not None and different:
        verdict: Verdict = "slower" if pair.log_ratio > 0 else "faster"
        return replace(pair, verdict=verdict, rounds_to_settle=None, launches_to_settle=None)
    if same:
        return replace(pair, verdict="same", rounds_to_settle=None, launches_to_settle=None)
    margin = math.log1p(equivalence)
    rounds = rounds_to_settle(pair, margin, confidence, pairs, most_processes)
    launches = None if rounds is not None else launches_to_settle(pair, margin, confidence, pairs)
    return replace(pair, verdict="inconclusive", rounds_to_settle=rounds, launches_to_settle=launches)


def _pair(
    first: int,
    second: int,
    log_ratios: NDArray[np.float64],
    origins: ClusterLabels,
    margin: float,
    confidence: float,
    off: float,
) -> PairComparison:
    there, labels, across_launches = origins.clusters(~np.isnan(log_ratios), first, second)
    shared = log_ratios[there]
    rounds = int(shared.size)
    if not rounds:
        return PairComparison(first, second, 0, 0, None, None, None, 1.0, 1.0)
    clusters = ClusteredRounds.of(shared, labels, processes=not across_launches)
    cluster_medians, estimate = clusters.medians, clusters.centre
    if rounds < LEAST_ROUNDS:
        return PairComparison(
            first,
            second,
            rounds,
            cluster_medians.size,
            estimate,
            None,
            None,
            1.0,
            1.0,
            cluster_medians=tuple(cluster_medians.tolist()),
        )
    low, high = median_interval(clusters.ordered, confidence)
    half_width = (high - low) / 2
    if cluster_medians.size > 1:
        wide_low, wide_high = clusters.interval(confidence)
        low, high = min(low, wide_low), max(high, wide_high)
    low, high = min(low, estimate) - off, max(high, estimate) + off

    def level(border: float) -> float:
        """Smallest level at which the interval's end passes the border; 1 where the estimate does not."""
        from_rounds = median_level(clusters.ordered, border)
        return max(from_rounds, clusters.level(border)) if cluster_medians.size > 1 else from_rounds

    p_different = p_same = 1.0
    if abs(estimate) > margin + off:
        p_different = level(math.copysign(margin + off, estimate))
    elif abs(estimate) <= margin - off:
        p_same = max(level(off - margin), level(margin - off))
    return PairComparison(
        first,
        second,
        rounds,
        cluster_medians.size,
        estimate,
        low,
        high,
        p_different,
        p_same,
        across_launches=across_launches,
        half_width=half_width,
        clock_margin=off,
        cluster_medians=tuple(cluster_medians.tolist()),
    )


def rounds_to_settle(
    pair: PairComparison, margin: float, confidence: float = 0.95, pairs: int = 1, most_processes: int = 0
) -> int | None:
    """Return after how many rounds, in all, a verdict would likely stand if the estimate stayed where it is.

    What comes of the rounds shrinks with their square root; what lies between launches or processes stays, as what a
    coarse clock hides does, and where it alone reaches the border, no number of rounds helps, but for those that are
    spread over more processes. The interval
    that counts for the verdict is wider than the one shown, for all pairs are judged together (Bonferroni's level).
    An estimate that lies on the border by chance is taken to be off it by what half of all such estimates are off.

    Args:
        pair: An inconclusive comparison.
        margin: Log of the border of the region of equivalence.
        confidence: Of the interval in `pair`.
        pairs: How many pairs are judged together.
        most_processes: How many processes a candidate has at the most, where it has fewer for want of rounds.

    Returns:
        The number of rounds; None where no interval is there to go by, or more rounds of the same processes would not
        settle it.
    """
    if pair.log_ratio is None or pair.low is None or pair.high is None:
        return None
    level = (1 - confidence) / max(pairs, 1)
    own = (pair.high - pair.low) / 2 - pair.clock_margin if pair.half_width is None else pair.half_width
    noise = error = own / normal_quantile((1 + confidence) / 2)
    rounds, clusters = pair.rounds_in_interval or pair.rounds, len(pair.cluster_medians)
    if clusters > 1:
        reach = (pair.high - pair.low) / 2
        if not pair.across_launches:  # signs of processes reach as far as they do on the side that counts
            below, above = pair.log_ratio - pair.low, pair.high - pair.log_ratio
            reach = max(below, above) if abs(pair.log_ratio) < margin else below if pair.log_ratio > 0 else above
        reach -= pair.clock_margin
        error = max(reach / student_quantile((1 + confidence) / 2, clusters - 1), noise)
    distance = _distance(pair, margin, error)
    if distance == 0:
        return None
    needed = rounds * (normal_quantile(1 - level / 2) * noise / distance) ** 2
    if clusters > 1:
        most = clusters if pair.across_launches else max(most_processes, clusters)
        wanted = (distance / student_quantile(1 - level / 2, most - 1)) ** 2
        spread = rounds * error**2 / wanted  # over more processes for as long as there are any
        told = pair.across_launches or rounds >= _ROUNDS_THAT_TELL * clusters
        if told and spread > rounds * most / clusters:
            if (room := wanted - (error**2 - noise**2) * clusters / most) <= 0:
                return None
            spread = rounds * noise**2 / room
        needed = max(needed, spread)
    # However clear the rounds are, no fewer of them can reach the corrected level: 2 · ½ⁿ ≤ level / pairs.
    least = 1 + math.log2(max(pairs, 1) / (1 - confidence))
    return math.ceil(max(needed, least, pair.rounds + 1)) if needed < _MOST_ROUNDS else None


def launches_to_settle(pair: PairComparison, margin: float, confidence: float = 0.95, pairs: int = 1) -> int | None:
    """Return after how many launches, in all, a verdict would likely stand if they went on to differ as they do.

    Args:
        pair: An inconclusive comparison.
        margin: Log of the border of the region of equivalence.
        confidence: Of the interval in `pair`.
        pairs: How many pairs are judged together.

    Returns:
        The number of launches; None where they are not what its interval is over, or more than 1,000 would be needed.
    """
    if not pair.across_launches or pair.log_ratio is None:
        return None
    deviation = float(np.std(pair.cluster_medians, ddof=1))
    distance = _distance(pair, margin, deviation / math.sqrt(len(pair.cluster_medians)))
    level = 1 - (1 - confidence) / max(pairs, 1) / 2
    return next(
        (
            launches
            for launches in range(len(pair.cluster_medians) + 1, _MOST_LAUNCHES + 1)
            if student_quantile(level, launches - 1) * deviation / math.sqrt(launches) < distance
        ),
        None,
    )


def _distance(pair: PairComparison, margin: float, error: float) -> float:
    """Return how far an estimate lies from the border, and at the least as far as half of them are off the truth.

    Nothing where a coarse clock may have moved it across.
    """
    distance = abs(abs(pair.log_ratio or 0.0) - margin) - pair.clock_margin
    return 0.0 if pair.clock_margin and distance <= 0 else max(distance, normal_quantile(0.75) * error)
