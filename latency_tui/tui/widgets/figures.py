"""How a candidate's figures read, for cards, tables and comparisons alike, so that none says it another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.text.formatting import NOTHING, format_duration, format_interval_ends, format_ratio
from latency_tui.text.limits import limits_of
from latency_tui.tui.styles import MUTED

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.comparison import Comparison
    from latency_tui.stats.percentiles import Percentile


DOUBT = "? is not certain yet: the verdict needs more rounds or launches"
"""Why a ratio has a question mark although its interval does not hold 1."""


def has_doubt(result: Result) -> bool:
    """Return whether any model's ratio to the baseline has a question mark."""
    return any(
        ratio_words(result, candidate)[0].endswith("?")
        for candidate in result.candidates
        if candidate.status != "failed"
    )


def comparison_of(result: Result, slug: str) -> Comparison | None:
    """Return how a candidate compares with the baseline; None for the baseline itself, or before it is known."""
    for comparison in result.comparisons:
        if comparison.baseline == result.baseline and comparison.candidate == slug:
            return comparison
    return None


def ratio_words(result: Result, candidate: CandidateResult) -> tuple[str, str, str]:
    """Return against the baseline: words (`1.15× slower`), interval (`1.13–1.17`) and a style."""
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
    """Return whether a candidate meets its limits, and a style; empty where none is on it."""
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
    """Return a percentile as far as it is known: `98.0 µs`, `≥ 98.0 µs` or, where nothing bounds it, a dash.

    One that had calls enough, in too short a time, is shown as the figure of the moment that it is.

    The median, by its key, is a figure of what was measured however little that was.
    """
    if key != "p50" and percentile.is_bound:
        return "–" if percentile.low is None else f"≥ {format_duration(percentile.low)}"
    return format_duration(percentile.value)


def needs(percentile: Percentile) -> str:
    """Return what a percentile lacks: `needs 1,200 calls`, `needs 30 launches`; empty where it lacks nothing."""
    if percentile.launches_needed:
        return f"needs {percentile.launches_needed:,} launches"
    return f"needs {percentile.calls_needed:,} calls" if percentile.calls_needed else ""


def short_interval(percentile: Percentile) -> str:
    """Return the interval around a percentile in the unit of its value, which is not repeated: `61.7–62.6`."""
    return format_interval_ends(percentile.value, percentile.low, percentile.high)
