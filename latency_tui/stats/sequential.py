"""Stopping when it is known: tests that may be looked at after every round and still err as seldom as they say.

A t-test looked at every other round until it says "different" does so for 21 % of identical pairs. The tests here bet
instead: each round a share of the wealth is staked on the sign and size of the round's log-ratio, measured from the
border of the region of equivalence, bounded, and divided by a scale known from earlier rounds only. If the null is
true the game is fair or worse, so that the wealth exceeds 1/α at any time whatever with a probability of at most α
(Ville 1939). Wealth is averaged over a grid of stakes, from timid to bold, so that none needs tuning to the data.

Sources: betting and its mixture over stakes, Waudby-Smith and Ramdas, "Estimating means of bounded random variables
by betting" (2024); the symmetric case, de la Peña, "A general class of exponential inequalities for martingales and
ratios" (1999); time-uniform use, Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic
confidence sequences" (2021).

What is assumed, and when it holds. The test of a border b is fair if, given the rounds before, the bounded distance
clip((d − b) / scale) has the mean zero. For two copies of one model and b = 0 nothing needs to be assumed: the order
of turns is drawn at random each round, so d is exactly symmetric about 0. For another border, or for two different
models, it is an assumption that d is symmetric about its centre, or, without symmetry, a statement about the centre
that makes the mean of the clipped distance zero (Huber's location with a small bound, which lies close to the
median). A null further off (the centre on the far side of b) only makes the game worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock import clock_margin
from latency_tui.stats.clusters import ClusteredRounds, ClusterLabels
from latency_tui.stats.comparison import (
    EQUIVALENCE,
    PairComparison,
    judge,
)

_BOUND = 0.5
"""Distances are cut off at half a standard deviation, which heavy tails cannot move."""

_FIRST_ROUNDS = 4
"""Rounds looked at to learn the scale before the first stake."""

_WINDOW = 255
"""Rounds back that the scale is learnt from, so that it takes constant time and follows the machine."""

_AT_ONCE = 2000
"""Rounds whose windows are sorted together, 4 MB of them."""

_STAKES: NDArray[np.float64] = np.geomspace(0.015, 0.8, 12)
_NORMAL_QUARTILES = 1.349
"""Distance of the quartiles of a standard normal distribution."""


class SequentialTest:
    """Tests of many pairs at once, fed one round at a time; a round costs the same however many came before.

    Each pair holds four games: against the ratio lying at most, or at least, on the upper border of the region of
    equivalence, and the same for the lower border.

    Attributes:
        rounds: Rounds seen of each pair, `(pairs,)`.
        margin: Log of the upper border.
    """

    def __init__(self, pairs: int, equivalence: float = EQUIVALENCE) -> None:
        """Begin with wealth 1 for every pair.

        Args:
            pairs: How many pairs of candidates.
            equivalence: Half-width of the region of practical equivalence, as a share.
        """
        self.rounds: NDArray[np.int64] = np.zeros(pairs, dtype=np.int64)
        self.margin = math.log1p(equivalence)
        self._window = np.full((pairs, _WINDOW), np.nan)
        self._wealth = np.zeros((pairs, 4, _STAKES.size))
        self._best = np.zeros((pairs, 4))

    def update(self, log_ratios: ArrayLike) -> None:
        """Take in one round.

        Args:
            log_ratios: Log of the ratio of block medians of each pair, `(pairs,)`; NaN where one had no block.

        Raises:
            ValueError: A log-ratio is infinite, or there are more or fewer than pairs.
        """
        d = np.asarray(log_ratios, dtype=np.float64)
        if d.shape != self.rounds.shape:
            raise ValueError("A round must bring one log-ratio for each pair.")
        if np.isinf(d).any():
            raise ValueError("A log-ratio must be finite.")
        there = ~np.isnan(d)
        betting = np.flatnonzero(there & (self.rounds >= _FIRST_ROUNDS))
        if betting.size:
            scale = _scale(self._window[betting])
            above, below = d[betting] - self.margin, d[betting] + self.margin
            x = _bounded(np.stack((above, -above, below, -below), axis=1), scale[:, np.newaxis])
            self._wealth[betting] += np.log1p(_STAKES * x[:, :, np.newaxis])
            self._best[betting] = np.maximum(self._best[betting], _log_mean(self._wealth[betting]))
        present = np.flatnonzero(there)
        self._window[present, self.rounds[present] % _WINDOW] = d[present]
        self.rounds[present] += 1

    @property
    def p_slower(self) -> NDArray[np.float64]:
        """Evidence against the ratio being at most the upper border, `(pairs,)`: small says slower beyond it."""
        evidence: NDArray[np.float64] = np.exp(-self._best[:, 0])
        return evidence

    @property
    def p_faster(self) -> NDArray[np.float64]:
        """Evidence against the ratio being at least the lower border, `(pairs,)`: small says faster beyond it."""
        evidence: NDArray[np.float64] = np.exp(-self._best[:, 3])
        return evidence

    @property
    def p_different(self) -> NDArray[np.float64]:
        """Anytime-valid p-value of the ratio lying inside the region of equivalence, `(pairs,)`."""
        evidence: NDArray[np.float64] = np.minimum(1.0, 2 * np.minimum(self.p_slower, self.p_faster))
        return evidence

    @property
    def p_same(self) -> NDArray[np.float64]:
        """Anytime-valid p-value of the ratio lying outside that region, `(pairs,)`.

        Twice the greater of the two borders', so that it is small exactly when the confidence sequence, which is
        two-sided, lies inside.
        """
        evidence: NDArray[np.float64] = 2 * np.exp(-np.minimum(self._best[:, 1], self._best[:, 2]))
        return np.minimum(1.0, evidence)


def compare_sequentially(
    medians: NDArray[np.float64],
    launches: ArrayLike | None,
    test: SequentialTest,
    *,
    processes: ArrayLike | None = None,
    pairs: Sequence[tuple[int, int]],
    places: Sequence[int],
    intervals_for: int | None = None,
    confidence: float = 0.95,
    clock_step: int = 0,
) -> tuple[PairComparison, ...]:
    """Compare candidates after a measurement that was stopped when it was known.

    As `stats.comparison.compare`, but p-values come from the test that decided when to stop, and intervals are
    confidence sequences; those of a fixed number of rounds would err more often than they say.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds, NaN where there was no block; some of the
            rounds are enough, which makes the intervals wider.
        launches: Which launch each is of, as there.
        test: The test, fed with every round.
        processes: Which process each block is of, as there.
        pairs: Which pairs are asked about, as indices (first, second) of candidates.
        places: The place of each of these pairs in the test.
        intervals_for: Only pairs with this candidate get an interval (it costs the most); None for all, and a number
            that no candidate has for verdicts alone.
        confidence: As there.
        clock_step: As there.
    """
    margin = test.margin
    logs, rounded = np.log(medians), clock_margin(medians, clock_step)
    origins = ClusterLabels.of(medians.shape, launches, processes)
    different, same = test.p_different, test.p_same
    alone: list[PairComparison] = []
    for (i, j), place in zip(pairs, places, strict=True):
        d = logs[j] - logs[i]
        there = ~np.isnan(d)
        there, labels, across_launches = origins.clusters(there, i, j)
        d = d[there]
        if not d.size:
            alone.append(PairComparison(i, j, 0, 0, None, None, None, 1.0, 1.0))
            continue
        clusters = ClusteredRounds.of(d, labels, processes=not across_launches)
        cluster_medians, estimate = clusters.medians, clusters.centre
        p_different, p_same = float(different[place]), float(same[place])
        slower, off = bool(test.p_slower[place] <= test.p_faster[place]), float(rounded[i] + rounded[j])
        if off and min(p_different, p_same) <= 1 - confidence:  # of steps the test knows nothing
            above, below = _games(d, 1 - (1 - confidence) / len(pairs))
            if not (above(margin + off) or below(margin + off)):
                p_different = 1.0
            if not (above(off - margin) and below(off - margin)):
                p_same = 1.0
        low, high = -math.inf, math.inf
        if intervals_for is None or intervals_for in (i, j):
            low, high = confidence_sequence(d, confidence) or (low, high)
        own = (high - low) / 2
        level = 1 - confidence
        # All rounds fed the test, so that what it knows at this level may sharpen an interval from some of them.
        if p_different <= level:
            low, high = (max(low, margin), high) if slower else (low, min(high, -margin))
        if p_same <= level:
            low, high = max(low, -margin), min(high, margin)
        if cluster_medians.size > 1:
            wide_low, wide_high = clusters.interval(confidence)
            low, high = min(low, wide_low), max(high, wide_high)
            beyond, within = margin + off, margin - off
            p_different = max(p_different, clusters.level(beyond if slower else -beyond))
            p_same = max(p_same, clusters.level(within), clusters.level(-within))
        if p_different < 1 and (estimate <= margin + off if slower else estimate >= -margin - off):
            p_different = 1.0
        if abs(estimate) > margin - off:
            p_same = 1.0
        known = math.isfinite(low) and math.isfinite(high)
        alone.append(
            PairComparison(
                first=i,
                second=j,
                rounds=int(test.rounds[place]),
                clusters=int(cluster_medians.size),
                log_ratio=estimate,
                low=min(low, estimate) - off if known else None,
                high=max(high, estimate) + off if known else None,
                p_different=p_different,
                p_same=p_same,
                across_launches=across_launches,
                rounds_in_interval=int(d.size),
                half_width=own if math.isfinite(own) else None,
                clock_margin=off,
                cluster_medians=tuple(cluster_medians.tolist()),
            )
        )
    return judge(alone, equivalence=math.expm1(margin), confidence=confidence)


def replay(medians: NDArray[np.float64], pairs: Sequence[tuple[int, int]], equivalence: float) -> SequentialTest:
    """Return a test fed with rounds gone by, for another region of equivalence.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds, NaN where there was no block.
        pairs: Which pairs, as indices (first, second) of candidates.
        equivalence: Half-width of the region of practical equivalence, as a share.
    """
    test = SequentialTest(len(pairs), equivalence)
    logs = np.log(medians)
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    for log_ratios in (logs[second] - logs[first]).T:
        test.update(log_ratios)
    return test


def confidence_sequence(log_ratios: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the interval that holds at whatever round the measurement was stopped.

    It holds every centre whose two one-sided games never reached 2 / (1 − confidence); since wealth falls as the
    centre rises, its ends are found by bisection. If a
    `SequentialTest` at that level says "slower", the lower end of this interval is beyond the bound.

    Args:
        log_ratios: Log-ratios of all rounds in the order measured, `(n_rounds,)`, no NaN.
        confidence: That the whole sequence of intervals ever shown holds the centre.

    Returns:
        Lower and upper end; infinite where nothing bounds that side yet; None where there is no round to bet on.
    """
    d = np.asarray(log_ratios, dtype=np.float64)
    if d.size <= _FIRST_ROUNDS:
        return None
    above, below = _games(d, confidence)
    spread = float(np.ptp(d)) + 1e-9
    return _end(above, float(d.min()) - spread, float(d.max())), -_end(below, float(-d.max()) - spread, float(-d.min()))


def _games(d: NDArray[np.float64], confidence: float) -> tuple[Callable[[float], bool], Callable[[float], bool]]:
    """Return what tells whether "at most this" was refuted as the centre, and the same of the log-ratios' negatives."""
    if d.size <= _FIRST_ROUNDS:
        return (lambda _: False), (lambda _: False)
    windows = sliding_window_view(np.concatenate((np.full(_WINDOW, np.nan), d[:-1])), _WINDOW)
    parts = range(_FIRST_ROUNDS, d.size, _AT_ONCE)
    scales = np.concatenate([_scale(windows[begin : begin + _AT_ONCE]) for begin in parts])
    needed = math.log(2 / (1 - confidence))

    def refuted(bets: NDArray[np.float64], centre: float) -> bool:
        x = _bounded(bets - centre, scales)
        wealth = np.cumsum(np.log1p(_STAKES[:, np.newaxis] * x), axis=1)
        return bool(_log_mean(wealth.T).max() >= needed)

    bets = d[_FIRST_ROUNDS:]
    return (lambda centre: refuted(bets, centre)), (lambda centre: refuted(-bets, centre))


def _end(refuted: Callable[[float], bool], low: float, high: float) -> float:
    """Return the greatest centre between these that is refuted: the lower end."""
    if not refuted(low):
        return -math.inf
    for _ in range(40):
        middle = (low + high) / 2
        if refuted(middle):
            low = middle
        else:
            high = middle
    return low


def _scale(window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a robust standard deviation of earlier log-ratios, `(n,)`, from their quartiles; NaN are no rounds."""
    ordered = np.sort(window, axis=1)
    counts = (~np.isnan(window)).sum(axis=1)
    rows = np.arange(window.shape[0])
    lower = ordered[rows, counts // 4]
    upper = ordered[rows, counts - 1 - counts // 4]
    scale: NDArray[np.float64] = (upper - lower) / _NORMAL_QUARTILES
    return scale


def _bounded(distances: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances in units of the bound, cut off at ±1; their signs where the scale is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.clip(distances / (_BOUND * scale), -1, 1)
    return np.where(scale > 0, inside, np.sign(distances))


def _log_mean(log_wealth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of the mean over the last axis, without overflow."""
    top = log_wealth.max(axis=-1)
    mean: NDArray[np.float64] = top + np.log(np.exp(log_wealth - top[..., np.newaxis]).mean(axis=-1))
    return mean
