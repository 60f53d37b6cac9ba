"""Evidence on pairs of candidates: paired by round and distribution-free.

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

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock_resolution import clock_margin
from latency_tui.stats.clusters import ClusteredRounds, ClusterLabels
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.median_ci import median_interval, median_p_value
from latency_tui.stats.percentiles import MIN_ROUNDS
from latency_tui.stats.prediction_interval import prediction_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEvidence:
    """Evidence on one pair of candidates. Log-ratios are natural logs of the second latency over the first.

    Attributes:
        first: Index of the reference candidate.
        second: Index of the candidate that is compared with it.
        rounds: Number of rounds in which both have a block.
        log_ratio: The estimate; None if no round has a block of both.
        low: Lower end of the interval, not corrected for other pairs; None if there are too few rounds.
        high: Upper end of the interval.
        p_different: Smallest level at which the interval excludes the region of equivalence; 1 if there is none.
        p_same: Smallest level at which the interval is inside that region; 1 if there is none.
        launches: Number of launches used; at most two unless launches are the clusters.
        across_launches: Whether the clusters are launches; if not, they are processes.
        cluster_medians: Median log-ratio of each cluster.
        rounds_in_interval: Number of rounds used for the interval; None if it is all of them.
        half_width: Half the width of the interval over rounds alone; None if there is no interval.
        clock_margin: Largest error of the log-ratio caused by the clock step; it is added to both ends of the interval.
    """

    first: int
    second: int
    rounds: int = 0
    log_ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p_different: float = 1.0
    p_same: float = 1.0
    launches: int = 0
    across_launches: bool = False
    cluster_medians: tuple[float, ...] = ()
    rounds_in_interval: int | None = None
    half_width: float | None = None
    clock_margin: float = 0.0

    @property
    def is_tested(self) -> bool:
        """Whether there are enough rounds for a verdict."""
        return self.rounds >= MIN_ROUNDS

    @property
    def flipped(self) -> PairEvidence:
        """The same evidence with the two candidates exchanged."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            log_ratio=None if self.log_ratio is None else -self.log_ratio,
            low=None if self.high is None else -self.high,
            high=None if self.low is None else -self.low,
            cluster_medians=tuple(-centre for centre in self.cluster_medians),
        )

    @property
    def predicted(self) -> tuple[float, float] | None:
        """Prediction interval of the log-ratio of another launch; None with fewer than three launches.

        It always contains the confidence interval. A few launches that agree by chance would otherwise give a narrower
        interval than the rounds within them.
        """
        ends = prediction_interval(self.cluster_medians) if self.across_launches else None
        if ends is None or self.low is None or self.high is None:
            return None
        return min(ends[0] - self.clock_margin, self.low), max(ends[1] + self.clock_margin, self.high)


def pair_evidence(
    medians: ArrayLike,
    launches: ArrayLike | None = None,
    *,
    processes: ArrayLike | None = None,
    pairs: Sequence[tuple[int, int]] | None = None,
    equivalence: float = EQUIVALENCE,
    confidence: float = 0.95,
    clock_step: int = 0,
) -> tuple[PairEvidence, ...]:
    """Return the evidence on pairs of candidates, from a number of rounds that was set beforehand.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if a candidate had no block.
        launches: Launch of each round, `(n_rounds,)`; None if there was one launch. All launches have equal weight, so
            leave out a launch that was stopped early.
        processes: Process of each block within its launch, `(n_candidates, n_rounds)`; None if each candidate had one
            process per launch.
        pairs: Pairs to compare, as indices (first, second); None for all.
        equivalence: Half-width of the region of practical equivalence, as a share: 0.01 means ratios within 1 %.
        confidence: Confidence level of each interval.
        clock_step: Step of the clock in nanoseconds; 0 if it is negligible or unknown.

    Returns:
        The evidence on each pair, in the order of `pairs`.

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
    return tuple(
        _evidence(i, j, logs[j] - logs[i], labels, margin, confidence, float(errors[i] + errors[j])) for i, j in chosen
    )


def _evidence(
    first: int,
    second: int,
    log_ratios: NDArray[np.float64],
    cluster_labels: ClusterLabels,
    margin: float,
    confidence: float,
    clock_error: float,
) -> PairEvidence:
    used, labels, across_launches = cluster_labels.clusters(~np.isnan(log_ratios), first, second)
    shared = log_ratios[used]
    if not shared.size:
        return PairEvidence(first=first, second=second, launches=min(cluster_labels.launch_count, 2))
    clusters = ClusteredRounds.of(shared, labels, processes=not across_launches)
    cluster_medians, estimate = clusters.medians, clusters.centre
    found = PairEvidence(
        first=first,
        second=second,
        rounds=int(shared.size),
        log_ratio=estimate,
        launches=cluster_medians.size if across_launches else min(np.unique(cluster_labels.launches[used]).size, 2),
        across_launches=across_launches,
        cluster_medians=tuple(cluster_medians.tolist()),
    )
    if not found.is_tested:
        return found
    low, high = median_interval(clusters.ordered, confidence)
    half_width = (high - low) / 2
    if cluster_medians.size > 1:
        wide_low, wide_high = clusters.interval(confidence)
        low, high = min(low, wide_low), max(high, wide_high)

    def p_value(bound: float) -> float:
        """Return the smallest level at which the interval excludes a bound; 1 if the estimate does not pass it."""
        from_rounds = median_p_value(clusters.ordered, bound)
        return max(from_rounds, clusters.p_value(bound)) if cluster_medians.size > 1 else from_rounds

    p_different = p_same = 1.0
    if abs(estimate) > margin + clock_error:
        p_different = p_value(math.copysign(margin + clock_error, estimate))
    elif abs(estimate) <= margin - clock_error:
        p_same = max(p_value(clock_error - margin), p_value(margin - clock_error))
    return replace(
        found,
        low=min(low, estimate) - clock_error,
        high=max(high, estimate) + clock_error,
        p_different=p_different,
        p_same=p_same,
        half_width=half_width,
        clock_margin=clock_error,
    )
