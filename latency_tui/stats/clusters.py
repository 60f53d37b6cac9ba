"""Between-cluster variance of a paired comparison; clusters are launches or, within one launch, processes.

Identical models in two processes differ by up to 1 % for as long as both processes live, however long they are
measured. Rounds that share a process are therefore correlated, and each cluster provides one observation of the
variance between clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.stats.distributions import normal_quantile, normal_tail, student_quantile, student_tail
from latency_tui.stats.samples import round_sizes

MIN_SIGNED = 5
"""Fewest processes for the clustered sign test. With five processes the smallest two-sided p is 1/16, close to 5 %."""


@dataclass(frozen=True, slots=True)
class ClusterLabels:
    """The launch and the processes in which each round was measured.

    Attributes:
        launches: Launch of each round, counted from 0, `(n_rounds,)`.
        processes: Process of each block, counted from 0, `(n_candidates, n_rounds)`. Processes of different launches
            have different numbers.
    """

    launches: NDArray[np.int64]
    processes: NDArray[np.int64]

    @classmethod
    def of(cls, shape: tuple[int, ...], launches: ArrayLike | None, processes: ArrayLike | None) -> ClusterLabels:
        """Validate labels and renumber them from 0.

        Args:
            shape: Number of candidates and number of rounds.
            launches: Launch of each round, `(n_rounds,)`; None if there was one launch.
            processes: Process of each block within its launch, `(n_candidates, n_rounds)`; None if each candidate had
                one process per launch.

        Raises:
            ValueError: The number of labels differs from the number of rounds or blocks.
        """
        given = np.zeros(shape[1:], dtype=np.int64) if launches is None else np.asarray(launches, dtype=np.int64)
        if given.shape != shape[1:]:
            raise ValueError("Give one launch label per round.")
        of_launch = np.unique(given, return_inverse=True)[1]
        within = np.zeros(shape, dtype=np.int64) if processes is None else np.asarray(processes, dtype=np.int64)
        if within.shape != shape:
            raise ValueError("Give one process label per block.")
        # Numbered from 0 for `np.bincount`, which is fast enough to call for every pair.
        return cls(of_launch, np.unique(number_processes(of_launch, within), return_inverse=True)[1].reshape(shape))

    @property
    def launch_count(self) -> int:
        """Number of launches."""
        return int(self.launches.max(initial=-1)) + 1

    def clusters(
        self, present: NDArray[np.bool_], first: int, second: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], bool]:
        """Select the rounds and the clusters for the comparison of a pair.

        Launches are the clusters if the pair has blocks in at least half of the rounds of three or more launches. All
        launches have equal weight, so a launch in which a model failed early is excluded. Otherwise the clusters are
        the processes of the candidate that has fewer processes.

        Args:
            present: Whether both candidates have a block in each round, `(n_rounds,)`.
            first: Index of one candidate.
            second: Index of the other candidate.

        Returns:
            Whether each round is used, `(n_rounds,)`; the cluster of each used round; whether the clusters are
            launches.
        """
        begun = self.launch_count
        shared = np.bincount(self.launches[present], minlength=begun)
        whole = np.flatnonzero((2 * shared >= np.bincount(self.launches, minlength=begun)) & (shared > 0))
        if whole.size >= MIN_CLUSTERS:
            counted = present & np.isin(self.launches, whole)
            return counted, self.launches[counted], True
        rows = [self.processes[index][present] for index in (first, second)]
        counts = [int(np.count_nonzero(np.bincount(row))) for row in rows]
        labels = rows[counts.index(min(counts))]
        return present, labels if min(counts) >= MIN_CLUSTERS else np.zeros_like(labels), False


def number_processes(launches: NDArray[np.int64], replicas: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a unique number per process for each block. The same replica number in another launch is another process.

    Args:
        launches: Launch of each round, `(n_rounds,)`.
        replicas: Replica that measured each block, `(n_rounds,)` or `(n_candidates, n_rounds)`.
    """
    labels: NDArray[np.int64] = launches * (replicas.max(initial=0) + 1) + replicas
    return labels


@dataclass(frozen=True, slots=True)
class ClusteredRounds:
    """The log-ratios of one pair in ascending order, with the statistics of their clusters.

    Attributes:
        ordered: Log-ratios of the rounds in ascending order, `(n_rounds,)`, at least one.
        medians: Median log-ratio of each cluster, `(n_clusters,)`.
        mean: Mean of the cluster medians.
        error: Standard error of that mean; 0 if there is one cluster.
        deviations: The sum of signs divided by its standard deviation, `(n_rounds + 1,)`, for a centre below all
            log-ratios, between each two neighbours, and above all. None if the sign test does not apply: the clusters
            are launches, or there are fewer than five processes. Signs are used for processes because each has few
            rounds, so one disturbance moves its median; a launch has many rounds.
    """

    ordered: NDArray[np.float64]
    medians: NDArray[np.float64]
    mean: float
    error: float
    deviations: NDArray[np.float64] | None

    @classmethod
    def of(cls, log_ratios: NDArray[np.float64], labels: NDArray[np.int64], *, processes: bool) -> ClusteredRounds:
        """Group log-ratios by cluster.

        Args:
            log_ratios: Log-ratio of each round, `(n_rounds,)`.
            labels: Cluster of each round, counted from 0, `(n_rounds,)`.
            processes: Whether the clusters are processes of one launch; if not, they are launches.
        """
        order = np.argsort(log_ratios)
        ordered, labels = log_ratios[order], labels[order]
        # A stable sort of a small integer type takes a quarter of the time, and there are many pairs.
        grouped = np.argsort(labels.astype(np.min_scalar_type(labels.max())), kind="stable")
        values, runs = ordered[grouped], labels[grouped]
        begins = np.concatenate(([0], np.flatnonzero(runs[1:] != runs[:-1]) + 1))
        sizes = round_sizes(begins, runs.size)
        medians = (values[begins + (sizes - 1) // 2] + values[begins + sizes // 2]) / 2
        count = medians.size
        mean = float(medians.sum()) / count
        residuals = medians - mean
        error = math.sqrt(float(np.dot(residuals, residuals)) / (count - 1) / count) if count > 1 else 0.0
        deviations = None
        if processes and count >= MIN_SIGNED:
            sums = np.empty(runs.size)  # per log-ratio: sum of signs in its cluster before the centre passes it
            sums[grouped] = np.repeat(sizes + 2 * begins, sizes) - 2 * np.arange(runs.size)
            deviations = _deviations(ordered, sums, sizes)
        return cls(ordered, medians, mean, error, deviations)

    @property
    def centre(self) -> float:
        """The estimate: the median of the cluster medians, or the median of all rounds if the sign test applies."""
        if self.deviations is None:
            return float(np.median(self.medians))
        count = self.ordered.size
        return float(self.ordered[(count - 1) // 2] + self.ordered[count // 2]) / 2

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval of the centre over two or more clusters.

        For launches, and for fewer than five processes, it is Student's interval of the cluster medians. For more
        processes it contains every centre θ for which the sum over rounds of sign(d − θ) is within its normal quantile.
        The variance of the sum is estimated from the sum of each process: a sign test for clustered data (Larocque,
        Nevalainen and Oja, "A weighted multivariate sign test for cluster-correlated data", 2007). No round has more
        weight than another, so outliers cannot dominate.

        Args:
            confidence: Two-sided confidence level.
        """
        level = (1 + confidence) / 2
        half_width = student_quantile(level, self.medians.size - 1) * self.error
        students_interval = self.mean - half_width, self.mean + half_width
        if self.deviations is None:
            return students_interval
        held = np.flatnonzero(self.deviations <= normal_quantile(level))
        last = self.ordered.size - 1
        low, high = float(self.ordered[max(held[0] - 1, 0)]), float(self.ordered[min(held[-1], last)])
        if held[0] == 0:  # there are too few processes for the sign test to reject at this level
            low, high = min(low, students_interval[0]), max(high, students_interval[1])
        return low, high

    def p_value(self, bound: float) -> float:
        """Return the smallest level at which `interval` excludes a bound, which is a log-ratio.

        If all rounds are on one side of the bound, signs carry no information on the distance, and a few processes
        could never reach a level that is divided among many pairs. In that case the level of Student's interval is used
        if it is smaller.
        """
        if self.deviations is None:
            return self._students_p_value(bound)
        # The interval ends at the last rejected centre, so a bound is excluded if all centres beyond it are rejected.
        if bound < self.centre:
            beyond = self.deviations[: np.searchsorted(self.ordered, bound, side="right") + 1]
        else:
            beyond = self.deviations[np.searchsorted(self.ordered, bound, side="left") :]
        by_signs = 2 * normal_tail(float(beyond.min()))
        return by_signs if beyond.size > 1 else min(by_signs, self._students_p_value(bound))

    def _students_p_value(self, bound: float) -> float:
        distance = abs(self.mean - bound)
        t = distance / self.error if self.error else math.inf if distance else 0.0
        return 2 * student_tail(t, self.medians.size - 1)


def _deviations(
    ordered: NDArray[np.float64], sums: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the sum of signs divided by its standard deviation, `(n_rounds + 1,)`.

    There is no centre between equal log-ratios. Such an entry stands for the centre that equals them, which is rejected
    only if both neighbours are rejected on the same side.

    Args:
        ordered: Log-ratios in ascending order, `(n_rounds,)`.
        sums: Sum of signs in the cluster of each log-ratio, before the centre passes that log-ratio, `(n_rounds,)`.
        sizes: Number of rounds of each cluster, `(n_clusters,)`.
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
