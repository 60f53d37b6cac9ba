"""Compares candidates round by round, and decides whether an until-known measurement may stop."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypedDict

import msgspec
import numpy as np

from latency_tui.analysis.candidate_record import LATER_STAGES, CandidateRecord
from latency_tui.analysis.growing_arrays import GrowingArray
from latency_tui.analysis.median_table import MedianTable
from latency_tui.analysis.stopping import StoppingRule
from latency_tui.analysis.tail_comparison import with_tails
from latency_tui.engine.protocol import BlockMeasured, MeasurementStarted, RoundFinished
from latency_tui.plan import Plan
from latency_tui.result.checkpoint import Checkpoint
from latency_tui.result.result import CandidateResult
from latency_tui.stats.comparison import Comparison, judge
from latency_tui.stats.multiplicity import compact_letters
from latency_tui.stats.pair_evidence import PairEvidence, pair_evidence
from latency_tui.stats.sample_size import launches_to_decide, rounds_to_decide
from latency_tui.stats.sequential import replay, sequential_evidence

MAX_LIVE_ROUNDS = 600
"""Rounds that a live comparison uses at most, so that a redraw takes constant time."""
_NANO = 1e-9
_MAX_LIVE_SEQUENCE = 150
"""The same for a confidence sequence, which takes more time per round."""
_CHECK_GROWTH = 1.05
"""Factor by which the number of rounds grows between checks of an undecided result: a check takes time, but costs no
error rate, because the test is sequential.
"""
_NO_CANDIDATE = -1
"""Passed instead of the baseline to compute verdicts without intervals."""
_DIFFERENT = ("faster", "slower")

Comparisons = dict[tuple[int, int], Comparison]
"""Comparisons by the positions of both candidates in the plan, the smaller first."""


class _EffortToDecide(TypedDict, total=False):
    seconds_to_decide: float
    runs_to_decide: int
    launches_to_decide: int


class Comparer:
    """Stores the block medians of all rounds and compares candidates.

    Args:
        plan: The plan that is measured.
        records: Records of the candidates in the plan's order; the control, if any, is the last.

    Attributes:
        plan: The plan; its baseline may change during the measurement.
        medians: Block medians of all rounds.
        control: Record of the hidden duplicate of the first candidate; None if there is none.
        first_launch: First launch of the plan, or of the continuation that is being measured.
        spans: Start and end of the rounds of each launch, in nanoseconds of the monotonic clock.
        finished: Rounds that the sequential test has seen, in order.
        next_check: Number of rounds at which an undecided result is checked again.
        max_replicas: Processes per candidate in a long measurement, as the engine reports; 0 if it is unknown.
        rounds_per_replica: Fewest rounds per process.
        calls_per_long_block: Calls per block of each candidate in a long measurement, by slug.
    """

    def __init__(self, plan: Plan, records: list[CandidateRecord]) -> None:
        self.plan = plan
        self.medians = MedianTable(len(records))
        self.control = records[-1] if plan.control else None
        self._records = records
        self._visible = records[: len(plan.candidates)]
        self._places = {record.candidate.slug: record.position for record in self._visible}
        count = range(len(self._visible))
        self._compared = [(i, j) for i in count for j in count if i < j and plan.are_compared(i, j)]
        self._stopping_rule = StoppingRule(len(plan.candidates), plan.equivalence) if plan.until_known else None
        self.spans: dict[int, tuple[int, int]] = {}
        self.next_check = 0
        self.finished = GrowingArray(np.int64)
        self.first_launch = 0
        self.max_replicas = 0
        self.rounds_per_replica = 1
        self.calls_per_long_block: dict[str, int] = {}

    def begin(self, event: MeasurementStarted) -> None:
        """Record the planned number of rounds of a launch.

        An until-known plan has no such number: all launches then have as many rounds as the first launch of the plan or
        of its continuation.
        """
        self.max_replicas, self.rounds_per_replica = event.max_replicas, event.rounds_per_replica
        self.calls_per_long_block = event.calls_per_long_block
        rounds = event.rounds
        if self.plan.until_known:
            rounds = 0 if event.launch == self.first_launch else self.medians.rounds_of(self.first_launch)
        self._plan_rounds(event.launch, rounds)

    def _plan_rounds(self, launch: int, rounds: int) -> None:
        self.medians.plan_rounds(launch, rounds)
        for record in self._records:
            record.buffer.plan_rounds(launch, rounds)

    def add(self, record: CandidateRecord, event: BlockMeasured, median: float, total_ns: int) -> int:
        """Add a block, and return its round, counted over all launches.

        Args:
            record: Record of the candidate.
            event: The block.
            median: Median latency of the block, in nanoseconds.
            total_ns: Sum of the latencies of the block, in nanoseconds.
        """
        block = event.block
        began, ended = self.spans.get(event.launch, (block.started_ns, block.started_ns))
        self.spans[event.launch] = (
            min(began, block.started_ns),
            max(ended, block.started_ns + max(block.wall_ns, total_ns)),
        )
        return self.medians.add(event.launch, event.round, event.replica, record.position, median)

    def finish_round(self, event: RoundFinished) -> None:
        """Update the sequential test with a complete round."""
        round_ = self.medians.index(event.launch, event.round)
        if self._stopping_rule is not None and round_ is not None:
            self._finish(round_)

    def _finish(self, round_: int) -> None:
        assert self._stopping_rule is not None
        self._stopping_rule.add(self.medians.column(round_)[: len(self._visible)])
        self.finished.append(round_)

    def resume(self, begun: Checkpoint) -> None:
        """Restore the state of a checkpoint; the comparer must be empty."""
        self.medians.resume(begun.round_launches, [candidate.blocks for candidate in begun.candidates])
        for launch in begun.launches:
            self.spans[launch.number] = (launch.began_ns, launch.ended_ns)
            if launch.planned:
                self._plan_rounds(launch.number, launch.planned)
        if self._stopping_rule is not None:
            for round_ in begun.finished_rounds.tolist():
                self._finish(round_)
        self.first_launch = begun.asked[-1].first_launch
        self.next_check = begun.next_look
        self.max_replicas, self.rounds_per_replica = begun.max_replicas, begun.rounds_per_replica
        self.calls_per_long_block = begun.calls_per_long_block

    @property
    def launches_begun(self) -> list[int]:
        """Numbers of the launches that have measured blocks."""
        return [*self.spans]

    @property
    def seconds(self) -> float:
        """Wall time of the rounds of all launches, in seconds."""
        return self._seconds_of([*self.spans])

    def _seconds_of(self, launches: list[int]) -> float:
        return sum(ended - began for began, ended in (self.spans[launch] for launch in launches)) * _NANO

    def is_decided(self) -> bool:
        """Return whether an until-known plan may stop because every comparison with the baseline has a verdict.

        It may be called after every round, since the sequential test keeps its error rate. It is always False for a
        plan with a number of runs or a duration.
        """
        if self._stopping_rule is None:
            return False
        active = {record.position for record in self._visible if record.failed is None}
        if len(active) < 2:
            return True
        if len(self.medians) < self.next_check or any(not record.buffer.totals.count for record in self.active()):
            return False
        # The test uses the plan's region of equivalence. A control that differs by more widens this region, and then
        # only the full comparison is valid.
        if not self._control_differs() and not self._stopping_rule.is_decided(active, self._wanted_baseline()):
            return False
        if self._verdicts_stand():
            return True
        self.next_check = math.ceil(len(self.medians) * _CHECK_GROWTH)
        return False

    def _control_differs(self) -> bool:
        pair = self.control_evidence(live=True)
        if pair is None or pair.low is None or pair.high is None:
            return False
        margin = math.log1p(self.plan.equivalence)
        return pair.low > margin or pair.high < -margin

    def _verdicts_stand(self) -> bool:
        """Return whether the full comparison, which the result shows, has no inconclusive verdict.

        This comparison includes what the sequential test ignores: between-process variance, the control, and failures.
        """
        medians = {
            record.position: self.medians.typical(record.position)
            if self.plan.workload.mix
            else float(np.median(record.buffer.subsample(None).samples))
            for record in self.active()
            if record.buffer.totals.count
        }
        wanted = self._wanted_baseline()
        baseline = wanted if wanted in medians else min(medians, key=medians.__getitem__)
        equivalence = max(self.plan.equivalence, difference_of(self.control_evidence(live=False)))
        evidence = self.evidence(equivalence, live=False, intervals_for=_NO_CANDIDATE)
        pairs = self.judge(evidence, baseline, equivalence)
        asked = [one for pair, one in pairs.items() if baseline in pair and {*pair} <= {*medians}]
        return all(one.verdict != "inconclusive" for one in asked)

    def active(self) -> list[CandidateRecord]:
        """Return the records of candidates that have not failed during the rounds."""
        return [record for record in self._visible if record.failed is None or record.failed.stage in LATER_STAGES]

    def _wanted_baseline(self) -> int | None:
        """Return the position of the baseline that the plan names; None if there is none, or if it failed."""
        return next((record.position for record in self.active() if record.candidate.slug == self.plan.baseline), None)

    def baseline(self, candidates: list[CandidateResult]) -> int | None:
        """Return the position of the baseline: the candidate that the plan names, or else the fastest.

        None if nothing was measured.
        """
        wanted = self._wanted_baseline()
        if wanted is not None and candidates[wanted].statistics is not None:
            return wanted
        return self.fastest(candidates)

    def fastest(self, candidates: list[CandidateResult]) -> int | None:
        """Return the position of the candidate with the lowest median; None if nothing was measured."""
        measured = [c for c in candidates if c.statistics is not None]
        if not measured:
            return None
        first = {*self.plan.first_cells}  # other values of a setting may be another amount of work
        measured = [c for c in measured if c.slug in first] or measured
        # A candidate that failed may have too few samples to be a reference.
        whole = [c for c in measured if c.status == "measured"] or measured
        return self._places[min(whole, key=median_of).slug]

    def evidence(self, equivalence: float, *, live: bool, intervals_for: int | None = None) -> tuple[PairEvidence, ...]:
        """Return the evidence on every pair of measured candidates, by position in the plan.

        Args:
            equivalence: Half-width of the region of practical equivalence: that of the plan, or more.
            live: Whether to use a part of the rounds, so that the time does not grow with the measurement.
            intervals_for: Position of the baseline. Confidence sequences are computed only for its pairs.
        """
        measured = {record.position for record in self._visible if record.buffer.totals.count}
        asked = [pair for pair in self._compared if measured.issuperset(pair)]
        if self.plan.sweeps:
            asked = [pair for pair in asked if self.medians.share_a_launch(*pair)]
        if not asked:
            return ()
        if self._stopping_rule is None:
            table, launches, processes = self.medians.subsample(MAX_LIVE_ROUNDS if live else None)
            return pair_evidence(
                table,
                launches,
                processes=processes,
                pairs=asked,
                equivalence=equivalence,
                clock_step=self.clock_step(),
            )
        table, launches, processes = self.medians.subsample(_MAX_LIVE_SEQUENCE if live else None)
        widened = equivalence > self.plan.equivalence
        test = replay(table, asked, equivalence) if widened else self._stopping_rule.test
        indices = range(len(asked)) if widened else [self._stopping_rule.index(pair) for pair in asked]
        return sequential_evidence(
            table,
            launches,
            test,
            processes=processes,
            pairs=asked,
            indices=indices,
            intervals_for=intervals_for,
            clock_step=self.clock_step(),
        )

    def judge(self, evidence: Iterable[PairEvidence], baseline: int | None, equivalence: float) -> Comparisons:
        """Return the comparison of every pair, with the baseline as the reference of its pairs.

        Candidates that failed are left out of the correction for multiple comparisons, so they do not affect the
        verdicts of the others.
        """
        pairs = [pair.flipped if pair.second == baseline else pair for pair in evidence]
        active = {record.position for record in self.active()}
        among = [pair for pair in pairs if {pair.first, pair.second} <= active]
        return self._judged(pairs, equivalence) | self._judged(among, equivalence, self._most_processes())

    def _judged(self, pairs: list[PairEvidence], equivalence: float, most_processes: int = 0) -> Comparisons:
        names, tested = [record.candidate.slug for record in self._records], sum(pair.is_tested for pair in pairs)
        found = {}
        for pair, comparison in zip(pairs, judge(pairs, names), strict=True):
            if comparison.verdict == "inconclusive":
                effort = self._effort_to_decide(pair, math.log1p(equivalence), tested, most_processes)
                comparison = msgspec.structs.replace(comparison, **effort)
            found[min(pair.first, pair.second), max(pair.first, pair.second)] = comparison
        return found

    def _most_processes(self) -> int:
        """Return the processes per candidate in a longer measurement; 0 if more rounds would not add processes."""
        launches = len(self.medians.complete_launches)
        processes = max((record.buffer.processes for record in self._visible), default=0)
        if processes < self.medians.complete_rounds // max(launches, 1) // self.rounds_per_replica:
            return 0
        return launches // self.medians.parts * self.max_replicas

    def control_evidence(self, *, live: bool) -> PairEvidence | None:
        """Return the evidence on the control and the first candidate; None if there is no control or no round of it."""
        if self.control is None:
            return None
        table, launches, processes = self.medians.subsample(MAX_LIVE_ROUNDS if live else None)
        (pair,) = pair_evidence(
            table,
            launches,
            processes=processes,
            pairs=[(0, self.control.position)],
            equivalence=self.plan.equivalence,
            clock_step=self.clock_step(),
        )
        return pair if pair.rounds else None

    def compare_control(self, pair: PairEvidence) -> Comparison:
        """Return the comparison of the control with the first candidate."""
        (comparison,) = self._judged([pair], self.plan.equivalence).values()
        return comparison

    def clock_step(self) -> int:
        """Return the step of the clock in nanoseconds; 0 if it is negligible or unknown.

        The fastest candidate that reveals a step determines it: only a coarse clock makes its latencies repeat.
        """
        fastest_first = sorted(self._records, key=lambda record: record.buffer.totals.mean)
        return next((step for record in fastest_first if (step := record.buffer.clock_step)), 0)

    def groups(self, candidates: list[CandidateResult], pairs: Comparisons) -> dict[str, str]:
        """Return the group letters of each candidate, by slug.

        Two candidates share a letter exactly if neither is shown to be faster.
        """
        ranked = sorted((c for c in candidates if c.statistics is not None), key=median_of)
        indices = [self._places[c.slug] for c in ranked]

        def differs(i: int, j: int) -> bool:
            pair = pairs.get((min(indices[i], indices[j]), max(indices[i], indices[j])))
            return pair is not None and pair.verdict in _DIFFERENT

        if len(ranked) < 2 or self.plan.sweeps:  # cells are compared within a value or a curve only
            return {}
        return dict(zip((c.slug for c in ranked), compact_letters(len(ranked), differs), strict=True))

    def comparisons(self, baseline: int | None, pairs: Comparisons, *, tails: bool) -> tuple[Comparison, ...]:
        """Return the comparison of every other candidate with the baseline, in the plan's order.

        Args:
            baseline: Position of the baseline.
            pairs: The comparisons from `judge`, with the same baseline.
            tails: Whether to also compare p99.
        """
        others = (
            {sum(pair) - baseline: one for pair, one in pairs.items() if baseline in pair}
            if baseline is not None
            else {}
        )
        found = [others[position] for position in sorted(others)]
        buffers = {record.candidate.slug: record.buffer for record in self._visible}
        return with_tails(found, buffers, self.plan.seed) if tails else tuple(found)

    def _effort_to_decide(self, pair: PairEvidence, margin: float, pairs: int, most_processes: int) -> _EffortToDecide:
        """Return the additional effort that would decide a pair; empty if it is unknown."""
        every = self.medians.complete_launches
        launches = [one for one in every if self.medians.was_measured(one, pair.first)]
        rounds, seconds = sum(map(self.medians.rounds_of, launches)), self._seconds_of(every)
        total = rounds_to_decide(pair, margin, pairs=pairs, most_processes=most_processes)
        if total is None:
            total = launches_to_decide(pair, margin, pairs=pairs)
            more = 0 if total is None else total - len(pair.cluster_medians)
            return {"launches_to_decide": more, "seconds_to_decide": more * seconds / len(launches)} if more else {}
        if not rounds:
            return {}
        more, buffer = max(total - rounds, 1), self._records[pair.second].buffer
        runs = math.ceil(more * buffer.totals.count / max(buffer.blocks, 1))
        return {"runs_to_decide": runs, "seconds_to_decide": more * seconds / rounds}


def median_of(candidate: CandidateResult) -> float:
    """Return the p50 of a measured candidate, or its average call of a mix, in seconds."""
    return candidate.typical_seconds


def difference_of(pair: PairEvidence | None) -> float:
    """Return the difference between two candidates, as a share; 0 if it is unknown.

    It is 0.03 for a ratio of 1.03 and for one of 1/1.03.
    """
    return 0.0 if pair is None or pair.log_ratio is None else math.expm1(abs(pair.log_ratio))
