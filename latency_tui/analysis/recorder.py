"""A recording: events of a measurement folded, one by one, into the result that everything reads.

It may be asked for its result at any moment, while it is still growing (a screen does so four times a second) or at
the end. Adding an event takes time in proportion to its block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
import numpy as np

from latency_tui.analysis.candidate_record import CandidateRecord
from latency_tui.analysis.checkpoints import checkpoint_of
from latency_tui.analysis.comparer import MOST_LIVE_ROUNDS, Comparer, apart, median_of
from latency_tui.analysis.continuation import Part, what_is_missing
from latency_tui.analysis.limit_verdicts import Looks, judge_limits
from latency_tui.analysis.noise_recorder import NoiseRecorder
from latency_tui.analysis.sample_store import MOST_SAMPLES, SampleBuffer
from latency_tui.engine.protocol import (
    Block,
    BlockMeasured,
    CandidateFailed,
    ColdStartMeasured,
    EngineStarted,
    Event,
    InputsIdentified,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    WarmUpFinished,
)
from latency_tui.plan import Plan
from latency_tui.plan.colors import colours
from latency_tui.result.checkpoint import Asked
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.more import More
from latency_tui.result.result import CandidateResult, Comparison, Noise, Result
from latency_tui.result.spool import KeptBlock, Spool
from latency_tui.stats.comparison import PairComparison
from latency_tui.stats.percentiles import LEAST_ROUNDS
from latency_tui.stats.samples import as_latencies
from latency_tui.stats.summary import Summary
from latency_tui.text.summary import answer

_NANO = 1e-9
_RELATIVE_SAMPLES = 10_000


class Recorder:
    """A measurement as it is told by its events.

    Attributes:
        created_at: When measuring began.
        most_samples: How many samples of a candidate are kept at the most.
        everyone: Those who take turns, by slug; a control copy is the last.
        race: Their rounds.
        conditions: The machine.
        looks: The looks at limits.
        asked: The plan and its continuations.
        inputs: SHA-256 of each file and module that is measured, and version of each library, by name.
    """

    def __init__(
        self,
        plan: Plan,
        known_colours: Mapping[str, str] | None = None,
        *,
        spool: Spool | None = None,
        most_samples: int = MOST_SAMPLES,
    ) -> None:
        """Begin an empty one.

        Args:
            plan: What is measured.
            known_colours: Colours by slug, where candidates have been shown in some before.
            spool: Where events and samples are written as they come; None for nowhere.
            most_samples: How many samples are kept at the most, all candidates together.
        """
        self._spool, self._is_spooled = spool, True
        self.created_at = datetime.now(UTC)
        given = colours(plan.turns, known_colours)
        self.most_samples = max(most_samples // len(plan.turns), 1)
        everyone = [
            CandidateRecord(candidate, position, given[candidate.slug], self.most_samples, plan.seed + position)
            for position, candidate in enumerate(plan.turns)
        ]
        self.everyone = {entry.candidate.slug: entry for entry in everyone}
        self._entries = {entry.candidate.slug: entry for entry in everyone[: len(plan.candidates)]}
        self.race = Comparer(plan, everyone)
        self.conditions = NoiseRecorder(plan)
        self.looks, self._all_decided = Looks(), False
        self.asked: list[Asked] = [Asked(more=More.of(plan))]
        self.inputs: dict[str, str] = {}

    @property
    def plan(self) -> Plan:
        """What is measured."""
        return self.race.plan

    def rebase(self, baseline: str) -> None:
        """Compare with the candidate of that slug from now on; nothing is measured again."""
        self.race.plan = msgspec.structs.replace(self.race.plan, baseline=baseline)

    @property
    def next_launch(self) -> int:
        """Number of the first launch of a continuation."""
        begun = self.race.launches_begun
        return begun[-1] + 1 if begun else 0

    def continue_with(self, more: More) -> int:
        """Begin a continuation: what comes from now on is more of the same result.

        Args:
            more: How much is going to be measured.

        Returns:
            The number of its first launch, which its events have to carry.
        """
        first = self.next_launch
        if self._spool is not None:
            self._spool.write_continuation(more, None if self._is_spooled else self.result())
            self._is_spooled = True
        self.asked.append(Asked(more=more, first_launch=first, calls_before=self.calls))
        self.race.first_launch = first
        self._all_decided = False
        return first

    def spool_to(self, spool: Spool | None) -> None:
        """Write the next continuation to a spool, and before it all that is known by then; None for nowhere."""
        self._spool, self._is_spooled = spool, False

    @property
    def active(self) -> tuple[str, ...]:
        """Slugs of the candidates that have not failed while they were measured."""
        return tuple(entry.candidate.slug for entry in self.race.active())

    def add(self, event: Event) -> None:
        """Take in one event; those that say nothing of the plan's candidates change nothing."""
        if self._spool is not None and not isinstance(event, BlockMeasured):
            self._spool.write(event)
        match event:
            case BlockMeasured():
                self._add_block(event)
            case EngineStarted():
                self.conditions.add(event)
            case InputsIdentified():
                self.inputs = self.inputs or event.inputs
            case MeasurementStarted():
                self.conditions.add(event)
                self.race.begin(event)
            case TrainingFinished() if entry := self._entries.get(event.candidate):
                if entry.trained is None or entry.trained.seconds is None:
                    entry.trained = event
            case WarmUpFinished() if entry := self.everyone.get(event.candidate):
                first = np.frombuffer(event.first_calls[:8], dtype="<i8") if len(event.first_calls) >= 8 else ()
                entry.first_calls += [float(ns) * _NANO for ns in first if ns > 0]
                entry.steady = entry.steady and event.steady
                entry.received = event.received
            case ColdStartMeasured() if entry := self._entries.get(event.candidate):
                entry.cold_starts.append(event)
            case RoundFinished():
                self.conditions.add(event)
                self.race.finish_round(event)
            case CandidateFailed() if entry := self.everyone.get(event.candidate):
                entry.failed = event
            case _:
                pass

    def _add_block(self, event: BlockMeasured) -> None:
        entry = self.everyone.get(event.candidate)
        if entry is None:
            return
        try:
            latencies = as_latencies(np.frombuffer(event.block.samples, dtype="<i8"))
        except ValueError:
            self.conditions.refused += 1
            return
        if not latencies.size:
            return
        median = float(np.median(latencies))
        round_ = self.race.add(entry, event, median, int(latencies.sum()))
        kept = entry.track.add(latencies, event.launch, event.replica, round_)
        self._count(entry.track, event.block, latencies.size)
        if self._spool is not None:
            self._spool.write_block(event, latencies, kept, median)

    def add_kept(self, block: KeptBlock) -> None:
        """Take in a block of which only some samples are left."""
        entry = self.everyone.get(block.event.candidate)
        if entry is None:
            return
        kept = np.frombuffer(block.event.block.samples, dtype="<i8")
        totals = Summary(block.calls, block.mean, block.squares, block.min, block.max)
        round_ = self.race.add(entry, block.event, block.median, int(totals.total))
        entry.track.add_kept(kept, totals, block.event.launch, block.event.replica, round_)
        self._count(entry.track, block.event.block, block.calls)

    @staticmethod
    def _count(track: SampleBuffer, block: Block, calls: int) -> None:
        """Add what a block tells besides its samples."""
        track.wall_ns += max(block.wall_ns, 0)
        track.cpu_ns += min(max(block.cpu_ns, 0), max(block.wall_ns, 0))
        track.waited_ns += min(max(block.waited_ns, 0), max(block.wall_ns, 0))
        if len(block.discarded) >= 8 and (after := int(np.frombuffer(block.discarded[:8], dtype="<i8")[0])) > 0:
            track.add_after_switch(after)
        track.disturbed_calls += calls if block.switches > 0 else 0
        track.gc_calls += len(set(block.gc_calls))
        track.gc_ns += sum(block.gc_ns)

    @property
    def calls(self) -> dict[str, int]:
        """Calls measured so far, by slug."""
        return {slug: entry.track.totals.count for slug, entry in self._entries.items()}

    @property
    def rounds(self) -> int:
        """Rounds begun so far, in all launches."""
        return len(self.race.medians)

    def settled(self) -> bool:
        """Return whether an until-known plan has its answer: its limits are decided, and see `Comparer.settled`."""
        if self.plan.limits and self.plan.until_known and not self._limits_are_decided():
            return False
        return self.race.settled()

    def _limits_are_decided(self) -> bool:
        if not self._all_decided and self.looks.due(self.rounds):
            active = [e for e in self.race.active() if e.track.totals.count]
            if len(active) < len(self.race.active()):
                return False
            relative = any(limit.relative for limit in self.plan.limits)
            comparisons = self.result(most_samples=_RELATIVE_SAMPLES, samples=False).comparisons if relative else ()
            verdicts = self._judge(active, comparisons, self.looks.confidence, None)
            self._all_decided = self.looks.look(self.rounds, verdicts)
        return self._all_decided

    def _judge(
        self,
        entries: Iterable[CandidateRecord],
        comparisons: Iterable[Comparison],
        confidence: float,
        most_samples: int | None,
    ) -> list[LimitVerdict]:
        """Judge candidates by the limits, from intervals of a confidence."""
        compared = {comparison.candidate: comparison for comparison in comparisons}
        sizes, seconds, step = self.race.calls_per_long_block, self.race.seconds, self.race.clock_step()
        return [
            verdict
            for e in entries
            for verdict in judge_limits(
                self.plan.limits,
                e,
                e.statistics(
                    most_samples,
                    calls_per_round=sizes.get(e.candidate.slug, 1),
                    seconds=seconds,
                    clock_step=step,
                    confidence=confidence,
                ),
                compared.get(e.candidate.slug),
                batch_size=self.plan.workload.batch_size,
                seconds=seconds,
                confidence=confidence,
            )
        ]

    def _limits(self, comparisons: tuple[Comparison, ...], most_samples: int | None) -> tuple[LimitVerdict, ...]:
        if not self.plan.limits:
            return ()
        active = [e for e in self.race.active() if e.track.totals.count]
        if not self.plan.until_known:
            return tuple(self._judge(active, comparisons, 0.95, most_samples))
        return self.looks.standing(self._judge(active, comparisons, self.looks.confidence, most_samples))

    def result(self, *, most_samples: int | None = None, samples: bool = True) -> Result:
        """Return the result so far.

        Args:
            most_samples: About how many samples a candidate may be looked at, in evenly chosen whole rounds, so that
                the cost does not grow with the measurement. Totals (mean, std, min, max, calls, throughput) are exact
                all the same. None for everything, exactly.
            samples: Whether the result holds the samples.
        """
        rows, sizes, seconds = self.plan.workload.batch_size, self.race.calls_per_long_block, self.race.seconds
        spread = max((e.track.processes for e in self._entries.values()), default=0) > 1
        alone = {e for e in self.race.active() if spread and e.track.processes == 1 and e.track.blocks >= LEAST_ROUNDS}
        race, live = self.race, most_samples is not None
        step = race.clock_step()
        candidates = [
            e.result(
                rows,
                most_samples,
                calls_per_round=sizes.get(slug, 1),
                seconds=seconds,
                clock_step=step,
                alone=e in alone,
                samples=samples,
            )
            for slug, e in self._entries.items()
        ]
        baseline = race.baseline(candidates)
        control = race.control_pair(live=live)
        equivalence = max(self.plan.equivalence, apart(control))
        pairs = race.pairs(baseline, equivalence, live=live)
        groups = race.groups(candidates, pairs)
        comparisons = race.comparisons(baseline, pairs, tails=not live)
        value = Result(
            created_at=self.created_at,
            plan=self.plan,
            environment=self.conditions.environment,
            candidates=tuple(msgspec.structs.replace(c, group=groups.get(c.slug, "")) for c in candidates),
            comparisons=comparisons,
            limits=self._limits(comparisons, most_samples),
            equivalence=equivalence,
            noise=self._noise(candidates, control),
            checkpoint=checkpoint_of(self) if samples and not live else None,
        )
        fastest, contest = race.fastest(candidates), comparisons
        if fastest != baseline:  # the answer is the same whichever baseline the table has
            if self.plan.until_known:  # whose intervals are computed for one candidate only
                pairs = race.pairs(fastest, equivalence, live=live)
            contest = race.comparisons(fastest, pairs, tails=False)
        contested = msgspec.structs.replace(value, comparisons=contest)
        more = what_is_missing(contested, [*self._parts()], self.race.seconds)
        return msgspec.structs.replace(value, answer=answer(value, contest), more=more)

    def _parts(self) -> Iterator[Part]:
        """Yield the plan and its continuations, with how far each came."""
        following = [asked.first_launch for asked in self.asked[1:]]
        for one, end in zip(self.asked, [*following, None], strict=True):
            first, before = one.first_launch, one.calls_before
            launches = [n for n in self.race.launches_begun if first <= n and (end is None or n < end)]
            if one is not self.asked[0] and not launches:  # refused, or stopped before its first round
                continue
            shares = [self.race.medians.share_of(launch) for launch in launches]
            yield Part(
                asked=one.more,
                launches=sum(share >= 1 for share in shares),
                runs=min(
                    (e.track.totals.count - before.get(e.candidate.slug, 0) for e in self.race.active()), default=0
                ),
                share=shares[-1] if shares else 0.0,
            )

    def _noise(self, candidates: list[CandidateResult], control: PairComparison | None) -> Noise:
        tracks = [entry.track for entry in self.everyone.values() if entry.track.totals.count]
        table = self.race.medians.excerpt(MOST_LIVE_ROUNDS).medians
        lost = self.race.control.failed if self.race.control else None
        collected = {
            e.candidate.name: e.track.gc_calls / e.track.totals.count
            for e in self._entries.values()
            if e.track.totals.count
        }
        return self.conditions.noise(
            tracks,
            table,
            fastest=min((median_of(c) for c in candidates if c.statistics is not None), default=None),
            clock_step=self.race.clock_step(),
            unsteady=tuple(e.candidate.name for e in self._entries.values() if not e.steady),
            collected=max(collected.items(), key=lambda item: item[1], default=None),
            apart=None if control is None else apart(control),
            control=self._control_comparison(control),
            control_failed=lost.message if control is None and lost else None,
        )

    def _control_comparison(self, pair: PairComparison | None) -> Comparison | None:
        first, copy = self.everyone[self.plan.candidates[0].slug], self.race.control
        return None if pair is None or copy is None else self.race.comparison(first, copy, pair, tails=False)
