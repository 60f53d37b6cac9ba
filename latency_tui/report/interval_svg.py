"""The chart of ratios to a baseline with their intervals, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from latency_tui.report.markup import escape
from latency_tui.report.svg import AXIS, MAX_BARS, MAX_NAME, ROW, colour_of, is_positive
from latency_tui.report.table_cells import comparison_with
from latency_tui.stats.comparison import Verdict
from latency_tui.text.formatting import format_ratio
from latency_tui.text.sanitize import clean, shorten

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

_RATIO_TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 3.0, 4.0)
_NEAR, _MAX_RATIO = 2.0, 4.0
"""Ratios beyond the first are clipped at the edge if others are closer to 1; those beyond the second always are.

One slow model then does not hide the differences of the others.
"""


class IntervalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio in the chart.

    Attributes:
        name: What is drawn.
        colour: Its colour in CSS.
        verdict: Its verdict.
        ratio: The ratio, above 0.
        low: Lower end of its interval; None if it is unknown.
        high: Upper end of its interval; None if it is unknown.
    """

    name: str
    colour: str
    verdict: Verdict
    ratio: float
    low: float | None = None
    high: float | None = None


def interval_chart(result: Result, shown: Sequence[CandidateResult]) -> tuple[str, float]:
    """Return the interval of each candidate's ratio to the baseline around 1.0, and the height."""
    found = [(one, comparison_with(result, result.baseline, one.slug)) for one in shown]
    rows = [
        IntervalRow(
            name=one.name,
            colour=colour_of(one),
            verdict=pair.verdict,
            ratio=pair.ratio,
            low=pair.low,
            high=pair.high,
        )
        for one, pair in found
        if pair is not None and is_positive(pair.ratio)
    ]
    return draw_intervals(rows, result.equivalence)


def draw_intervals(rows: Sequence[IntervalRow], equivalence: float) -> tuple[str, float]:
    """Return intervals around 1.0, at most 40, and the height of the chart; ratios are on a logarithmic axis.

    Args:
        rows: The ratios.
        equivalence: Ratios this close to 1 count as equal.
    """
    rows = rows[:MAX_BARS]
    ends = [end for one in rows for end in (one.low, one.high, one.ratio) if is_positive(end)]
    if not ends:
        return "", 0
    near = [end for end in ends if 1 / _NEAR <= end <= _NEAR] or [
        min(max(end, 1 / _MAX_RATIO), _MAX_RATIO) for end in ends
    ]
    low, high = min([*near, 1 / 1.05]) / 1.02, max([*near, 1.05]) * 1.02

    def place(ratio: float) -> float:
        share = math.log(min(max(ratio, low), high) / low) / math.log(high / low)
        return 2 + share * 96

    bottom, share = ROW * len(rows), min(max(equivalence, 0.0), 1.0)
    left, right = place(1 / (1 + share)), place(1 + share)
    parts = [f'<rect class="band" x="{left:.2f}%" width="{right - left:.2f}%" height="{bottom}"/>']
    last = -100.0
    for ratio in sorted((one for one in _RATIO_TICKS if low <= one <= high), key=lambda one: (one != 1.0, one)):
        x = place(ratio)
        if ratio != 1.0 and (abs(x - place(1.0)) < 11 or x - last < 11):
            continue
        last = x if ratio != 1.0 else last
        parts.append(
            f'<line class="{"one" if ratio == 1.0 else "grid"}" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{bottom}"/>'
            f'<text class="small" x="{x:.2f}%" y="{bottom + 18}" text-anchor="middle">{ratio:g}×</text>'
        )
    for index, one in enumerate(rows):
        y, interval = ROW * index, format_ratio(one.ratio, one.low, one.high)
        if not low <= one.ratio <= high:
            x, anchor, sign = (100, "end", "›") if one.ratio > high else (0, "start", "‹")
            mark = f'<text class="beyond" x="{x}%" y="{y + 35}" text-anchor="{anchor}">{one.ratio:.3g}× {sign}</text>'
        else:
            mark = f'<circle class="dot" cx="{place(one.ratio):.2f}%" cy="{y + 31}" r="5.5"/>'
            if is_positive(one.low) and is_positive(one.high):
                mark = (
                    f'<line class="ratio" x1="{place(one.low):.2f}%" x2="{place(one.high):.2f}%" y1="{y + 31}" '
                    f'y2="{y + 31}"/>{mark}'
                )
        hover = escape(f"{one.name}: {one.verdict}, {interval}")
        parts.append(
            f'<g class="row" style="--c:{one.colour}"><title>{hover}</title>'
            f'<rect class="hit" y="{y}" width="100%" height="{ROW}"/>'
            f'<text class="name" x="0" y="{y + 17}">{escape(shorten(clean(one.name), MAX_NAME))}</text>'
            f'<text class="{one.verdict}" x="100%" y="{y + 17}" text-anchor="end">{one.verdict}</text>{mark}</g>'
        )
    return "".join(parts), bottom + AXIS
