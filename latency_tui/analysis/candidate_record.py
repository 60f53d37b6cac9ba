"""The record of one candidate: what its events contain, and the statistics computed from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.request_mix import RequestMix
from latency_tui.analysis.sample_buffer import MAX_SAMPLES, SampleBuffer, Subsample
from latency_tui.analysis.scores import ScoreEstimate, estimate_of, find_score
from latency_tui.engine.cold_start_events import ColdStartMeasured
from latency_tui.engine.environment_events import PredictionsCompared
from latency_tui.engine.protocol import CallInput, CandidateFailed, TrainingFinished
from latency_tui.engine.score_events import CandidateScored
from latency_tui.engine.step_events import StepsMeasured
from latency_tui.plan import Candidate
from latency_tui.plan.metrics import OWN_SCORE
from latency_tui.result.distribution import Distribution
from latency_tui.result.launch_statistics import LaunchStatistics
from latency_tui.result.mix import ClassResult
from latency_tui.result.result import CandidateResult, ColdStart, PredictionDifference, Statistics, Status
from latency_tui.stats.empirical_distribution import reduce_distribution
from latency_tui.stats.mean_ci import mean_interval
from latency_tui.stats.percentiles import (
    HIGHER_PERCENTILES,
    TAIL_SECONDS,
    Percentile,
    percentiles,
    sort_latencies,
)
from latency_tui.stats.percentiles import PERCENTILES as SHARES
from latency_tui.stats.samples import Latencies
from latency_tui.text.formatting import PERCENTILES

_NANO = 1e-9
LATER_STAGES = ("cold start", "steps")
"""Stages after the rounds: a candidate that fails in one has been measured."""
_SINGLE_PROCESS = (
    "ran in one process because replicas could not be started; its memory layout may bias the latency by about 1 %"
)


class _OfMix(TypedDict, total=False):
    throughput: float | None
    classes: tuple[ClassResult, ...]
    mix_average: float | None
    batch_sizes: NDArray[np.int64] | None


class CandidateRecord:
    """Collects the events of one candidate.

    Args:
        candidate: The candidate.
        position: Its index in the plan.
        colour: Its colour, `#rrggbb`.
        max_samples: Largest number of its samples that are kept.
        seed: Seed of the random choice of samples that are kept.
    """

    def __init__(
        self, candidate: Candidate, position: int, colour: str, max_samples: int = MAX_SAMPLES, seed: int = 0
    ) -> None:
        self.candidate = candidate
        self.position = position
        self.colour = colour
        self.buffer = SampleBuffer(max_samples, seed)
        self.trained: TrainingFinished | None = None
        self.scored: CandidateScored | None = None
        self._estimates: dict[str, ScoreEstimate] = {}
        self.failed: CandidateFailed | None = None
        self.first_calls: list[float] = []
        self.cold_starts: list[ColdStartMeasured] = []
        self.steps: list[StepsMeasured] = []
        self.steady = True
        self.received: CallInput | None = None
        self.versions: dict[str, str] = {}
        self.predictions: PredictionsCompared | None = None

    def result(
        self,
        requests: int | RequestMix,
        max_samples: int | None,
        *,
        calls_per_round: int,
        seconds: float,
        clock_step: int,
        single_process: bool,
        samples: bool = True,
    ) -> CandidateResult:
        """Return the result of the candidate so far.

        Args:
            requests: Rows per call, or the request mix.
            max_samples: Approximate number of samples to use; None for all.
            calls_per_round: Calls per round that a longer measurement would have.
            seconds: Wall time of the measurement.
            clock_step: Step of the clock in nanoseconds; 0 if it is negligible or unknown.
            single_process: Whether the candidate ran in one process although others had several.
            samples: Whether the result contains the samples.
        """
        totals = self.buffer.totals
        subsample = self.buffer.subsample(max_samples)
        after_switch = self.buffer.after_switch(max_samples)
        start = _cold_start(self.cold_starts)
        first_call = median(self.first_calls) if self.first_calls else None
        estimate = self.score(OWN_SCORE)
        status: Status = "measured" if totals.count else "cancelled"
        # Computed before the samples are converted to seconds, because sorting also takes memory.
        ordered = sort_latencies(subsample.samples) if totals.count else None
        statistics = distribution = None
        if ordered is not None:
            estimates = _estimates(self.buffer, subsample, calls_per_round, seconds, clock_step, ordered=ordered)
            distribution = _distribution(ordered, estimates)
            del ordered  # before the mean, which takes as much memory
            statistics = _statistics(self.buffer, subsample, estimates)
        per_launch = _per_launch(subsample) if totals.count else ()
        if self.failed is not None and not (totals.count and self.failed.stage in LATER_STAGES):
            status = "failed"
        return CandidateResult(
            name=self.candidate.name,
            slug=self.candidate.slug,
            status=status,
            colour=self.colour,
            error=self.failed.message if self.failed else None,
            traceback=(self.failed.traceback or None) if self.failed else None,
            training_seconds=self.trained.seconds if self.trained else None,
            score=estimate.value if estimate else self.trained.score if self.trained else None,
            score_low=estimate.low if estimate else None,
            score_high=estimate.high if estimate else None,
            metric=estimate.metric if estimate else "",
            score_problem=estimate.problem if estimate else "",
            notes=tuple(self._notes(single_process)),
            cold_start_seconds=start.first_calls[0] if start and start.first_calls else first_call,
            cold_start=start,
            after_switch_seconds=_seconds(after_switch),
            gc_calls=self.buffer.counters.gc_calls,
            gc_seconds=self.buffer.counters.gc_ns * _NANO,
            calls=totals.count,
            samples_kept=self.buffer.kept,
            samples=np.multiply(subsample.samples, _NANO, dtype=np.float64) if totals.count and samples else None,
            rounds=tuple(subsample.rounds.tolist()) if samples else (),
            launches=tuple(subsample.launches.tolist()) if samples else (),
            received=self.received,
            versions=self.versions,
            predictions=_prediction_difference(self.predictions),
            complete_launches=self.buffer.complete_launches,
            statistics=statistics,
            distribution=distribution,
            per_launch=per_launch,
            **(
                {"throughput": totals.count * requests / (totals.total * _NANO) if totals.count else None}
                if isinstance(requests, int)
                else self._of_mix(requests, subsample, calls_per_round, seconds, clock_step, samples=samples)
            ),
        )

    def _of_mix(
        self,
        mix: RequestMix,
        subsample: Subsample,
        calls_per_round: int,
        seconds: float,
        clock_step: int,
        *,
        samples: bool,
    ) -> _OfMix:
        """Return the fields of a result that depend on the classes of a request mix."""
        totals, given = self.buffer.class_totals, subsample.batch_sizes
        if not totals.calls:
            return {"throughput": None}
        classes, found = mix.classify(given), []
        for number, one in enumerate(mix.classes):
            calls, rows, spent = totals.calls[number], totals.rows[number], totals.nanoseconds[number] * _NANO
            estimates = _of_class(subsample, classes == number, one.share * calls_per_round, seconds, clock_step)
            found.append(
                ClassResult(
                    batch_size=one.smallest,
                    largest_batch_size=one.largest,
                    share=one.share,
                    calls=calls,
                    p50=estimates["p50"].scaled(_NANO),
                    p99=estimates["p99"].scaled(_NANO),
                    throughput=rows / spent if spent else None,
                )
            )
        return {
            "throughput": sum(totals.rows) / (sum(totals.nanoseconds) * _NANO),
            "classes": tuple(found),
            "mix_average": mix.average_of([one.p50.value for one in found]),
            "batch_sizes": given.copy() if samples else None,
        }

    def score(self, metric: str) -> ScoreEstimate | None:
        """Return the score by a metric, or by that of the plan if the name is `score`; None if it was not scored."""
        if metric not in self._estimates and (found := find_score(self.scored, metric)) is not None:
            self._estimates[metric] = estimate_of(found)
        return self._estimates.get(metric)

    def statistics(
        self, max_samples: int | None, *, calls_per_round: int, seconds: float, clock_step: int, confidence: float
    ) -> Statistics:
        """Return statistics with intervals of another confidence level; see `result` for the other arguments."""
        subsample = self.buffer.subsample(max_samples)
        estimates = _estimates(self.buffer, subsample, calls_per_round, seconds, clock_step, confidence)
        return _statistics(self.buffer, subsample, estimates, confidence)

    def _notes(self, single_process: bool) -> Iterator[str]:
        """Yield the warnings of its training, and notes on how it was measured."""
        yield from self.trained.notes if self.trained else ()
        if single_process:
            yield _SINGLE_PROCESS
        if self.buffer.kept < self.buffer.totals.count:
            yield (
                f"percentiles are from {self.buffer.kept:,} of {self.buffer.totals.count:,} calls, a random sample "
                "from all blocks; all other figures are from all calls"
            )


def _estimates(
    buffer: SampleBuffer,
    subsample: Subsample,
    calls_per_round: float,
    seconds: float,
    clock_step: int,
    confidence: float = 0.95,
    ordered: Latencies | None = None,
) -> dict[str, Percentile]:
    """Return the percentiles of the subsample, in seconds."""
    if buffer.step > 1:  # the number of calls needed includes calls whose samples are not kept
        calls_per_round = max(calls_per_round, buffer.totals.count / buffer.blocks)
    estimates = percentiles(
        subsample.samples,
        subsample.rounds,
        confidence,
        clusters=subsample.clusters,
        of_launches=subsample.of_launches,
        complete=subsample.complete,
        calls_per_round=calls_per_round,
        seconds=seconds,
        clock_step=clock_step,
        ordered=ordered,
    )
    totals = buffer.totals
    found: dict[str, Percentile] = {}
    for key, estimate in estimates.items():
        needed = estimate.calls_needed
        if needed is not None and not subsample.whole and needed <= totals.count:
            needed = None
        if needed is not None and key != "p50" and 0 < seconds < TAIL_SECONDS:  # the duration counts, too
            needed = max(needed, _rounded_up(totals.count * TAIL_SECONDS / seconds))
        found[key] = msgspec.structs.replace(estimate, calls_needed=needed).scaled(_NANO)
    return found


def _statistics(
    buffer: SampleBuffer, subsample: Subsample, estimates: dict[str, Percentile], confidence: float = 0.95
) -> Statistics:
    """Return statistics in seconds: totals over all samples, percentiles from the subsample."""
    totals = buffer.totals
    mean = mean_interval(subsample.samples, subsample.rounds, subsample.clusters, confidence) or (None, None)
    low, high = (min(mean[0], totals.mean), max(mean[1], totals.mean)) if mean[0] and mean[1] else (None, None)
    return Statistics(
        mean_low=_seconds(low),
        mean_high=_seconds(high),
        mean=totals.mean * _NANO,
        std=totals.std * _NANO,
        min=totals.min * _NANO,
        max=totals.max * _NANO,
        **{key: estimates[key] for key in PERCENTILES},
    )


def _of_class(
    subsample: Subsample, mine: NDArray[np.bool_], calls_per_round: float, seconds: float, clock_step: int
) -> dict[str, Percentile]:
    """Return the percentiles of one class of requests, in nanoseconds.

    Args:
        subsample: Samples of all classes.
        mine: Whether each sample belongs to the class, `(n_samples,)`.
        calls_per_round: Calls of the class per round that a longer measurement would have.
        seconds: Wall time of the measurement.
        clock_step: Step of the clock in nanoseconds; 0 if it is negligible or unknown.
    """
    blocks = np.searchsorted(subsample.rounds, np.flatnonzero(mine), side="right") - 1
    present, starts = np.unique(blocks, return_index=True)
    return percentiles(
        subsample.samples[mine],
        starts,
        clusters=subsample.clusters[present],
        of_launches=subsample.of_launches,
        complete=subsample.complete[present],
        calls_per_round=max(calls_per_round, 1),
        seconds=seconds,
        clock_step=clock_step,
    )


def _distribution(ordered: Latencies, estimates: dict[str, Percentile]) -> Distribution | None:
    if not ordered.size:
        return None
    shares, latencies = reduce_distribution(ordered)
    tail: dict[str, Percentile] = {}
    for below, key in pairwise(("p99_9", *HIGHER_PERCENTILES)):
        if key not in estimates or estimates[below].is_bound:
            break
        tail[key] = estimates[key]
    return Distribution(shares=shares, seconds=latencies * _NANO, tail=tail)


def _per_launch(subsample: Subsample) -> tuple[LaunchStatistics, ...]:
    """Return statistics of each launch that the other statistics use."""
    ends = np.append(subsample.launches[1:], subsample.samples.size)
    whole = subsample.complete[np.searchsorted(subsample.rounds, subsample.launches)]
    found = []
    for start, end in zip(subsample.launches[whole].tolist(), ends[whole].tolist(), strict=True):
        samples = subsample.samples[start:end]
        values = np.quantile(samples, list(SHARES.values())) * _NANO
        found.append(
            LaunchStatistics(mean=float(samples.mean()) * _NANO, **dict(zip(SHARES, values.tolist(), strict=True)))
        )
    return tuple(found)


def _prediction_difference(event: PredictionsCompared | None) -> PredictionDifference | None:
    if event is None:
        return None
    return PredictionDifference(reference=event.reference, rows=event.rows, differing=event.differing)


def _cold_start(events: list[ColdStartMeasured]) -> ColdStart | None:
    """Return the medians over launches. Launches with an invalid first call (the clock was set back) are left out."""
    if not events:
        return None
    possible = [e.first_calls for e in events if all(call > 0 for call in e.first_calls)]
    return ColdStart(
        import_seconds=median(e.import_seconds for e in events),
        load_seconds=median(e.load_seconds for e in events),
        memory_before=int(median(e.memory_before for e in events)),
        memory_after=int(median(e.memory_after for e in events)),
        memory_peak=int(median(e.memory_peak for e in events)),
        first_calls=tuple(median(calls) * _NANO for calls in zip(*possible, strict=False)),
    )


def _rounded_up(count: float) -> int:
    """Round up to two significant digits, so that a displayed number changes rarely: 6,000 for 5,983."""
    whole = math.ceil(count)
    power = int(10 ** max(len(str(whole)) - 2, 0))
    return -(-whole // power) * power


def _seconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds * _NANO
