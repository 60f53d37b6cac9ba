"""A table of the block medians of all rounds, and the selection of launches that comparisons use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.growing_arrays import GrowingArray
from latency_tui.result.checkpoint import BlockColumns
from latency_tui.stats.defaults import MIN_CLUSTERS


class Rounds(NamedTuple):
    """Some rounds of all candidates.

    Attributes:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if there was no block.
        launches: Launch of each round, `(n_rounds,)`.
        processes: Replica that measured each block, `(n_candidates, n_rounds)`.
    """

    medians: NDArray[np.float64]
    launches: NDArray[np.int64]
    processes: NDArray[np.int64]

    def parts(self) -> list[tuple[set[int], Rounds]]:
        """Return the candidates that are measured in the same launches, with their rounds.

        There are several such parts if hosts share the values of a sweep. A candidate without rounds is in none.
        """
        present = ~np.isnan(self.medians)
        members = {
            launch: {*np.flatnonzero(present[:, self.launches == launch].any(axis=1)).tolist()}
            for launch in np.unique(self.launches).tolist()
        }
        found = []
        for launches in connected_launches(members):
            mine = np.isin(self.launches, launches)
            candidates = {candidate for launch in launches for candidate in members[launch]}
            if candidates:
                found.append((candidates, Rounds(self.medians[:, mine], self.launches[mine], self.processes[:, mine])))
        return found


class MedianTable:
    """Block medians of all candidates, one column per round, in the order in which the rounds began."""

    def __init__(self, candidates: int) -> None:
        """Create an empty table for a number of candidates."""
        self._table = np.full((candidates, 64), np.nan)
        self._replicas = np.zeros((candidates, 64), dtype=np.int64)
        self._incomplete: dict[int, set[int]] = {}
        self._launches = GrowingArray(np.int64)
        self._columns: dict[tuple[int, int], int] = {}
        self._rounds: dict[int, int] = {}
        self._planned: dict[int, int] = {}
        self._measured: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._launches)

    def add(self, launch: int, round_: int, replica: int, candidate: int, median: float) -> int:
        """Add the median of a block, and return its round, counted over all launches.

        A second block of the same candidate and round starts a new round. `replica` is the process that measured it.
        The median is NaN if the block cannot be compared.
        """
        column = self._columns.get((launch, round_))
        incomplete = self._incomplete.setdefault(candidate, set())
        if column is None or column in incomplete or not np.isnan(self._table[candidate, column]):
            column = len(self._launches)
            self._columns[launch, round_] = column
            self._launches.append(launch)
            self._rounds[launch] = self._rounds.get(launch, 0) + 1
            if column >= self._table.shape[1]:
                self._table = np.hstack((self._table, np.full_like(self._table, np.nan)))
                self._replicas = np.hstack((self._replicas, np.zeros_like(self._replicas)))
        if np.isnan(median):
            incomplete.add(column)
        self._table[candidate, column] = median
        self._replicas[candidate, column] = replica
        self._measured.setdefault(launch, set()).add(candidate)
        return column

    def column(self, round_: int) -> NDArray[np.float64]:
        """Return the medians of one round, counted over all launches, `(n_candidates,)`; NaN if there was no block."""
        return self._table[:, round_]

    def typical(self, candidate: int) -> float:
        """Return the median of the block medians of a candidate; infinite if it has none."""
        values = self._table[candidate, : len(self)]
        return float(np.median(values[~np.isnan(values)])) if not np.isnan(values).all() else np.inf

    def columns(self, candidate: int) -> BlockColumns:
        """Return all blocks of a candidate, for a checkpoint."""
        present = ~np.isnan(self._table[candidate, : len(self)])
        present[[*self._incomplete.get(candidate, ())]] = True
        rounds = np.flatnonzero(present)
        medians = self._table[candidate, rounds]
        return BlockColumns(
            rounds=rounds,
            replicas=self._replicas[candidate, rounds],
            medians=np.where(np.isnan(medians), 1.0, medians),
            incomplete=tuple(np.flatnonzero(np.isnan(medians)).tolist()),
        )

    def resume(self, launches: NDArray[np.int64], candidates: Sequence[BlockColumns]) -> None:
        """Restore the content of a checkpoint; the table must be empty.

        Args:
            launches: Launch of each round, `(n_rounds,)`.
            candidates: Blocks of each candidate.
        """
        size = max(launches.size, 1)
        self._table = np.full((len(candidates), size), np.nan)
        self._replicas = np.zeros((len(candidates), size), dtype=np.int64)
        for place, blocks in enumerate(candidates):
            self._table[place, blocks.rounds] = blocks.medians
            missing = blocks.rounds[[*blocks.incomplete]]
            self._table[place, missing] = np.nan
            self._incomplete[place] = {*missing.tolist()}
            self._replicas[place, blocks.rounds] = blocks.replicas
            for launch in np.unique(launches[blocks.rounds]).tolist():
                self._measured.setdefault(launch, set()).add(place)
        self._launches.extend(launches)
        self._rounds = dict(Counter(launches.tolist()))

    @property
    def launches(self) -> NDArray[np.int64]:
        """Launch of each round, `(n_rounds,)`."""
        return self._launches.values

    def planned(self, launch: int) -> int:
        """Return the planned number of rounds of a launch; 0 if it is unknown."""
        return self._planned.get(launch, 0)

    def index(self, launch: int, round_: int) -> int | None:
        """Return the index, over all launches, of a round of a launch; None if it never began."""
        return self._columns.get((launch, round_))

    def plan_rounds(self, launch: int, rounds: int) -> None:
        """Record the planned number of rounds of a launch."""
        self._planned[launch] = rounds

    def subsample(self, most_rounds: int | None) -> Rounds:
        """Return the rounds that comparisons use, or an even selection of at most `most_rounds`.

        Launches have equal weight, so a later launch with fewer than half of its planned rounds is left out.
        """
        kept = self.chosen(most_rounds)
        return Rounds(self._table[:, kept], self._launches.values[kept], self._replicas[:, kept])

    def chosen(self, most_rounds: int | None) -> NDArray[np.int64]:
        """Return the rounds of `subsample`, counted over all launches."""
        whole = np.flatnonzero(np.isin(self._launches.values, self.complete_launches))
        return whole[:: 1 if most_rounds is None else max(-(-whole.size // most_rounds), 1)]

    def progress(self, launch: int) -> float:
        """Return the share of the planned rounds of a launch that have begun; 0 if none have."""
        rounds, planned = self._rounds.get(launch, 0), self._planned.get(launch, 0)
        return rounds / max(planned, rounds) if rounds else 0.0

    @property
    def complete_launches(self) -> list[int]:
        """The launches that comparisons use."""
        found = []
        for launches in connected_launches(self._measured):
            found += complete_launches({launch: self._rounds[launch] for launch in launches}, self._planned)
        return sorted(found)

    def progress_of(self, launches: Sequence[int], candidates: set[int]) -> tuple[int, float]:
        """Return the progress of some launches, in which hosts may have shared the candidates.

        Args:
            launches: The launches, in order.
            candidates: The candidates that are to be measured.

        Returns:
            In how many launches every candidate has made all planned rounds, and the progress of the last launch; 0 if
            a candidate was not measured at all.
        """
        if not candidates.issubset(set().union(*(self._measured.get(launch, ()) for launch in launches))):
            return 0, 0.0
        whole = [self._measured.get(launch, set()) for launch in launches if self.progress(launch) >= 1]
        fewest = min((sum(one in measured for measured in whole) for one in candidates), default=0)
        return fewest, self.progress(launches[-1]) if launches else 0.0

    @property
    def parts(self) -> int:
        """Number of groups of launches without a candidate in common, at least 1; see `connected_launches`."""
        return max(len(connected_launches(self._measured)), 1)

    def share_a_launch(self, first: int, second: int) -> bool:
        """Return whether two candidates were measured in the same launch; only then are they compared."""
        return any({first, second} <= candidates for candidates in self._measured.values())

    def was_measured(self, launch: int, candidate: int) -> bool:
        """Return whether a candidate has a block in a launch."""
        return candidate in self._measured.get(launch, ())

    def rounds_of(self, launch: int) -> int:
        """Return the number of rounds of a launch that have begun."""
        return self._rounds.get(launch, 0)

    @property
    def complete_rounds(self) -> int:
        """Number of rounds of these launches."""
        return sum(self._rounds[launch] for launch in self.complete_launches)


def complete_launches(rounds: Mapping[int, int], planned: Mapping[int, int]) -> list[int]:
    """Return the launches that statistics use: all but a last one that has just begun or was stopped early.

    A launch that was stopped early and continued by others is used as long as there are fewer than three launches,
    because intervals are then over processes. With three or more, launches have equal weight, so it is left out.

    Args:
        rounds: Number of rounds per launch, in order.
        planned: Planned number of rounds per launch, if it is known. Complete launches may have different numbers.
    """
    begun = [*rounds]
    short = {launch for launch in begun if 2 * rounds[launch] < planned.get(launch, 0)}
    continued = [launch for launch in begun if launch not in short or launch != begun[-1]] or begun
    whole = [launch for launch in continued if launch not in short]
    return continued if len(continued) < MIN_CLUSTERS or not whole else whole


def connected_launches(measured: Mapping[int, set[int]]) -> list[list[int]]:
    """Group launches that have a candidate in common, directly or by way of others, each group in order.

    There are several groups if hosts share the values of a sweep.

    Args:
        measured: The candidates of each launch.
    """
    groups: list[tuple[list[int], set[int]]] = []
    for launch, candidates in measured.items():
        joined = [group for group in groups if group[1] & candidates]
        groups = [group for group in groups if not group[1] & candidates]
        launches = [launch, *(one for group in joined for one in group[0])]
        groups.append((sorted(launches), candidates.union(*(group[1] for group in joined))))
    return [launches for launches, _ in groups]
