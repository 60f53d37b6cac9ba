"""Compares the tails of the candidates in one sentence: how far a high percentile lies above the median."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from latency_tui.text.formatting import PERCENTILES
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.percentiles import Percentile

_MAX_NAMES = 3
"""Most names that a sentence lists."""


class _Tail(NamedTuple):
    """The tail of one candidate: a percentile divided by the median, with its interval if it has one."""

    name: str
    ratio: float
    low: float | None
    high: float | None


def describe_spread(result: Result) -> str:
    """Return which candidates have the longest tail; empty if nothing was measured.

    Of a sweep, each model counts at its first value. The highest percentile counts for which all candidates have enough
    calls, up to p99. Tails with overlapping intervals are not shown to differ; without intervals, the sentence is only
    about these calls.
    """
    measured = [c for c in result.measured if c.status != "failed" and c.statistics and c.statistics.p50.value]
    if result.sweeps:
        first = {*result.plan.first_cells}
        measured = [candidate for candidate in measured if candidate.slug in first]
    if not measured:
        return ""
    key = _highest_known(measured)
    if key is None:
        return f"Too few calls to describe the tail: {_needs(measured)}."
    tails = sorted((_tail(candidate, key) for candidate in measured), key=lambda tail: -tail.ratio)
    return " ".join([_compare(tails, key.replace("_", ".")), *_lacking(measured, key)])


def _compare(tails: Sequence[_Tail], key: str) -> str:
    """Return which tails are the longest; tails are in descending order."""
    longest, shortest = tails[0], tails[-1]
    if len(tails) == 1:
        return f"The {key} of {longest.name} is {_times(longest.ratio)} its p50{_interval(longest)}."
    among = tails
    if longest.low is None or any(tail.high is None for tail in tails):
        among, here = tails[:1], " in these calls"
    else:
        among, here = [tail for tail in tails if (tail.high or 0.0) >= longest.low], ""
    if len(among) == len(tails):
        return f"The tails are not shown to differ: each {key} is {_range(tails)} its p50."
    contrast = f"compared with {_times(shortest.ratio)} for {shortest.name}"
    if len(among) == 1:
        return (
            f"{longest.name} has the longest tail{here}: its {key} is {_times(longest.ratio)} its p50"
            f"{_interval(longest)}, {contrast}."
        )
    names = [tail.name for tail in among]
    who = f"{', '.join(names[:-1])} and {names[-1]}" if len(among) <= _MAX_NAMES else f"{len(among)} models"
    return f"{who} have the longest tails: their {key} is {_range(among)} their p50, {contrast}."


def _lacking(measured: Sequence[CandidateResult], key: str) -> list[str]:
    """Return a sentence on what would give an interval, or a higher percentile."""
    if seconds := max((_of(candidate, key).seconds_needed or 0.0 for candidate in measured), default=0.0):
        return [f"Tails drift: measure for {seconds:.0f} s or more for an interval."]
    if key == "p99":
        return []
    needs = _needs(measured)
    return [f"{needs[0].upper()}{needs[1:]}."]


def _range(tails: Sequence[_Tail]) -> str:
    low, high = _times(tails[-1].ratio), _times(tails[0].ratio)
    return high if low == high else f"{low[:-1]}–{high}"


def _highest_known(measured: Sequence[CandidateResult]) -> str | None:
    """Return the highest percentile between the median and p99 for which every candidate has enough calls."""
    keys = [key for key in PERCENTILES if key not in ("p50", "p99_9")]
    known = [key for key in keys if all(_of(one, key).value and not _of(one, key).is_bound for one in measured)]
    return known[-1] if known else None


def _needs(measured: Sequence[CandidateResult]) -> str:
    calls = max((_of(candidate, "p99").calls_needed or 0 for candidate in measured), default=0)
    if calls:
        return f"a p99 needs {calls:,} calls per model"
    launches = max((_of(candidate, "p99").launches_needed or 0 for candidate in measured), default=0)
    return f"a p99 needs {launches:,} launches" if launches else "a p99 needs more calls"


def _of(candidate: CandidateResult, key: str) -> Percentile:
    percentile: Percentile = getattr(candidate.statistics, key)
    return percentile


def _tail(candidate: CandidateResult, key: str) -> _Tail:
    tail, median = _of(candidate, key), _of(candidate, "p50")
    low = tail.low / median.high if tail.low and median.high else None
    high = tail.high / median.low if tail.high and median.low else None
    return _Tail(clean(candidate.name), (tail.value or 0.0) / (median.value or 1.0), low, high)


def _interval(tail: _Tail) -> str:
    return f" ({_times(tail.low)[:-1]}–{_times(tail.high)[:-1]})" if tail.low and tail.high else ""


def _times(ratio: float) -> str:
    return f"{ratio:.2f}×" if ratio < 9.995 else f"{ratio:.1f}×" if ratio < 99.95 else f"{ratio:,.0f}×"
