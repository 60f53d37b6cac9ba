"""Computes how much more to measure: the rest of a stopped measurement, or what should decide an open result.

A continuation runs in fresh engines, so its calls are further launches of the same result. A user who continues because
a result is inconclusive checks it more than once. Until-known results allow for that, because their test is sequential.
Intervals of a fixed length do not: after k continuations the error rate is up to (k + 1) × 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from latency_tui.analysis.request_progress import RequestProgress
from latency_tui.plan import MAX_RUNS, Plan
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.text.summary import open_pairs, round_estimate

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_MAX_LAUNCHES = 1000
"""Largest number of launches that is proposed."""
_MIN_SECONDS = 0.01
"""Shortest duration that is proposed."""


def plan_to_continue(plan: Plan, more: MeasurementAmount, active: Iterable[str]) -> Plan:
    """Return the plan of a continuation, with the candidates that have not failed.

    Args:
        plan: The plan that was measured.
        more: The amount to measure.
        active: Slugs of candidates that have not failed.
    """
    slugs = set(active)
    candidates = tuple(candidate for candidate in plan.candidates if candidate.slug in slugs)
    return msgspec.structs.replace(
        plan,
        candidates=candidates,
        runs=more.runs,
        seconds=more.seconds,
        until_known=more.until_known,
        launches=more.launches,
        baseline=plan.baseline if plan.baseline in slugs else None,
        load=None,
        control=plan.control and plan.candidates[0].slug in slugs,
        limits=tuple(
            limit
            for limit in plan.call_limits
            if limit.candidate in (None, *slugs) and (not limit.relative or len(candidates) > 1)
        ),
    )


def remaining_measurement(result: Result, parts: Sequence[RequestProgress], seconds: float) -> MeasurementAmount | None:
    """Return how much more to measure: the rest of a stopped measurement, or what should decide an open result.

    Args:
        result: The result so far.
        parts: The plan and its continuations, in order, with their progress.
        seconds: Wall time of the rounds.

    Returns:
        The amount; None if the result is decided, or if no reasonable amount should decide it.
    """
    if not any(candidate.status != "failed" for candidate in result.candidates):
        return None
    last = parts[-1]
    if not last.asked.until_known and last.launches < last.asked.launches:
        return _rest(last)
    return _effort_to_decide(result, parts, seconds)


def _rest(part: RequestProgress) -> MeasurementAmount:
    asked = part.asked
    if asked.launches > 1:
        return msgspec.structs.replace(asked, launches=asked.launches - part.launches, stopped=True)
    if asked.runs is not None:
        return MeasurementAmount(runs=max(asked.runs - part.runs, 1), stopped=True)
    return MeasurementAmount(seconds=max((asked.seconds or 0.0) * (1 - part.share), _MIN_SECONDS), stopped=True)


def _effort_to_decide(
    result: Result, parts: Sequence[RequestProgress], clock_seconds: float
) -> MeasurementAmount | None:
    plan, pairs = result.plan, open_pairs(result)
    undecided = [one for one in result.limits if one.verdict == "inconclusive"]
    if plan.until_known:
        failed = {candidate.slug for candidate in result.candidates if candidate.status == "failed"}
        active = [pair for pair in result.comparisons if not {pair.baseline, pair.candidate} & failed]
        unknown = any(pair.verdict == "inconclusive" for pair in active)
        return MeasurementAmount(until_known=True) if unknown or undecided else None
    seconds = [one for p in pairs if (one := p.seconds_to_decide) is not None]
    seconds = seconds if len(seconds) == len(pairs) else []  # all pairs must be decided
    seconds += [one.seconds_to_decide for one in undecided if one.seconds_to_decide]
    launches = [one.launches_to_decide for one in undecided if one.launches_to_decide]
    launches += [p.launches_to_decide for p in pairs if p.launches_to_decide]
    if launches and (seconds or undecided):
        asked = parts[0].asked
        return msgspec.structs.replace(asked, launches=min(max(launches), _MAX_LAUNCHES))
    if not seconds:
        return None
    if plan.seconds is not None:
        measured = sum((part.asked.seconds or 0.0) * max(part.launches, part.share) for part in parts)
        share = max(seconds) / clock_seconds if clock_seconds else 1.0
        return MeasurementAmount(seconds=min(max(measured * share, _MIN_SECONDS), 86_400.0))
    runs = [p.runs_to_decide for p in pairs if p.runs_to_decide]
    runs += [one.runs_to_decide for one in undecided if one.runs_to_decide]
    return MeasurementAmount(runs=min(round_estimate(math.ceil(max(runs))), MAX_RUNS)) if runs else None
