"""One candidate of a recording: what the events told of it, and the figures that this comes to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

import numpy as np

from latency_tui.analysis.sample_store import MOST_SAMPLES, SampleBuffer, Subsample
from latency_tui.engine.protocol import CallInput, CandidateFailed, ColdStartMeasured, TrainingFinished
from latency_tui.plan import Candidate
from latency_tui.result.result import (
    CandidateResult,
    ColdStart,
    Percentile,
    Statistics,
    Status,
)
from latency_tui.stats.means import mean_interval
from latency_tui.stats.percentiles import TAIL_SECONDS, percentiles
from latency_tui.text.formatting import PERCENTILES

_NANO = 1e-9
_ALONE = (
    "answered from one process, for no copies of it could be made; where that lies in memory may be worth a percent"
)


class CandidateRecord:
    """What is known of one candidate.

    Args:
        candidate: Which one.
        position: Its place in the plan.
        colour: `#rrggbb`.
        most_samples: How many of its samples are kept at the most.
        seed: Of the draw of those that are kept.
    """

    def __init__(
        self, candidate: Candidate, position: int, colour: str, most_samples: int = MOST_SAMPLES, seed: int = 0
    ) -> None:
        self.candidate = candidate
        self.position = position
        self.colour = colour
        self.track = SampleBuffer(most_samples, seed)
        self.trained: TrainingFinished | None = None
        self.failed: CandidateFailed | None = None
        self.first_calls: list[float] = []
        self.cold_starts: list[ColdStartMeasured] = []
        self.steady = True
        self.received: CallInput | None = None

    def result(
        self,
        batch_size: int,
        most_samples: int | None,
        *,
        calls_per_round: int,
        seconds: float,
        clock_step: int,
        alone: bool,
        samples: bool = True,
    ) -> CandidateResult:
        """Return the candidate's figures so far.

        Args:
            batch_size: Rows that each call answers.
            most_samples: About how many samples may be looked at; None for all.
            calls_per_round: As many as a longer measurement's rounds would have.
            seconds: How long the measurement lasted on the clock.
            clock_step: What that clock counts in, in nanoseconds, where latencies tell; else 0.
            alone: Whether one process answered where others had several.
            samples: Whether the result holds the samples.
        """
        totals = self.track.totals
        excerpt = self.track.excerpt(most_samples)
        after_switch = self.track.after_switch(most_samples)
        start = _cold_start(self.cold_starts)
        first_call = median(self.first_calls) if self.first_calls else None
        status: Status = "measured" if totals.count else "cancelled"
        # Before the samples are made seconds: sorting them takes memory, too.
        statistics = _statistics(self.track, excerpt, calls_per_round, seconds, clock_step) if totals.count else None
        if self.failed is not None and not (totals.count and self.failed.stage == "cold start"):
            status = "failed"
        return CandidateResult(
            name=self.candidate.name,
            slug=self.candidate.slug,
            status=status,
            colour=self.colour,
            error=self.failed.message if self.failed else None,
            traceback=(self.failed.traceback or None) if self.failed else None,
            training_seconds=self.trained.seconds if self.trained else None,
            score=self.trained.score if self.trained else None,
            notes=tuple(self._notes(alone)),
            cold_start_seconds=start.first_calls[0] if start and start.first_calls else first_call,
            cold_start=start,
            after_switch_seconds=_seconds(after_switch),
            gc_calls=self.track.gc_calls,
            gc_seconds=self.track.gc_ns * _NANO,
            calls=totals.count,
            samples_kept=self.track.kept,
            samples=np.multiply(excerpt.samples, _NANO, dtype=np.float64) if totals.count and samples else None,
            rounds=tuple(excerpt.rounds.tolist()) if samples else (),
            launches=tuple(excerpt.launches.tolist()) if samples else (),
            received=self.received,
            whole_launches=self.track.whole_launches,
            statistics=statistics,
            throughput=totals.count * batch_size / (totals.total * _NANO) if totals.count else None,
        )

    def statistics(
        self, most_samples: int | None, *, calls_per_round: int, seconds: float, clock_step: int, confidence: float
    ) -> Statistics:
        """Return its statistics with intervals of another confidence; the other arguments are those of `result`."""
        return _statistics(
            self.track, self.track.excerpt(most_samples), calls_per_round, seconds, clock_step, confidence
        )

    def _notes(self, alone: bool) -> Iterator[str]:
        """Yield warnings of the training, and what is peculiar to how it was measured."""
        yield from self.trained.notes if self.trained else ()
        if alone:
            yield _ALONE
        if self.track.kept < self.track.totals.count:
            yield (
                f"percentiles rest on {self.track.kept:,} of {self.track.totals.count:,} calls, an even random choice "
                "from all blocks; all other figures rest on all calls"
            )


def _statistics(
    track: SampleBuffer,
    excerpt: Subsample,
    calls_per_round: float,
    seconds: float,
    clock_step: int,
    confidence: float = 0.95,
) -> Statistics:
    """Return a candidate's statistics in seconds: totals of all its samples, percentiles of the excerpt."""
    if track.step > 1:  # calls that are needed are calls that are made, whether they are kept or not
        calls_per_round = max(calls_per_round, track.totals.count / track.blocks)
    estimates = percentiles(
        excerpt.samples,
        excerpt.rounds,
        confidence,
        clusters=excerpt.clusters,
        of_launches=excerpt.of_launches,
        complete=excerpt.complete,
        calls_per_round=calls_per_round,
        seconds=seconds,
        clock_step=clock_step,
    )
    totals = track.totals
    shown: dict[str, Percentile] = {}
    for key in PERCENTILES:
        estimate = estimates[key]
        needed = estimate.calls_needed
        if needed is not None and not excerpt.whole and needed <= totals.count:
            needed = None
        if needed is not None and key != "p50" and 0 < seconds < TAIL_SECONDS:  # so many more quickly would not do
            needed = max(needed, _rounded_up(totals.count * TAIL_SECONDS / seconds))
        shown[key] = Percentile(
            value=_seconds(estimate.value),
            low=_seconds(estimate.low),
            high=_seconds(estimate.high),
            calls_needed=needed,
            seconds_needed=estimate.seconds_needed,
            launches_needed=estimate.launches_needed,
        )
    mean = mean_interval(excerpt.samples, excerpt.rounds, excerpt.clusters, confidence) or (None, None)
    low, high = (min(mean[0], totals.mean), max(mean[1], totals.mean)) if mean[0] and mean[1] else (None, None)
    return Statistics(
        mean_low=_seconds(low),
        mean_high=_seconds(high),
        mean=totals.mean * _NANO,
        std=totals.std * _NANO,
        min=totals.min * _NANO,
        max=totals.max * _NANO,
        **shown,
    )


def _cold_start(events: list[ColdStartMeasured]) -> ColdStart | None:
    """Return the medians over launches; of calls without those that a clock that stepped made impossible."""
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
    """Return two figures of a number that changes from moment to moment: 6,000 for 5,983."""
    whole = math.ceil(count)
    power = int(10 ** max(len(str(whole)) - 2, 0))
    return -(-whole // power) * power


def _seconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds * _NANO
