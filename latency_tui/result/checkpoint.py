"""The checkpoint of a measurement: the state that is needed to continue it, except statistics and samples.

Times are in nanoseconds, as in the events of a measurement. Candidates are in the order of `Plan.all_candidates`, so a
control, which is not part of the result, is the last.
"""

from __future__ import annotations

import msgspec
import numpy as np

from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.environment_events import PredictionsCompared
from latency_tui.engine.protocol import CallInput, CandidateFailed, Environment, TrainingFinished
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.step_events import StepsMeasured
from latency_tui.errors import UsageError
from latency_tui.result.block_counters import BlockCounters
from latency_tui.result.json_arrays import Integers, Samples
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.mix import ClassTotals
from latency_tui.stats.samples import validate_starts
from latency_tui.stats.totals import Totals


class BlockColumns(msgspec.Struct, frozen=True, kw_only=True):
    """All blocks of a candidate, in the order measured.

    Attributes:
        rounds: Round of each block, counted over all launches, `(n_blocks,)`.
        replicas: Replica that measured each block, `(n_blocks,)`.
        medians: Latency with which each block is compared, `(n_blocks,)` nanoseconds: the median, or the average call
            of a request mix.
        incomplete: Indices of blocks that lack a class of requests and are not compared; their value is 1.
    """

    rounds: Integers
    replicas: Integers
    medians: Samples
    incomplete: tuple[int, ...] = ()


class SampleColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Totals and counters of a candidate's calls.

    Attributes:
        kept: Number of samples kept per block, `(n_blocks,)`.
        step: One of this many calls is kept.
        totals: Totals of all calls; None before the first call.
        after_switch: Durations of the first calls after another candidate's block.
        neighbours: Samples of consecutive calls, from before any were dropped; None while all are kept.
        neighbour_starts: Index of the first of these samples in each block.
        counters: Counters of the blocks.
        classes: Totals of each class of requests of a mix; empty if there is none.
    """

    kept: Integers
    step: int = 1
    totals: Totals | None = None
    after_switch: Integers
    neighbours: Integers | None = None
    neighbour_starts: Integers | None = None
    counters: BlockCounters = BlockCounters()
    classes: ClassTotals = ClassTotals()


class CandidateCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one candidate or of the control.

    Attributes:
        slug: Its slug.
        trained: Its training.
        scored: Its scores, if any.
        failed: Its failure, if any.
        first_calls: Duration of the first call of each launch, in seconds.
        cold_starts: The cold start of each launch.
        steps: Rounds of the pass that times its steps.
        steady: Whether its latency became steady in every warm-up.
        received: What each call receives.
        versions: Versions of its environment, by name.
        predictions: Its predictions compared with those of its counterpart in another environment.
        blocks: Its blocks.
        calls: Its calls.
        samples: Samples of a control, in nanoseconds; those of other candidates are in the result.
        batch_sizes: Batch sizes of these samples, in a request mix.
    """

    slug: str
    trained: TrainingFinished | None = None
    scored: CandidateScored | None = None
    failed: CandidateFailed | None = None
    first_calls: tuple[float, ...] = ()
    cold_starts: tuple[ColdStartMeasured, ...] = ()
    steps: tuple[StepsMeasured, ...] = ()
    steady: bool = True
    received: CallInput | None = None
    versions: dict[str, str] = {}
    predictions: PredictionsCompared | None = None
    blocks: BlockColumns
    calls: SampleColumns
    samples: Integers | None = None
    batch_sizes: Integers | None = None


class MeasurementRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to measure: the plan, or a continuation.

    Attributes:
        more: The requested amount.
        first_launch: Number of its first launch.
        calls_before: Calls of each candidate before it, by slug.
    """

    more: MeasurementAmount
    first_launch: int = 0
    calls_before: dict[str, int] = {}


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One launch: its number, the planned rounds, and start and end of its rounds on the monotonic clock."""

    number: int
    planned: int = 0
    began_ns: int
    ended_ns: int
    steal: float | None = None
    lost_cores: tuple[int, ...] = ()


class InterimCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The interim analyses of the limits: their number, the rounds before the next, and the final verdicts."""

    count: int = 0
    due: int = 0
    decided: tuple[LimitVerdict, ...] = ()


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a recording that is not in its result and samples.

    Attributes:
        asked: The plan and its continuations.
        launches: Launches that began, in order.
        round_launches: Launch of each round, `(n_rounds,)`.
        finished_rounds: Complete rounds, in order, `(n,)`.
        candidates: All candidates, and the control if there is one.
        interim: Interim analyses of the limits.
        next_look: Number of rounds at which an until-known plan is checked again.
        environment: Hardware and software.
        cores: Cores to which the candidates were pinned; None if they are unknown.
        timer_floor: Latency in seconds that the timed loop reports for an empty call.
        load: Load average before the measurement, per core.
        refused_blocks: Number of blocks left out because a latency was zero or negative.
        inputs: SHA-256 of each measured file and module, and version of each library, by name.
        max_replicas: Processes per candidate in a long measurement; 0 if it is unknown.
        rounds_per_replica: Fewest rounds per process.
        calls_per_long_block: Calls per block of each candidate in a long measurement, by slug.
    """

    asked: tuple[MeasurementRequest, ...]
    launches: tuple[Launch, ...]
    round_launches: Integers
    finished_rounds: Integers
    candidates: tuple[CandidateCheckpoint, ...]
    interim: InterimCheckpoint = InterimCheckpoint()
    next_look: int = 0
    environment: Environment | None = None
    cores: tuple[int, ...] | None = None
    timer_floor: float | None = None
    load: float | None = None
    refused_blocks: int = 0
    inputs: dict[str, str] = {}
    max_replicas: int = 0
    rounds_per_replica: int = 1
    calls_per_long_block: dict[str, int] = {}

    def __repr__(self) -> str:
        """Return one line: there may be millions of blocks."""
        return f"<Checkpoint of {self.round_launches.size:,} rounds>"

    def check(self, slugs: tuple[str, ...]) -> None:
        """Check that the parts of the checkpoint are consistent.

        Args:
            slugs: Slugs of the candidates, and of the control if there is one.

        Raises:
            UsageError: They are not consistent.
        """
        numbers = [launch.number for launch in self.launches]
        fits = (
            bool(self.asked)
            and self.max_replicas >= 0
            and self.rounds_per_replica >= 1
            and all(calls >= 1 for calls in self.calls_per_long_block.values())
            and tuple(candidate.slug for candidate in self.candidates) == slugs
            and numbers == sorted({*numbers})
            and all(0 <= number <= _MAX_LAUNCHES for number in numbers)
            and np.isin(self.round_launches, numbers).all()
            and bool((np.diff(self.round_launches) >= 0).all())
            and self.finished_rounds.max(initial=-1) < self.round_launches.size
            and all(_fits(candidate, self.round_launches.size) for candidate in self.candidates)
        )
        if not fits:
            raise UsageError("its blocks are inconsistent")


_MAX_LAUNCHES = 1_000_000
"""Largest launch number that is accepted from a file."""


def _fits(candidate: CandidateCheckpoint, rounds: int) -> bool:
    blocks, calls = candidate.blocks, candidate.calls
    if not blocks.rounds.size == blocks.replicas.size == blocks.medians.size == calls.kept.size:
        return False
    if not all(0 <= block < blocks.rounds.size for block in blocks.incomplete):
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
        validate_starts(starts, samples.size)
    except ValueError:
        return False
    return bool((samples > 0).all())
