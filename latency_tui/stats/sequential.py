"""Sequential tests (early stopping): the p-values stay valid if they are checked after every round.

A t-test that is checked every other round until it reports a difference does so for 21 % of identical pairs. The tests
here are betting tests. In each round a share of the wealth is staked on the sign and size of the round's log-ratio,
measured from a bound of the region of equivalence, clipped, and divided by a scale that only earlier rounds determine.
Under the null hypothesis the bet is fair or unfavourable, so the wealth ever exceeds 1/α with probability at most α
(Ville 1939). Wealth is averaged over a grid of stakes, so none needs to be tuned to the data.

Sources: betting with a mixture of stakes, Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
betting" (2024); the symmetric case, de la Peña, "A general class of exponential inequalities for martingales and
ratios" (1999); time-uniform validity, Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic
confidence sequences" (2021).

Assumptions: the test of a bound b is fair if, given the earlier rounds, the clipped distance clip((d − b) / scale) has
mean zero. For two replicas of one model and b = 0 this holds by design: the order of candidates is random in each
round, so d is symmetric about 0. For another bound, or for different models, it assumes that d is symmetric about its
centre. Without symmetry the test is about the centre for which the mean of the clipped distance is zero (Huber's
location with a small bound, which is close to the median). A centre beyond b only makes the bet less favourable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock_resolution import clock_margin
from latency_tui.stats.clusters import ClusteredRounds, ClusterLabels
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.pair_evidence import PairEvidence

_BOUND = 0.5
"""Distances are clipped at half a standard deviation, which limits the effect of heavy tails."""

_FIRST_ROUNDS = 4
"""Rounds that determine the scale before the first bet."""

_WINDOW = 255
"""Number of recent rounds that determine the scale, which bounds the time per round and lets the scale follow drift."""

_AT_ONCE = 2000
"""Rounds whose windows are sorted together, which takes 4 MB."""

_STAKES: NDArray[np.float64] = np.geomspace(0.015, 0.8, 12)
"""Shares of the wealth that are staked, from cautious to bold."""
_NORMAL_QUARTILES = 1.349
"""Distance between the quartiles of a standard normal distribution."""


class SequentialTest:
    """Sequential tests of many pairs, updated with one round at a time in constant time.

    Each pair has four one-sided tests: that the ratio is at most, or at least, the upper bound of the region of
    equivalence, and the same for the lower bound.

    Attributes:
        rounds: Number of rounds of each pair, `(pairs,)`.
        margin: Log of the upper bound.
    """

    def __init__(self, pairs: int, equivalence: float = EQUIVALENCE) -> None:
        """Start with wealth 1 for every pair.

        Args:
            pairs: Number of pairs of candidates.
            equivalence: Half-width of the region of practical equivalence, as a share.
        """
        self.rounds: NDArray[np.int64] = np.zeros(pairs, dtype=np.int64)
        self.margin = math.log1p(equivalence)
        self._window = np.full((pairs, _WINDOW), np.nan)
        self._wealth = np.zeros((pairs, 4, _STAKES.size))
        self._best = np.zeros((pairs, 4))

    def update(self, log_ratios: ArrayLike) -> None:
        """Update the tests with one round.

        Args:
            log_ratios: Log of the ratio of block medians of each pair, `(pairs,)`; NaN if a candidate had no block.

        Raises:
            ValueError: A log-ratio is infinite, or their number differs from that of the pairs.
        """
        d = np.asarray(log_ratios, dtype=np.float64)
        if d.shape != self.rounds.shape:
            raise ValueError("Give one log-ratio per pair.")
        if np.isinf(d).any():
            raise ValueError("Log-ratios must be finite.")
        is_present = ~np.isnan(d)
        betting = np.flatnonzero(is_present & (self.rounds >= _FIRST_ROUNDS))
        if betting.size:
            scale = _scale(self._window[betting])
            above, below = d[betting] - self.margin, d[betting] + self.margin
            x = _clip(np.stack((above, -above, below, -below), axis=1), scale[:, np.newaxis])
            self._wealth[betting] += np.log1p(_STAKES * x[:, :, np.newaxis])
            self._best[betting] = np.maximum(self._best[betting], _log_mean(self._wealth[betting]))
        present = np.flatnonzero(is_present)
        self._window[present, self.rounds[present] % _WINDOW] = d[present]
        self.rounds[present] += 1

    @property
    def p_slower(self) -> NDArray[np.float64]:
        """Anytime-valid p-value of the ratio being at most the upper bound, `(pairs,)`; a small value means slower."""
        evidence: NDArray[np.float64] = np.exp(-self._best[:, 0])
        return evidence

    @property
    def p_faster(self) -> NDArray[np.float64]:
        """Anytime-valid p-value of the ratio being at least the lower bound, `(pairs,)`; a small value means faster."""
        evidence: NDArray[np.float64] = np.exp(-self._best[:, 3])
        return evidence

    @property
    def p_different(self) -> NDArray[np.float64]:
        """Anytime-valid p-value of the ratio being inside the region of equivalence, `(pairs,)`."""
        evidence: NDArray[np.float64] = np.minimum(1.0, 2 * np.minimum(self.p_slower, self.p_faster))
        return evidence

    @property
    def p_same(self) -> NDArray[np.float64]:
        """Anytime-valid p-value of the ratio being outside that region, `(pairs,)`.

        It is twice the larger p-value of the two bounds, so it is small exactly if the two-sided confidence sequence is
        inside the region.
        """
        evidence: NDArray[np.float64] = 2 * np.exp(-np.minimum(self._best[:, 1], self._best[:, 2]))
        return np.minimum(1.0, evidence)


def sequential_evidence(
    medians: NDArray[np.float64],
    launches: ArrayLike | None,
    test: SequentialTest,
    *,
    processes: ArrayLike | None = None,
    pairs: Sequence[tuple[int, int]],
    indices: Sequence[int],
    intervals_for: int | None = None,
    confidence: float = 0.95,
    clock_step: int = 0,
) -> tuple[PairEvidence, ...]:
    """Return the evidence on pairs of candidates from a measurement that a sequential test may have stopped.

    It works as `pair_evidence`, but p-values come from the test that decided when to stop, and intervals are
    confidence sequences. Those for a fixed number of rounds would exceed their error rate.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if there was no block. A subset of the
            rounds is valid; it makes the intervals wider.
        launches: Launch of each round, as in `pair_evidence`.
        test: The test, updated with every round.
        processes: Process of each block, as in `pair_evidence`.
        pairs: Pairs to compare, as indices (first, second) of candidates.
        indices: Index of each of these pairs in the test.
        intervals_for: Compute intervals only for pairs with this candidate, since they take the most time. None for
            all; an index that no candidate has for none.
        confidence: As in `pair_evidence`.
        clock_step: As in `pair_evidence`.
    """
    margin = test.margin
    logs, errors = np.log(medians), clock_margin(medians, clock_step)
    cluster_labels = ClusterLabels.of(medians.shape, launches, processes)
    different, same = test.p_different, test.p_same
    found: list[PairEvidence] = []
    for (i, j), index in zip(pairs, indices, strict=True):
        d = logs[j] - logs[i]
        used, labels, across_launches = cluster_labels.clusters(~np.isnan(d), i, j)
        d = d[used]
        if not d.size:
            found.append(PairEvidence(first=i, second=j, launches=min(cluster_labels.launch_count, 2)))
            continue
        clusters = ClusteredRounds.of(d, labels, processes=not across_launches)
        cluster_medians, estimate = clusters.medians, clusters.centre
        p_different, p_same = float(different[index]), float(same[index])
        slower, error = bool(test.p_slower[index] <= test.p_faster[index]), float(errors[i] + errors[j])
        if error and min(p_different, p_same) <= 1 - confidence:  # the test ignores the clock step
            above, below = _one_sided_tests(d, 1 - (1 - confidence) / len(pairs))
            if not (above(margin + error) or below(margin + error)):
                p_different = 1.0
            if not (above(error - margin) and below(error - margin)):
                p_same = 1.0
        low, high = -math.inf, math.inf
        if intervals_for is None or intervals_for in (i, j):
            low, high = confidence_sequence(d, confidence) or (low, high)
        half_width = (high - low) / 2
        level = 1 - confidence
        # The test has seen all rounds, so its rejections may narrow an interval that comes from a subset of them.
        if p_different <= level:
            low, high = (max(low, margin), high) if slower else (low, min(high, -margin))
        if p_same <= level:
            low, high = max(low, -margin), min(high, margin)
        if cluster_medians.size > 1:
            wide_low, wide_high = clusters.interval(confidence)
            low, high = min(low, wide_low), max(high, wide_high)
            beyond, within = margin + error, margin - error
            p_different = max(p_different, clusters.p_value(beyond if slower else -beyond))
            p_same = max(p_same, clusters.p_value(within), clusters.p_value(-within))
        if p_different < 1 and (estimate <= margin + error if slower else estimate >= -margin - error):
            p_different = 1.0
        if abs(estimate) > margin - error:
            p_same = 1.0
        is_bounded = math.isfinite(low) and math.isfinite(high)
        found.append(
            PairEvidence(
                first=i,
                second=j,
                rounds=int(test.rounds[index]),
                log_ratio=estimate,
                low=min(low, estimate) - error if is_bounded else None,
                high=max(high, estimate) + error if is_bounded else None,
                p_different=p_different,
                p_same=p_same,
                launches=cluster_medians.size if across_launches else min(cluster_labels.launch_count, 2),
                across_launches=across_launches,
                rounds_in_interval=int(d.size),
                half_width=half_width if math.isfinite(half_width) else None,
                clock_margin=error,
                cluster_medians=tuple(cluster_medians.tolist()),
            )
        )
    return tuple(found)


def replay(medians: NDArray[np.float64], pairs: Sequence[tuple[int, int]], equivalence: float) -> SequentialTest:
    """Return a test that is updated with earlier rounds, for another region of equivalence.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if there was no block.
        pairs: Pairs, as indices (first, second) of candidates.
        equivalence: Half-width of the region of practical equivalence, as a share.
    """
    test = SequentialTest(len(pairs), equivalence)
    logs = np.log(medians)
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    for log_ratios in (logs[second] - logs[first]).T:
        test.update(log_ratios)
    return test


def confidence_sequence(log_ratios: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return a confidence interval that is valid regardless of the round at which the measurement stops.

    It contains every centre whose two one-sided tests never reached 2 / (1 − confidence). Wealth falls as the centre
    rises, so the ends are found by bisection. If a `SequentialTest` at this level reports "slower", the lower end is
    beyond the bound.

    Args:
        log_ratios: Log-ratios of all rounds in the order measured, `(n_rounds,)`, without NaN.
        confidence: Probability that all intervals of the sequence contain the centre.

    Returns:
        Lower and upper end, infinite if that side is unbounded; None if there are too few rounds.
    """
    d = np.asarray(log_ratios, dtype=np.float64)
    if d.size <= _FIRST_ROUNDS:
        return None
    above, below = _one_sided_tests(d, confidence)
    spread = float(np.ptp(d)) + 1e-9
    return _bisect(above, float(d.min()) - spread, float(d.max())), -_bisect(
        below, float(-d.max()) - spread, float(-d.min())
    )


def _one_sided_tests(
    d: NDArray[np.float64], confidence: float
) -> tuple[Callable[[float], bool], Callable[[float], bool]]:
    """Return two functions of a centre: whether it is rejected as an upper bound of d, and as one of −d."""
    if d.size <= _FIRST_ROUNDS:
        return (lambda _: False), (lambda _: False)
    windows = sliding_window_view(np.concatenate((np.full(_WINDOW, np.nan), d[:-1])), _WINDOW)
    parts = range(_FIRST_ROUNDS, d.size, _AT_ONCE)
    scales = np.concatenate([_scale(windows[begin : begin + _AT_ONCE]) for begin in parts])
    needed = math.log(2 / (1 - confidence))

    def is_rejected(bets: NDArray[np.float64], centre: float) -> bool:
        x = _clip(bets - centre, scales)
        wealth = np.cumsum(np.log1p(_STAKES[:, np.newaxis] * x), axis=1)
        return bool(_log_mean(wealth.T).max() >= needed)

    bets = d[_FIRST_ROUNDS:]
    return (lambda centre: is_rejected(bets, centre)), (lambda centre: is_rejected(-bets, centre))


def _bisect(is_rejected: Callable[[float], bool], low: float, high: float) -> float:
    """Return the largest rejected centre between two values, which is the lower end of the interval."""
    if not is_rejected(low):
        return -math.inf
    for _ in range(40):
        middle = (low + high) / 2
        if is_rejected(middle):
            low = middle
        else:
            high = middle
    return low


def _scale(window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a robust standard deviation of earlier log-ratios, `(n,)`, from quartiles; NaN stands for no round."""
    ordered = np.sort(window, axis=1)
    counts = (~np.isnan(window)).sum(axis=1)
    rows = np.arange(window.shape[0])
    lower = ordered[rows, counts // 4]
    upper = ordered[rows, counts - 1 - counts // 4]
    scale: NDArray[np.float64] = (upper - lower) / _NORMAL_QUARTILES
    return scale


def _clip(distances: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances in units of the bound, clipped at ±1; their signs if the scale is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.clip(distances / (_BOUND * scale), -1, 1)
    return np.where(scale > 0, inside, np.sign(distances))


def _log_mean(log_wealth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of the mean over the last axis, without overflow."""
    top = log_wealth.max(axis=-1)
    mean: NDArray[np.float64] = top + np.log(np.exp(log_wealth - top[..., np.newaxis]).mean(axis=-1))
    return mean
