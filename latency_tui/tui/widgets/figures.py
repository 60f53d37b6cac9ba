"""Formats a candidate's figures in the same way for cards, tables and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.text.formatting import NOTHING, format_duration, format_interval_ends, format_ratio
from latency_tui.text.limits import limits_of
from latency_tui.tui.styles import MUTED

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.comparison import Comparison
    from latency_tui.stats.percentiles import Percentile


DOUBT = "? marks an open verdict, which needs more rounds or launches"
"""Explains a question mark after a ratio whose interval does not include 1."""


def has_doubt(result: Result) -> bool:
    """Return whether any model's ratio to the baseline has a question mark."""
    return any(
        ratio_words(result, candidate)[0].endswith("?")
        for candidate in result.candidates
        if candidate.status != "failed"
    )


def comparison_of(result: Result, slug: str) -> Comparison | None:
    """Return the comparison of a candidate with the baseline; None for the baseline, or before there is one."""
    for comparison in result.comparisons:
        if comparison.baseline == result.baseline and comparison.candidate == slug:
            return comparison
    return None


def ratio_words(result: Result, candidate: CandidateResult) -> tuple[str, str, str]:
    """Return the ratio to the baseline in words (`1.15× slower`), its interval (`1.13–1.17`) and a style."""
    if candidate.slug == result.baseline:
        return "baseline", "", MUTED
    comparison = comparison_of(result, candidate.slug)
    if comparison is None or comparison.ratio is None:
        return "no comparison yet", "", MUTED
    if comparison.low is None or comparison.high is None:
        return f"{format_ratio(comparison.ratio)}?", "", MUTED
    if comparison.verdict == "same" or comparison.low <= 1 <= comparison.high or comparison.ratio == 1:
        return comparison.verdict, f"{times(comparison.low)}–{times(comparison.high)}", MUTED
    low, high = comparison.low, comparison.high
    if comparison.ratio < 1:
        low, high = 1 / high, 1 / low
    style = {"slower": "$text-warning", "faster": "$text-success"}.get(comparison.verdict, MUTED)
    doubt = "?" if comparison.verdict == "inconclusive" else ""
    return format_ratio(comparison.ratio) + doubt, f"{times(low)}–{times(high)}", style


def ratio_cell(result: Result, candidate: CandidateResult) -> tuple[str, str, str]:
    """Return for a column of ratios to the baseline: ratio (`1.15×`, below 1 is faster), interval and a style."""
    words, _, style = ratio_words(result, candidate)
    comparison = comparison_of(result, candidate.slug)
    if comparison is None or comparison.ratio is None:
        return words, "", style
    doubt = "?" if words.endswith("?") else ""
    known = comparison.low is not None and comparison.high is not None
    interval = f"{times(comparison.low or 0)}–{times(comparison.high or 0)}" if known else ""
    return f"{times(comparison.ratio)}×{doubt}", interval, style


def limit_words(result: Result, slug: str) -> tuple[str, str]:
    """Return whether a candidate meets its limits, and a style; empty if it has no limit."""
    words = limits_of(result, slug)
    if words == NOTHING:
        return "", ""
    style = {"meets": "$text-success", "fails": "$text-error"}.get(words.split(" ")[0], "$text-warning")
    return words, style


def times(ratio: float) -> str:
    """Return a ratio without its sign: `1.15`, `72.6`."""
    if ratio < 9.995:
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 99.95 else f"{ratio:,.0f}"


def bound(percentile: Percentile, key: str = "") -> str:
    """Return a percentile as text: `98.0 µs`, `≥ 98.0 µs` for a lower bound, or a dash if it is unknown.

    If there are enough calls but the time is too short, the value has no `≥`. The median never has one.
    """
    if key != "p50" and percentile.is_bound:
        return "–" if percentile.low is None else f"≥ {format_duration(percentile.low)}"
    return format_duration(percentile.value)


def needs(percentile: Percentile) -> str:
    """Return what a percentile needs for an interval: `needs 1,200 calls`; empty if it has one."""
    if percentile.launches_needed:
        return f"needs {percentile.launches_needed:,} launches"
    return f"needs {percentile.calls_needed:,} calls" if percentile.calls_needed else ""


def short_interval(percentile: Percentile) -> str:
    """Return the interval of a percentile without the unit, which is that of its value: `61.7–62.6`."""
    return format_interval_ends(percentile.value, percentile.low, percentile.high)
