"""Who is faster: candidates that take turns, compared round by round, and whether that is known by now."""

from __future__ import annotations

import math
from typing import TypedDict

import msgspec
import numpy as np

from latency_tui.analysis.candidate_record import CandidateRecord
from latency_tui.analysis.growing_arrays import GrowingArray
from latency_tui.analysis.median_table import MedianTable
from latency_tui.analysis.sample_store import SampleBuffer
from latency_tui.analysis.stopping import StoppingRule
from latency_tui.engine.protocol import BlockMeasured, MeasurementStarted, RoundFinished
from latency_tui.plan import Plan
from latency_tui.result.checkpoint import Checkpoint
from latency_tui.result.result import CandidateResult, Comparison
from latency_tui.stats.comparison import PairComparison, compare, judge
from latency_tui.stats.multiplicity import compact_letters, holm
from latency_tui.stats.percentiles import LEAST_ROUNDS
from latency_tui.stats.permutation import LEAST_CALLS, TailComparison, compare_tails
from latency_tui.stats.prediction_interval import prediction_interval
from latency_tui.stats.sequential import compare_sequentially, replay

MOST_LIVE_ROUNDS = 600
_NANO = 1e-9
_MOST_LIVE_SEQUENCE = 150
_MOST_TAIL_SAMPLES = 50_000
_TAIL_ROUNDS = 200
_LATER = 1.05  # by so much more rounds, an answer that did not stand yet is looked at again
_NOBODY = -1
_TOLD_APART = ("faster", "slower")


class _ToSettle(TypedDict, total=False):
    seconds_to_settle: float
    runs_to_settle: int
    launches_to_settle: int


class Comparer:
    """The rounds of a measurement and what they say of every pair.

    Args:
        plan: What is measured.
        everyone: Who takes turns, in the plan's order, a control copy last.

    Attributes:
        plan: As given; its baseline may be changed while it goes on.
        medians: Block medians of all rounds.
        control: The hidden copy of the first candidate; None where none takes turns.
        first_launch: The first launch of the plan, or of the continuation that is being measured.
        spans: When the rounds of each launch began and ended, in nanoseconds of the machine's clock.
        finished: The rounds that the test has looked at, in their order.
        ask_again_at: At how many rounds an answer that did not stand is looked at again.
        most_replicas: How many processes each candidate would have with many rounds, as the engine says; 0 if unknown.
        rounds_per_replica: Rounds that each of these takes at the least.
        calls_per_long_block: Calls per block of each candidate if the measurement were long, by slug.
    """

    def __init__(self, plan: Plan, everyone: list[CandidateRecord]) -> None:
        self.plan = plan
        self.medians = MedianTable(len(everyone))
        self.control = everyone[-1] if plan.control else None
        self._everyone = everyone
        self._entries = everyone[: len(plan.candidates)]
        self._places = {entry.candidate.slug: entry.position for entry in self._entries}
        self._settling = StoppingRule(len(plan.candidates), plan.equivalence) if plan.until_known else None
        self.spans: dict[int, tuple[int, int]] = {}
        self.ask_again_at = 0
        self.finished = GrowingArray(np.int64)
        self.first_launch = 0
        self.most_replicas = 0
        self.rounds_per_replica = 1
        self.calls_per_long_block: dict[str, int] = {}

    def begin(self, event: MeasurementStarted) -> None:
        """Take note of how many rounds a launch is to have; until it is known the first says that of the others.

        A continuation has a first launch of its own.
        """
        self.most_replicas, self.rounds_per_replica = event.most_replicas, event.rounds_per_replica
        self.calls_per_long_block = event.calls_per_long_block
        rounds = event.rounds
        if self.plan.until_known:
            rounds = 0 if event.launch == self.first_launch else self.medians.rounds_of(self.first_launch)
        self._expect(event.launch, rounds)

    def _expect(self, launch: int, rounds: int) -> None:
        self.medians.expect(launch, rounds)
        for entry in self._everyone:
            entry.track.expect(launch, rounds)

    def add(self, entry: CandidateRecord, event: BlockMeasured, median: float, total_ns: int) -> int:
        """Add a block of one of those who take turns, and return its round, counted over all launches.

        Args:
            entry: Whose block it is.
            event: The block.
            median: Of its latencies, in nanoseconds.
            total_ns: Their sum.
        """
        block = event.block
        began, ended = self.spans.get(event.launch, (block.started_ns, block.started_ns))
        self.spans[event.launch] = (
            min(began, block.started_ns),
            max(ended, block.started_ns + max(block.wall_ns, total_ns)),
        )
        return self.medians.add(event.launch, event.round, event.replica, entry.position, median)

    def finish_round(self, event: RoundFinished) -> None:
        """Have the test look at a round that is whole."""
        round_ = self.medians.place(event.launch, event.round)
        if self._settling is not None and round_ is not None:
            self._finish(round_)

    def _finish(self, round_: int) -> None:
        assert self._settling is not None
        self._settling.add(self.medians.column(round_)[: len(self._entries)])
        self.finished.append(round_)

    def resume(self, begun: Checkpoint) -> None:
        """Go on from a checkpoint; to be called while nothing was measured."""
        self.medians.resume(begun.round_launches, [candidate.blocks for candidate in begun.candidates])
        for launch in begun.launches:
            self.spans[launch.number] = (launch.began_ns, launch.ended_ns)
            if launch.planned:
                self._expect(launch.number, launch.planned)
        if self._settling is not None:
            for round_ in begun.finished_rounds.tolist():
                self._finish(round_)
        self.first_launch = begun.asked[-1].first_launch
        self.ask_again_at = begun.next_look
        self.most_replicas, self.rounds_per_replica = begun.most_replicas, begun.rounds_per_replica
        self.calls_per_long_block = begun.calls_per_long_block

    @property
    def launches_begun(self) -> list[int]:
        """The launches of which something was measured."""
        return [*self.spans]

    @property
    def seconds(self) -> float:
        """How long the rounds lasted on the clock, all launches together."""
        return self._seconds_of([*self.spans])

    def _seconds_of(self, launches: list[int]) -> float:
        return sum(ended - began for began, ended in (self.spans[launch] for launch in launches)) * _NANO

    def settled(self) -> bool:
        """Return whether an until-known plan has its answer: every candidate's verdict against the baseline stands.

        To be asked after each round; it may be asked as often as one likes, for the test behind it keeps its error
        under any number of looks. Always False for a plan that says how long to measure.
        """
        if self._settling is None:
            return False
        active = {e.position for e in self._entries if e.failed is None}
        if len(active) < 2:
            return True
        if len(self.medians) < self.ask_again_at or any(not e.track.totals.count for e in self.active()):
            return False
        # The test is of the plan's region of equivalence. Where a control is known to lie beyond it, and so widens it,
        # only the comparison tells.
        if not self._control_is_apart() and not self._settling.settled(active, self._wanted_baseline()):
            return False
        if self._verdicts_stand():
            return True
        self.ask_again_at = math.ceil(len(self.medians) * _LATER)
        return False

    def _control_is_apart(self) -> bool:
        pair = self.control_pair(live=True)
        if pair is None or pair.low is None or pair.high is None:
            return False
        margin = math.log1p(self.plan.equivalence)
        return pair.low > margin or pair.high < -margin

    def _verdicts_stand(self) -> bool:
        """Return whether the result would hold no inconclusive verdict: by the very comparison that it will show.

        It knows what the test alone does not: how far processes lie apart, the control's floor, and who has failed.
        """
        medians = {
            e.position: float(np.median(e.track.excerpt(None).samples)) for e in self.active() if e.track.totals.count
        }
        wanted = self._wanted_baseline()
        baseline = wanted if wanted in medians else min(medians, key=medians.__getitem__)
        equivalence = max(self.plan.equivalence, apart(self.control_pair(live=False)))
        pairs = self.pairs(baseline, equivalence, live=False, intervals_for=_NOBODY)
        rivals = {position for position in medians if position != baseline}
        asked = [pair for pair in pairs.values() if {pair.first, pair.second} - rivals == {baseline}]
        return all(pair.verdict != "inconclusive" for pair in asked)

    def active(self) -> list[CandidateRecord]:
        """Return the candidates that have not failed while they were measured."""
        return [e for e in self._entries if e.failed is None or e.failed.stage == "cold start"]

    def _wanted_baseline(self) -> int | None:
        """Return the position of the candidate that the plan names as the baseline, unless it failed on the way."""
        return next((e.position for e in self.active() if e.candidate.slug == self.plan.baseline), None)

    def baseline(self, candidates: list[CandidateResult]) -> int | None:
        """Return the position of the one that the others are compared with: the plan's, or else the fastest.

        None where nothing was measured.
        """
        wanted = self._wanted_baseline()
        if wanted is not None and candidates[wanted].statistics is not None:
            return wanted
        return self.fastest(candidates)

    def fastest(self, candidates: list[CandidateResult]) -> int | None:
        """Return the position of the one with the lowest median; None where nothing was measured."""
        measured = [c for c in candidates if c.statistics is not None]
        if not measured:
            return None
        # One that failed may have been measured too little to compare anyone with.
        whole = [c for c in measured if c.status == "measured"] or measured
        return self._places[min(whole, key=median_of).slug]

    def pairs(
        self, baseline: int | None, equivalence: float, *, live: bool, intervals_for: int | None = None
    ) -> dict[tuple[int, int], PairComparison]:
        """Compare every pair of candidates with samples, by position in the plan.

        Verdicts of those that still race are corrected over their own pairs: one that failed takes nothing from them.
        """
        measured = [e.position for e in self._entries if e.track.totals.count]
        asked = [(i, j) for i in measured for j in measured if i < j]
        if not asked:
            return {}
        if self._settling is None:
            table, launches, processes = self.medians.excerpt(MOST_LIVE_ROUNDS if live else None)
            found = compare(
                table,
                launches,
                processes=processes,
                pairs=asked,
                equivalence=equivalence,
                clock_step=self.clock_step(),
            )
        else:
            table, launches, processes = self.medians.excerpt(_MOST_LIVE_SEQUENCE if live else None)
            widened = equivalence > self.plan.equivalence
            test = replay(table, asked, equivalence) if widened else self._settling.test
            places = range(len(asked)) if widened else [self._settling.place(pair) for pair in asked]
            shown = baseline if intervals_for is None else intervals_for
            found = compare_sequentially(
                table,
                launches,
                test,
                processes=processes,
                pairs=asked,
                places=places,
                intervals_for=shown,
                clock_step=self.clock_step(),
            )
        active = {entry.position for entry in self.active()}
        among = [pair for pair in found if {pair.first, pair.second} <= active]
        judged = judge(among, equivalence=equivalence, most_processes=self._most_processes())
        return {(pair.first, pair.second): pair for pair in (*found, *judged)}

    def _most_processes(self) -> int:
        """Return how many processes a candidate would have with many rounds; 0 if more rounds would not add any."""
        launches = len(self.medians.whole_launches)
        processes = max((entry.track.processes for entry in self._entries), default=0)
        if processes < self.medians.whole_rounds // max(launches, 1) // self.rounds_per_replica:
            return 0
        return launches * self.most_replicas

    def control_pair(self, *, live: bool) -> PairComparison | None:
        """Compare the control with the candidate that it copies; None where there is none, or nothing of it yet."""
        if self.control is None:
            return None
        table, launches, processes = self.medians.excerpt(MOST_LIVE_ROUNDS if live else None)
        pairs = [(0, self.control.position)]
        pair = compare(
            table,
            launches,
            processes=processes,
            pairs=pairs,
            equivalence=self.plan.equivalence,
            clock_step=self.clock_step(),
        )[0]
        return pair if pair.rounds else None

    def clock_step(self) -> int:
        """Return the step that the clock counts in, in nanoseconds; 0 where the latencies do not tell.

        The fastest that tell do it best: nothing else makes these come out as one of a few numbers.
        """
        fastest_first = sorted(self._everyone, key=lambda entry: entry.track.totals.mean)
        return next((step for entry in fastest_first if (step := entry.track.clock_step)), 0)

    def groups(self, candidates: list[CandidateResult], pairs: dict[tuple[int, int], PairComparison]) -> dict[str, str]:
        """Return the letters of each, by slug: two share one exactly where neither is known to be faster."""
        ranked = sorted((c for c in candidates if c.statistics is not None), key=median_of)
        places = [self._places[c.slug] for c in ranked]

        def told_apart(i: int, j: int) -> bool:
            pair = pairs.get((min(places[i], places[j]), max(places[i], places[j])))
            return pair is not None and pair.verdict in _TOLD_APART

        if len(ranked) < 2:
            return {}
        return dict(zip((c.slug for c in ranked), compact_letters(len(ranked), told_apart), strict=True))

    def comparisons(
        self, baseline: int | None, pairs: dict[tuple[int, int], PairComparison], *, tails: bool
    ) -> tuple[Comparison, ...]:
        """Return every other candidate against the baseline, in the plan's order; p99 only where `tails` says so."""
        found = [
            pair if pair.first == baseline else pair.flipped
            for pair in pairs.values()
            if baseline in (pair.first, pair.second)
        ]
        found.sort(key=lambda pair: pair.second)
        told = [self.comparison(self._entries[p.first], self._entries[p.second], p, tails=tails) for p in found]
        p_values = {index: c.p99_p_value for index, c in enumerate(told) if c.p99_p_value is not None}
        for index, p_value in zip(p_values, holm([*p_values.values()]).tolist(), strict=True):
            told[index] = msgspec.structs.replace(told[index], p99_p_value=p_value)
        return tuple(told)

    def comparison(
        self, baseline: CandidateRecord, entry: CandidateRecord, pair: PairComparison, *, tails: bool
    ) -> Comparison:
        """Return one pair as results have it; their p99 are compared only where `tails` says so."""
        low, high = pair.interval or (None, None)
        predicted_low, predicted_high = _again(pair)
        tail = self._tails(baseline.track, entry.track) if tails else None
        return Comparison(
            baseline=baseline.candidate.slug,
            candidate=entry.candidate.slug,
            ratio=pair.ratio,
            low=low,
            high=high,
            verdict=pair.verdict,
            rounds=pair.rounds,
            launches=len(pair.cluster_medians) if pair.across_launches else min(len(self.medians.whole_launches), 2),
            **self._to_settle(pair, entry),
            predicted_low=predicted_low,
            predicted_high=predicted_high,
            p99_ratio=tail.ratio if tail else None,
            p99_p_value=tail.p_value if tail else None,
        )

    def _tails(self, first: SampleBuffer, second: SampleBuffer) -> TailComparison | None:
        """Compare the p99 of two candidates over the rounds that both had, evenly thinned where they are many."""
        if min(first.totals.count, second.totals.count) < LEAST_CALLS:
            return None
        shared = np.intersect1d(first.rounds, second.rounds)
        if shared.size < LEAST_ROUNDS:
            return None
        fewer, more = sorted((first.totals.count, second.totals.count))
        stride = max(min(-(-more // _MOST_TAIL_SAMPLES), fewer // (2 * LEAST_CALLS), shared.size // _TAIL_ROUNDS), 1)
        parts = [track.thinned(shared[::stride], _MOST_TAIL_SAMPLES) for track in (first, second)]
        one, other = ((part.samples, part.rounds) for part in parts)
        # Processes, not launches: exchanged whole, five of these come out alike in one of sixteen labellings.
        processes = min((part.processes for part in parts), key=lambda labels: np.unique(labels).size)
        return compare_tails(one, other, clusters=processes, seed=self.plan.seed)

    def _to_settle(self, pair: PairComparison, entry: CandidateRecord) -> _ToSettle:
        """Return what would settle a pair, as a comparison has it; nothing where nothing is known."""
        rounds, launches = self.medians.whole_rounds, self.medians.whole_launches
        seconds = self._seconds_of(launches)
        if pair.launches_to_settle is not None:
            more = pair.launches_to_settle - len(pair.cluster_medians)
            return {"launches_to_settle": more, "seconds_to_settle": more * seconds / len(launches)}
        if pair.rounds_to_settle is None or not rounds:
            return {}
        more = max(pair.rounds_to_settle - rounds, 1)
        runs = math.ceil(more * entry.track.totals.count / max(entry.track.blocks, 1))
        return {"runs_to_settle": runs, "seconds_to_settle": more * seconds / rounds}


def _again(pair: PairComparison) -> tuple[float | None, float | None]:
    """Return where a ratio will likely lie when measured again: never more surely than where it lies now.

    A few launches that happen to agree would say more than the rounds inside them do.
    """
    again = prediction_interval(pair.cluster_medians) if pair.across_launches else None
    if again is None or pair.low is None or pair.high is None:
        return None, None
    return math.exp(min(again[0] - pair.clock_margin, pair.low)), math.exp(max(again[1] + pair.clock_margin, pair.high))


def median_of(candidate: CandidateResult) -> float:
    """Return the p50 of one that was measured, in seconds."""
    assert candidate.statistics is not None
    return candidate.statistics.p50.value or 0.0


def apart(pair: PairComparison | None) -> float:
    """How far apart two candidates came out, as a share; nothing where that is not known."""
    return 0.0 if pair is None or pair.log_ratio is None else math.expm1(abs(pair.log_ratio))
