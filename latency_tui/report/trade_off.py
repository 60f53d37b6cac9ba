"""The trade-off section of the HTML page: a scatter of scores against latencies, with intervals, and the sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from latency_tui.plan.limits import SCORE_METRICS
from latency_tui.plan.metrics import OWN_SCORE
from latency_tui.report.markup import escape
from latency_tui.report.svg import colour_of
from latency_tui.text.formatting import format_duration, format_interval
from latency_tui.text.sanitize import clean, shorten
from latency_tui.text.scales import Scale, extended, line_scale, linear_scale, tick_labels, ticks
from latency_tui.text.scores import format_metric, format_score, format_score_with_interval
from latency_tui.text.trade_off import TITLE, describe_trade_off

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.trade_off import TradeOff

_HEIGHT, _AXIS, _TOP = 300, 26, 18
_LEFT, _RIGHT = 6, 97
_MAX_TICKS = 6
_LETTER, _LABEL_HEIGHT = 0.95, 15
"""Width of a letter in per cent of the chart, and height of a name in pixels."""
_MAX_LABEL_START = 70
"""Beyond this place, in per cent, a name is written to the left of its point."""


class _Label(NamedTuple):
    """A name: its start and end in per cent of the width, its height, and whether it is to the left of its point."""

    text: str
    start: float
    end: float
    y: float
    is_left: bool


def trade_off_chart(result: Result) -> tuple[str, float]:
    """Return a point per candidate with its score and its latency, and the height; empty if none can be drawn."""
    return (_scatter(result, result.trade_off) if result.trade_off else ""), _TOP + _HEIGHT + _AXIS


def trade_off_html(result: Result, embed: Callable[[str, float, str], str]) -> str:
    """Return the section of a page; empty if there are no scores."""
    sentences = describe_trade_off(result)
    if not sentences or result.trade_off is None:
        return ""
    drawn, height = trade_off_chart(result)
    chart = f'<div class="chart">{embed(drawn, height, sentences[0])}</div>' if drawn else ""
    others = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences[1:])
    hint = (
        f"{format_metric(result.trade_off.metric)} upwards, p50 of a call to the right, each with its interval. A "
        "filled point is on the Pareto front, a hollow one may be, a pale one is not."
    )
    answer = f"<p><strong>{escape(sentences[0])}</strong></p>"
    return (
        f'<section><h2>{TITLE}</h2>{answer}<p class="hint">{escape(hint)}</p>{chart}'
        f'<ul class="notes">{others}</ul></section>'
    )


def _scatter(result: Result, found: TradeOff) -> str:
    """Return a point per candidate with a score of the metric; empty if none can be drawn."""
    points = [
        one
        for one in result.measured
        if one.metric == found.metric and one.score is not None and one.statistics and one.statistics.p50.value
    ]
    if not points:
        return ""
    times = [v for c in points if c.statistics for v in _ends(*_p50(c)) if v > 0]
    scores = [v for c in points for v in _ends(c.score or 0.0, c.score_low, c.score_high)]
    bounds = {str(limit): limit for limit in result.plan.limits if not limit.relative}
    across = extended(line_scale(min(times), max(times)), [b.bound for b in bounds.values() if b.metric == "p50"])
    limits = [b for b in bounds.values() if b.metric in (OWN_SCORE, found.metric) and b.metric in SCORE_METRICS]
    up = linear_scale([*scores, *(limit.bound for limit in limits)])
    parts = [_grid(across, up)]
    for text, limit in bounds.items():
        if limit.metric == "p50" and across.holds(limit.bound):
            x = _x(across, limit.bound)
            parts.append(
                f'<line class="limit" x1="{x:.2f}%" x2="{x:.2f}%" y1="{_TOP}" y2="{_TOP + _HEIGHT}"/>'
                f'<text class="limit-name" x="{x:.2f}%" y="12" text-anchor="middle">{escape(text)}</text>'
            )
        elif limit in limits:
            y = _y(up, limit.bound)
            parts.append(
                f'<line class="limit" x1="{_LEFT}%" x2="{_RIGHT}%" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="limit-name" x="{_RIGHT}%" y="{y - 4:.1f}" text-anchor="end">{escape(text)}</text>'
            )
    placed: list[_Label] = []
    for one in sorted(points, key=lambda one: -(one.score or 0.0)):
        label = _label(one, across, up, placed)
        placed.append(label)
        parts.append(_point(one, found, across, up, colour_of(one), label))
    return "".join(parts)


def _label(one: CandidateResult, across: Scale, up: Scale, placed: list[_Label]) -> _Label:
    """Return where the name of a point is written: beside it, or further down if another name is there."""
    x, y = _x(across, _p50(one)[0]), _y(up, one.score or 0.0) - 7
    text = shorten(clean(one.name), 40)
    width = _LETTER * len(text)
    is_left = x > _MAX_LABEL_START
    start, end = (x - width, x) if is_left else (x, x + width)
    while any(start < other.end and other.start < end and abs(y - other.y) < _LABEL_HEIGHT for other in placed):
        y += _LABEL_HEIGHT / 2
    return _Label(text, start, end, y, is_left)


def _point(one: CandidateResult, found: TradeOff, across: Scale, up: Scale, colour: str, label: _Label) -> str:
    value, low, high = _p50(one)
    x, y = _x(across, value), _y(up, one.score or 0.0)
    row = found.candidate(one.slug)
    standing = row.standing if row else "excluded"
    hover = f"{clean(one.name)}: {format_metric(one.metric)} "
    hover += f"{format_score_with_interval(one.score, one.score_low, one.score_high)}, p50 {format_duration(value)}"
    hover += f" ({format_interval(low, high)})" if low and high else ""
    hover += {"front": ", on the Pareto front", "dominated": ", dominated", "undecided": ", undecided"}.get(
        standing, ""
    )
    marks = ""
    if low and high:
        ends = f'x1="{_x(across, low):.2f}%" x2="{_x(across, high):.2f}%" y1="{y:.1f}" y2="{y:.1f}"'
        marks += f'<line class="whisker" {ends}/>'
    if one.score_low is not None and one.score_high is not None:
        ends = f'x1="{x:.2f}%" x2="{x:.2f}%" y1="{_y(up, one.score_low):.1f}" y2="{_y(up, one.score_high):.1f}"'
        marks += f'<line class="whisker" {ends}/>'
    fill = "" if standing == "front" else ' style="fill:var(--bg);stroke:var(--c)"'
    faded = "" if standing in ("front", "undecided") else ' opacity="0.45"'
    anchor, shift = ("end", -10) if label.is_left else ("start", 10)
    return (
        f'<g class="row" style="--c:{colour}"{faded}><title>{escape(hover)}</title>{marks}'
        f'<circle class="dot" cx="{x:.2f}%" cy="{y:.1f}" r="6"{fill}/>'
        f'<text x="{x:.2f}%" dx="{shift}" y="{label.y:.1f}" text-anchor="{anchor}">'
        f"{escape(label.text)}</text>"
        "</g>"
    )


def _grid(across: Scale, up: Scale) -> str:
    bottom = _TOP + _HEIGHT
    values = ticks(across, _MAX_TICKS)
    parts = [
        f'<line class="grid" x1="{_x(across, value):.2f}%" x2="{_x(across, value):.2f}%" y1="{_TOP}" y2="{bottom}"/>'
        f'<text class="small" x="{_x(across, value):.2f}%" y="{bottom + 18}" text-anchor="middle">{label}</text>'
        for value, label in zip(values, tick_labels(values, always=True), strict=True)
    ]
    parts += [
        f'<line class="grid" x1="{_LEFT}%" x2="{_RIGHT}%" y1="{_y(up, value):.1f}" y2="{_y(up, value):.1f}"/>'
        f'<text class="small" x="0" y="{_y(up, value) + 4:.1f}">{format_score(value)}</text>'
        for value in ticks(up, _MAX_TICKS)
    ]
    return "".join(parts)


def _p50(one: CandidateResult) -> tuple[float, float | None, float | None]:
    assert one.statistics is not None
    p50 = one.statistics.p50
    return p50.value or 0.0, p50.low, p50.high


def _ends(value: float, low: float | None, high: float | None) -> list[float]:
    return [end for end in (value, low, high) if end is not None]


def _x(scale: Scale, value: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * scale.place(value)


def _y(scale: Scale, value: float) -> float:
    return _TOP + (1 - scale.place(value)) * _HEIGHT
