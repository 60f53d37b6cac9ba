"""Whether candidates meet the limits of a plan, judged from intervals and not from the figures inside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from latency_tui.plan.limits import PERCENTILE_METRICS, Limit
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.stats.quantiles import student_quantile

if TYPE_CHECKING:
    from latency_tui.analysis.candidate_record import CandidateRecord
    from latency_tui.result.result import Comparison, Statistics

_ERROR = 0.05
_LATER = 1.5
_FIRST_LOOK = 10
_LONGEST_WAIT = 1800.0
_LEAST_LAUNCHES = 3
_LEAST_SHARE = 0.1
"""Least share of the runs so far that is asked for once more: less would hardly move an interval."""


class _Missing(NamedTuple):
    """What would decide a limit."""

    runs: int | None = None
    seconds: float | None = None
    launches: int | None = None


class _Known(NamedTuple):
    """What is known of one candidate's metric; `certain` where the value decides for want of an interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    certain: bool = False
    missing: _Missing | None = None


class Looks:
    """The looks at limits of a measurement that may stop when they are decided.

    An interval of fixed size that is looked at until it says something errs more often than it says. So looks are few,
    each after half as many rounds again, and the error is spent among them: the k-th interval is at the level
    1 − 0.05 · 6 / (π² k²), whose errors add up to 5 % over any number of looks (Bonferroni). A verdict once reached
    stands. It holds for each limit and candidate by themselves.

    Attributes:
        decided: Verdicts reached, by limit and candidate.
        looks: Number of looks so far.
        next: At how many rounds the next is due.
    """

    def __init__(self) -> None:
        """Begin before the first look."""
        self.decided: dict[tuple[str, str], LimitVerdict] = {}
        self.looks = 0
        self.next = _FIRST_LOOK

    def due(self, rounds: int) -> bool:
        """Return whether so many rounds are enough for the next look."""
        return rounds >= self.next

    @property
    def confidence(self) -> float:
        """Of the intervals of the next look."""
        return 1 - _ERROR * 6 / (math.pi * (self.looks + 1)) ** 2

    def look(self, rounds: int, verdicts: Iterable[LimitVerdict]) -> bool:
        """Take in the verdicts of one look, and return whether all are decided."""
        self.looks += 1
        self.next = math.ceil(rounds * _LATER)
        given = list(verdicts)
        for verdict in given:
            if verdict.verdict != "inconclusive":
                self.decided.setdefault((verdict.limit, verdict.candidate), verdict)
        return all((verdict.limit, verdict.candidate) in self.decided for verdict in given)

    def standing(self, verdicts: Iterable[LimitVerdict]) -> tuple[LimitVerdict, ...]:
        """Return verdicts, those replaced that were reached before."""
        return tuple(self.decided.get((verdict.limit, verdict.candidate), verdict) for verdict in verdicts)


def judge_limits(
    limits: Sequence[Limit],
    entry: CandidateRecord,
    statistics: Statistics,
    comparison: Comparison | None,
    *,
    batch_size: int,
    seconds: float,
    confidence: float,
) -> list[LimitVerdict]:
    """Judge one candidate by each of the limits that are on it.

    Args:
        limits: Of the plan.
        entry: The candidate.
        statistics: Its figures, with intervals at the confidence.
        comparison: With the baseline; None for the baseline itself, which no relative limit is on.
        batch_size: Rows per call.
        seconds: How long the measurement lasted on the clock.
        confidence: Of each interval.
    """
    found = []
    for limit in limits:
        if limit.candidate not in (None, entry.candidate.slug) or (limit.relative and comparison is None):
            continue
        known = _known(limit, entry, statistics, comparison, batch_size, confidence)
        verdict = _verdict(limit, known)
        missing = _missing(limit, known, entry, seconds) if verdict == "inconclusive" else _Missing()
        found.append(
            LimitVerdict(
                limit=limit.text,
                candidate=entry.candidate.slug,
                metric=limit.metric,
                bound=limit.bound,
                relative=limit.relative,
                verdict=verdict,
                value=known.value,
                low=known.low,
                high=known.high,
                confidence=1 - _ERROR if limit.relative else confidence,
                runs_to_decide=missing.runs,
                seconds_to_decide=missing.seconds,
                launches_to_decide=missing.launches,
            )
        )
    return found


def _known(
    limit: Limit,
    entry: CandidateRecord,
    statistics: Statistics,
    comparison: Comparison | None,
    batch_size: int,
    confidence: float,
) -> _Known:
    metric, calls = limit.metric, entry.track.totals.count
    if limit.relative:
        assert comparison is not None
        missing = _Missing(comparison.runs_to_settle, comparison.seconds_to_settle, comparison.launches_to_settle)
        none = comparison.low is not None and missing == _Missing()
        return _Known(comparison.ratio, comparison.low, comparison.high, missing=None if none else missing)
    if metric in PERCENTILE_METRICS:
        one = getattr(statistics, metric)
        lacking = _Missing(
            one.calls_needed - calls if one.calls_needed else None, one.seconds_needed, one.launches_needed
        )
        return _Known(one.value, one.low, one.high, missing=None if lacking == _Missing() else lacking)
    if metric == "mean":
        return _Known(statistics.mean, statistics.mean_low, statistics.mean_high)
    if metric == "throughput":
        low, high = statistics.mean_low, statistics.mean_high
        ends = (batch_size / high, batch_size / low) if low and high else (None, None)
        return _Known(batch_size / statistics.mean, *ends)
    if metric == "score":
        return _Known(entry.trained.score if entry.trained else None, certain=True)
    if metric == "memory":
        return _Known(max((event.memory_peak for event in entry.cold_starts), default=None), certain=True)
    return _cold_start(
        [
            e.import_seconds + e.load_seconds + e.first_calls[0] * 1e-9
            for e in entry.cold_starts
            if e.first_calls and e.first_calls[0] > 0
        ],
        confidence,
    )


def _cold_start(seconds: list[float], confidence: float) -> _Known:
    """Return from nothing to the first answer: the geometric mean of launches, and Student's interval over them."""
    if not seconds:
        return _Known(None)
    logs = [math.log(second) for second in seconds]
    mean, count = math.fsum(logs) / len(logs), len(logs)
    if count < _LEAST_LAUNCHES:
        return _Known(math.exp(mean), missing=_Missing(launches=_LEAST_LAUNCHES - count))
    deviation = math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / (count - 1))
    reach = student_quantile((1 + confidence) / 2, count - 1) * deviation / math.sqrt(count)
    return _Known(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach))


def _verdict(limit: Limit, known: _Known) -> Literal["pass", "fail", "inconclusive"]:
    low, high = (known.value, known.value) if known.certain else (known.low, known.high)
    if limit.is_minimum:
        low, high = (None if high is None else -high), (None if low is None else -low)
    bound = -limit.bound if limit.is_minimum else limit.bound
    if low is not None and low >= bound:
        return "fail"
    # Where it cannot be bounded from below, an upper end alone is of too few calls to be believed.
    return "pass" if high is not None and low is not None and high < bound else "inconclusive"


def _missing(limit: Limit, known: _Known, entry: CandidateRecord, seconds: float) -> _Missing:
    """Return what would likely decide a limit if the value stayed: intervals shrink with the root of the runs."""
    if known.missing is not None:
        lacking = known.missing
        if lacking.seconds is not None and not limit.relative:
            lacking = lacking._replace(seconds=max(lacking.seconds - seconds, 0.0))
        if lacking.launches is not None and not limit.relative and limit.metric != "cold_start":
            lacking = lacking._replace(launches=max(lacking.launches - entry.track.whole_launches, 1))
        share = lacking.runs / entry.track.totals.count if lacking.runs else 0.0
        if limit.metric != "cold_start" and lacking.launches is None:
            lacking = lacking._replace(seconds=max(lacking.seconds or 0.0, share * seconds))
            if not lacking.runs and seconds:
                more = math.ceil(entry.track.totals.count * (lacking.seconds or 0.0) / seconds)
                lacking = lacking._replace(runs=more)
        return lacking if (lacking.seconds or 0.0) <= _LONGEST_WAIT else _Missing()
    value, low, high = known.value, known.low, known.high
    if value is None or low is None or high is None or value == limit.bound:
        return _Missing()
    reach = high - value if value < limit.bound else value - low
    share = max((reach / abs(limit.bound - value)) ** 2 - 1, _LEAST_SHARE)
    launches = entry.track.whole_launches
    if launches >= _LEAST_LAUNCHES:
        return (
            _Missing(launches=max(math.ceil(launches * share), 1)) if share * seconds <= _LONGEST_WAIT else _Missing()
        )
    if share * seconds > _LONGEST_WAIT:
        return _Missing()
    return _Missing(max(math.ceil(entry.track.totals.count * share), 1), share * seconds)
