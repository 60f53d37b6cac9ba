"""The classes of a request mix: to which each call belongs, and what is computed per class.

Blocks of a mix are compared by the average call of the mix: the median latency of each class, weighted by its share.
The median of all calls would be that of the most common class alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latency_tui.plan.mix import COMPARED_SHARE, Mix, request_classes
from latency_tui.result.mix import ClassComparison, ClassTotals
from latency_tui.stats.comparison import judge
from latency_tui.stats.pair_evidence import pair_evidence
from latency_tui.stats.samples import Latencies

if TYPE_CHECKING:
    from latency_tui.analysis.comparer import Comparer


class RequestMix:
    """Assigns calls to the classes of a mix.

    Args:
        mix: The mix of the plan; it is not empty.

    Attributes:
        classes: The classes, in ascending order of batch size.
    """

    def __init__(self, mix: Mix) -> None:
        self.classes = request_classes(mix)
        self._largest = np.array([one.largest for one in self.classes])
        self._smallest = np.array([one.smallest for one in self.classes])
        shares = np.array([one.share for one in self.classes])
        self._weights = np.where(shares >= COMPARED_SHARE, shares, 0.0)
        self._weights /= self._weights.sum() or 1.0

    def classify(self, batch_sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of the class of each call.

        Raises:
            ValueError: A batch size is not part of the mix.
        """
        found = np.searchsorted(self._largest, batch_sizes)
        if found.size and (found.max() >= self._largest.size or (batch_sizes < self._smallest[found]).any()):
            raise ValueError("A call has a batch size that is not part of the mix.")
        return found

    def totals(self, latencies: Latencies, batch_sizes: NDArray[np.int64]) -> ClassTotals:
        """Return the totals of each class over the calls of one block, `(n,)` nanoseconds."""
        classes, count = self.classify(batch_sizes), len(self.classes)
        rows, spent = (np.bincount(classes, values, count).astype(np.int64) for values in (batch_sizes, latencies))
        calls = np.bincount(classes, minlength=count)
        return ClassTotals(calls=tuple(calls.tolist()), rows=tuple(rows.tolist()), nanoseconds=tuple(spent.tolist()))

    def average(self, latencies: Latencies, batch_sizes: NDArray[np.int64]) -> float:
        """Return the latency of the average call of a block; NaN if it lacks a class that is compared."""
        classes, found = self.classify(batch_sizes), 0.0
        for number in np.flatnonzero(self._weights):
            mine = latencies[classes == number]
            if not mine.size:
                return float("nan")
            found += float(self._weights[number]) * float(np.median(mine))
        return found

    def average_of(self, values: Sequence[float | None]) -> float | None:
        """Return the average of one value per class, weighted as in `average`; None if a value is unknown."""
        pairs = [(weight, value) for weight, value in zip(self._weights, values, strict=True) if weight]
        known = [(weight, value) for weight, value in pairs if value is not None]
        return float(sum(weight * value for weight, value in known)) if len(known) == len(pairs) else None


def class_medians(
    samples: Latencies, starts: NDArray[np.int64], rounds: NDArray[np.int64], mine: NDArray[np.bool_], size: int
) -> NDArray[np.float64]:
    """Return the median latency of one class in each round, `(size,)`; NaN if a round has no such call.

    Args:
        samples: All samples, `(n_samples,)`.
        starts: Index of the first sample of each block, `(n_blocks,)`.
        rounds: Round of each block, `(n_blocks,)`.
        mine: Whether each sample belongs to the class, `(n_samples,)`.
        size: Number of rounds.
    """
    found = np.full(size, np.nan)
    chosen = np.flatnonzero(mine)
    blocks = np.searchsorted(starts, chosen, side="right") - 1
    cuts = np.flatnonzero(np.diff(blocks, prepend=-1))
    for part in np.split(chosen, cuts[1:]):
        if part.size:
            block = np.searchsorted(starts, part[0], side="right") - 1
            found[rounds[block]] = np.median(samples[part])
    return found


def compare_classes(
    mix: RequestMix, comparer: Comparer, baseline: int | None, equivalence: float
) -> Iterable[ClassComparison]:
    """Return the comparisons with the baseline for each class of requests.

    Args:
        mix: The mix of the plan.
        comparer: Has the samples of all candidates.
        baseline: Position of the baseline; None if nothing was measured.
        equivalence: Half-width of the region of practical equivalence.
    """
    records = [record for record in comparer.active() if record.buffer.totals.count]
    others = [record for record in records if record.position != baseline]
    first = next((record for record in records if record.position == baseline), None)
    if first is None or not others:
        return ()
    table = comparer.medians.subsample(None)
    chosen = comparer.medians.chosen(None)
    order, names = [first, *others], [record.candidate.slug for record in (first, *others)]
    processes = table.processes[[record.position for record in order]]
    evidence = []
    for number in range(len(mix.classes)):
        rows = []
        for record in order:
            subsample = record.buffer.subsample(None)
            mine = mix.classify(subsample.batch_sizes) == number
            medians = class_medians(
                subsample.samples, subsample.rounds, record.buffer.rounds, mine, len(comparer.medians)
            )
            rows.append(medians[chosen])
        evidence.append(
            pair_evidence(
                np.array(rows),
                table.launches,
                processes=processes,
                pairs=[(0, place) for place in range(1, len(order))],
                equivalence=equivalence,
                clock_step=comparer.clock_step(),
            )
        )
    judged = judge([pair for pairs in evidence for pair in pairs], names)
    return (
        ClassComparison(
            batch_size=one.smallest,
            largest_batch_size=one.largest,
            comparisons=judged[number * len(others) : (number + 1) * len(others)],
        )
        for number, one in enumerate(mix.classes)
    )
