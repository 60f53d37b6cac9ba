"""Percentiles with intervals that know that calls in a round are alike.

Latencies of neighbouring calls are dependent: 10,000 calls can be worth 100. The textbook interval from order
statistics treats them as independent and is far too narrow. Here its ranks are widened by the design effect of the
rounds (Woodruff 1952, the round as the cluster), which is in closed form and needs no resampling. Where that leaves the
median unbounded, for a few processes lie far apart, its interval is Student's over their medians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock import half_step
from latency_tui.stats.clusters import LEAST_CLUSTERS
from latency_tui.stats.quantiles import normal_quantile, student_quantile
from latency_tui.stats.samples import Latencies, as_latencies, as_starts, sizes_of

PERCENTILES: dict[str, float] = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p97": 0.97, "p99": 0.99, "p99_9": 0.999}
LEAST_ROUNDS = 6
"""Rounds that a 95 % interval rests on at the least: 2 · ½⁶ is the first power of ½ below 5 %."""

ALIKE = 0.5
"""What calls of a round have in common on a noisy machine: the correlation of whether they lie beyond a percentile.

Of calls of 0.1 ms it was 0.1 to 0.35; with what rounds of one stretch or process share, 0.5 is what held in full.
"""

TAIL_SECONDS = 30.0
"""How long a measurement lasts on the clock before a tail percentile has an upper end.

A machine's tails wander for tens of seconds: of 3 s, 10 s and 30 s on the clock, intervals of p95 held what eight
minutes came to in 41, 57 and 93 % (251, 91 and 28 given), in another hour 82 % (22) of 30 s. Medians wander less.
"""

_COARSE_CLUSTERS = 10
_SAMPLES_AT_ONCE = 100_000
"""Samples compared with all percentiles in one step, which takes 6 MB."""

_LOADGEN_CONFIDENCE = 0.99


@dataclass(frozen=True, slots=True)
class PercentileEstimate:
    """One percentile, in nanoseconds.

    Attributes:
        value: The sample percentile; None where there are no samples.
        low: Lower end of the interval; None where nothing bounds it.
        high: Upper end; None where there are too few samples, so that `low` is all that can be said.
        calls_needed: Samples that a two-sided interval would need; None where there are enough.
        seconds_needed: How long the measurement would have to last for one; None where it lasted as long, or where
            samples are what is missing.
        launches_needed: Launches of as many samples as these have that one would need; None where it is not launches
            that are missing.
        design_effect: How many dependent samples are worth one independent one, at least 1.
    """

    value: float | None
    low: float | None
    high: float | None
    calls_needed: int | None
    design_effect: float
    seconds_needed: float | None = None
    launches_needed: int | None = None


def percentiles(
    samples: ArrayLike,
    round_starts: ArrayLike,
    confidence: float = 0.95,
    *,
    clusters: ArrayLike | None = None,
    of_launches: bool = False,
    complete: NDArray[np.bool_] | None = None,
    calls_per_round: float = 1,
    seconds: float = math.inf,
    clock_step: int = 0,
) -> dict[str, PercentileEstimate]:
    """Return p50, p90, p95, p97, p99 and p99.9 with their intervals.

    Args:
        samples: Latencies in the order measured, `(n_samples,)` nanoseconds.
        round_starts: Index of the first sample of each round, `(n_rounds,)`.
        confidence: Of each interval, two-sided.
        clusters: Which launch, or which of its processes, each round is of, `(n_rounds,)`; None for one of all.
        of_launches: Whether `clusters` are launches: more samples of the same ones then leave what lies between them.
        complete: Whether each round is of a launch that was not stopped early, `(n_rounds,)`; None where none was.
        calls_per_round: As many as rounds would have if there were more calls, where that is more than these have: what
            is said to be needed is then still so when it is there.
        seconds: How long the measurement lasted on the clock, all launches together.
        clock_step: What the clock counts in, in nanoseconds, where that is coarse: half of it is added to each end.

    Returns:
        An estimate by percentile key.

    Raises:
        ValueError: A sample is zero, negative or not finite, or the starts do not cut the samples into rounds.
    """
    latencies = as_latencies(samples)
    starts = as_starts(round_starts, latencies.size)
    clusters = None if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    if not latencies.size:
        return {
            key: PercentileEstimate(None, None, None, calls_for_interval(share), 1.0)
            for key, share in PERCENTILES.items()
        }
    # Half as wide sorts in half the time and memory, and latencies above two seconds are rare.
    fits = latencies.dtype.kind in "iu" and latencies.max() < 2**31
    ordered = latencies.astype(np.int32 if fits else latencies.dtype, copy=True)
    ordered.sort()
    found: dict[str, PercentileEstimate] = {}
    effect_of_tails = own_effect = 1.0
    values = [_sample_percentile(ordered, share) for share in PERCENTILES.values()]
    effects = design_effects(latencies, starts, values, confidence, clusters)
    inside = design_effects(latencies, starts, values, confidence, apart_from=clusters) if of_launches else effects
    for place, (key, share) in enumerate(PERCENTILES.items()):
        value, effect = values[place], float(effects[place])
        if share > 0.5:
            effect = effect_of_tails = max(effect, effect_of_tails)
        found[key] = _estimate(ordered, starts.size, share, value, effect, calls_per_round, confidence)
        if of_launches and share > 0.5 and (total := found[key].calls_needed):
            own_effect = max(own_effect, float(inside[place]))
            alone = _estimate(ordered, starts.size, share, value, own_effect, calls_per_round, confidence)
            found[key] = replace(found[key], calls_needed=alone.calls_needed)
            if alone.calls_needed is None and clusters is not None:
                launches = math.ceil((int(clusters.max()) + 1) * total / latencies.size)
                found[key] = replace(found[key], launches_needed=launches)
        if share > 0.5 and found[key].high is not None and seconds < TAIL_SECONDS:
            found[key] = replace(found[key], high=None, seconds_needed=TAIL_SECONDS)
        unbounded = starts.size >= LEAST_ROUNDS and found[key].high is None
        if key == "p50" and unbounded and clusters is not None:
            ends = cluster_interval(latencies, starts, clusters, confidence, complete)
            if ends is not None:
                low, high = min(ends[0], value), max(ends[1], value)
                found[key] = PercentileEstimate(value, low, high, None, effect)
    for key, above in reversed(list(pairwise(PERCENTILES))):
        one, bound = found[key], found[above].high
        if one.low is not None and one.high is None and bound is not None:  # what bounds a greater one bounds it too
            found[key] = replace(one, high=bound, calls_needed=None, launches_needed=None)
        floor = found[above].low
        if one.low is not None and floor is not None and floor < one.low:  # else it would claim more than the greater
            found[key] = replace(found[key], low=floor)
    off = half_step(values[0], clock_step)  # of the median, for all: else ends of neighbours might cross
    return {key: _widened(estimate, off) for key, estimate in found.items()} if off else found


def _widened(estimate: PercentileEstimate, off: float) -> PercentileEstimate:
    low = None if estimate.low is None else max(estimate.low - off, estimate.low / 10)  # no latency is below nothing
    high = None if estimate.high is None else estimate.high + off
    return replace(estimate, low=low, high=high)


@lru_cache(maxsize=32)
def calls_for_interval(share: float) -> int:
    """Return how many independent calls the interval of a percentile needs.

    The rule of MLPerf's LoadGen: so many that the second greatest of them lies above the percentile with a
    confidence of 0.99, that is P(Bin(n, 1 − share) ≤ 1) ≤ 0.01. 64 for p90, 662 for p99, 6,636 for p99.9. For the
    median, as many as the rounds that an interval rests on.
    """
    if share <= 0.5:
        return LEAST_ROUNDS
    low, high = 1, 2
    while _at_most_one_beyond(high, share) > 1 - _LOADGEN_CONFIDENCE:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _at_most_one_beyond(middle, share) > 1 - _LOADGEN_CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most_one_beyond(calls: int, share: float) -> float:
    return float(share**calls + calls * (1 - share) * share ** (calls - 1))


def _estimate(
    ordered: Latencies,
    rounds: int,
    share: float,
    value: float,
    effect: float,
    calls_per_round: float,
    confidence: float,
) -> PercentileEstimate:
    """Judge whether there are enough samples, and give the interval or what there is of it.

    A tail's design effect rests on the few samples beyond it. Where it happens to be found too small the percentile
    is too, and an interval that asked for that effect alone would be given just when it is wrong. So it is at least
    that of the tails below, of which more is seen, and whether there are enough samples is judged by what calls of a
    round have in common on a noisy machine (`ALIKE`), whatever these ones seem to have.
    """
    count = ordered.size
    needed = calls_for_interval(share)
    size = count / rounds
    expected, later = (1 + (calls - 1) * (ALIKE if share > 0.5 else 0) for calls in (size, max(size, calls_per_round)))
    if rounds < LEAST_ROUNDS:
        missing = max(math.ceil(needed * later), math.ceil(LEAST_ROUNDS * size))
        return PercentileEstimate(value, None, None, missing, effect)
    enough = count >= needed * max(effect, expected) or ordered[0] == ordered[-1]
    low_rank, high_rank = interval_ranks(count, share, effect, confidence)
    low = float(ordered[low_rank - 1]) if low_rank >= 1 else None
    if low is not None and high_rank <= count and enough:
        return PercentileEstimate(value, low, float(ordered[high_rank - 1]), None, effect)
    missing = math.ceil(needed * max(effect, later))
    return PercentileEstimate(value, low, None, max(missing, count + 1), effect)


def _sample_percentile(ordered: Latencies, share: float) -> float:
    """Interpolate between order statistics as numpy does by default (Hyndman and Fan's type 7)."""
    place = share * (ordered.size - 1)
    below = int(place)
    above = min(below + 1, ordered.size - 1)
    return float(ordered[below]) + (place - below) * float(ordered[above] - ordered[below])


def interval_ranks(count: int, share: float, effect: float, confidence: float = 0.95) -> tuple[int, int]:
    """Return the ranks, from 1, of the order statistics that enclose a percentile; out of 1 … count where none does.

    The number of samples below the true percentile is binomial; its quantiles are taken by the normal approximation
    with corrections for skewness (Cornish and Fisher 1938) and continuity, at the effective sample size
    `count / effect`.

    Args:
        count: Number of samples.
        share: Of the percentile, 0 to 1.
        effect: Design effect, at least 1.
        confidence: Two-sided.
    """
    z = normal_quantile((1 + confidence) / 2)
    centre = count * share + effect * (1 - 2 * share) * (z * z - 1) / 6
    reach = z * math.sqrt(count * effect * share * (1 - share))
    return math.floor(centre - reach + 0.5), math.ceil(centre + reach + 0.5)


def cluster_interval(
    latencies: Latencies,
    starts: NDArray[np.int64],
    clusters: NDArray[np.int64],
    confidence: float = 0.95,
    complete: NDArray[np.bool_] | None = None,
) -> tuple[float, float] | None:
    """Return Student's interval of the median over launches or processes, of which each counts as one observation.

    Order statistics of all calls have no ranks to give once a few such clusters lie wholly on one side or the other of
    the median: five enclose theirs in 94 of 100 at most. Student's rests on their logs being about normal. Those of
    a launch that was stopped early are left out.

    Args:
        latencies: In the order measured, `(n_samples,)` nanoseconds.
        starts: Index of the first sample of each round, `(n_rounds,)`.
        clusters: Which launch or process each round is of, counted from 0, `(n_rounds,)`.
        confidence: Two-sided.
        complete: Whether each round is of a launch that was not, `(n_rounds,)`; None where none was.

    Returns:
        Lower and upper end, in nanoseconds; None with fewer than three clusters.
    """
    whole = np.unique(clusters if complete is None else clusters[complete])
    if whole.size < LEAST_CLUSTERS:
        return None
    ends = starts + sizes_of(starts, latencies.size)
    logs = np.log([_median_of_rounds(latencies, starts[mine], ends[mine]) for mine in (clusters == d for d in whole)])
    reach = student_quantile((1 + confidence) / 2, logs.size - 1) * float(logs.std(ddof=1)) / math.sqrt(logs.size)
    centre = float(logs.mean())
    return math.exp(centre - reach), math.exp(centre + reach)


def _median_of_rounds(latencies: Latencies, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> float:
    parts = [latencies[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return float(np.median(np.concatenate(parts)))


def design_effects(
    latencies: Latencies,
    starts: NDArray[np.int64],
    values: ArrayLike,
    confidence: float = 0.95,
    clusters: NDArray[np.int64] | None = None,
    *,
    apart_from: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return by how much dependence widens the variance of the share of samples at or below each of some values.

    The share's variance is estimated from rounds as clusters (Kish 1965; Korn and Graubard 1998 for taking Student's
    quantile where clusters are few) and divided by the binomial one. Where there are many rounds it is also estimated
    from runs of neighbouring rounds, and where there are several launches or processes from these, and the greatest
    counts: a machine's mood can outlast a round, and each process is fast or slow in its own way. Only what
    exceeds 1 is widened for the few degrees of freedom, so that rounds of one call keep the exact binomial interval.

    Args:
        latencies: In the order measured, `(n_samples,)` nanoseconds.
        starts: Index of the first sample of each round, `(n_rounds,)`.
        values: The percentiles' values, `(n_values,)` nanoseconds.
        confidence: Of the interval that it will widen.
        clusters: Which launch or process each round is of, counted from 0, `(n_rounds,)`; None for one of all.
        apart_from: Of which launch each is where what lies between launches is to be left out, `(n_rounds,)`.

    Returns:
        The design effects, `(n_values,)`, at least 1.
    """
    count, rounds = latencies.size, starts.size
    borders = np.asarray(values, dtype=np.float64)
    if rounds < 2:
        return np.ones(borders.size)
    hits: NDArray[Any] = _hits(latencies, starts, borders)
    sizes = sizes_of(starts, count)
    if apart_from is not None:
        shares = np.stack([np.bincount(apart_from, row) for row in hits]) / np.bincount(apart_from, sizes)
        hits = hits + sizes * (hits.sum(axis=1, keepdims=True) / count - shares[:, apart_from])
    effects = _cluster_effects(hits, sizes, confidence)
    if rounds >= 2 * _COARSE_CLUSTERS:
        cuts = np.arange(_COARSE_CLUSTERS) * rounds // _COARSE_CLUSTERS
        coarse = np.add.reduceat(hits, cuts, axis=1), np.add.reduceat(sizes, cuts)
        effects = np.maximum(effects, _cluster_effects(*coarse, confidence))
    if clusters is not None and clusters.max() + 1 >= LEAST_CLUSTERS:
        order = np.argsort(clusters.astype(np.min_scalar_type(clusters.max())), kind="stable")
        cuts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
        drawn = np.add.reduceat(hits[:, order], cuts, axis=1), np.add.reduceat(sizes[order], cuts)
        effects = np.maximum(effects, _cluster_effects(*drawn, confidence))
    return effects


def _hits(latencies: Latencies, starts: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many samples of each round are at or below each of some values, `(n_values, n_rounds)`.

    Some samples at a time: a table of values by samples would take several times as much memory as the samples do.
    """
    hits = np.zeros((values.size, starts.size), dtype=np.int64)
    for begin in range(0, latencies.size, _SAMPLES_AT_ONCE):
        part = latencies[begin : begin + _SAMPLES_AT_ONCE]
        first = int(np.searchsorted(starts, begin, side="right")) - 1
        after = int(np.searchsorted(starts, begin + part.size, side="left"))
        cuts = np.maximum(starts[first:after] - begin, 0)
        hits[:, first:after] += np.add.reduceat(part <= values[:, None], cuts, axis=1, dtype=np.int64)
    return hits


def _cluster_effects(hits: NDArray[Any], sizes: NDArray[np.int64], confidence: float) -> NDArray[np.float64]:
    """Return the design effects of clusters, `(n_values,)`, from their hits, `(n_values, n_clusters)`."""
    clusters, count = sizes.size, float(sizes.sum())
    share = hits.sum(axis=1) / count
    residuals = hits - np.multiply.outer(share, sizes)
    binomial = count * share * (1 - share)
    raw = np.divide((residuals**2).sum(axis=1), binomial, out=np.zeros_like(share), where=binomial > 0)
    upper = (1 + confidence) / 2
    widening = (student_quantile(upper, clusters - 1) / normal_quantile(upper)) ** 2
    effects: NDArray[np.float64] = 1 + np.maximum(0.0, raw - 1) * widening * clusters / (clusters - 1)
    return effects
