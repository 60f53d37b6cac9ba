"""Percentiles with confidence intervals that account for the correlation of calls within a round.

Latencies of neighbouring calls are dependent: 10,000 calls can be worth 100. The textbook interval from order
statistics assumes independence and is far too narrow. Here its ranks are widened by the design effect of the rounds
(Woodruff 1952, with the round as the cluster), which has a closed form and needs no resampling. If a few very different
processes leave the median unbounded, its interval is Student's over their medians.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.clock_resolution import half_step
from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.stats.distributions import normal_quantile, student_quantile
from latency_tui.stats.samples import Latencies, round_sizes, validate_latencies, validate_starts

PERCENTILES: dict[str, float] = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p97": 0.97, "p99": 0.99, "p99_9": 0.999}
HIGHER_PERCENTILES: dict[str, float] = {"p99_99": 0.9999, "p99_999": 0.99999}
"""Percentiles beyond p99.9, which are estimated only if there are as many calls as independent ones would need."""
MIN_ROUNDS = 6
"""Fewest rounds for a 95 % interval: 2 · ½⁶ is the first such p-value below 5 %."""

ROUND_CORRELATION = 0.5
"""Correlation, within a round on a noisy machine, of whether a call exceeds a percentile.

For calls of 0.1 ms it was measured as 0.1 to 0.35. Together with the correlation within a process and over time, 0.5
gave intervals of the nominal coverage.
"""

TAIL_SECONDS = 30.0
"""Shortest measurement, in seconds of wall time, for which a tail percentile has an upper end.

Tail latencies of a machine drift over tens of seconds. Intervals of p95 from 3 s, 10 s and 30 s contained the value of
eight minutes in 41 %, 57 % and 93 % of cases (251, 91 and 28 intervals), and in another hour in 82 % from 30 s (22
intervals). Medians drift less.
"""

_COARSE_CLUSTERS = 10
"""Number of groups of neighbouring rounds from which the design effect is also estimated."""
_SAMPLES_AT_ONCE = 100_000
"""Samples that are compared with all percentiles in one step, which takes 6 MB."""

_LOADGEN_CONFIDENCE = 0.99


class Percentile(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile with its 95 % confidence interval, in the unit of the samples; in a result it is seconds.

    Attributes:
        value: The sample percentile; None if there are no calls.
        low: Lower end of the interval; None if it is unbounded.
        high: Upper end of the interval; None if there are too few calls, or if the measurement was too short.
        calls_needed: Calls that a two-sided interval needs; None if there are enough.
        seconds_needed: Duration of the measurement, over all launches, that a two-sided interval needs; None if it
            lasted long enough. A percentile of a shorter measurement describes only that moment.
        launches_needed: Launches of the same size that a two-sided interval needs because launches differ; None if more
            launches are not needed.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    calls_needed: int | None = None
    seconds_needed: float | None = None
    launches_needed: int | None = None

    @property
    def is_bound(self) -> bool:
        """Whether there are too few calls for an interval, so that only the lower bound `low` is known."""
        return self.calls_needed is not None or (self.high is None and self.seconds_needed is None)

    def scaled(self, factor: float) -> Percentile:
        """Return the same percentile in another unit: latencies are multiplied by `factor`."""
        value, low, high = (None if one is None else one * factor for one in (self.value, self.low, self.high))
        return replace(self, value=value, low=low, high=high)


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
    ordered: Latencies | None = None,
) -> dict[str, Percentile]:
    """Return p50, p90, p95, p97, p99 and p99.9 with their confidence intervals, and higher ones of very many calls.

    Args:
        samples: Latencies in the order measured, `(n_samples,)` nanoseconds.
        round_starts: Index of the first sample of each round, `(n_rounds,)`.
        confidence: Two-sided confidence level of each interval.
        clusters: Launch or process of each round, `(n_rounds,)`; None if all rounds share one.
        of_launches: Whether the clusters are launches; more samples per launch do not reduce the variance between
            launches.
        complete: Whether the launch of each round was not stopped early, `(n_rounds,)`; None if all are complete.
        calls_per_round: Calls per round that a longer measurement would have, if that is more than the present ones
            have. It keeps `calls_needed` valid as the measurement continues.
        seconds: Wall time of the measurement, over all launches.
        clock_step: Step of the clock in nanoseconds; half of it is added to each end. 0 if it is negligible or unknown.
        ordered: The same samples as `sort_latencies` returns them; None to sort them here.

    Returns:
        An estimate per percentile key.

    Raises:
        ValueError: A sample is zero, negative or not finite, or the starts do not divide the samples into rounds.
    """
    latencies = validate_latencies(samples)
    starts = validate_starts(round_starts, latencies.size)
    clusters = None if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    if not latencies.size:
        return {key: Percentile(calls_needed=calls_for_interval(share)) for key, share in PERCENTILES.items()}
    ordered = sort_latencies(latencies) if ordered is None else ordered
    found: dict[str, Percentile] = {}
    effect_of_tails = own_effect = 1.0
    higher = {key: share for key, share in HIGHER_PERCENTILES.items() if ordered.size >= calls_for_interval(share)}
    estimated = PERCENTILES | higher
    values = [_sample_percentile(ordered, share) for share in estimated.values()]
    effects = design_effects(latencies, starts, values, confidence, clusters)
    inside = design_effects(latencies, starts, values, confidence, within=clusters) if of_launches else effects
    for place, (key, share) in enumerate(estimated.items()):
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
        unbounded = starts.size >= MIN_ROUNDS and found[key].high is None
        if key == "p50" and unbounded and clusters is not None:
            ends = cluster_interval(latencies, starts, clusters, confidence, complete)
            if ends is not None:
                low, high = min(ends[0], value), max(ends[1], value)
                found[key] = Percentile(value=value, low=low, high=high)
    for key, above in reversed(list(pairwise(estimated))):
        one, bound = found[key], found[above].high
        if one.low is not None and one.high is None and bound is not None:  # the lower bound of a higher percentile
            found[key] = replace(one, high=bound, calls_needed=None, launches_needed=None)
        floor = found[above].low
        if one.low is not None and floor is not None and floor < one.low:  # keep lower bounds in order
            found[key] = replace(found[key], low=floor)
    error = half_step(values[0], clock_step)  # the same for all percentiles, so that their bounds stay in order
    return {key: _widened(estimate, error) for key, estimate in found.items()} if error else found


def sort_latencies(latencies: Latencies) -> Latencies:
    """Return latencies in ascending order, `(n,)`, as 32-bit integers if they fit: these sort in half the time."""
    fits = latencies.dtype.kind in "iu" and latencies.max(initial=0) < 2**31  # latencies above two seconds are rare
    ordered = latencies.astype(np.int32 if fits else latencies.dtype, copy=True)
    ordered.sort()
    return ordered


def _widened(estimate: Percentile, error: float) -> Percentile:
    """Widen an interval by the error of the clock, in nanoseconds."""
    low = None if estimate.low is None else max(estimate.low - error, estimate.low / 10)  # keeps the bound positive
    high = None if estimate.high is None else estimate.high + error
    return replace(estimate, low=low, high=high)


@lru_cache(maxsize=32)
def calls_for_interval(share: float) -> int:
    """Return the number of independent calls that the interval of a percentile needs.

    The rule is that of MLPerf LoadGen: the second largest call exceeds the percentile with a confidence of 0.99, that
    is P(Bin(n, 1 − share) ≤ 1) ≤ 0.01. It gives 64 calls for p90, 662 for p99 and 6,636 for p99.9. The median needs as
    many calls as an interval needs rounds.
    """
    if share <= 0.5:
        return MIN_ROUNDS
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
) -> Percentile:
    """Return the estimate of a percentile, with those ends of its interval for which there are enough samples.

    The design effect of a tail is estimated from the few samples beyond it. It tends to be underestimated together with
    the percentile, so an interval would be reported exactly when it is wrong. Therefore the effect is at least that of
    the lower percentiles, which have more samples beyond them. The number of samples needed assumes the correlation of
    a noisy machine (`ROUND_CORRELATION`), even if these samples show less.
    """
    count = ordered.size
    needed = calls_for_interval(share)
    size = count / rounds
    expected, later = (
        1 + (calls - 1) * (ROUND_CORRELATION if share > 0.5 else 0) for calls in (size, max(size, calls_per_round))
    )
    if rounds < MIN_ROUNDS:
        missing = max(math.ceil(needed * later), math.ceil(MIN_ROUNDS * size))
        return Percentile(value=value, calls_needed=missing)
    enough = count >= needed * max(effect, expected) or ordered[0] == ordered[-1]
    low_rank, high_rank = interval_ranks(count, share, effect, confidence)
    low = float(ordered[low_rank - 1]) if low_rank >= 1 else None
    if low is not None and high_rank <= count and enough:
        return Percentile(value=value, low=low, high=float(ordered[high_rank - 1]))
    missing = math.ceil(needed * max(effect, later))
    return Percentile(value=value, low=low, calls_needed=max(missing, count + 1))


def _sample_percentile(ordered: Latencies, share: float) -> float:
    """Interpolate between order statistics as numpy does by default (type 7 of Hyndman and Fan)."""
    place = share * (ordered.size - 1)
    below = int(place)
    above = min(below + 1, ordered.size - 1)
    return float(ordered[below]) + (place - below) * float(ordered[above] - ordered[below])


def interval_ranks(count: int, share: float, effect: float, confidence: float = 0.95) -> tuple[int, int]:
    """Return the ranks, from 1, of the order statistics that enclose a percentile; outside 1 … count if there are none.

    The number of samples below the true percentile is binomial. Its quantiles use the normal approximation with
    corrections for skewness (Cornish and Fisher 1938) and continuity, at the effective sample size `count / effect`.

    Args:
        count: Number of samples.
        share: The percentile, 0 to 1.
        effect: Design effect, at least 1.
        confidence: Two-sided confidence level.
    """
    z = normal_quantile((1 + confidence) / 2)
    centre = count * share + effect * (1 - 2 * share) * (z * z - 1) / 6
    half_width = z * math.sqrt(count * effect * share * (1 - share))
    return math.floor(centre - half_width + 0.5), math.ceil(centre + half_width + 0.5)


def cluster_interval(
    latencies: Latencies,
    starts: NDArray[np.int64],
    clusters: NDArray[np.int64],
    confidence: float = 0.95,
    complete: NDArray[np.bool_] | None = None,
) -> tuple[float, float] | None:
    """Return Student's interval of the median over launches or processes, each with equal weight.

    Order statistics of all calls give no ranks if a few clusters are entirely above or below the median: five clusters
    enclose their median with a probability of at most 94 %. Student's interval assumes that the logs of the cluster
    medians are about normal. Launches that were stopped early are left out.

    Args:
        latencies: Latencies in the order measured, `(n_samples,)` nanoseconds.
        starts: Index of the first sample of each round, `(n_rounds,)`.
        clusters: Launch or process of each round, counted from 0, `(n_rounds,)`.
        confidence: Two-sided confidence level.
        complete: Whether the launch of each round was not stopped early, `(n_rounds,)`; None if all are complete.

    Returns:
        Lower and upper end, in nanoseconds; None if there are fewer than three clusters.
    """
    whole = np.unique(clusters if complete is None else clusters[complete])
    if whole.size < MIN_CLUSTERS:
        return None
    ends = starts + round_sizes(starts, latencies.size)
    logs = np.log([_median_of_rounds(latencies, starts[mine], ends[mine]) for mine in (clusters == d for d in whole)])
    error = float(logs.std(ddof=1)) / math.sqrt(logs.size)
    half_width = student_quantile((1 + confidence) / 2, logs.size - 1) * error
    centre = float(logs.mean())
    return math.exp(centre - half_width), math.exp(centre + half_width)


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
    within: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the design effect of the share of samples at or below each of several values.

    The variance of the share is estimated with rounds as clusters (Kish 1965; Korn and Graubard 1998 for Student's
    quantile with few clusters) and divided by the binomial variance. With many rounds it is also estimated from groups
    of neighbouring rounds, and with several launches or processes from these. The largest estimate counts, because a
    disturbance can outlast a round and processes differ in speed. Only the excess over 1 is widened for the
    few degrees of freedom, so that rounds of one call keep the exact binomial interval.

    Args:
        latencies: Latencies in the order measured, `(n_samples,)` nanoseconds.
        starts: Index of the first sample of each round, `(n_rounds,)`.
        values: The values of the percentiles, `(n_values,)` nanoseconds.
        confidence: Confidence level of the interval that the effect widens.
        clusters: Launch or process of each round, counted from 0, `(n_rounds,)`; None if all rounds share one.
        within: Launch of each round, `(n_rounds,)`, to exclude the variance between launches; None to include it.

    Returns:
        The design effects, `(n_values,)`, at least 1.
    """
    count, rounds = latencies.size, starts.size
    bounds = np.asarray(values, dtype=np.float64)
    if rounds < 2:
        return np.ones(bounds.size)
    hits: NDArray[Any] = _hits(latencies, starts, bounds)
    sizes = round_sizes(starts, count)
    if within is not None:
        shares = np.stack([np.bincount(within, row) for row in hits]) / np.bincount(within, sizes)
        hits = hits + sizes * (hits.sum(axis=1, keepdims=True) / count - shares[:, within])
    effects = _cluster_effects(hits, sizes, confidence)
    if rounds >= 2 * _COARSE_CLUSTERS:
        cuts = np.arange(_COARSE_CLUSTERS) * rounds // _COARSE_CLUSTERS
        coarse = np.add.reduceat(hits, cuts, axis=1), np.add.reduceat(sizes, cuts)
        effects = np.maximum(effects, _cluster_effects(*coarse, confidence))
    if clusters is not None and clusters.max() + 1 >= MIN_CLUSTERS:
        order = np.argsort(clusters.astype(np.min_scalar_type(clusters.max())), kind="stable")
        cuts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
        drawn = np.add.reduceat(hits[:, order], cuts, axis=1), np.add.reduceat(sizes[order], cuts)
        effects = np.maximum(effects, _cluster_effects(*drawn, confidence))
    return effects


def _hits(latencies: Latencies, starts: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of samples of each round that are at or below each value, `(n_values, n_rounds)`.

    It works in chunks, because a table of all values by all samples would take several times the memory of the samples.
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
    """Return design effects, `(n_values,)`, from the hits of clusters, `(n_values, n_clusters)`."""
    clusters, count = sizes.size, float(sizes.sum())
    share = hits.sum(axis=1) / count
    residuals = hits - np.multiply.outer(share, sizes)
    binomial = count * share * (1 - share)
    raw = np.divide((residuals**2).sum(axis=1), binomial, out=np.zeros_like(share), where=binomial > 0)
    upper = (1 + confidence) / 2
    widening = (student_quantile(upper, clusters - 1) / normal_quantile(upper)) ** 2
    effects: NDArray[np.float64] = 1 + np.maximum(0.0, raw - 1) * widening * clusters / (clusters - 1)
    return effects
