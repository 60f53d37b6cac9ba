"""Compares the p99 of candidates from the samples of their common rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from latency_tui.analysis.sample_buffer import SampleBuffer
from latency_tui.stats.comparison import Comparison
from latency_tui.stats.multiplicity import holm
from latency_tui.stats.percentiles import MIN_ROUNDS
from latency_tui.stats.permutation import MIN_CALLS, TailComparison, compare_tails

_MAX_SAMPLES = 50_000
"""Approximate number of samples per candidate that the permutation test uses."""
_MIN_ROUNDS = 200
"""Smallest number of rounds that it uses, if that many exist."""


def with_tails(
    comparisons: Sequence[Comparison], buffers: Mapping[str, SampleBuffer], seed: int
) -> tuple[Comparison, ...]:
    """Return the same comparisons with the ratio of the two p99 and its p-value, after Holm's correction.

    Args:
        comparisons: Comparisons with a baseline.
        buffers: Samples of the candidates, by slug.
        seed: Seed of the permutation test.
    """
    tails = {
        index: tail
        for index, one in enumerate(comparisons)
        if (tail := _compare(buffers[one.baseline], buffers[one.candidate], seed)) is not None
    }
    p_values = holm([tail.p_value for tail in tails.values()]).tolist()
    found = list(comparisons)
    for (index, tail), p_value in zip(tails.items(), p_values, strict=True):
        found[index] = msgspec.structs.replace(found[index], p99_ratio=tail.ratio, p99_p_value=p_value)
    return tuple(found)


def _compare(first: SampleBuffer, second: SampleBuffer, seed: int) -> TailComparison | None:
    """Compare the p99 of two candidates over their common rounds, evenly thinned if there are many."""
    if min(first.totals.count, second.totals.count) < MIN_CALLS:
        return None
    shared = np.intersect1d(first.rounds, second.rounds)
    if shared.size < MIN_ROUNDS:
        return None
    fewer, more = sorted((first.totals.count, second.totals.count))
    stride = max(min(-(-more // _MAX_SAMPLES), fewer // (2 * MIN_CALLS), shared.size // _MIN_ROUNDS), 1)
    parts = [buffer.thin(shared[::stride], _MAX_SAMPLES) for buffer in (first, second)]
    one, other = ((part.samples, part.rounds) for part in parts)
    # Exchange processes, not launches: with five launches the smallest p-value would be 1/16.
    processes = min((part.processes for part in parts), key=lambda labels: np.unique(labels).size)
    return compare_tails(one, other, clusters=processes, seed=seed)
