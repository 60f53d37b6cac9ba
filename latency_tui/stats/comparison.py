"""Compare candidates pair by pair: paired by round, distribution-free, corrected for multiple comparisons.

All blocks of a round meet nearly the same conditions, and the log of the ratio of two block medians is nearly
independent of the previous round. The round is therefore the unit of analysis. The estimate is the median log-ratio
over rounds. Its interval comes from order statistics, which need no moments and no distribution. Several launches, or
several processes within one launch, add between-process variance: identical models in two processes differ by up to 1 %
for as long as both processes live.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock import clock_margin
from latency_tui.stats.clusters import ClusteredRounds, ClusterLabels
from latency_tui.stats.equivalence import EQUIVALENCE
from latency_tui.stats.median_ci import median_interval, median_level
from latency_tui.stats.multiplicity import holm
from latency_tui.stats.percentiles import MIN_ROUNDS
from latency_tui.stats.quantiles import normal_quantile, student_quantile

Verdict = Literal["faster", "slower", "same", "inconclusive"]
_OTHER_WAY: dict[Verdict, Verdict] = {
    "faster": "slower",
    "slower": "faster",
    "same": "same",
    "inconclusive": "inconclusive",
}
_MAX_ROUNDS = 1e9
"""Predictions of more rounds than this are reported as None."""
_MAX_LAUNCHES = 1000
"""Predictions of more launches than this are reported as None."""
_MIN_ROUNDS_PER_PROCESS = 6
"""Rounds per process below which between-process variance cannot be separated from the variance between rounds."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Latency of `candidate` divided by that of `baseline`: above 1 is slower.

    Attributes:
        baseline: Slug of the baseline.
        candidate: Slug of the candidate.
        ratio: Median over rounds (then launches) of the ratio of block medians; None if it is unknown.
        low: Lower end of the confidence interval; None if there are too few rounds.
        high: Upper end of the confidence interval.
        confidence: Confidence level of this interval alone.
        verdict: Verdict after Holm's correction over all pairs.
        rounds: Number of rounds used.
        launches: Number of launches used, each at least half complete; 0 if it is unknown. With three or more the
            interval is over launches; with fewer it holds for these launches only.
        seconds_to_settle: Measuring time that would likely settle an inconclusive comparison; None if it is settled or
            unknown.
        runs_to_settle: Additional runs per candidate that would likely settle it; None if runs do not help.
        launches_to_settle: Additional launches that would likely settle it if runs do not; None if unknown or settled.
        predicted_low: Lower end of the prediction interval: the expected ratio in another launch, never above `low`;
            None with fewer than three launches.
        predicted_high: Upper end of the prediction interval, never below `high`.
        p99_ratio: Ratio of the two p99; None if either has fewer than 1,000 calls.
        p99_p_value: P-value of a permutation test of the two p99, after Holm's correction. It assumes a fixed number of
            rounds, even if the measurement stopped early.
    """

    baseline: str
    candidate: str
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    verdict: Verdict = "inconclusive"
    rounds: int = 0
    launches: int = 0
    seconds_to_settle: float | None = None
    runs_to_settle: int | None = None
    launches_to_settle: int | None = None
    predicted_low: float | None = None
    predicted_high: float | None = None
    p99_ratio: float | None = None
    p99_p_value: float | None = None


@dataclass(frozen=True, slots=True)
class PairComparison:
    """The comparison of a pair of candidates. Log-ratios are natural logs of the second latency over the first.

    Attributes:
        first: Index of the reference candidate.
        second: Index of the candidate that is compared with it.
        rounds: Number of rounds in which both have a block.
        clusters: Number of clusters: launches, or processes if there are few launches.
        log_ratio: The estimate; None if no round has a block of both.
        low: Lower end of the interval, not corrected for other pairs; None if there are too few rounds.
        high: Upper end of the interval.
        p_different: Smallest level at which the interval excludes the region of equivalence; 1 if there is none.
        p_same: Smallest level at which the interval is inside that region; 1 if there is none.
        across_launches: Whether the clusters are launches.
        verdict: The verdict on the second candidate, after Holm's correction over all given pairs.
        rounds_to_settle: Predicted total number of rounds for a verdict; None if there is one or rounds cannot give
            one.
        launches_to_settle: Predicted total number of launches, if launches are the clusters and rounds do not help.
        rounds_in_interval: Number of rounds used for the interval; None if it is all of them.
        half_width: Half the width of the interval over rounds alone; None if there is no interval.
        clock_margin: Largest error of the log-ratio caused by the clock step; it is added to both ends of the interval.
        cluster_medians: Median log-ratio of each cluster.
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
        """Latency of the second candidate divided by that of the first."""
        return None if self.log_ratio is None else math.exp(self.log_ratio)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Confidence interval of the ratio."""
        return None if self.low is None or self.high is None else (math.exp(self.low), math.exp(self.high))

    @property
    def flipped(self) -> PairComparison:
        """The same comparison with the two candidates exchanged."""
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
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if a candidate had no block.
        launches: Launch of each round, `(n_rounds,)`; None if there was one launch. All launches have equal weight, so
            leave out a launch that was stopped early.
        processes: Process of each block within its launch, `(n_candidates, n_rounds)`; None if each candidate had one
            process per launch.
        pairs: Pairs to compare, as indices (first, second); None for all. Holm's correction is over these pairs.
        equivalence: Half-width of the region of practical equivalence, as a share: 0.01 means ratios within 1 %.
        confidence: Confidence level of each interval. One less this is the family-wise error rate of the verdicts
            "faster" or "slower", and of the verdict "same".
        clock_step: Step of the clock in nanoseconds; 0 if it is negligible or unknown.

    Returns:
        One comparison per pair, in the order of `pairs`.

    Raises:
        ValueError: A median is zero, negative or infinite, or the shapes do not match.
    """
    table = np.asarray(medians, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("Block medians must be a table of candidates by rounds.")
    if np.isinf(table).any() or (table <= 0).any():
        raise ValueError("Block medians must be positive, finite numbers of nanoseconds.")
    if not equivalence >= 0:
        raise ValueError("The half-width of the region of equivalence must not be negative.")
    labels = ClusterLabels.of(table.shape, launches, processes)
    chosen = list(combinations(range(table.shape[0]), 2)) if pairs is None else list(pairs)
    logs = np.log(table)
    margin, errors = math.log1p(equivalence), clock_margin(table, clock_step)
    compared = [
        _pair(i, j, logs[j] - logs[i], labels, margin, confidence, float(errors[i] + errors[j])) for i, j in chosen
    ]
    return judge(compared, equivalence=equivalence, confidence=confidence)


def judge(
    pairs: Sequence[PairComparison],
    *,
    equivalence: float = EQUIVALENCE,
    confidence: float = 0.95,
    most_processes: int = 0,
) -> tuple[PairComparison, ...]:
    """Return the same comparisons with verdicts, after Holm's correction over all of them.

    There are two families, each corrected at the same level: no pair is wrongly called different, and no pair is
    wrongly called the same. A pair cannot be in both families, because its interval cannot be both inside and outside
    the region of equivalence.

    Args:
        pairs: Comparisons with p-values.
        equivalence: Half-width of the region of practical equivalence, as a share.
        confidence: One less the error rate of each family.
        most_processes: Number of processes per candidate that more rounds would use; 0 if it is unknown.
    """
    level = 1 - confidence
    # Pairs with too few rounds are not tested, so they do not make the correction stricter for the others.
    tested = [k for k, pair in enumerate(pairs) if pair.rounds >= MIN_ROUNDS]
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
    cluster_labels: ClusterLabels,
    margin: float,
    confidence: float,
    clock_error: float,
) -> PairComparison:
    used, labels, across_launches = cluster_labels.clusters(~np.isnan(log_ratios), first, second)
    shared = log_ratios[used]
    rounds = int(shared.size)
    if not rounds:
        return PairComparison(first, second, 0, 0, None, None, None, 1.0, 1.0)
    clusters = ClusteredRounds.of(shared, labels, processes=not across_launches)
    cluster_medians, estimate = clusters.medians, clusters.centre
    if rounds < MIN_ROUNDS:
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
    low, high = min(low, estimate) - clock_error, max(high, estimate) + clock_error

    def level(bound: float) -> float:
        """Return the smallest level at which the interval excludes a bound; 1 if the estimate does not pass it."""
        from_rounds = median_level(clusters.ordered, bound)
        return max(from_rounds, clusters.level(bound)) if cluster_medians.size > 1 else from_rounds

    p_different = p_same = 1.0
    if abs(estimate) > margin + clock_error:
        p_different = level(math.copysign(margin + clock_error, estimate))
    elif abs(estimate) <= margin - clock_error:
        p_same = max(level(clock_error - margin), level(margin - clock_error))
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
        clock_margin=clock_error,
        cluster_medians=tuple(cluster_medians.tolist()),
    )


def rounds_to_settle(
    pair: PairComparison, margin: float, confidence: float = 0.95, pairs: int = 1, most_processes: int = 0
) -> int | None:
    """Predict the total number of rounds for a verdict, provided that the estimate does not change.

    The error of the rounds shrinks with the square root of their number. Between-cluster variance and the error of a
    coarse clock remain; if these alone reach the bound, only more processes help. The interval that decides the verdict
    is wider than the displayed one because all pairs are judged together (Bonferroni's level). The distance to the
    bound is taken to be at least the median absolute error of an estimate, since an estimate may be close to the bound
    by chance.

    Args:
        pair: An inconclusive comparison.
        margin: Log of the upper bound of the region of equivalence.
        confidence: Confidence level of the interval in `pair`.
        pairs: Number of pairs that are judged together.
        most_processes: Number of processes per candidate that more rounds would use; 0 if it is unknown.

    Returns:
        The number of rounds; None if there is no interval, or if more rounds of the same processes cannot give a
        verdict.
    """
    if pair.log_ratio is None or pair.low is None or pair.high is None:
        return None
    level = (1 - confidence) / max(pairs, 1)
    from_rounds = (pair.high - pair.low) / 2 - pair.clock_margin if pair.half_width is None else pair.half_width
    noise = error = from_rounds / normal_quantile((1 + confidence) / 2)
    rounds, clusters = pair.rounds_in_interval or pair.rounds, len(pair.cluster_medians)
    if clusters > 1:
        half_width = (pair.high - pair.low) / 2
        if not pair.across_launches:  # the sign test's interval is asymmetric: take the side that faces the bound
            below, above = pair.log_ratio - pair.low, pair.high - pair.log_ratio
            half_width = max(below, above) if abs(pair.log_ratio) < margin else below if pair.log_ratio > 0 else above
        half_width -= pair.clock_margin
        error = max(half_width / student_quantile((1 + confidence) / 2, clusters - 1), noise)
    distance = _distance(pair, margin, error)
    if distance == 0:
        return None
    needed = rounds * (normal_quantile(1 - level / 2) * noise / distance) ** 2
    if clusters > 1:
        most = clusters if pair.across_launches else max(most_processes, clusters)
        wanted = (distance / student_quantile(1 - level / 2, most - 1)) ** 2
        spread = rounds * error**2 / wanted  # the number of processes grows with that of rounds, up to `most`
        is_separable = pair.across_launches or rounds >= _MIN_ROUNDS_PER_PROCESS * clusters
        if is_separable and spread > rounds * most / clusters:
            if (room := wanted - (error**2 - noise**2) * clusters / most) <= 0:
                return None
            spread = rounds * noise**2 / room
        needed = max(needed, spread)
    # The smallest p-value of n rounds is 2 · ½ⁿ, which must reach the corrected level: 2 · ½ⁿ ≤ level / pairs.
    least = 1 + math.log2(max(pairs, 1) / (1 - confidence))
    return math.ceil(max(needed, least, pair.rounds + 1)) if needed < _MAX_ROUNDS else None


def launches_to_settle(pair: PairComparison, margin: float, confidence: float = 0.95, pairs: int = 1) -> int | None:
    """Predict the total number of launches for a verdict, provided that their variance does not change.

    Args:
        pair: An inconclusive comparison.
        margin: Log of the upper bound of the region of equivalence.
        confidence: Confidence level of the interval in `pair`.
        pairs: Number of pairs that are judged together.

    Returns:
        The number of launches; None if launches are not the clusters, or if more than 1,000 would be needed.
    """
    if not pair.across_launches or pair.log_ratio is None:
        return None
    deviation = float(np.std(pair.cluster_medians, ddof=1))
    distance = _distance(pair, margin, deviation / math.sqrt(len(pair.cluster_medians)))
    level = 1 - (1 - confidence) / max(pairs, 1) / 2
    return next(
        (
            launches
            for launches in range(len(pair.cluster_medians) + 1, _MAX_LAUNCHES + 1)
            if student_quantile(level, launches - 1) * deviation / math.sqrt(launches) < distance
        ),
        None,
    )


def _distance(pair: PairComparison, margin: float, error: float) -> float:
    """Return the distance of an estimate from the bound, at least the median absolute error of an estimate.

    It is 0 if the clock step may have moved the estimate across the bound.
    """
    distance = abs(abs(pair.log_ratio or 0.0) - margin) - pair.clock_margin
    return 0.0 if pair.clock_margin and distance <= 0 else max(distance, normal_quantile(0.75) * error)
