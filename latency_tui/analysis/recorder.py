"""Folds the events of a measurement, one by one, into its result.

The result may be requested at any time: a screen does so four times per second during the measurement. Adding an event
takes time proportional to the size of its block.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import numpy as np
import scipy.special  # noqa: F401  before the measurement begins: it takes 0.2 s, and the statistics need it

from latency_tui.analysis.candidate_record import CandidateRecord
from latency_tui.analysis.checkpoints import checkpoint_of
from latency_tui.analysis.comparer import MAX_LIVE_ROUNDS, Comparer, difference_of, median_of
from latency_tui.analysis.continuation import remaining_measurement
from latency_tui.analysis.journal import Begun, Continued, Journal, KeptBlock, block_entry
from latency_tui.analysis.limit_judge import LimitJudge
from latency_tui.analysis.load import LoadRecorder
from latency_tui.analysis.noise_recorder import NoiseRecorder
from latency_tui.analysis.request_mix import RequestMix, compare_classes
from latency_tui.analysis.request_progress import request_progress
from latency_tui.analysis.revision_comparisons import compare_revisions
from latency_tui.analysis.sample_buffer import MAX_SAMPLES, SampleBuffer
from latency_tui.analysis.steps import analyse_steps
from latency_tui.analysis.sweeps import analyse_sweeps
from latency_tui.analysis.trade_off import TradeOffs
from latency_tui.catalog.working_tree import WorkingTree
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.environment_events import EnvironmentIdentified, PredictionsCompared
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished
from latency_tui.engine.protocol import (
    Block,
    BlockMeasured,
    CandidateFailed,
    EngineStarted,
    Event,
    InputsIdentified,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    WarmUpFinished,
)
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.step_events import StepsMeasured
from latency_tui.plan import Plan
from latency_tui.plan.colors import colours_of
from latency_tui.result.checkpoint import MeasurementRequest
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.result.mix import ClassTotals
from latency_tui.result.noise import Noise
from latency_tui.result.result import CandidateResult, Result
from latency_tui.stats.comparison import Comparison
from latency_tui.stats.pair_evidence import PairEvidence
from latency_tui.stats.percentiles import MIN_ROUNDS
from latency_tui.stats.samples import validate_latencies
from latency_tui.text.summary import summarize

_NANO = 1e-9
_RELATIVE_SAMPLES = 10_000
"""Samples per candidate that a look at relative limits uses."""


class Recorder:
    """Records a measurement from its events.

    Attributes:
        created_at: When the measurement began.
        max_samples: Largest number of samples kept per candidate.
        records: Records of all candidates, by slug; a control is the last.
        mix: Classes of the calls of a request mix; None if all calls have the same batch size.
        comparer: Block medians and comparisons.
        noise_recorder: Conditions of the machine.
        limit_judge: Verdicts on the limits.
        load: Windows of the load test.
        asked: The plan and its continuations.
        inputs: SHA-256 of each measured file and module, and version of each library, by name.
        working_tree: The git working tree that models come from.
    """

    def __init__(
        self,
        plan: Plan,
        known_colours: Mapping[str, str] | None = None,
        *,
        max_samples: int = MAX_SAMPLES,
    ) -> None:
        """Create an empty recording.

        Args:
            plan: The plan that is measured.
            known_colours: Colours by slug of candidates that have already been shown.
            max_samples: Largest number of samples kept, over all candidates.
        """
        self._journal: Journal | None = None
        self._trade_offs = TradeOffs()
        self.created_at = datetime.now(UTC)
        given = colours_of(plan, known_colours)
        self.max_samples = max(max_samples // len(plan.all_candidates), 1)
        records = [
            CandidateRecord(candidate, position, given[candidate.slug], self.max_samples, plan.seed + position)
            for position, candidate in enumerate(plan.all_candidates)
        ]
        self.records = {record.candidate.slug: record for record in records}
        self._visible = {record.candidate.slug: record for record in records[: len(plan.candidates)]}
        self.mix = RequestMix(plan.workload.mix) if plan.workload.mix else None
        self.comparer = Comparer(plan, records)
        self.noise_recorder = NoiseRecorder(plan)
        self.limit_judge = LimitJudge(self.comparer)
        self.load = LoadRecorder(plan)
        self.asked: list[MeasurementRequest] = [MeasurementRequest(more=MeasurementAmount.of(plan))]
        self.inputs: dict[str, str] = {}
        self.working_tree: WorkingTree | None = None

    @property
    def plan(self) -> Plan:
        """The plan that is measured."""
        return self.comparer.plan

    def rebase(self, baseline: str) -> None:
        """Change the baseline of the comparisons to the candidate with this slug; nothing is measured again."""
        self.comparer.plan = msgspec.structs.replace(self.comparer.plan, baseline=baseline)

    @property
    def next_launch(self) -> int:
        """Number of the first launch of a continuation."""
        begun = self.comparer.launches_begun
        return begun[-1] + 1 if begun else 0

    def continue_with(self, more: MeasurementAmount) -> int:
        """Begin a continuation: further events belong to the same result.

        Args:
            more: The amount to measure.

        Returns:
            The number of its first launch, which its events must have.
        """
        first = self.next_launch
        if self._journal is not None:
            self._journal.write(Continued(more=more))
        self.asked.append(MeasurementRequest(more=more, first_launch=first, calls_before=self.calls))
        self.comparer.first_launch = first
        self.limit_judge.reopen()
        return first

    def write_to(self, journal: Journal | None) -> None:
        """Write all further events to a journal; None to write nothing.

        A journal of an empty recording begins with the plan. Otherwise it must already contain the result so far.
        """
        self._journal = journal
        if journal is not None and not self.rounds:
            journal.write(Begun(plan=self.plan, created_at=self.created_at))

    @property
    def active(self) -> tuple[str, ...]:
        """Slugs of the candidates that have not failed during the rounds."""
        return tuple(record.candidate.slug for record in self.comparer.active())

    def add(self, event: Event) -> None:
        """Record one event; events that do not concern the plan's candidates have no effect."""
        if self._journal is not None and not isinstance(event, BlockMeasured):
            self._journal.write(event)
        match event:
            case BlockMeasured():
                self._add_block(event)
            case EngineStarted():
                self.noise_recorder.add(event)
            case InputsIdentified():
                if not self.rounds:
                    self.working_tree = event.working_tree
                self.inputs = self.inputs or event.inputs
            case MeasurementStarted():
                self.noise_recorder.add(event)
                self.comparer.begin(event)
            case TrainingFinished() if record := self._visible.get(event.candidate):
                if record.trained is None or record.trained.seconds is None:
                    record.trained = event
            case CandidateScored() if record := self._visible.get(event.candidate):
                record.scored = record.scored or event
            case WarmUpFinished() if record := self.records.get(event.candidate):
                first = np.frombuffer(event.first_calls[:8], dtype="<i8") if len(event.first_calls) >= 8 else ()
                record.first_calls += [float(ns) * _NANO for ns in first if ns > 0]
                record.steady = record.steady and event.steady
                record.received = event.received
            case ColdStartMeasured() if record := self._visible.get(event.candidate):
                record.cold_starts.append(event)
            case StepsMeasured() if record := self._visible.get(event.candidate):
                record.steps.append(event)
            case EnvironmentIdentified() if record := self._visible.get(event.candidate):
                record.versions = event.versions
            case PredictionsCompared() if record := self._visible.get(event.candidate):
                record.predictions = event
            case RoundFinished():
                self.noise_recorder.add(event)
                self.comparer.finish_round(event)
            case LoadStarted() | LoadWindowMeasured() | RateSearchFinished():
                self.load.add(event)
            case CandidateFailed() if record := self.records.get(event.candidate):
                record.failed = event
            case _:
                pass

    def _add_block(self, event: BlockMeasured) -> None:
        record = self.records.get(event.candidate)
        if record is None:
            return
        try:
            latencies = validate_latencies(np.frombuffer(event.block.samples, dtype="<i8"))
        except ValueError:
            self.noise_recorder.refused += 1
            return
        if not latencies.size:
            return
        batch_sizes = np.frombuffer(event.block.batch_sizes, dtype="<i4").astype(np.int64)
        classes = ClassTotals()
        if self.mix is None:
            median, batch_sizes = float(np.median(latencies)), batch_sizes[:0]
        elif batch_sizes.size != latencies.size:
            self.noise_recorder.refused += 1
            return
        else:
            median = self.mix.average(latencies, batch_sizes)
            classes = self.mix.totals(latencies, batch_sizes)
        round_ = self.comparer.add(record, event, median, int(latencies.sum()))
        kept = record.buffer.add(latencies, event.launch, event.replica, round_, batch_sizes)
        record.buffer.class_totals = record.buffer.class_totals.plus(classes)
        self._count(record.buffer, event.block, latencies.size)
        if self._journal is not None:
            self._journal.write(block_entry(event, latencies, kept, median, classes))

    def add_kept(self, block: KeptBlock) -> None:
        """Record a block of which only some samples were kept."""
        record = self.records.get(block.event.candidate)
        if record is None:
            return
        kept = np.frombuffer(block.event.block.samples, dtype="<i8")
        batch_sizes = np.frombuffer(block.event.block.batch_sizes, dtype="<i4")
        median = math.nan if block.median is None else block.median
        round_ = self.comparer.add(record, block.event, median, int(block.totals.total))
        record.buffer.add_kept(kept, block.totals, block.event.launch, block.event.replica, round_, batch_sizes)
        record.buffer.class_totals = record.buffer.class_totals.plus(block.classes)
        self._count(record.buffer, block.event.block, block.totals.count)

    @staticmethod
    def _count(buffer: SampleBuffer, block: Block, calls: int) -> None:
        """Add the counters of a block."""
        buffer.counters = buffer.counters.plus(block, calls)
        if len(block.discarded) >= 8 and (after := int(np.frombuffer(block.discarded[:8], dtype="<i8")[0])) > 0:
            buffer.add_after_switch(after)

    @property
    def calls(self) -> dict[str, int]:
        """Number of calls so far, by slug."""
        return {slug: record.buffer.totals.count for slug, record in self._visible.items()}

    @property
    def rounds(self) -> int:
        """Number of rounds begun so far, over all launches."""
        return len(self.comparer.medians)

    def is_decided(self) -> bool:
        """Return whether an until-known plan may stop: limits are decided, and verdicts (see `Comparer.is_decided`)."""
        if self.plan.call_limits and self.plan.until_known and not self.limits_are_decided():
            return False
        return self.comparer.is_decided()

    def limits_are_decided(self) -> bool:
        """Return whether every limit has a final verdict; call it after any round of an until-known plan."""

        def compare() -> tuple[Comparison, ...]:
            result = self.result(max_samples=_RELATIVE_SAMPLES, samples=False)
            return result.revision_comparisons or result.comparisons

        return self.limit_judge.all_decided(self.rounds, compare)

    def result(self, *, max_samples: int | None = None, samples: bool = True) -> Result:
        """Return the result so far.

        Args:
            max_samples: Approximate number of samples per candidate, in evenly chosen whole rounds, so that the time
                does not grow with the measurement; totals such as the mean stay exact. None for all samples.
            samples: Whether the result contains the samples.
        """
        sizes, seconds = self.comparer.calls_per_long_block, self.comparer.seconds
        has_replicas = max((record.buffer.processes for record in self._visible.values()), default=0) > 1
        single_process = {
            record
            for record in self.comparer.active()
            if has_replicas and record.buffer.processes == 1 and record.buffer.blocks >= MIN_ROUNDS
        }
        comparer, live, step = self.comparer, max_samples is not None, self.comparer.clock_step()
        candidates = [
            record.result(
                self.plan.workload_of(record.candidate).batch_size if self.mix is None else self.mix,
                max_samples,
                calls_per_round=sizes.get(slug, 1),
                seconds=seconds,
                clock_step=step,
                single_process=record in single_process,
                samples=samples,
            )
            for slug, record in self._visible.items()
        ]
        baseline = comparer.baseline(candidates)
        control = comparer.control_evidence(live=live)
        equivalence = max(self.plan.equivalence, difference_of(control))
        evidence = comparer.evidence(equivalence, live=live, intervals_for=baseline)
        pairs = comparer.judge(evidence, baseline, equivalence)
        groups = comparer.groups(candidates, pairs)
        scored = {slug: record.scored for slug, record in self._visible.items()}
        comparisons = comparer.comparisons(baseline, pairs, tails=not live)
        revisions = compare_revisions(comparer, equivalence, live=live)
        passes = [found for record in self._visible.values() if (found := analyse_steps(record.steps))]
        limits = self.limit_judge.verdicts(revisions or comparisons, max_samples)
        value = Result(
            created_at=self.created_at,
            plan=self.plan,
            environment=self.noise_recorder.environment,
            candidates=tuple(msgspec.structs.replace(c, group=groups.get(c.slug, "")) for c in candidates),
            comparisons=comparisons,
            revision_comparisons=revisions,
            load=self.load.results(),
            highest_rates=self.load.highest_rates(),
            offline=self.load.offline(),
            class_comparisons=()
            if live or self.mix is None
            else tuple(compare_classes(self.mix, comparer, baseline, equivalence)),
            limits=limits,
            trade_off=None
            if self.plan.sweeps
            else self._trade_offs.compute(
                candidates, scored, [*pairs.values()], [*limits, *self.load.limit_verdicts()]
            ),
            equivalence=equivalence,
            noise=self._noise(candidates, control),
            sweeps=analyse_sweeps(
                self.plan, candidates, comparer.medians.subsample(MAX_LIVE_ROUNDS if live else None), live=live
            ),
            steps=tuple(step for _, steps in passes for step in steps),
            step_passes=tuple(one for one, _ in passes),
            inputs=self.inputs,
            working_tree=self.working_tree,
            checkpoint=checkpoint_of(self) if samples and not live else None,
        )
        fastest, fastest_comparisons = comparer.fastest(candidates), comparisons
        if fastest != baseline:  # the answer does not depend on the baseline
            if self.plan.until_known:  # its intervals were computed for the baseline only
                evidence = comparer.evidence(equivalence, live=live, intervals_for=fastest)
            fastest_comparisons = comparer.comparisons(
                fastest, comparer.judge(evidence, fastest, equivalence), tails=False
            )
        with_fastest = msgspec.structs.replace(value, comparisons=fastest_comparisons)
        more = remaining_measurement(with_fastest, request_progress(self.asked, comparer), comparer.seconds)
        return msgspec.structs.replace(value, answer=summarize(value, fastest_comparisons), more=more)

    def _noise(self, candidates: list[CandidateResult], control: PairEvidence | None) -> Noise:
        buffers = [record.buffer for record in self.records.values() if record.buffer.totals.count]
        table = self.comparer.medians.subsample(MAX_LIVE_ROUNDS).medians
        lost = self.comparer.control.failed if self.comparer.control else None
        collected = {
            record.candidate.name: record.buffer.counters.gc_calls / record.buffer.totals.count
            for record in self._visible.values()
            if record.buffer.totals.count
        }
        return self.noise_recorder.noise(
            buffers,
            table,
            fastest=min((median_of(c) for c in candidates if c.statistics is not None), default=None),
            clock_step=self.comparer.clock_step(),
            unsteady=tuple(record.candidate.name for record in self._visible.values() if not record.steady),
            collected=max(collected.items(), key=lambda item: item[1], default=None),
            control_difference=None if control is None else difference_of(control),
            control=None if control is None else self.comparer.compare_control(control),
            control_failed=lost.message if control is None and lost else None,
        )
