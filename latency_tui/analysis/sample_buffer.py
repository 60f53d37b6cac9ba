"""Stores the samples of each candidate during a measurement: growing arrays and exact totals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.growing_arrays import GrowingArray, LatencyArray
from latency_tui.analysis.median_table import complete_launches
from latency_tui.result.block_counters import BlockCounters
from latency_tui.result.checkpoint import BlockColumns, SampleColumns
from latency_tui.result.mix import ClassTotals
from latency_tui.stats.clock_resolution import clock_step
from latency_tui.stats.clusters import number_processes
from latency_tui.stats.defaults import MIN_CLUSTERS
from latency_tui.stats.samples import Latencies, round_sizes
from latency_tui.stats.totals import Totals, compute_totals

MAX_SAMPLES = 20_000_000
"""Samples kept, over all candidates: 240 MB, in nanoseconds and later in seconds."""

_MIN_ROUNDS_KEPT = 40
"""Fewest blocks of a subsample, enough for every interval."""
_MAX_EXCESS = 2
"""Longest that a subsample of whole blocks may be, as a multiple of the samples that were asked for."""
_ENOUGH_FOR_A_STEP = 250
"""Samples from which the step of the clock is estimated."""
_MAX_NEIGHBOURS = 12_000
"""Samples of consecutive calls that are kept for the autocorrelation."""
_LONG_BLOCK = 64
"""Average block size from which copying slices is faster than fancy indexing."""
_NO_SIZES: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Subsample:
    """Samples of some blocks in the order measured.

    Attributes:
        samples: Latencies, `(n_samples,)` nanoseconds.
        rounds: Index of the first sample of each block, `(n_blocks,)`.
        processes: Process of each block, numbered over all launches, `(n_blocks,)`.
        clusters: Launch of each block, `(n_blocks,)`; the same as `processes` if there are few launches.
        of_launches: Whether `clusters` are launches.
        complete: Whether the launch of each block has at least half of its planned rounds, `(n_blocks,)`.
        launches: Index of the first sample of each launch, `(n_launches,)`.
        whole: Whether it contains all samples.
        batch_sizes: Rows of each call of a request mix, `(n_samples,)`; empty if all calls have the same.
    """

    samples: NDArray[Any]
    rounds: NDArray[np.int64]
    processes: NDArray[np.int64]
    clusters: NDArray[np.int64]
    of_launches: bool
    complete: NDArray[np.bool_]
    launches: NDArray[np.int64]
    whole: bool
    batch_sizes: NDArray[np.int64]


class SampleBuffer:
    """The samples of one candidate, the starts of its blocks, and its totals.

    Totals are over all calls. At most `max_samples` samples are kept: beyond that, every second sample is dropped, and
    so is every second call from then on. Blocks are thinned rather than dropped, because calls within a block are
    correlated and an interval depends on the number of rounds. Which of two neighbours is kept is random per block, so
    all calls are kept with the same probability.
    """

    def __init__(self, max_samples: int = MAX_SAMPLES, seed: int = 0) -> None:
        """Create an empty buffer.

        Args:
            max_samples: Largest number of samples that are kept.
            seed: Seed of the random choice of samples that are kept.
        """
        self.totals = Totals()
        self.step = 1
        self._most_samples = max_samples
        self._seed = seed
        self._neighbours: tuple[NDArray[Any], NDArray[np.int64]] | None = None
        self._samples = LatencyArray()
        self._starts = GrowingArray(np.int64)
        self._launches = GrowingArray(np.int64)
        self._replicas = GrowingArray(np.int64)
        self._rounds = GrowingArray(np.int64)
        self._batch_sizes = GrowingArray(np.int64)
        self.class_totals = ClassTotals()
        self._after_switch = GrowingArray(np.int64)
        self._blocks: dict[int, int] = {}
        self._planned: dict[int, int] = {}
        self._seen: set[tuple[int, int]] = set()
        self.counters = BlockCounters()

    def add(
        self, latencies: Latencies, launch: int, replica: int, round_: int, batch_sizes: NDArray[Any] = _NO_SIZES
    ) -> slice:
        """Add one block of validated latencies, `(n,)` nanoseconds, and return which samples are kept.

        `round_` counts over all launches; `replica` is the process that measured it. The calls of a request mix also
        have their batch sizes, `(n,)`.
        """
        kept = slice(int(self._draw(self.step, self.blocks)) if self.step > 1 else 0, None, self.step)
        self.add_kept(latencies[kept], compute_totals(latencies), launch, replica, round_, batch_sizes[kept])
        return kept

    def add_kept(
        self,
        kept: Latencies,
        totals: Totals,
        launch: int,
        replica: int,
        round_: int,
        batch_sizes: NDArray[Any] = _NO_SIZES,
    ) -> None:
        """Add one block of which only some samples were kept, with the totals of all its calls."""
        self._batch_sizes.extend(batch_sizes)
        if kept.size:
            self._starts.append(len(self._samples))
            self._launches.append(launch)
            self._replicas.append(replica)
            self._rounds.append(round_)
            self._samples.extend(kept)
        self._blocks[launch] = self._blocks.get(launch, 0) + 1
        self._seen.add((launch, replica))
        self.totals = self.totals.merged(totals)
        while len(self._samples) > self._most_samples:
            self._drop_half()

    def _draw(self, below: int, number: int, size: int | None = None) -> Any:  # Any: an integer or an array of integers
        """Return random integers in 0 … below − 1 that depend only on seed, step and arguments.

        A restored recording therefore keeps the same samples.
        """
        return np.random.default_rng((self._seed, self.step, number)).integers(below, size=size)

    def _drop_half(self) -> None:
        """Drop every second sample of each block, starting at random with the first or the second."""
        if self._neighbours is None:
            self._neighbours = self.samples_of(_MAX_NEIGHBOURS)
        self.step *= 2
        samples, starts = self._samples.values, self._starts.values
        sizes = round_sizes(starts, samples.size)
        offsets = self._draw(2, self.step, starts.size)
        left = (sizes - offsets + 1) // 2
        chosen = [
            slice(start + offset, start + size, 2)
            for start, offset, size in zip(starts.tolist(), offsets.tolist(), sizes.tolist(), strict=True)
        ]
        self._samples.keep((samples[part] for part in chosen), int(left.sum()))
        if batch_sizes := [self.batch_sizes[part] for part in chosen if len(self.batch_sizes)]:
            self._batch_sizes.clear()
            self._batch_sizes.extend(np.concatenate(batch_sizes))
        present = left > 0
        for labels in (self._launches, self._replicas, self._rounds):
            values = labels.values[present]
            labels.clear()
            labels.extend(values)
        self._starts.clear()
        self._starts.extend(np.concatenate(([0], np.cumsum(left[present])[:-1])).astype(np.int64))

    def plan_rounds(self, launch: int, rounds: int) -> None:
        """Record the planned number of rounds of a launch."""
        self._planned[launch] = rounds

    def add_after_switch(self, nanoseconds: int) -> None:
        """Add the duration of the first call after another candidate's block, in nanoseconds."""
        self._after_switch.append(nanoseconds)

    def after_switch(self, most: int | None) -> float | None:
        """Return the median of these durations, in nanoseconds, from about `most` of them; None if there are none."""
        values = self._after_switch.values
        if not values.size:
            return None
        return float(np.median(values if most is None else values[:: -(-values.size // most)]))

    @property
    def blocks(self) -> int:
        """Number of blocks, including blocks without kept samples."""
        return sum(self._blocks.values())

    @property
    def kept(self) -> int:
        """Number of samples that are kept."""
        return len(self._samples)

    @property
    def processes(self) -> int:
        """Average number of processes per launch."""
        return round(len(self._seen) / max(len(self._blocks), 1))

    def subsample(self, max_samples: int | None) -> Subsample:
        """Return all samples, or about `max_samples` of them in evenly chosen blocks.

        At least 40 blocks remain, enough for every interval. They are whole unless they are so long that there would be
        more than twice as many samples.
        """
        chosen = self._choose_evenly(max_samples)
        if max_samples is not None and self._sizes_of(chosen).sum() > _MAX_EXCESS * max_samples:
            return self._thin(chosen, max_samples)
        batch_sizes = self._take(self.batch_sizes, chosen) if len(self.batch_sizes) else _NO_SIZES
        return self._subsample(chosen, *self._samples_of(chosen), batch_sizes)

    def thin(self, rounds: NDArray[np.int64], max_samples: int) -> Subsample:
        """Return about `max_samples` samples of some rounds, evenly chosen from every block.

        Args:
            rounds: Rounds in which the candidate has a block, `(n_rounds,)`.
            max_samples: Approximate number of samples to return.
        """
        return self._thin(np.flatnonzero(np.isin(self._rounds.values, rounds)), max_samples)

    def _thin(self, chosen: NDArray[np.int64], max_samples: int) -> Subsample:
        """Return about `max_samples` samples, evenly chosen from each of some blocks."""
        starts, sizes = self._starts.values[chosen], self._sizes_of(chosen)
        stride = max(int(sizes.sum()) // max_samples, 1)
        offsets = np.arange(sizes.size) % np.minimum(sizes, stride)  # the first call of a block is slower
        parts = [
            slice(start + offset, start + size, stride)
            for start, offset, size in zip(starts.tolist(), offsets.tolist(), sizes.tolist(), strict=True)
        ]
        left = (sizes - offsets + stride - 1) // stride
        begins = np.concatenate(([0], np.cumsum(left)[:-1])).astype(np.int64)
        samples, rows = self._samples.values, self.batch_sizes
        batch_sizes = np.concatenate([rows[part] for part in parts]) if rows.size else _NO_SIZES
        thinned = self._subsample(chosen, np.concatenate([samples[part] for part in parts]), begins, batch_sizes)
        return thinned if stride == 1 else replace(thinned, whole=False)

    def _sizes_of(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of samples of some blocks, `(n_chosen,)`."""
        starts = self._starts.values
        sizes: NDArray[np.int64] = _ends(starts, len(self._samples), chosen) - starts[chosen]
        return sizes

    def neighbours(self, max_samples: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return about `max_samples` samples of consecutive calls, and the starts of their blocks.

        Once samples have been dropped, they are from before the first drop.
        """
        return self.samples_of(max_samples) if self._neighbours is None else self._neighbours

    def samples_of(self, max_samples: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return about `max_samples` samples of consecutive calls of evenly chosen blocks, and the starts of these."""
        chosen = self._choose_evenly(max_samples)
        sizes = self._sizes_of(chosen)
        if sizes.sum() <= _MAX_EXCESS * max_samples:
            return self._samples_of(chosen)
        starts, sizes = self._starts.values[chosen], np.minimum(sizes, max(max_samples // chosen.size, 2))
        parts = [self._samples.values[begin : begin + size] for begin, size in zip(starts, sizes, strict=True)]
        return np.concatenate(parts), (np.cumsum(sizes) - sizes).astype(np.int64)

    @property
    def batch_sizes(self) -> NDArray[np.int64]:
        """Rows of each kept call of a request mix, `(n_samples,)`; empty if all calls have the same."""
        return self._batch_sizes.values

    @property
    def rounds(self) -> NDArray[np.int64]:
        """Round of each block with kept samples, counted over all launches, `(n_blocks,)`."""
        return self._rounds.values

    def _choose_evenly(self, max_samples: int | None) -> NDArray[np.int64]:
        blocks, stride = len(self._starts), 1
        if max_samples is not None and len(self._samples) > max_samples:
            stride = min(-(-len(self._samples) // max_samples), max(blocks // _MIN_ROUNDS_KEPT, 1))
        return np.arange(0, blocks, stride)

    def _subsample(
        self, chosen: NDArray[np.int64], samples: NDArray[Any], rounds: NDArray[np.int64], batch_sizes: NDArray[Any]
    ) -> Subsample:
        launches, replicas = self._launches.values[chosen], self._replicas.values[chosen]
        whole = complete_launches(self._blocks, self._planned)
        processes, of_launches = number_processes(launches, replicas), len(whole) >= MIN_CLUSTERS
        return Subsample(
            samples,
            rounds,
            processes,
            launches if of_launches else processes,
            of_launches,
            np.isin(launches, whole),
            rounds[_first_of_each(launches)],
            whole=self.step == 1 and chosen.size == len(self._starts),
            batch_sizes=batch_sizes,
        )

    def _samples_of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        samples, starts = self._samples.values, self._starts.values
        if chosen.size == starts.size:
            return samples, starts
        sizes = _ends(starts, samples.size, chosen) - starts[chosen]
        rounds = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
        return self._take(samples, chosen), rounds

    def _take(self, values: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
        """Return the part of an array with one value per sample that belongs to some blocks."""
        starts = self._starts.values
        if chosen.size == starts.size:
            return values
        begins, ends = starts[chosen], _ends(starts, values.size, chosen)
        sizes = ends - begins
        if sizes.sum() > _LONG_BLOCK * sizes.size:
            return np.concatenate([values[b:e] for b, e in zip(begins.tolist(), ends.tolist(), strict=True)])
        taken: NDArray[Any] = values[
            np.arange(int(sizes.sum())) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
        ]
        return taken

    def columns(self, rounds: NDArray[np.int64]) -> SampleColumns:
        """Return the state for a checkpoint, except for the samples.

        Args:
            rounds: Rounds of all blocks, including blocks without kept samples, `(n_blocks,)`.
        """
        kept = np.zeros(int(rounds.max(initial=-1)) + 1, dtype=np.int64)
        if len(self._starts):
            kept[self._rounds.values] = round_sizes(self._starts.values, len(self._samples))
        neighbours, starts = self._neighbours or (None, None)
        return SampleColumns(
            kept=kept[rounds],
            step=self.step,
            totals=self.totals if self.totals.count else None,
            after_switch=self._after_switch.values.copy(),
            neighbours=None if neighbours is None else neighbours.astype(np.int64),
            neighbour_starts=starts,
            classes=self.class_totals,
            counters=self.counters,
        )

    def resume(
        self,
        calls: SampleColumns,
        blocks: BlockColumns,
        launches: NDArray[np.int64],
        samples: NDArray[np.int64],
        batch_sizes: NDArray[np.int64] = _NO_SIZES,
    ) -> None:
        """Restore the state of a checkpoint; the buffer must be empty.

        Args:
            calls: Totals and counters of the calls.
            blocks: The blocks, including blocks without kept samples.
            launches: Launch of each block, `(n_blocks,)`.
            samples: The kept samples, `(n_samples,)` nanoseconds.
            batch_sizes: Their batch sizes, `(n_samples,)`, in a request mix.
        """
        present = calls.kept > 0
        sizes = calls.kept[present]
        self._samples.extend(samples)
        self._batch_sizes.extend(batch_sizes)
        self.class_totals = calls.classes
        self._starts.extend(np.cumsum(sizes) - sizes)
        self._launches.extend(launches[present])
        self._replicas.extend(blocks.replicas[present])
        self._rounds.extend(blocks.rounds[present])
        self._after_switch.extend(calls.after_switch)
        self._blocks = dict(Counter(launches.tolist()))
        self._seen = {*zip(launches.tolist(), blocks.replicas.tolist(), strict=True)}
        self.step = calls.step
        self.totals = calls.totals or Totals()
        if calls.neighbours is not None and calls.neighbour_starts is not None:
            self._neighbours = calls.neighbours, calls.neighbour_starts
        self.counters = calls.counters

    @property
    def clock_step(self) -> int:
        """Step of the clock in nanoseconds, estimated from some samples; 0 if it is negligible or unknown."""
        samples = self._samples.values
        return clock_step(samples[:: max(samples.size // _ENOUGH_FOR_A_STEP, 1)])

    @property
    def complete_launches(self) -> int:
        """Number of launches, except for a last one with fewer than half of its planned rounds."""
        return len(complete_launches(self._blocks, self._planned))


def _first_of_each(launches: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices at which a new launch begins, `(n_launches,)`."""
    if not launches.size:
        return np.empty(0, dtype=np.int64)
    return np.concatenate(([0], np.flatnonzero(launches[1:] != launches[:-1]) + 1))


def _ends(starts: NDArray[np.int64], samples: int, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ends of the chosen blocks without computing those of all blocks."""
    following = chosen + 1
    ends: NDArray[np.int64] = starts[np.minimum(following, starts.size - 1)]
    return np.where(following < starts.size, ends, samples)
