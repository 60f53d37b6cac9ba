"""The sequence of batch sizes of a request mix: random, but with the shares of the mix in every part of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latency_tui.plan.mix import Mix, exact_cycle

MAX_CALLS = 100_000
"""Longest sequence; later calls start again with its first."""
MIN_CALLS = 2_000
"""A shorter cycle is repeated in different orders."""


def request_sequence(mix: Mix, seed: int) -> NDArray[np.int64]:
    """Return the part of the mix that each call belongs to, `(n_calls,)` indices; the same for every candidate.

    The sequence consists of cycles with the shares of the mix. In a cycle, the j-th of n requests of a batch size is
    placed at random in the j-th of n equal intervals. Any part of a cycle therefore has the shares of the mix within
    one or two calls, while the order is random.

    Args:
        mix: The batch sizes and their shares.
        seed: Seed of the order.
    """
    counts = _counts(mix)
    generator = np.random.default_rng((seed, 0x_3141))
    cycles = [_cycle(counts, generator) for _ in range(max(-(-MIN_CALLS // int(counts.sum())), 1))]
    return np.concatenate(cycles)


def _counts(mix: Mix) -> NDArray[np.int64]:
    """Return how often each part of the mix occurs in a cycle: exactly its share, or rounded if no cycle is exact."""
    length = exact_cycle(mix, MAX_CALLS) or MAX_CALLS
    wanted = np.array([part.share for part in mix]) * length
    counts = np.maximum(np.floor(wanted + 1e-6), 1).astype(np.int64)
    missing = length - int(counts.sum())
    if missing > 0:  # the largest remainders get one more each
        counts[np.argsort(counts - wanted, kind="stable")[:missing]] += 1
    return counts


def _cycle(counts: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    parts = np.repeat(np.arange(counts.size), counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    places = (np.arange(parts.size) - starts + generator.random(parts.size)) / np.repeat(counts, counts)
    return parts[np.argsort(places, kind="stable")]
