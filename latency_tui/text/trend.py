"""Sentences on the trend of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from latency_tui.text.formatting import format_ratio
from latency_tui.text.sanitize import clean
from latency_tui.text.saved_comparison import describe_difference

if TYPE_CHECKING:
    from latency_tui.result.trend import CandidateTrend, Trend, TrendChange
    from latency_tui.stats.comparison import Comparison

_BARS = "▁▂▃▄▅▆▇█"
_MAX_DIFFERENCES = 3


def describe_trend(trend: Trend, min_results: int) -> list[str]:
    """Return a sentence for each change of each candidate, or why there is none.

    Args:
        trend: The trend.
        min_results: Fewest results in which changes are looked for.
    """
    sentences = [
        describe_change(candidate, change) for candidate in trend.candidates for change in candidate.changes or ()
    ]
    short = [candidate for candidate in trend.candidates if candidate.changes is None]
    if short:
        count = max(len(candidate.points) for candidate in short)
        who = "" if len(short) == len(trend.candidates) else f" of {', '.join(clean(one.name) for one in short)}"
        sentences.append(f"Changes{who} can be found from {min_results} results on; there {_are(count)}.")
    elif not sentences:
        sentences.append(f"No change of p50 was found in {max(len(one.points) for one in trend.candidates)} results.")
    if trend.elsewhere:
        sentences.append(
            f"{trend.elsewhere:,} more of other machines {'is' if trend.elsewhere == 1 else 'are'} left out."
        )
    return sentences


def describe_change(candidate: CandidateTrend, change: TrendChange) -> str:
    """Return a sentence on one change: its size, when it began, and what differs since then.

    For example `Linear SVM is 1.12× slower (95 % CI 1.09–1.15) since 2026-11-20 14:03 (1a2b3c): numpy was 2.1 and is
    2.2.`
    """
    since = next(point for point in candidate.points if point.result == change.since)
    ratio = format_ratio(change.ratio, change.low, change.high)
    sentence = (
        f"{clean(candidate.name)} is {ratio} since {since.created_at.astimezone():%Y-%m-%d %H:%M} ({since.result})"
    )
    differences = [describe_difference(one) for one in change.differences]
    more = len(differences) - _MAX_DIFFERENCES
    listed = "; ".join(differences[:_MAX_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
    return f"{sentence}: {listed}." if listed else f"{sentence}; machine, versions and files are the same."


def describe_confirmation(candidate: CandidateTrend, change: TrendChange, measured: Comparison) -> str:
    """Return whether a measurement of both sides in turns confirms a change.

    Args:
        candidate: The candidate.
        change: The change of its trend.
        measured: The comparison of what was measured after the change with what was measured before it.
    """
    verdict, expected = measured.verdict, "slower" if change.ratio > 1 else "faster"
    name = clean(candidate.name)
    if measured.ratio is None:
        return f"Whether {name} changed is not known: too few rounds were measured."
    ratio = format_ratio(measured.ratio, measured.low, measured.high)
    if verdict == expected:
        return f"The change of {name} is confirmed: measured in turns, it is {ratio} than before."
    if verdict == "same":
        return (
            f"The change of {name} is not confirmed: measured in turns, both sides are the same ({ratio}), so "
            "the machine or something else in its environment has changed."
        )
    if verdict == "inconclusive":
        return f"Whether {name} changed is undecided; the ratio measured in turns is {ratio}."
    return f"The change of {name} is not confirmed: measured in turns, it is {ratio} than before."


def sparkline(values: Sequence[float]) -> str:
    """Return one bar per value, the smallest value as the lowest bar; equal values as middle bars."""
    low, high = min(values), max(values)
    if high <= low:
        return _BARS[3] * len(values)
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] for value in values)


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
