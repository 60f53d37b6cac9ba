"""Formats the comparison of two tail percentiles, for all tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.text.formatting import NOTHING, format_p99_ratio

if TYPE_CHECKING:
    from latency_tui.result.result import Result
    from latency_tui.stats.comparison import Comparison


def tail_ratio(result: Result, comparison: Comparison | None) -> str:
    """Return the ratio of two p99 with its p-value; empty unless both p99 have an interval.

    A ratio beside two lower bounds would seem to contradict them, because it is computed from other values.
    """
    if comparison is None:
        return ""
    for slug in (comparison.baseline, comparison.candidate):
        statistics = result.candidate(slug).statistics
        if statistics is None or statistics.p99.is_bound:
            return ""
    text = format_p99_ratio(comparison.p99_ratio, comparison.p99_p_value)
    return "" if text == NOTHING else text
