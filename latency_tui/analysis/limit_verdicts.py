"""Judges whether candidates meet the limits of a plan, from confidence intervals and not from point estimates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from latency_tui.plan.limits import PERCENTILE_METRICS, SCORE_METRICS, Limit
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.stats.defaults import MAX_PROPOSED_SECONDS, MIN_CLUSTERS
from latency_tui.stats.distributions import student_quantile

if TYPE_CHECKING:
    from latency_tui.analysis.candidate_record import CandidateRecord
    from latency_tui.result.result import Statistics
    from latency_tui.stats.comparison import Comparison

_ERROR = 0.05
"""Error rate of the verdict on a limit and candidate."""
_ANALYSIS_GROWTH = 1.5
"""Factor by which the number of rounds grows between analyses: each costs a part of the error rate, so they are few."""
_FIRST_ANALYSIS_ROUNDS = 10
"""Rounds before the first analysis."""
_MIN_SHARE = 0.1
"""Smallest proposed share of the runs so far: less would hardly change an interval."""


class _EffortToDecide(NamedTuple):
    """The additional effort that would decide a limit."""

    runs: int | None = None
    seconds: float | None = None
    launches: int | None = None


class _MeasuredMetric(NamedTuple):
    """The value of a metric and its interval; `certain` if the value itself decides, without an interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    certain: bool = False
    missing: _EffortToDecide | None = None


class InterimAnalyses:
    """The interim analyses of a measurement that may stop once all limits are decided.

    An interval of fixed size that is checked repeatedly exceeds its error rate. Analyses are therefore few, each after
    1.5 times as many rounds as the one before, and the error rate is divided among them: the k-th analysis uses the
    level 1 − 0.05 · 6 / (π² k²), and the errors add up to 5 % over any number of analyses (Bonferroni). A verdict is
    final. The error rate holds per limit and candidate.

    Attributes:
        decided: Final verdicts, by limit and candidate.
        count: Number of interim analyses so far.
        next: Number of rounds at which the next look is due.
    """

    def __init__(self) -> None:
        """Create the state before the first look."""
        self.decided: dict[tuple[str, str], LimitVerdict] = {}
        self.count = 0
        self.next = _FIRST_ANALYSIS_ROUNDS

    def due(self, rounds: int) -> bool:
        """Return whether the next look is due after a number of rounds."""
        return rounds >= self.next

    @property
    def confidence(self) -> float:
        """Confidence level of the intervals of the next look."""
        return 1 - _ERROR * 6 / (math.pi * (self.count + 1)) ** 2

    def add(self, rounds: int, verdicts: Iterable[LimitVerdict]) -> bool:
        """Record the verdicts of one look, and return whether all of them are decided."""
        self.count += 1
        self.next = math.ceil(rounds * _ANALYSIS_GROWTH)
        given = list(verdicts)
        for verdict in given:
            if verdict.verdict != "inconclusive":
                self.decided.setdefault((verdict.limit, verdict.candidate), verdict)
        return all(
            (verdict.limit, verdict.candidate) in self.decided or verdict.metric in SCORE_METRICS  # runs do not decide
            for verdict in given
        )

    def with_final_verdicts(self, verdicts: Iterable[LimitVerdict]) -> tuple[LimitVerdict, ...]:
        """Replace verdicts by the final ones of earlier analyses, if any."""
        return tuple(self.decided.get((verdict.limit, verdict.candidate), verdict) for verdict in verdicts)


def judge_limits(
    limits: Sequence[Limit],
    record: CandidateRecord,
    statistics: Statistics,
    comparison: Comparison | None,
    *,
    batch_size: float,
    seconds: float,
    confidence: float,
) -> list[LimitVerdict]:
    """Judge one candidate by each limit that applies to it.

    Args:
        limits: Limits of the plan.
        record: Record of the candidate.
        statistics: Its statistics, with intervals at `confidence`.
        comparison: Its comparison with the baseline; None for the baseline itself, to which no relative limit applies.
        batch_size: Rows per call, on average.
        seconds: Wall time of the measurement.
        confidence: Confidence level of each interval.
    """
    found = []
    for limit in limits:
        if limit.candidate not in (None, record.candidate.slug) or (limit.relative and comparison is None):
            continue
        known = _known(limit, record, statistics, comparison, batch_size, confidence)
        verdict = verdict_of(limit, *((known.value, known.value) if known.certain else (known.low, known.high)))
        missing = _missing(limit, known, record, seconds) if verdict == "inconclusive" else _EffortToDecide()
        found.append(
            LimitVerdict(
                limit=limit.text,
                candidate=record.candidate.slug,
                metric=limit.metric,
                bound=limit.bound,
                relative=limit.relative,
                verdict=verdict,
                value=known.value,
                low=known.low,
                high=known.high,
                confidence=1 - _ERROR if limit.relative or limit.metric in SCORE_METRICS else confidence,
                runs_to_decide=missing.runs,
                seconds_to_decide=missing.seconds,
                launches_to_decide=missing.launches,
            )
        )
    return found


def _known(
    limit: Limit,
    record: CandidateRecord,
    statistics: Statistics,
    comparison: Comparison | None,
    batch_size: float,
    confidence: float,
) -> _MeasuredMetric:
    metric, calls = limit.metric, record.buffer.totals.count
    if limit.relative:
        assert comparison is not None
        missing = _EffortToDecide(
            comparison.runs_to_decide, comparison.seconds_to_decide, comparison.launches_to_decide
        )
        none = comparison.low is not None and missing == _EffortToDecide()
        return _MeasuredMetric(comparison.ratio, comparison.low, comparison.high, missing=None if none else missing)
    if metric in PERCENTILE_METRICS:
        one = getattr(statistics, metric)
        needed = _EffortToDecide(
            one.calls_needed - calls if one.calls_needed else None, one.seconds_needed, one.launches_needed
        )
        return _MeasuredMetric(one.value, one.low, one.high, missing=None if needed == _EffortToDecide() else needed)
    if metric == "mean":
        return _MeasuredMetric(statistics.mean, statistics.mean_low, statistics.mean_high)
    if metric == "throughput":
        low, high = statistics.mean_low, statistics.mean_high
        ends = (batch_size / high, batch_size / low) if low and high else (None, None)
        return _MeasuredMetric(batch_size / statistics.mean, *ends)
    if metric in SCORE_METRICS:
        score = record.score(metric)
        return _MeasuredMetric(None) if score is None else _MeasuredMetric(score.value, score.low, score.high)
    if metric == "memory":
        return _MeasuredMetric(max((event.memory_peak for event in record.cold_starts), default=None), certain=True)
    return _cold_start(
        [
            e.import_seconds + e.load_seconds + e.first_calls[0] * 1e-9
            for e in record.cold_starts
            if e.first_calls and e.first_calls[0] > 0
        ],
        confidence,
    )


def _cold_start(seconds: list[float], confidence: float) -> _MeasuredMetric:
    """Return the time from process start to first answer: geometric mean of the launches, and Student's interval."""
    if not seconds:
        return _MeasuredMetric(None)
    logs = [math.log(second) for second in seconds]
    mean, count = math.fsum(logs) / len(logs), len(logs)
    if count < MIN_CLUSTERS:
        return _MeasuredMetric(math.exp(mean), missing=_EffortToDecide(launches=MIN_CLUSTERS - count))
    deviation = math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / (count - 1))
    half_width = student_quantile((1 + confidence) / 2, count - 1) * deviation / math.sqrt(count)
    return _MeasuredMetric(math.exp(mean), math.exp(mean - half_width), math.exp(mean + half_width))


def verdict_of(limit: Limit, low: float | None, high: float | None) -> Literal["pass", "fail", "inconclusive"]:
    """Return the verdict on a limit from the interval of its metric; an end is None if it is unbounded."""
    if limit.is_minimum:
        low, high = (None if high is None else -high), (None if low is None else -low)
    bound = -limit.bound if limit.is_minimum else limit.bound
    if low is not None and low >= bound:
        return "fail"
    # If there is no lower end, there are too few calls to rely on the upper end.
    return "pass" if high is not None and low is not None and high < bound else "inconclusive"


def _missing(limit: Limit, known: _MeasuredMetric, record: CandidateRecord, seconds: float) -> _EffortToDecide:
    """Predict the effort that would decide a limit, provided that the value does not change.

    The width of intervals is inversely proportional to the square root of the number of runs.
    """
    if limit.metric in SCORE_METRICS:  # more runs do not change a score
        return _EffortToDecide()
    if known.missing is not None:
        needed = known.missing
        if needed.seconds is not None and not limit.relative:
            needed = needed._replace(seconds=max(needed.seconds - seconds, 0.0))
        if needed.launches is not None and not limit.relative and limit.metric != "cold_start":
            needed = needed._replace(launches=max(needed.launches - record.buffer.complete_launches, 1))
        share = needed.runs / record.buffer.totals.count if needed.runs else 0.0
        if limit.metric != "cold_start" and needed.launches is None:
            needed = needed._replace(seconds=max(needed.seconds or 0.0, share * seconds))
            if not needed.runs and seconds:
                more = math.ceil(record.buffer.totals.count * (needed.seconds or 0.0) / seconds)
                needed = needed._replace(runs=more)
        return needed if (needed.seconds or 0.0) <= MAX_PROPOSED_SECONDS else _EffortToDecide()
    value, low, high = known.value, known.low, known.high
    if value is None or low is None or high is None or value == limit.bound:
        return _EffortToDecide()
    half_width = high - value if value < limit.bound else value - low
    share = max((half_width / abs(limit.bound - value)) ** 2 - 1, _MIN_SHARE)
    launches = record.buffer.complete_launches
    if launches >= MIN_CLUSTERS:
        return (
            _EffortToDecide(launches=max(math.ceil(launches * share), 1))
            if share * seconds <= MAX_PROPOSED_SECONDS
            else _EffortToDecide()
        )
    if share * seconds > MAX_PROPOSED_SECONDS:
        return _EffortToDecide()
    return _EffortToDecide(max(math.ceil(record.buffer.totals.count * share), 1), share * seconds)
