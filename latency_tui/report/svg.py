"""Charts of a result as SVG: bars, intervals and lines, which fit any width because their positions are percentages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.percentile_curve import nines, percentile_curve
from latency_tui.plan.limits import DURATIONS, Limit
from latency_tui.report.markup import escape
from latency_tui.stats.percentiles import HIGHER_PERCENTILES, PERCENTILES
from latency_tui.text.formatting import format_duration, format_interval
from latency_tui.text.sanitize import clean, shorten
from latency_tui.text.scales import Scale, bar_scale, extended, line_scale, tick_labels, ticks

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.sweep import SweepCurve

MAX_BARS = 40
MAX_LINES = 14
_MAX_TICKS = 5
MAX_NAME = 40
ROW = 46
_NAME_ROW = 20
AXIS = 26
LINES_HEIGHT = 260
_BUCKETS = 120
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


def read_style() -> str:
    """Return the style of all charts, in light and dark."""
    return Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def shown_candidates(result: Result) -> list[CandidateResult]:
    """Return the candidates that did not fail, the fastest first."""
    return [one for one in result.measured if one.status == "measured"]


def embed(chart: str, height: float, label: str) -> str:
    """Return a chart as an element of a page, as wide as its container."""
    return f'<svg width="100%" height="{height:g}" role="img" aria-label="{escape(label)}">{chart}</svg>'


def bar_chart(result: Result, shown: Sequence[CandidateResult]) -> tuple[str, float]:
    """Return a bar per candidate, from its p50, with its interval and a whisker to its p99; and the height."""
    shown = [one for one in shown[:MAX_BARS] if one.statistics and is_positive(one.statistics.p50.value)]
    scale = bar_axis(result, shown)
    if scale is None:
        return "", 0
    limits = [limit for limit in _drawn_limits(result) if scale.holds(limit.bound)]
    top = 16 if limits else 0
    bottom = top + ROW * len(shown)
    parts = [_duration_axis(scale, top, bottom)]
    parts += [_bar(one, scale, top + ROW * index) for index, one in enumerate(shown)]
    for limit in limits:
        x = scale.place(limit.bound) * 100
        anchor = "end" if x > 50 else "start"
        parts.append(
            f'<line class="limit" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top}" y2="{bottom}"/>'
            f'<text class="limit-name" x="{x:.2f}%" y="11" text-anchor="{anchor}">{escape(str(limit))}</text>'
        )
    return "".join(parts), bottom + AXIS


def bar_axis(result: Result, shown: Sequence[CandidateResult]) -> Scale | None:
    """Return the axis of the bars; None if there are none."""
    values = [value for one in shown[:MAX_BARS] for value in _extremes(one)]
    if not values:
        return None
    return extended(bar_scale(min(values), max(values)), [limit.bound for limit in _drawn_limits(result)])


def _drawn_limits(result: Result) -> list[Limit]:
    return [one for one in result.plan.call_limits if one.metric in DURATIONS and not one.relative]


def _extremes(candidate: CandidateResult) -> list[float]:
    assert candidate.statistics is not None
    p50, p99 = candidate.statistics.p50, candidate.statistics.p99
    found = (p50.value, p50.low, p50.high, p99.low if p99.is_bound else p99.value)
    return [value for value in found if is_positive(value)]


def is_positive(value: float | None) -> TypeGuard[float]:
    """Return whether a value can be drawn; a damaged file may contain any number."""
    return value is not None and 0 < value < math.inf


def _bar(candidate: CandidateResult, scale: Scale, y: float) -> str:
    statistics = candidate.statistics
    assert statistics is not None
    p50, p99 = statistics.p50, statistics.p99
    end, tail = scale.place(p50.value or 0) * 100, p99.low if p99.is_bound else p99.value
    hover = f"{candidate.name}: p50 {format_duration(p50.value)}"
    hover += f" (95 % CI {format_interval(p50.low, p50.high)})" if p50.low and p50.high else ""
    hover += f", p99 {'≥ ' if p99.is_bound else ''}{format_duration(tail)}" if tail else ""
    middle = y + 31
    marks = ""
    if tail:
        x, style = scale.place(tail) * 100, "whisker bound" if p99.is_bound else "whisker"
        marks += f'<line class="{style}" x1="{end:.2f}%" x2="{x:.2f}%" y1="{middle}" y2="{middle}"/>'
        marks += f'<line class="whisker" x1="{x:.2f}%" x2="{x:.2f}%" y1="{middle - 5}" y2="{middle + 5}"/>'
    if p50.low and p50.high:
        low, high = scale.place(p50.low) * 100, scale.place(p50.high) * 100
        marks += f'<line class="interval" x1="{low:.2f}%" x2="{high:.2f}%" y1="{middle}" y2="{middle}"/>'
    return (
        f'<g class="row" style="--c:{colour_of(candidate)}"><title>{escape(hover)}</title>'
        f'<rect class="hit" y="{y}" width="100%" height="{ROW}"/>'
        f'<text class="name" x="0" y="{y + 17}">{escape(shorten(clean(candidate.name), MAX_NAME))}</text>'
        f'<text x="100%" y="{y + 17}" text-anchor="end">{format_duration(p50.value)}</text>'
        f'<rect class="track" y="{y + 24}" width="100%" height="14" rx="3"/>'
        f'<rect class="fill" y="{y + 24}" width="{end:.2f}%" height="14" rx="3"/>{marks}</g>'
    )


def percentile_chart(shown: Sequence[CandidateResult]) -> tuple[str, float, list[CandidateResult]]:
    """Return a curve per candidate over its percentiles, the height, and the candidates with a curve.

    A curve is solid as far as there are enough calls, with its intervals as a band; dots lead to lower bounds.
    """
    found = [(one, percentile_curve(one)) for one in shown[:MAX_LINES]]
    curves = [(one, curve) for one, curve in found if curve is not None]
    if not curves:
        return "", 0, []
    values = np.concatenate([np.concatenate((c.seconds, *c.intervals[1:], c.bounds[1])) for _, c in curves])
    scale = line_scale(float(values.min()), float(values.max()))
    end = float(nines(np.array(max(curve.last_share for _, curve in curves))))

    def place(shares: NDArray[np.float64], seconds: NDArray[np.float64]) -> list[tuple[float, float]]:
        return list(zip((3 + 94 * nines(shares) / end).tolist(), scale.places(seconds).tolist(), strict=True))

    def across(share: float) -> float:
        return 3 + 94 * float(nines(np.array(share))) / end

    labels = [(across(s), f"{100 * s:.7g} %") for s in (0.0, *PERCENTILES.values(), *HIGHER_PERCENTILES.values())]
    labels = [(x, label) for x, label in labels if x < 98]
    parts = [value_axis(scale), labels_below(labels)]
    for one, curve in curves:
        share, low, high = curve.intervals
        parts.append(draw_band(one, [*place(share, low), *reversed(place(share, high))]))
    for index, (one, curve) in enumerate(curves):
        parts.append(draw_line(one, index, place(curve.shares, curve.seconds), one.name))
        share, low = np.append(curve.shares[-1], curve.bounds[0]), np.append(curve.seconds[-1], curve.bounds[1])
        bounds = place(share, low)
        if len(bounds) > 1:
            parts.append(draw_line(one, index, bounds, one.name, "bound"))
        for (x, y), value in zip(bounds[1:], curve.bounds[1].tolist(), strict=True):
            hover = escape(f"{one.name}: at least {format_duration(value)}")
            parts.append(
                f'<text class="at-least" style="--c:{colour_of(one)}" x="{x:.2f}%" y="{line_y(y) + 5:.1f}" '
                f'text-anchor="middle">≥<title>{hover}</title></text>'
            )
        for key, known in PERCENTILES.items():
            value = getattr(one.statistics, key).value
            if known <= curve.shares[-1] and is_positive(value):
                hover = escape(f"{one.name}, {key.replace('_', '.')}: {format_duration(value)}")
                parts.append(
                    f'<circle class="dot" style="--c:{colour_of(one)}" cx="{across(known):.2f}%" '
                    f'cy="{line_y(scale.place(value)):.1f}" r="4"><title>{hover}</title></circle>'
                )
    return "".join(parts), LINES_HEIGHT + AXIS, [one for one, _ in curves]


def run_chart(shown: Sequence[CandidateResult]) -> tuple[str, float, list[CandidateResult]]:
    """Return a line per candidate over its calls in the order measured, the height, and those that have samples.

    A point is the median of neighbouring calls.
    """
    lines = []
    for one in shown[:MAX_LINES]:
        if one.samples is not None and one.samples.size > 1:
            parts = np.array_split(one.samples, min(_BUCKETS, one.samples.size))
            lines.append((one, [float(np.median(part)) for part in parts]))
    values = [value for _, medians in lines for value in medians]
    if not values:
        return "", 0, []
    scale = line_scale(min(values), max(values))
    count = max(one.samples.size for one, _ in lines if one.samples is not None)
    found = [value_axis(scale), labels_below([(0, "call 1"), (100, f"{count:,}")])]
    for index, (one, medians) in enumerate(lines):
        steps = np.linspace(0, 100, len(medians)).tolist()
        hover = f"{one.name}: {format_duration(min(medians))} to {format_duration(max(medians))}"
        found.append(draw_line(one, index, [(x, scale.place(v)) for x, v in zip(steps, medians, strict=True)], hover))
    return "".join(found), LINES_HEIGHT + AXIS, [one for one, _ in lines]


def colour_of(candidate: CandidateResult | SweepCurve) -> str:
    """Return the colour of a candidate or a curve, `#rrggbb`; a file may contain anything."""
    colour = candidate.colour
    is_one = len(colour) == 7 and colour[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in colour[1:])
    return colour if is_one else "#7a88b8"


def dash_of(index: int) -> str:
    """Return the dash pattern of a line, which distinguishes lines in print."""
    return _DASHES[index % len(_DASHES)]


def line_y(place: float) -> float:
    """Return the height of a position from 0 to 1 on the axis of a line chart."""
    return 8 + (1 - place) * (LINES_HEIGHT - 16)


def draw_line(
    candidate: CandidateResult | SweepCurve,
    index: int,
    points: Sequence[tuple[float, float]],
    hover: str,
    kind: str = "",
) -> str:
    """Return a line through points at percentages of the width; `kind` is its class."""
    dashes = f' stroke-dasharray="{dash_of(index)}"' if not kind else f' class="{kind}"'
    return _stretched(
        f'<polyline style="--c:{colour_of(candidate)}"{dashes} vector-effect="non-scaling-stroke" '
        f'points="{_points(points)}"><title>{escape(hover)}</title></polyline>'
    )


def draw_names(lines: Sequence[CandidateResult | SweepCurve], top: float) -> tuple[str, float]:
    """Return the names of the lines of a chart in their colours, which replace a legend, and their height.

    Args:
        lines: What the lines are of.
        top: Where the names begin.
    """
    names = [
        f'<text class="name" style="fill: {colour_of(one)}" x="0" y="{top + _NAME_ROW * (index + 1) - 4:g}">'
        f"{escape(shorten(clean(one.name), MAX_NAME))}</text>"
        for index, one in enumerate(lines)
    ]
    return "".join(names), _NAME_ROW * len(names)


def draw_band(candidate: CandidateResult | SweepCurve, points: Sequence[tuple[float, float]]) -> str:
    """Return an area with these corners; empty if there are fewer than four."""
    if len(points) < 4:
        return ""
    area = f'<polygon class="area" style="--c:{colour_of(candidate)}" points="{_points(points)}"/>'
    return _stretched(area)


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x * 10:.1f},{line_y(place):.1f}" for x, place in points)


def _stretched(content: str) -> str:
    """Return a nested `<svg>`, 1000 units wide, that is stretched to the width."""
    return (
        f'<svg width="100%" height="{LINES_HEIGHT}" viewBox="0 0 1000 {LINES_HEIGHT}" preserveAspectRatio="none">'
        f"{content}</svg>"
    )


def _duration_axis(scale: Scale, top: float, bottom: float) -> str:
    values = ticks(scale, _MAX_TICKS)
    parts = []
    for value, label in zip(values, tick_labels(values, always=True), strict=True):
        x = scale.place(value) * 100
        anchor = "start" if x < 1 else "end" if x > 99 else "middle"
        parts.append(
            f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top}" y2="{bottom}"/>'
            f'<text class="small" x="{x:.2f}%" y="{bottom + 18}" text-anchor="{anchor}">{label}</text>'
        )
    return "".join(parts)


def value_axis(scale: Scale) -> str:
    """Return the lines and labels of the durations of a line chart."""
    values = ticks(scale, _MAX_TICKS)
    labels = zip((line_y(scale.place(value)) for value in values), tick_labels(values, always=True), strict=True)
    return "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="small" x="0" y="{y - 3:.1f}">{label}</text>'
        for y, label in labels
    )


def labels_below(labels: Sequence[tuple[float, str]]) -> str:
    """Return labels below a chart. A label that would touch the previous one is omitted, except the last."""
    kept = [labels[0]] if labels else []
    for before, after in pairwise([*labels, (200.0, "")]):
        if before[0] - kept[-1][0] >= 9 and (after[0] - before[0] >= 9 or after[0] > 100):
            kept.append(before)
    return "".join(
        f'<text class="small" x="{x:.2f}%" y="{LINES_HEIGHT + 18}" '
        f'text-anchor="{"start" if x < 1 else "end" if x > 95 else "middle"}">{escape(label)}</text>'
        for x, label in kept
    )
