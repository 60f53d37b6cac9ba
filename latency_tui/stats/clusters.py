"""What lies between the clusters of a comparison: its launches or, within one, its processes.

Identical models in two processes differ by up to a percent for as long as both live, however long they are measured.
So rounds of one draw are alike, and what they come to together is one observation of how clusters differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.quantiles import normal_quantile, normal_tail, student_quantile, student_tail
from latency_tui.stats.samples import sizes_of

LEAST_SIGNED = 5
"""Processes from which on signs are counted: all of five on one side are one in sixteen, as near 5 % as that comes."""

LEAST_CLUSTERS = 3
"""Fewest clusters over which an interval is computed. Two clusters say almost nothing about how they differ: Student's
factor for one degree of freedom is 12.7. With fewer than three launches, intervals are over their processes, and with
fewer than three processes, over their rounds.
"""


@dataclass(frozen=True, slots=True)
class ClusterLabels:
    """Where the blocks of each round come from.

    Attributes:
        launches: Which launch each round belongs to, counted from 0, `(n_rounds,)`.
        processes: Which process each block was answered by, counted from 0, of each candidate a row,
            `(n_candidates, n_rounds)`; those of another launch are others.
    """

    launches: NDArray[np.int64]
    processes: NDArray[np.int64]

    @classmethod
    def of(cls, shape: tuple[int, ...], launches: ArrayLike | None, processes: ArrayLike | None) -> ClusterLabels:
        """Bring labels into shape.

        Args:
            shape: Number of candidates and of rounds.
            launches: `(n_rounds,)`; None for one launch.
            processes: `(n_candidates, n_rounds)`; None where one process a candidate answered in each launch.

        Raises:
            ValueError: There is not one for each round, or for each block.
        """
        given = np.zeros(shape[1:], dtype=np.int64) if launches is None else np.asarray(launches, dtype=np.int64)
        if given.shape != shape[1:]:
            raise ValueError("Every round must say which launch it belongs to.")
        of_launch = np.unique(given, return_inverse=True)[1]
        within = np.zeros(shape, dtype=np.int64) if processes is None else np.asarray(processes, dtype=np.int64)
        if within.shape != shape:
            raise ValueError("Every block must say which process answered.")
        # Numbered from 0, so that they can be counted: there are many pairs to do that for.
        return cls(of_launch, np.unique(processes_of(of_launch, within), return_inverse=True)[1].reshape(shape))

    def clusters(
        self, there: NDArray[np.bool_], first: int, second: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], bool]:
        """Return which rounds of a pair count, what each of these is a draw of, and whether that is its launch.

        Launches are the clusters if the pair took part in half of the rounds of three or more launches: each counts
        for one, so that a launch in which a model soon failed would count for too much. Otherwise the clusters are
        processes, those of the candidate that had fewer.

        Args:
            there: Rounds in which both had a block, `(n_rounds,)`.
            first: A candidate.
            second: Another one.
        """
        begun = int(self.launches.max(initial=-1)) + 1
        shared = np.bincount(self.launches[there], minlength=begun)
        whole = np.flatnonzero((2 * shared >= np.bincount(self.launches, minlength=begun)) & (shared > 0))
        if whole.size >= LEAST_CLUSTERS:
            counted = there & np.isin(self.launches, whole)
            return counted, self.launches[counted], True
        rows = [self.processes[index][there] for index in (first, second)]
        counts = [int(np.count_nonzero(np.bincount(row))) for row in rows]
        labels = rows[counts.index(min(counts))]
        return there, labels if min(counts) >= LEAST_CLUSTERS else np.zeros_like(labels), False


def processes_of(launches: NDArray[np.int64], replicas: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for the process of each block: replicas of one number are another process in every launch.

    Args:
        launches: Which launch each round belongs to, `(n_rounds,)`.
        replicas: Which of its candidate's processes answered, `(n_rounds,)`, or of each candidate a row.
    """
    labels: NDArray[np.int64] = launches * (replicas.max(initial=0) + 1) + replicas
    return labels


@dataclass(frozen=True, slots=True)
class ClusteredRounds:
    """Rounds of one pair and what the clusters that they are of come to.

    Attributes:
        ordered: Log-ratios of the rounds in ascending order, `(n_rounds,)`, at least one.
        medians: Median log-ratio of each draw, `(n_clusters,)`.
        mean: Of these medians.
        error: Its standard error; nothing where there is one draw.
        deviations: How many standard deviations the sum of signs is from nothing, `(n_rounds + 1,)`, for a centre below
            all log-ratios, between each two neighbours, and above all. None where signs are not counted: they are those
            of processes of one launch, unless these are very few, have few rounds each, whose medians a bad moment
            moves; launches have many.
    """

    ordered: NDArray[np.float64]
    medians: NDArray[np.float64]
    mean: float
    error: float
    deviations: NDArray[np.float64] | None

    @classmethod
    def of(cls, log_ratios: NDArray[np.float64], labels: NDArray[np.int64], *, processes: bool) -> ClusteredRounds:
        """Sort rounds by their clusters, which are `processes` or else launches.

        Args:
            log_ratios: Of the rounds, `(n_rounds,)`.
            labels: Which draw each is of, counted from 0, `(n_rounds,)`.
            processes: Whether clusters are processes of one launch.
        """
        order = np.argsort(log_ratios)
        ordered, labels = log_ratios[order], labels[order]
        # Small numbers are sorted stably in a quarter of the time, and there are many pairs to do it for.
        grouped = np.argsort(labels.astype(np.min_scalar_type(labels.max())), kind="stable")
        values, runs = ordered[grouped], labels[grouped]
        begins = np.concatenate(([0], np.flatnonzero(runs[1:] != runs[:-1]) + 1))
        sizes = sizes_of(begins, runs.size)
        medians = (values[begins + (sizes - 1) // 2] + values[begins + sizes // 2]) / 2
        count = medians.size
        mean = float(medians.sum()) / count
        residuals = medians - mean
        error = math.sqrt(float(np.dot(residuals, residuals)) / (count - 1) / count) if count > 1 else 0.0
        deviations = None
        if processes and count >= LEAST_SIGNED:
            sums = np.empty(runs.size)  # of signs in the draw of each log-ratio, before it is passed itself
            sums[grouped] = np.repeat(sizes + 2 * begins, sizes) - 2 * np.arange(runs.size)
            deviations = _deviations(ordered, sums, sizes)
        return cls(ordered, medians, mean, error, deviations)

    @property
    def centre(self) -> float:
        """The estimate: the median over launches, or over all rounds where processes are counted by signs."""
        if self.deviations is None:
            return float(np.median(self.medians))
        count = self.ordered.size
        return float(self.ordered[(count - 1) // 2] + self.ordered[count // 2]) / 2

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the interval of the centre over clusters, of which there are two or more.

        Of launches it is Student's, from their medians, and of processes so few that signs refute nothing. Of processes
        it holds every centre θ at which the sum over rounds of sign(d − θ) is no further from nothing than its
        deviation allows, which is estimated from the sums of each process: a sign test whose unit is the process (as
        Larocque, Nevalainen and Oja, "A weighted multivariate sign test for cluster-correlated data", 2007). No round
        counts for more than one, however bad its moment was.

        Args:
            confidence: Two-sided.
        """
        level = (1 + confidence) / 2
        reach = student_quantile(level, self.medians.size - 1) * self.error
        students = self.mean - reach, self.mean + reach
        if self.deviations is None:
            return students
        held = np.flatnonzero(self.deviations <= normal_quantile(level))
        last = self.ordered.size - 1
        low, high = float(self.ordered[max(held[0] - 1, 0)]), float(self.ordered[min(held[-1], last)])
        if held[0] == 0:  # so few processes that signs refute nothing at this level
            low, high = min(low, students[0]), max(high, students[1])
        return low, high

    def level(self, border: float) -> float:
        """Return the smallest level at which `interval` no longer holds a border, a log-ratio.

        Where all rounds lie on one side of it, signs cannot tell how far, and few processes could never reach a level
        that is shared among many pairs: there Student's level of the processes' medians counts where it is smaller.
        """
        if self.deviations is None:
            return self._students_level(border)
        # The interval ends where the last centre is refuted: a border is when the mildest of all beyond it is.
        if border < self.centre:
            beyond = self.deviations[: np.searchsorted(self.ordered, border, side="right") + 1]
        else:
            beyond = self.deviations[np.searchsorted(self.ordered, border, side="left") :]
        by_signs = 2 * normal_tail(float(beyond.min()))
        return by_signs if beyond.size > 1 else min(by_signs, self._students_level(border))

    def _students_level(self, border: float) -> float:
        distance = abs(self.mean - border)
        t = distance / self.error if self.error else math.inf if distance else 0.0
        return 2 * student_tail(t, self.medians.size - 1)


def _deviations(
    ordered: NDArray[np.float64], sums: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how many standard deviations the sum of signs is from nothing, `(n_rounds + 1,)`.

    No centre lies between log-ratios that are equal. What stands there is of the centre that they are, which is refuted
    only where both of its neighbours are, on the same side.

    Args:
        ordered: Log-ratios in ascending order, `(n_rounds,)`.
        sums: Of signs in the draw of each log-ratio, before it is passed, `(n_rounds,)`.
        sizes: Of the clusters, `(n_clusters,)`.
    """
    squares = np.cumsum(np.concatenate(([np.square(sizes, dtype=np.float64).sum()], 4 - 4 * sums)))
    total = sums.size - 2.0 * np.arange(sums.size + 1)
    deviations: NDArray[np.float64] = np.abs(total) / np.sqrt(np.maximum(squares, 1.0))
    ties = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    if ties.size:
        below, above = (np.searchsorted(ordered, ordered[ties], side) for side in ("left", "right"))
        nearer = np.minimum(deviations[below], deviations[above])
        deviations[ties] = np.where(total[below] * total[above] <= 0, 0.0, nearer)
    return deviations
