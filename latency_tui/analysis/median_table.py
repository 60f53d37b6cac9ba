"""Block medians of all rounds, and which launches comparisons rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.growing_arrays import GrowingArray
from latency_tui.result.checkpoint import BlockColumns
from latency_tui.stats.clusters import LEAST_CLUSTERS


class Rounds(NamedTuple):
    """Some rounds of all candidates.

    Attributes:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds, NaN where there was no block.
        launches: Which launch each round belongs to, `(n_rounds,)`.
        processes: Which of the candidate's processes answered each block, `(n_candidates, n_rounds)`.
    """

    medians: NDArray[np.float64]
    launches: NDArray[np.int64]
    processes: NDArray[np.int64]


class MedianTable:
    """Block medians of all candidates, a column a round, in the order in which the rounds began."""

    def __init__(self, candidates: int) -> None:
        """Make an empty one for that many candidates."""
        self._table = np.full((candidates, 64), np.nan)
        self._replicas = np.zeros((candidates, 64), dtype=np.int64)
        self._launches = GrowingArray(np.int64)
        self._columns: dict[tuple[int, int], int] = {}
        self._rounds: dict[int, int] = {}
        self._planned: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._launches)

    def add(self, launch: int, round_: int, replica: int, candidate: int, median: float) -> int:
        """Add a block's median and return its round, counted over all launches.

        A block that came twice begins a round of its own. `replica` says which of the candidate's processes answered.
        """
        column = self._columns.get((launch, round_))
        if column is None or not np.isnan(self._table[candidate, column]):
            column = len(self._launches)
            self._columns[launch, round_] = column
            self._launches.append(launch)
            self._rounds[launch] = self._rounds.get(launch, 0) + 1
            if column >= self._table.shape[1]:
                self._table = np.hstack((self._table, np.full_like(self._table, np.nan)))
                self._replicas = np.hstack((self._replicas, np.zeros_like(self._replicas)))
        self._table[candidate, column] = median
        self._replicas[candidate, column] = replica
        return column

    def column(self, round_: int) -> NDArray[np.float64]:
        """Return the medians of a round counted over all launches, `(n_candidates,)`, NaN where there was no block."""
        return self._table[:, round_]

    def columns(self, candidate: int) -> BlockColumns:
        """Return all blocks of a candidate, so that they can be continued."""
        rounds = np.flatnonzero(~np.isnan(self._table[candidate, : len(self)]))
        return BlockColumns(
            rounds=rounds, replicas=self._replicas[candidate, rounds], medians=self._table[candidate, rounds]
        )

    def resume(self, launches: NDArray[np.int64], candidates: Sequence[BlockColumns]) -> None:
        """Go on from there; to be called while it is empty.

        Args:
            launches: The launch of each round, `(n_rounds,)`.
            candidates: The blocks of each candidate.
        """
        size = max(launches.size, 1)
        self._table = np.full((len(candidates), size), np.nan)
        self._replicas = np.zeros((len(candidates), size), dtype=np.int64)
        for place, blocks in enumerate(candidates):
            self._table[place, blocks.rounds] = blocks.medians
            self._replicas[place, blocks.rounds] = blocks.replicas
        self._launches.extend(launches)
        self._rounds = dict(Counter(launches.tolist()))

    @property
    def launches(self) -> NDArray[np.int64]:
        """The launch of each round, `(n_rounds,)`."""
        return self._launches.values

    def planned(self, launch: int) -> int:
        """Return how many rounds a launch is to have; 0 where that is not known."""
        return self._planned.get(launch, 0)

    def place(self, launch: int, round_: int) -> int | None:
        """Return a round of a launch counted over all launches; None if it never began."""
        return self._columns.get((launch, round_))

    def expect(self, launch: int, rounds: int) -> None:
        """Take note of how many rounds a launch is to have."""
        self._planned[launch] = rounds

    def excerpt(self, most_rounds: int | None) -> Rounds:
        """Return the rounds that comparisons rest on, or some of them, evenly chosen.

        Those of a further launch that has only begun, or was stopped before half of its rounds, are left out, for it
        would count for as much as the others.
        """
        launches = self._launches.values
        whole = np.flatnonzero(np.isin(launches, self.whole_launches))
        kept = whole[:: 1 if most_rounds is None else max(-(-whole.size // most_rounds), 1)]
        return Rounds(self._table[:, kept], launches[kept], self._replicas[:, kept])

    def share_of(self, launch: int) -> float:
        """Return which share of the rounds planned for a launch have begun; 0 where none have."""
        rounds, planned = self._rounds.get(launch, 0), self._planned.get(launch, 0)
        return rounds / max(planned, rounds) if rounds else 0.0

    @property
    def whole_launches(self) -> list[int]:
        """The launches that comparisons rest on."""
        return whole_launches(self._rounds, self._planned)

    def rounds_of(self, launch: int) -> int:
        """Return how many rounds of a launch have begun."""
        return self._rounds.get(launch, 0)

    @property
    def whole_rounds(self) -> int:
        """How many rounds these have."""
        return sum(self._rounds[launch] for launch in self.whole_launches)


def whole_launches(rounds: Mapping[int, int], planned: Mapping[int, int]) -> list[int]:
    """Return the launches that figures rest on: not a last one that has only begun, or was stopped early.

    One that was stopped early and continued by others counts while there are fewer than three launches, for then
    processes are what intervals are over. From three on each launch counts as much as the others, so it does not.

    Args:
        rounds: How many rounds each launch has, in their order.
        planned: How many each was to have, where that is known. Launches that are complete may differ in that.
    """
    begun = [*rounds]
    short = {launch for launch in begun if 2 * rounds[launch] < planned.get(launch, 0)}
    continued = [launch for launch in begun if launch not in short or launch != begun[-1]] or begun
    whole = [launch for launch in continued if launch not in short]
    return continued if len(continued) < LEAST_CLUSTERS or not whole else whole
