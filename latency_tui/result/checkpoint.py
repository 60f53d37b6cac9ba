"""A checkpoint: what a result holds besides its figures and samples, so that the measurement can be continued.

Times are nanoseconds, as in the events of a measurement. Candidates stand in the order of the plan's turns, so that a
control copy, which has no entry in the result, is the last.
"""

from __future__ import annotations

import msgspec
import numpy as np

from latency_tui.engine.protocol import CallInput, CandidateFailed, ColdStartMeasured, Environment, TrainingFinished
from latency_tui.errors import UsageError
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.more import More
from latency_tui.result.rows import Integers, Samples
from latency_tui.stats.samples import as_starts
from latency_tui.stats.summary import Summary


class BlockColumns(msgspec.Struct, frozen=True, kw_only=True):
    """All blocks of a candidate, in the order measured.

    Attributes:
        rounds: The round of each block, counted over all launches, `(n_blocks,)`.
        replicas: Which of the candidate's processes answered, `(n_blocks,)`.
        medians: Median latency of each block, `(n_blocks,)`.
    """

    rounds: Integers
    replicas: Integers
    medians: Samples


class SampleColumns(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a candidate's calls besides the samples.

    Attributes:
        kept: Number of samples kept of each block, `(n_blocks,)`.
        step: One of so many calls is kept.
        totals: Of all calls; None before the first.
        after_switch: Durations of the first calls after another candidate's turn.
        neighbours: Samples of consecutive calls, from before any were dropped; None while all are kept.
        neighbour_starts: Index of the first of each block.
        wall_ns: Wall time of all blocks.
        cpu_ns: CPU time of the candidate's processes in them.
        waited_ns: Time in which a process was ready and something else had its core.
        disturbed_calls: Calls in blocks that the scheduler interrupted.
        gc_calls: Calls that the garbage collector paused.
        gc_ns: Duration of these pauses.
    """

    kept: Integers
    step: int = 1
    totals: Summary | None = None
    after_switch: Integers
    neighbours: Integers | None = None
    neighbour_starts: Integers | None = None
    wall_ns: int = 0
    cpu_ns: int = 0
    waited_ns: int = 0
    disturbed_calls: int = 0
    gc_calls: int = 0
    gc_ns: int = 0


class CandidateCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One that takes turns.

    Attributes:
        slug: The name typed.
        trained: How it was trained.
        failed: Why it failed, if it did.
        first_calls: Duration of the first call of each launch, in seconds.
        cold_starts: What was measured of each.
        steady: Whether each warm-up ended because latencies were steady.
        received: What each call receives.
        blocks: Its blocks.
        calls: Its calls.
        samples: Samples of a control copy, in nanoseconds; those of others are in the result.
    """

    slug: str
    trained: TrainingFinished | None = None
    failed: CandidateFailed | None = None
    first_calls: tuple[float, ...] = ()
    cold_starts: tuple[ColdStartMeasured, ...] = ()
    steady: bool = True
    received: CallInput | None = None
    blocks: BlockColumns
    calls: SampleColumns
    samples: Integers | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for at once: the plan, or a continuation.

    Attributes:
        more: The amount.
        first_launch: Its first launch.
        calls_before: Calls of each candidate before it, by slug.
    """

    more: More
    first_launch: int = 0
    calls_before: dict[str, int] = {}


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One launch: its number, the rounds planned, and when its rounds began and ended on the machine's clock."""

    number: int
    planned: int = 0
    began_ns: int
    ended_ns: int
    steal: float | None = None
    lost_cores: tuple[int, ...] = ()


class LooksCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The looks at limits so far: how many, at how many rounds the next is due, and the verdicts reached."""

    looks: int = 0
    due: int = 0
    decided: tuple[LimitVerdict, ...] = ()


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a recording that its result and samples do not show.

    Attributes:
        asked: The plan and its continuations.
        launches: Those begun, in their order.
        round_launches: The launch of each round, `(n_rounds,)`.
        finished_rounds: Rounds that were complete, in their order, `(n,)`.
        candidates: Everyone who takes turns.
        looks: The looks at limits.
        next_look: At how many rounds an until-known plan is looked at again.
        environment: The machine and the software.
        cores: Cores that the candidates were pinned to; None if that is not known.
        timer_floor: Seconds that the timed loop reports for a call that does nothing.
        load: Load average before, per core.
        refused_blocks: Blocks left out because of an impossible latency.
        inputs: SHA-256 of each file and module that was measured, and version of each library, by name.
        most_replicas: How many processes each candidate has if there are many rounds; 0 if that is not known.
        rounds_per_replica: Rounds that each of these takes at the least.
        calls_per_long_block: Calls per block of each candidate if the measurement were long, by slug.
    """

    asked: tuple[Asked, ...]
    launches: tuple[Launch, ...]
    round_launches: Integers
    finished_rounds: Integers
    candidates: tuple[CandidateCheckpoint, ...]
    looks: LooksCheckpoint = LooksCheckpoint()
    next_look: int = 0
    environment: Environment | None = None
    cores: tuple[int, ...] | None = None
    timer_floor: float | None = None
    load: float | None = None
    refused_blocks: int = 0
    inputs: dict[str, str] = {}
    most_replicas: int = 0
    rounds_per_replica: int = 1
    calls_per_long_block: dict[str, int] = {}

    def __repr__(self) -> str:
        """Return one line: there may be millions of blocks."""
        return f"<Checkpoint of {self.round_launches.size:,} rounds>"

    def check(self, slugs: tuple[str, ...]) -> None:
        """Refuse one whose parts do not fit together.

        Args:
            slugs: Of everyone who takes turns.

        Raises:
            UsageError: They do not.
        """
        numbers = [launch.number for launch in self.launches]
        fits = (
            bool(self.asked)
            and self.most_replicas >= 0
            and self.rounds_per_replica >= 1
            and all(calls >= 1 for calls in self.calls_per_long_block.values())
            and tuple(candidate.slug for candidate in self.candidates) == slugs
            and numbers == sorted({*numbers})
            and all(0 <= number <= _MOST_LAUNCHES for number in numbers)
            and np.isin(self.round_launches, numbers).all()
            and bool((np.diff(self.round_launches) >= 0).all())
            and self.finished_rounds.max(initial=-1) < self.round_launches.size
            and all(_fits(candidate, self.round_launches.size) for candidate in self.candidates)
        )
        if not fits:
            raise UsageError("its blocks do not fit together")


_MOST_LAUNCHES = 1_000_000


def _fits(candidate: CandidateCheckpoint, rounds: int) -> bool:
    blocks, calls = candidate.blocks, candidate.calls
    if not blocks.rounds.size == blocks.replicas.size == blocks.medians.size == calls.kept.size:
        return False
    return bool(
        (np.diff(blocks.rounds) > 0).all()
        and blocks.rounds.max(initial=-1) < rounds
        and calls.step >= 1
        and calls.step & (calls.step - 1) == 0
        and (calls.totals is not None) == bool(blocks.rounds.size)
        and (calls.totals is None or calls.totals.count >= max(int(calls.kept.sum()), blocks.rounds.size))
        and _are_blocks(calls.neighbours, calls.neighbour_starts)
    )


def _are_blocks(samples: Integers | None, starts: Integers | None) -> bool:
    if samples is None or starts is None:
        return samples is starts
    try:
        as_starts(starts, samples.size)
    except ValueError:
        return False
    return bool((samples > 0).all())
