"""Formats limits for reports and gates: a word per candidate, and a line per verdict that is not `pass`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.plan.limits import SCORE_METRICS, WITHOUT_INTERVAL
from latency_tui.text.formatting import (
    NOTHING,
    format_duration,
    format_interval,
    format_memory,
    format_seconds,
)
from latency_tui.text.load import OVERLOADED
from latency_tui.text.sanitize import clean
from latency_tui.text.scores import format_score_with_interval
from latency_tui.text.summary import round_estimate

if TYPE_CHECKING:
    from latency_tui.result.limit_verdict import LimitVerdict
    from latency_tui.result.result import Result

WORDS = {"pass": "meets", "fail": "fails", "inconclusive": "undecided"}
"""The displayed word per verdict."""
_VERBS = {"pass": "meets", "fail": "fails", "inconclusive": "is undecided on"}


def limits_of(result: Result, slug: str) -> str:
    """Return `meets` if a candidate meets all of its limits, otherwise which ones it fails or leaves undecided."""
    mine = [verdict for verdict in result.limits if verdict.candidate == slug]
    if not mine:
        return NOTHING
    for word in ("fail", "inconclusive"):
        if some := [verdict.limit for verdict in mine if verdict.verdict == word]:
            return WORDS[word] if len(mine) == 1 else f"{WORDS[word]} {', '.join(some)}"
    return WORDS["pass"]


def limit_notes(result: Result) -> list[str]:
    """Return one line per limit that a candidate fails or that is undecided."""
    names = {candidate.slug: candidate.name for candidate in result.candidates}
    return [
        describe_verdict(names[verdict.candidate], verdict) for verdict in result.limits if verdict.verdict != "pass"
    ]


def describe_verdict(name: str, verdict: LimitVerdict) -> str:
    """Return the verdict on a limit in one sentence, with the figure and what would decide it."""
    return f"{clean(name)} {_VERBS[verdict.verdict]} {verdict.limit}: {format_figures(verdict)}{_needed(verdict)}."


def format_figures(verdict: LimitVerdict) -> str:
    """Return the value that a limit was judged by, with its interval: `5.2 ms (5.1–5.3 ms)`."""
    value, low, high = verdict.value, verdict.low, verdict.high
    if verdict.overloaded:
        return OVERLOADED
    if value is None:
        return "not measured"
    if verdict.relative:
        text = f"{value:.4g}×"
        if verdict.metric in WITHOUT_INTERVAL:
            return f"{text}, judged by its value, because it has no interval"
        return text if low is None or high is None else f"{text} ({low:.4g}–{high:.4g})"
    if verdict.metric == "memory":
        return format_memory(int(value))
    if verdict.metric in SCORE_METRICS:
        return format_score_with_interval(value, low, high)
    if verdict.metric == "throughput":
        text = f"{value:,.0f}/s"
        return text if low is None or high is None else f"{text} ({low:,.0f}–{high:,.0f}/s)"
    if low is None and high is None:
        return format_duration(value)
    return format_interval(low, None) if high is None else f"{format_duration(value)} ({format_interval(low, high)})"


def _needed(verdict: LimitVerdict) -> str:
    """Return what would decide a limit, after a semicolon; empty if it is unknown."""
    more = what_decides([verdict])
    return f"; {more} would likely decide" if more else ""


def what_decides(verdicts: list[LimitVerdict]) -> str:
    """Return what would decide all of some limits: `about 2,000 more runs (3 s)`; empty if it is unknown for one."""
    if launches := max((verdict.launches_to_decide or 0 for verdict in verdicts), default=0):
        return f"{launches:,} more {'launch' if launches == 1 else 'launches'}"
    if not verdicts or any(verdict.seconds_to_decide is None for verdict in verdicts):
        return ""
    seconds = max(verdict.seconds_to_decide or 0.0 for verdict in verdicts)
    runs = round_estimate(max(verdict.runs_to_decide or 0 for verdict in verdicts))
    return f"about {runs:,} more {'run' if runs == 1 else 'runs'} ({format_seconds(seconds)})" if runs else ""
