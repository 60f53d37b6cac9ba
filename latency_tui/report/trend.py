"""Formats the trend of a plan as tables or JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.stats.change_points import MIN_RESULTS
from latency_tui.text.formatting import format_duration, format_interval
from latency_tui.text.sanitize import align, clean
from latency_tui.text.trend import describe_trend, sparkline

if TYPE_CHECKING:
    from latency_tui.result.trend import CandidateTrend, Trend

TrendFormat = Literal["table", "json"]
_COLUMNS = ("result", "measured", "p50", "95 % CI", "p99", "")
_NUMBERS = (2, 4)


def render_trend(trend: Trend, report_format: TrendFormat = "table", *, width: int | None = None) -> str:
    """Return a trend as text that ends with a newline.

    Args:
        trend: The trend.
        report_format: The format.
        width: Width of the terminal, to which sentences are wrapped; None for no limit.
    """
    if report_format == "json":
        return msgspec.json.format(msgspec.json.encode(trend), indent=2).decode() + "\n"
    head = ", ".join(filter(None, (trend.title, clean(trend.host), clean(trend.cpu))))
    tables = [_table(candidate) for candidate in trend.candidates]
    sentences = [
        textwrap.fill(sentence, max(width or 10_000, 20), break_on_hyphens=False)
        for sentence in describe_trend(trend, MIN_RESULTS)
    ]
    return "\n\n".join([head, *tables, "\n".join(sentences)]) + "\n"


def _table(candidate: CandidateTrend) -> str:
    changes = {change.since: change for change in candidate.changes or ()}
    rows = [
        [
            point.result,
            f"{point.created_at.astimezone():%Y-%m-%d %H:%M}",
            format_duration(point.p50.value),
            format_interval(point.p50.low, point.p50.high),
            format_duration(point.p99.value),
            _mark(changes[point.result].ratio) if point.result in changes else "",
        ]
        for point in candidate.points
    ]
    bars = sparkline([point.p50.value or 0.0 for point in candidate.points])
    return "\n".join([f"{clean(candidate.name)}  {bars}", *align([[*_COLUMNS], *rows], right=_NUMBERS)])


def _mark(ratio: float) -> str:
    return "◂ slower from here" if ratio > 1 else "◂ faster from here"
