"""Stopping rule of an until-known measurement: which pairs are decided, in constant time per round."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.multiplicity import holm
from latency_tui.stats.sequential import SequentialTest


class StoppingRule:
    """Sequential tests of all pairs of a plan's candidates, updated after every round."""

    def __init__(self, candidates: int, equivalence: float = EQUIVALENCE) -> None:
        """Create the tests for a number of candidates."""
        self.pairs = list(combinations(range(candidates), 2))
        self.test = SequentialTest(len(self.pairs), equivalence)
        self._first = np.array([i for i, _ in self.pairs], dtype=np.int64)
        self._second = np.array([j for _, j in self.pairs], dtype=np.int64)
        self._won = np.zeros((candidates, candidates), dtype=np.int64)

    def add(self, medians: NDArray[np.float64]) -> None:
        """Update the tests with one round: block medians, `(n_candidates,)` nanoseconds; NaN if there was no block."""
        logs = np.log(medians)
        d = logs[self._second] - logs[self._first]
        self.test.update(d)
        self._won[self._first, self._second] += d > 0
        self._won[self._second, self._first] += d < 0

    def index(self, pair: tuple[int, int]) -> int:
        """Return the index of a pair in the test."""
        return self.pairs.index(pair)

    def is_decided(self, among: Collection[int], baseline: int | None = None, confidence: float = 0.95) -> bool:
        """Return whether every comparison with the baseline has a verdict, corrected over all pairs.

        Args:
            among: Indices of the candidates that have not failed; the others are ignored.
            baseline: Index of the baseline; None for the candidate that is faster than most others in most rounds.
            confidence: One less the family-wise error rate.
        """
        if len(among) < 2:
            return False
        asked = [k for k, (i, j) in enumerate(self.pairs) if i in among and j in among]
        level = 1 - confidence
        decided = (holm(self.test.p_different[asked]) <= level) | (holm(self.test.p_same[asked]) <= level)
        leader = baseline if baseline is not None and baseline in among else self._leader(among)
        return all(bool(done) for k, done in zip(asked, decided, strict=True) if leader in self.pairs[k])

    def _leader(self, among: Collection[int]) -> int:
        """Return the candidate that is faster than most of the others in most rounds."""
        return max(sorted(among), key=lambda i: sum(int(self._won[i, j] > self._won[j, i]) for j in among))
