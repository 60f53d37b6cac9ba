"""Computes the outcome of a gate: its lines, from the verdicts of two measurements, and its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

from latency_tui.analysis.limit_verdicts import verdict_of
from latency_tui.analysis.saved_results import ComparedCandidate, ComparedResult, compare_metric, match
from latency_tui.plan import slugify
from latency_tui.plan.limits import WITHOUT_INTERVAL, Acknowledgement, Limit, parse_limit
from latency_tui.result.check_outcome import GateLine, GateVerdict, Reason
from latency_tui.result.gate import Improvement
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import Result
from latency_tui.stats.comparison import Comparison
from latency_tui.stats.defaults import MIN_CLUSTERS

_WORDS: dict[str, GateVerdict] = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
_ENOUGH_LAUNCHES = 5
_MAX_LAUNCHES = 100
"""Largest number of further launches that is proposed."""


def judge_against_saved(
    limits: Iterable[Limit],
    result: Result,
    baseline: ComparedResult,
    *,
    earlier: Sequence[Result] = (),
    confidence: float = 0.95,
) -> list[LimitVerdict]:
    """Judge the relative limits against a saved baseline, which comes from a separate measurement.

    Args:
        limits: Limits; those that are not relative are ignored.
        result: The measurement.
        baseline: The saved result.
        earlier: Earlier results of the same plan and environment.
        confidence: Confidence level of each interval.
    """
    active = {one.slug for one in result.candidates if one.status == "measured"}
    pairs = [(one, other) for one, other in match(baseline, ComparedResult.of(result))[0] if other.slug in active]
    return [
        _judge(limit, one, other, result, earlier, confidence)
        for one, other in pairs
        for limit in limits
        if limit.relative and limit.candidate in (None, other.slug)
    ]


def _judge(
    limit: Limit,
    one: ComparedCandidate,
    other: ComparedCandidate,
    result: Result,
    earlier: Sequence[Result],
    confidence: float,
) -> LimitVerdict:
    if limit.metric in WITHOUT_INTERVAL:
        return _judge_by_value(limit, one, other, confidence)
    inverse = limit.metric == "throughput"  # per row, the inverse of the mean
    metric = "mean" if inverse else limit.metric
    found = compare_metric(one, other, metric, earlier=earlier, equivalence=result.equivalence, confidence=confidence)
    ratio, low, high = (
        None if log is None else math.exp(-log if inverse else log) for log in (found.log_ratio, found.low, found.high)
    )
    low, high = (high, low) if inverse else (low, high)
    verdict = verdict_of(limit, low, high)
    return LimitVerdict(
        limit=limit.text,
        candidate=other.slug,
        metric=limit.metric,
        bound=limit.bound,
        relative=True,
        verdict=verdict,
        value=ratio,
        low=low,
        high=high,
        confidence=confidence,
        launches_to_decide=_launches_to_decide(limit, ratio, low, high, len(other.launches))
        if verdict == "inconclusive"
        else None,
    )


def _judge_by_value(limit: Limit, one: ComparedCandidate, other: ComparedCandidate, confidence: float) -> LimitVerdict:
    """Judge the ratio of two figures without intervals; undecided if one is missing or no ratio to it makes sense."""
    before, after = one.figures.get(limit.metric), other.figures.get(limit.metric)
    ratio = None if after is None or before is None or before <= 0 else after / before
    return LimitVerdict(
        limit=limit.text,
        candidate=other.slug,
        metric=limit.metric,
        bound=limit.bound,
        relative=True,
        verdict=verdict_of(limit, ratio, ratio),
        value=ratio,
        confidence=confidence,
    )


def _launches_to_decide(
    limit: Limit, ratio: float | None, low: float | None, high: float | None, launches: int
) -> int | None:
    """Return how many more launches would likely decide a limit, provided that the ratio does not change."""
    if ratio is None or low is None or high is None:
        return max(_ENOUGH_LAUNCHES - launches, MIN_CLUSTERS - launches, 1)
    distance, half_width = abs(math.log(limit.bound / ratio)), math.log(high / low) / 2
    if not distance:
        return None
    more = math.ceil(launches * max((half_width / distance) ** 2 - 1, 0.1))
    return more if more <= _MAX_LAUNCHES else None


def expected_lines(limits: Iterable[Limit], result: Result, baselines: Iterable[str]) -> list[tuple[Limit, str, str]]:
    """Return the limit, slug and name of every line that a check of a result has.

    Args:
        limits: The limits.
        result: The result.
        baselines: Slugs of the candidates with which others are compared; relative limits do not apply to these.
    """
    beside = {*baselines}
    return [
        (limit, one.slug, one.name)
        for limit in limits
        for one in result.candidates
        if limit.candidate in (None, one.slug) and not (limit.relative and one.slug in beside)
    ]


def make_lines(
    expected: Iterable[tuple[Limit, str, str]],
    first: Iterable[LimitVerdict],
    again: Iterable[LimitVerdict] = (),
    acknowledgements: Sequence[Acknowledgement] = (),
    *,
    today: date,
) -> tuple[GateLine, ...]:
    """Return one line per limit and candidate.

    Args:
        expected: Limit, slug and name of each line.
        first: Verdicts of the first measurement.
        again: Verdicts of a second measurement, in fresh launches, of what failed in the first.
        acknowledgements: Accepted slowdowns.
        today: The current date; acknowledgements that have expired are ignored.
    """
    firsts, seconds = ({(one.limit, one.candidate): one for one in verdicts} for verdicts in (first, again))
    return tuple(
        _line(
            limit, slug, name, firsts.get((limit.text, slug)), seconds.get((limit.text, slug)), acknowledgements, today
        )
        for limit, slug, name in expected
    )


def _line(
    limit: Limit,
    slug: str,
    name: str,
    first: LimitVerdict | None,
    again: LimitVerdict | None,
    acknowledgements: Sequence[Acknowledgement],
    today: date,
) -> GateLine:
    verdict: GateVerdict = "INCONCLUSIVE" if first is None else _WORDS[first.verdict]
    reason: Reason | None = "not measured" if first is None else None
    accepted = None
    if first is not None and first.verdict == "fail":
        accepted = acknowledgement_of(limit, slug, name, acknowledgements, today)
        if accepted is not None:
            verdict, reason = _WORDS[_verdict_by(accepted, first)], "acknowledged"
        if verdict == "FAIL" and not _fails(again, accepted):
            verdict, reason = "INCONCLUSIVE", "not confirmed"
    return GateLine(
        limit=limit.text,
        candidate=slug,
        name=name,
        verdict=verdict,
        reason=reason,
        first=first,
        again=again,
        acknowledgement=accepted,
    )


def _fails(again: LimitVerdict | None, accepted: Acknowledgement | None) -> bool:
    if again is None or again.verdict != "fail":
        return False
    return accepted is None or _verdict_by(accepted, again) == "fail"


def _verdict_by(accepted: Acknowledgement, found: LimitVerdict) -> str:
    """Return the verdict of a measurement that failed on the bound of an acknowledgement."""
    by_value = found.low is None and found.high is None
    return verdict_of(
        parse_limit(accepted.bound), *((found.value, found.value) if by_value else (found.low, found.high))
    )


def acknowledgement_of(
    limit: Limit, slug: str, name: str, acknowledgements: Iterable[Acknowledgement], today: date
) -> Acknowledgement | None:
    """Return the acknowledgement of a limit and candidate that has not expired; None if there is none."""
    for one in acknowledgements:
        meant = parse_limit(one.limit)
        same = (meant.metric, meant.bound, meant.relative) == (limit.metric, limit.bound, limit.relative)
        if same and one.model in ("", slug, name) and not is_expired(one, today):
            return one
        if same and slugify(one.model or slug) == slugify(slug) and not is_expired(one, today):
            return one
    return None


def is_expired(acknowledgement: Acknowledgement, today: date) -> bool:
    """Return whether an acknowledgement has expired."""
    return acknowledgement.expires is not None and acknowledgement.expires < today


def gate_verdict(lines: Sequence[GateLine]) -> GateVerdict:
    """Return the verdict on all lines; without lines it is inconclusive."""
    found = {line.verdict for line in lines}
    if "FAIL" in found:
        return "FAIL"
    return "PASS" if found == {"PASS"} else "INCONCLUSIVE"


def find_improvements(
    result: Result, verdicts: Iterable[LimitVerdict], comparisons: Iterable[Comparison]
) -> tuple[Improvement, ...]:
    """Return the candidates that are faster than the baseline.

    Args:
        result: The result.
        verdicts: Verdicts on relative limits against a saved baseline.
        comparisons: Comparisons with a baseline of the same measurement.
    """
    names = {one.slug: one.name for one in result.candidates}
    found: dict[str, Improvement] = {}
    for pair in comparisons:
        if pair.verdict == "faster" and pair.ratio and pair.low and pair.high:
            found[pair.candidate] = Improvement(
                candidate=pair.candidate, name=names[pair.candidate], ratio=pair.ratio, low=pair.low, high=pair.high
            )
    for one in verdicts:
        if one.metric == "p50" and one.value and one.low and one.high and one.high * (1 + result.equivalence) < 1:
            found[one.candidate] = Improvement(
                candidate=one.candidate, name=names[one.candidate], ratio=one.value, low=one.low, high=one.high
            )
    return tuple(found.values())
