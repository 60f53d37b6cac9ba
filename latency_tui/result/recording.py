"""A recording: events of a measurement folded, one by one, into the result that everything reads.

It may be asked for its result at any moment, while it is still growing (a screen does so four times a second) or at
the end. Adding an event takes time in proportion to its block.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypedDict

import msgspec
import numpy as np

from latency_tui.engine.protocol import (
    BlockMeasured,
    CandidateFailed,
    ColdStartMeasured,
    EngineStarted,
    Event,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    WarmUpFinished,
)
from latency_tui.engine.turns import calls_a_block, copies_of
from latency_tui.plan import Plan
from latency_tui.plan.palette import colours
from latency_tui.result.answer import answer
from latency_tui.result.conditions import Conditions
from latency_tui.result.entry import Entry
from latency_tui.result.result import CandidateResult, Comparison, Noise, Result
from latency_tui.result.settling import Settling
from latency_tui.result.tracks import MedianTable, Track
from latency_tui.stats.again import again_interval
from latency_tui.stats.anytime import compare_anytime, replay
from latency_tui.stats.comparison import PairComparison, compare, judge
from latency_tui.stats.multiple import holm, letters
from latency_tui.stats.percentiles import LEAST_ROUNDS
from latency_tui.stats.samples import as_latencies
from latency_tui.stats.tails import LEAST_CALLS, TailComparison, compare_tails

_NANO = 1e-9
_MOST_LIVE_ROUNDS = 600
_MOST_LIVE_SEQUENCE = 150
_MOST_TAIL_SAMPLES = 50_000
_TAIL_ROUNDS = 200
_LATER = 1.05  # by so much more rounds, an answer that did not stand yet is looked at again
_NOBODY = -1
_MANY_ROUNDS = 1_000_000
_TOLD_APART = ("faster", "slower")


class _ToSettle(TypedDict, total=False):
    seconds_to_settle: float
    runs_to_settle: int
    launches_to_settle: int


class Recording:
    """A measurement as it is told by its events."""

    def __init__(self, plan: Plan, known_colours: Mapping[str, str] | None = None) -> None:
        """Begin an empty one.

        Args:
            plan: What is measured.
            known_colours: Colours by slug, where candidates have been shown in some before.
        """
        self.plan = plan
        self.created_at = datetime.now(UTC)
        given = colours(plan.turns, known_colours)
        everyone = [Entry(candidate, position, given[candidate.slug]) for position, candidate in enumerate(plan.turns)]
        self._everyone = {entry.candidate.slug: entry for entry in everyone}
        self._entries = {entry.candidate.slug: entry for entry in everyone[: len(plan.candidates)]}
        self._control = everyone[-1] if plan.control else None
        self._medians = MedianTable(len(everyone))
        self._settling = Settling(len(plan.candidates), plan.equivalence) if plan.until_known else None
        self._conditions = Conditions(plan)
        self._spans: dict[int, tuple[int, int]] = {}
        self._ask_again_at = 0

    def add(self, event: Event) -> None:
        """Take in one event; those that say nothing of the plan's candidates change nothing."""
        match event:
            case BlockMeasured():
                self._add_block(event)
            case EngineStarted():
                self._conditions.add(event)
            case MeasurementStarted():
                self._conditions.add(event)
                # Until it is known the first launch says how many rounds the others have.
                known = self.plan.until_known
                self._medians.expect(event.launch, self._medians.rounds_of(0) if known else event.rounds)
            case TrainingFinished() if entry := self._entries.get(event.candidate):
                if entry.trained is None or entry.trained.seconds is None:
                    entry.trained = event
            case WarmUpFinished() if entry := self._everyone.get(event.candidate):
                first = np.frombuffer(event.first_calls[:8], dtype="<i8") if len(event.first_calls) >= 8 else ()
                entry.first_calls += [float(ns) * _NANO for ns in first if ns > 0]
                entry.steady = entry.steady and event.steady
            case ColdStartMeasured() if entry := self._entries.get(event.candidate):
                entry.cold_starts.append(event)
            case RoundFinished():
                self._finish_round(event)
            case CandidateFailed() if entry := self._everyone.get(event.candidate):
                entry.failed = event
            case _:
                pass

    def _finish_round(self, event: RoundFinished) -> None:
        self._conditions.add(event)
        medians = self._medians.column(event.launch, event.round)
        if self._settling is not None and medians is not None:
            self._settling.add(medians[: len(self._entries)])

    def _add_block(self, event: BlockMeasured) -> None:
        entry = self._everyone.get(event.candidate)
        if entry is None:
            return
        try:
            latencies = as_latencies(np.frombuffer(event.samples, dtype="<i8"))
        except ValueError:
            self._conditions.refused += 1
            return
        if not latencies.size:
            return
        track = entry.track
        column = self._medians.add(event.launch, event.round, event.copy, entry.position, float(np.median(latencies)))
        track.add(latencies, event.launch, event.copy, column)
        track.wall_ns += max(event.wall_ns, 0)
        track.cpu_ns += min(max(event.cpu_ns, 0), max(event.wall_ns, 0))
        track.waited_ns += min(max(event.waited_ns, 0), max(event.wall_ns, 0))
        if len(event.discarded) >= 8 and (after := int(np.frombuffer(event.discarded[:8], dtype="<i8")[0])) > 0:
            track.add_after_switch(after)
        track.disturbed_calls += latencies.size if event.switches > 0 else 0
        track.gc_calls += len(set(event.gc_calls))
        track.gc_ns += sum(event.gc_ns)
        began, ended = self._spans.get(event.launch, (event.started_ns, event.started_ns))
        self._spans[event.launch] = (
            min(began, event.started_ns),
            max(ended, event.started_ns + max(event.wall_ns, int(latencies.sum()))),
        )

    @property
    def calls(self) -> dict[str, int]:
        """Calls measured so far, by slug."""
        return {slug: entry.track.totals.count for slug, entry in self._entries.items()}

    @property
    def rounds(self) -> int:
        """Rounds begun so far, in all launches."""
        return len(self._medians)

    def settled(self) -> bool:
        """Return whether an until-known plan has its answer: every candidate's verdict against the baseline stands.

        To be asked after each round; it may be asked as often as one likes, for the test behind it keeps its error
        under any number of looks. Always False for a plan that says how long to measure.
        """
        if self._settling is None:
            return False
        racing = {e.position for e in self._entries.values() if e.failed is None}
        if len(racing) < 2:
            return True
        if self.rounds < self._ask_again_at or any(not e.track.totals.count for e in self._racing()):
            return False
        # The test is of the plan's region of equivalence. Where a control is known to lie beyond it, and so widens it,
        # only the comparison tells.
        if not self._control_is_apart() and not self._settling.settled(racing, self._wanted_baseline()):
            return False
        if self._verdicts_stand():
            return True
        self._ask_again_at = math.ceil(self.rounds * _LATER)
        return False

    def _control_is_apart(self) -> bool:
        pair = self._control_pair(live=True)
        if pair is None or pair.low is None or pair.high is None:
            return False
        margin = math.log1p(self.plan.equivalence)
        return pair.low > margin or pair.high < -margin

    def _verdicts_stand(self) -> bool:
        """Return whether the result would hold no inconclusive verdict: by the very comparison that it will show.

        It knows what the test alone does not: how far processes lie apart, the control's floor, and who has failed.
        """
        medians = {
            e.position: float(np.median(e.track.excerpt(None).samples)) for e in self._racing() if e.track.totals.count
        }
        wanted = self._wanted_baseline()
        baseline = wanted if wanted in medians else min(medians, key=medians.__getitem__)
        equivalence = max(self.plan.equivalence, _apart(self._control_pair(live=False)))
        pairs = self._pairs(baseline, equivalence, live=False, intervals_for=_NOBODY)
        rivals = {position for position in medians if position != baseline}
        asked = [pair for pair in pairs.values() if {pair.first, pair.second} - rivals == {baseline}]
        return all(pair.verdict != "inconclusive" for pair in asked)

    def _racing(self) -> list[Entry]:
        """Return the candidates that have not failed while they were measured."""
        return [e for e in self._entries.values() if e.failed is None or e.failed.stage == "cold start"]

    def result(self, *, most_samples: int | None = None) -> Result:
        """Return the result so far.

        Args:
            most_samples: About how many samples a candidate may be looked at, in evenly chosen whole rounds, so that
                the cost does not grow with the measurement. Totals (mean, std, min, max, calls, throughput) are exact
                all the same. None for everything, exactly.
        """
        rows, size, seconds = self.plan.workload.batch_size, self._calls_a_round(), self._seconds
        spread = max((e.track.processes for e in self._entries.values()), default=0) > 1
        alone = {e for e in self._racing() if spread and e.track.processes == 1 and e.track.blocks >= LEAST_ROUNDS}
        candidates = [
            e.result(rows, most_samples, calls_a_round=size, seconds=seconds, alone=e in alone)
            for e in self._entries.values()
        ]
        baseline = self._baseline(candidates)
        control = self._control_pair(live=most_samples is not None)
        equivalence = max(self.plan.equivalence, _apart(control))
        pairs = self._pairs(baseline, equivalence, live=most_samples is not None)
        groups = self._groups(candidates, pairs)
        value = Result(
            created_at=self.created_at,
            plan=self.plan,
            environment=self._conditions.environment,
            candidates=tuple(msgspec.structs.replace(c, group=groups.get(c.slug, "")) for c in candidates),
            comparisons=self._comparisons(baseline, pairs, tails=most_samples is None),
            equivalence=equivalence,
            noise=self._noise(candidates, control),
        )
        return msgspec.structs.replace(value, answer=answer(value))

    @property
    def _seconds(self) -> float:
        """How long the rounds lasted on the clock, all launches together."""
        return sum(ended - began for began, ended in self._spans.values()) * _NANO

    def _calls_a_round(self) -> int:
        """Return how many calls the rounds of this plan would have if there were many runs of it."""
        means = [e.track.totals.mean * _NANO for e in self._entries.values() if e.track.totals.count]
        return calls_a_block(means) if means and self.plan.runs is not None else 1

    # --- comparisons ------------------------------------------------------------------------------------------------

    def _wanted_baseline(self) -> int | None:
        """Return the position of the candidate that the plan names as the baseline, unless it failed on the way."""
        entry = self._entries.get(self.plan.baseline or "")
        return entry.position if entry is not None and entry in self._racing() else None

    def _baseline(self, candidates: list[CandidateResult]) -> int | None:
        """Return the position of the one that the others are compared with: the plan's, or else the fastest.

        None where nothing was measured.
        """
        measured = [c for c in candidates if c.statistics is not None]
        if not measured:
            return None
        wanted = self._wanted_baseline()
        if wanted is not None and candidates[wanted].statistics is not None:
            return wanted
        # One that failed may have been measured too little to compare anyone with.
        whole = [c for c in measured if c.status == "measured"] or measured
        return self._entries[min(whole, key=_median_of).slug].position

    def _pairs(
        self, baseline: int | None, equivalence: float, *, live: bool, intervals_for: int | None = None
    ) -> dict[tuple[int, int], PairComparison]:
        """Compare every pair of candidates with samples, by position in the plan.

        Verdicts of those that still race are corrected over their own pairs: one that failed takes nothing from them.
        """
        measured = [e.position for e in self._entries.values() if e.track.totals.count]
        asked = [(i, j) for i in measured for j in measured if i < j]
        if not asked:
            return {}
        if self._settling is None:
            table, launches, processes = self._medians.excerpt(_MOST_LIVE_ROUNDS if live else None)
            found = compare(table, launches, processes=processes, pairs=asked, equivalence=equivalence)
        else:
            table, launches, processes = self._medians.excerpt(_MOST_LIVE_SEQUENCE if live else None)
            widened = equivalence > self.plan.equivalence
            test = replay(table, asked, equivalence) if widened else self._settling.test
            places = range(len(asked)) if widened else [self._settling.place(pair) for pair in asked]
            shown = baseline if intervals_for is None else intervals_for
            found = compare_anytime(
                table, launches, test, processes=processes, pairs=asked, places=places, intervals_for=shown
            )
        racing = {entry.position for entry in self._racing()}
        among = [pair for pair in found if {pair.first, pair.second} <= racing]
        most = copies_of(len(self._everyone), _MANY_ROUNDS, fork=True)
        judged = judge(among, equivalence=equivalence, most_processes=most)
        return {(pair.first, pair.second): pair for pair in (*found, *judged)}

    def _control_pair(self, *, live: bool) -> PairComparison | None:
        """Compare the control with the candidate that it copies; None where there is none, or nothing of it yet."""
        if self._control is None:
            return None
        table, launches, processes = self._medians.excerpt(_MOST_LIVE_ROUNDS if live else None)
        pairs = [(0, self._control.position)]
        pair = compare(table, launches, processes=processes, pairs=pairs, equivalence=self.plan.equivalence)[0]
        return pair if pair.rounds else None

    def _groups(
        self, candidates: list[CandidateResult], pairs: dict[tuple[int, int], PairComparison]
    ) -> dict[str, str]:
        """Return the letters of each, by slug: two share one exactly where neither is known to be faster."""
        ranked = sorted((c for c in candidates if c.statistics is not None), key=_median_of)
        places = [self._entries[c.slug].position for c in ranked]

        def told_apart(i: int, j: int) -> bool:
            pair = pairs.get((min(places[i], places[j]), max(places[i], places[j])))
            return pair is not None and pair.verdict in _TOLD_APART

        if len(ranked) < 2:
            return {}
        return dict(zip((c.slug for c in ranked), letters(len(ranked), told_apart), strict=True))

    def _comparisons(
        self, baseline: int | None, pairs: dict[tuple[int, int], PairComparison], *, tails: bool
    ) -> tuple[Comparison, ...]:
        entries = {entry.position: entry for entry in self._entries.values()}
        found = [
            pair if pair.first == baseline else pair.flipped
            for pair in pairs.values()
            if baseline in (pair.first, pair.second)
        ]
        found.sort(key=lambda pair: pair.second)
        told = [self._comparison(entries[p.first], entries[p.second], p, tails=tails) for p in found]
        p_values = {index: c.p99_p_value for index, c in enumerate(told) if c.p99_p_value is not None}
        for index, p_value in zip(p_values, holm([*p_values.values()]).tolist(), strict=True):
            told[index] = msgspec.structs.replace(told[index], p99_p_value=p_value)
        return tuple(told)

    def _comparison(self, baseline: Entry, entry: Entry, pair: PairComparison, *, tails: bool) -> Comparison:
        low, high = pair.interval or (None, None)
        again = again_interval(pair.centres) if pair.across_launches else None
        tail = self._tails(baseline.track, entry.track) if tails else None
        return Comparison(
            baseline=baseline.candidate.slug,
            candidate=entry.candidate.slug,
            ratio=pair.ratio,
            low=low,
            high=high,
            verdict=pair.verdict,
            rounds=pair.rounds,
            launches=len(pair.centres) if pair.across_launches else min(len(self._medians.whole_launches), 2),
            **self._to_settle(pair, entry),
            again_low=math.exp(again[0]) if again else None,
            again_high=math.exp(again[1]) if again else None,
            p99_ratio=tail.ratio if tail else None,
            p99_p_value=tail.p_value if tail else None,
        )

    def _tails(self, first: Track, second: Track) -> TailComparison | None:
        """Compare the p99 of two candidates over the rounds that both had, evenly thinned where they are many."""
        if min(first.totals.count, second.totals.count) < LEAST_CALLS:
            return None
        shared = np.intersect1d(first.rounds, second.rounds)
        if shared.size < LEAST_ROUNDS:
            return None
        fewer, more = sorted((first.totals.count, second.totals.count))
        stride = max(min(-(-more // _MOST_TAIL_SAMPLES), fewer // (2 * LEAST_CALLS), shared.size // _TAIL_ROUNDS), 1)
        parts = [track.excerpt_of(shared[::stride]) for track in (first, second)]
        one, other = (part.thinned(_MOST_TAIL_SAMPLES) for part in parts)
        # Processes, not launches: exchanged whole, five of these come out alike in one of sixteen labellings.
        processes = min((part.processes for part in parts), key=lambda labels: np.unique(labels).size)
        return compare_tails(one, other, draws=processes, seed=self.plan.seed)

    def _to_settle(self, pair: PairComparison, entry: Entry) -> _ToSettle:
        """Return what would settle a pair, as a comparison has it; nothing where nothing is known."""
        rounds, spans = self._medians.whole_rounds, [self._spans[launch] for launch in self._medians.whole_launches]
        seconds = sum(ended - began for began, ended in spans) * _NANO
        if pair.launches_to_settle is not None:
            more = pair.launches_to_settle - len(pair.centres)
            return {"launches_to_settle": more, "seconds_to_settle": more * seconds / len(spans)}
        if pair.rounds_to_settle is None or not rounds:
            return {}
        more = max(pair.rounds_to_settle - rounds, 1)
        runs = math.ceil(more * entry.track.totals.count / max(entry.track.blocks, 1))
        return {"runs_to_settle": runs, "seconds_to_settle": more * seconds / rounds}

    # --- noise ------------------------------------------------------------------------------------------------------

    def _noise(self, candidates: list[CandidateResult], control: PairComparison | None) -> Noise:
        tracks = [entry.track for entry in self._everyone.values() if entry.track.totals.count]
        table = self._medians.excerpt(_MOST_LIVE_ROUNDS).medians
        lost = self._control.failed if self._control else None
        collected = {
            e.candidate.name: e.track.gc_calls / e.track.totals.count
            for e in self._entries.values()
            if e.track.totals.count
        }
        return self._conditions.noise(
            tracks,
            table,
            fastest=min((_median_of(c) for c in candidates if c.statistics is not None), default=None),
            unsteady=tuple(e.candidate.name for e in self._entries.values() if not e.steady),
            collected=max(collected.items(), key=lambda item: item[1], default=None),
            apart=None if control is None else _apart(control),
            control=self._control_comparison(control),
            control_failed=lost.message if control is None and lost else None,
        )

    def _control_comparison(self, pair: PairComparison | None) -> Comparison | None:
        if pair is None or self._control is None:
            return None
        return self._comparison(self._everyone[self.plan.candidates[0].slug], self._control, pair, tails=False)


def _median_of(candidate: CandidateResult) -> float:
    assert candidate.statistics is not None
    return candidate.statistics.p50.value or 0.0


def _apart(pair: PairComparison | None) -> float:
    """How far apart two candidates came out, as a share; nothing where that is not known."""
    return 0.0 if pair is None or pair.log_ratio is None else math.expm1(abs(pair.log_ratio))
