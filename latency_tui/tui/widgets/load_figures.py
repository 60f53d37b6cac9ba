"""The figures of the tab Load: a line per candidate and rate, and the rankings alone and under load."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from latency_tui.text.formatting import NOTHING, format_duration, format_interval_ends
from latency_tui.text.load import OVERLOADED, WORDS, format_rate, format_verdict
from latency_tui.text.short_names import short_names
from latency_tui.tui.styles import MUTED, CandidateStyle
from latency_tui.tui.text import fit, sanitize_line
from latency_tui.tui.widgets.styled_lines import Line, Piece

if TYPE_CHECKING:
    from latency_tui.result.load import LoadResult
    from latency_tui.result.result import Result

_GAP = 2
_MIN_NAME, _MAX_NAME = 20, 24
_BAR = 16
"""Columns of the bar of service time and wait."""
_SERVICE, _WAIT = "█", "░"
_RANK_COLUMNS = 6
"""Columns of the rank, the shape and the blanks of a name in a ranking."""
_VERDICT_STYLES = {
    WORDS["pass"]: "$text-success",
    WORDS["fail"]: "$text-error",
    WORDS["inconclusive"]: "$text-warning",
    "invalid": "$text-warning",
}

_COLUMNS: tuple[tuple[str, Callable[[LoadResult], str]], ...] = (
    ("rate", lambda one: format_rate(one.rate)),
    ("ρ", lambda one: f"{one.utilisation:.2f}"),
    ("service", lambda one: format_duration(one.service.mean)),
    ("wait", lambda one: NOTHING if one.overloaded else format_duration(one.wait.mean)),
    ("p50", lambda one: NOTHING if one.overloaded else format_duration(one.response.p50)),
    ("p99", lambda one: OVERLOADED if one.overloaded else format_duration(one.response.p99)),
    ("95 % CI", lambda one: format_interval_ends(one.response.p99, one.response.p99_low, one.response.p99_high)),
    ("verdict", lambda one: "" if format_verdict(one) == NOTHING else format_verdict(one)),
    ("per core", lambda one: format_rate(one.capacity_per_core)),
)
"""Headings and texts of the columns after the name. Means of service time and wait add up to that of the response."""
_LEAST_IMPORTANT = ("per core", "95 % CI", "service", "wait", "p50", "ρ")
"""The columns that are dropped if the terminal is too narrow, the least important first."""


def shown_load(result: Result) -> list[LoadResult]:
    """Return the figures to list: those of all given rates, or of a finished search those at both ends."""
    ends = {(one.candidate, rate) for one in result.highest_rates for rate in (one.passes, one.fails)}
    searched = {one.candidate for one in result.highest_rates}
    shown = [one for one in result.load if one.candidate not in searched or (one.candidate, one.rate) in ends]
    if searched:
        return shown
    return sorted(shown, key=lambda one: (one.rate, one.overloaded, one.response.p99 or 0.0))


def load_figures(
    result: Result, styles: Mapping[str, CandidateStyle], width: int, *, highlighted: str = ""
) -> list[Line]:
    """Return a heading and a line per candidate and rate, with a bar of its mean service time and wait."""
    shown = shown_load(result)
    if not shown:
        return []
    texts = {heading: [text(one) for one in shown] for heading, text in _COLUMNS}
    widths = {
        heading: max(cell_len(heading), *map(cell_len, cells)) + _GAP for heading, cells in texts.items() if any(cells)
    }
    names = [sanitize_line(result.candidate(one.candidate).name) for one in shown]
    longest = min(max(map(cell_len, names)), _MAX_NAME)
    for heading in _LEAST_IMPORTANT:
        if sum(widths.values()) + min(longest, _MIN_NAME) + 4 > width:
            widths.pop(heading, None)
    room = max(min(longest, width - 4 - sum(widths.values())), 1)
    bar = min(_BAR, width - 4 - room - sum(widths.values()) - _GAP)  # without room for its heading, there is none
    heading = fit("   model", room + 3) + "".join(fit(name, size, right=True) for name, size in widths.items())
    if bar == _BAR:
        heading += f"  {_SERVICE} service {_WAIT} wait"
    lines: list[Line] = [[(fit(heading, width).rstrip(), MUTED)]]
    longest_time = max((one.response.mean or 0.0 for one in shown), default=0.0)
    for index, (one, name) in enumerate(zip(shown, short_names(names, room), strict=True)):
        colour, shape = styles[one.candidate]
        bold = "bold" if one.candidate == highlighted else ""
        pieces: list[Piece] = [(f" {shape} ", colour), (fit(name, room), bold)]
        for key, size in widths.items():
            text = texts[key][index]
            style = _VERDICT_STYLES.get(text, "$text-error" if text == OVERLOADED else "")
            pieces.append((fit(text, size, right=True), style if key in ("verdict", "p99") else ""))
        if bar == _BAR and longest_time > 0 and one.response.mean:
            pieces += _bar(one, colour, bar / longest_time)
        lines.append(pieces)
    return lines


def _bar(one: LoadResult, colour: str, columns_per_second: float) -> list[Piece]:
    """Return the mean service time and the mean wait as one bar."""
    whole = max(round((one.response.mean or 0.0) * columns_per_second), 1)
    service = min(max(round((one.service.mean or 0.0) * columns_per_second), 1), whole)
    return [("  ", ""), (_SERVICE * service + _WAIT * (whole - service), colour)]


def ranking_lines(result: Result, styles: Mapping[str, CandidateStyle], width: int) -> list[Line]:
    """Return the ranking of the candidates alone, and under load below it; empty if one of them is unknown."""
    under, what = _ranking_under_load(result)
    alone = [one.slug for one in result.measured if one.slug in under]
    if len(alone) < 2 or len(alone) != len(under):
        return []
    heads = ["alone, p50", what]
    first = max(map(cell_len, heads)) + 3
    return [
        [(fit(f" {head}", first), MUTED), *_names(result, order, styles, width - first)]
        for head, order in zip(heads, (alone, under), strict=True)
    ]


def _ranking_under_load(result: Result) -> tuple[list[str], str]:
    """Return slugs from the best to the worst under load, and by which figure."""
    if result.highest_rates:
        ordered = sorted(result.highest_rates, key=lambda one: -(one.passes or 0.0))
        return [one.candidate for one in ordered], "highest rate"
    rates = sorted({one.rate for one in result.load})
    common = [rate for rate in rates if any(not one.overloaded for one in result.load if one.rate == rate)]
    if not common:
        return [], ""
    at = [one for one in result.load if one.rate == common[-1] and one.valid]
    ordered_at = sorted(at, key=lambda one: (one.overloaded, one.response.p99 or one.utilisation))
    return [one.candidate for one in ordered_at], f"at {format_rate(common[-1])}, p99"


def _names(result: Result, slugs: Sequence[str], styles: Mapping[str, CandidateStyle], width: int) -> list[Piece]:
    """Return numbered names in one line, shortened if necessary."""
    whole = [sanitize_line(result.candidate(slug).name) for slug in slugs]
    names, longest = whole, max(map(cell_len, whole))
    while sum(map(cell_len, names)) + _RANK_COLUMNS * len(names) > width and longest > 1:
        longest -= 1
        names = short_names(whole, longest)
    pieces: list[Piece] = []
    for place, (slug, name) in enumerate(zip(slugs, names, strict=True), start=1):
        pieces += [(f"{place} ", MUTED), (f"{styles[slug][1]} {name}", styles[slug][0]), ("  ", "")]
    return pieces
