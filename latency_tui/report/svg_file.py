"""Formats a result as one SVG file: the charts of what it answers, one below the other."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from latency_tui.errors import NothingToExportError
from latency_tui.plan.limits import SCORE_METRICS
from latency_tui.report.load import load_chart
from latency_tui.report.markup import escape
from latency_tui.report.steps import steps_charts
from latency_tui.report.svg import bar_axis, bar_chart, draw_names, read_style, shown_candidates
from latency_tui.report.sweep_svg import drawn_curves, sweep_chart
from latency_tui.report.table_cells import make_title
from latency_tui.report.trade_off import trade_off_chart
from latency_tui.text.sanitize import clean
from latency_tui.text.scores import format_metric
from latency_tui.text.steps import TITLE as STEPS
from latency_tui.text.trade_off import TITLE as TRADE_OFF

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_WIDTH, _MARGIN = 760, 16
_ANSWER_WIDTH = 92
_LINE, _HEADING = 20, 30


class _Chart(NamedTuple):
    """One chart: its heading, its elements, and its height in pixels."""

    heading: str
    content: str
    height: float


def render_svg(result: Result) -> str:
    """Return the charts of all candidates that did not fail, as a standalone file.

    Raises:
        NothingToExportError: No candidate was measured.
    """
    charts = [chart for chart in _charts(result) if chart.content]
    if not charts or not shown_candidates(result):
        raise NothingToExportError("No model was measured, so that there is nothing to draw.")
    answer = textwrap.wrap(clean(result.answer), _ANSWER_WIDTH, max_lines=2, placeholder=" …")
    scale = None if result.sweeps else bar_axis(result, shown_candidates(result))
    axis = " · logarithmic axis" if scale is not None and scale.log else ""
    y, parts = 44 + _LINE * len(answer), []
    for index, line in enumerate(answer):
        parts.append(f'<text x="0" y="{26 + _LINE * index}" class="name">{escape(line)}</text>')
    title = f"{escape(make_title(result))}{axis}"
    parts.append(f'<text x="0" y="{26 + _LINE * len(answer)}" class="small">{title}</text>')
    for chart in charts:
        if len(charts) > 1:
            parts.append(f'<text x="0" y="{y + 20}" class="name heading">{escape(chart.heading)}</text>')
            y += _HEADING
        parts.append(
            f'<svg x="0" y="{y}" width="{_WIDTH}" height="{chart.height:g}" overflow="visible">{chart.content}</svg>'
        )
        y += round(chart.height) + 12
    size = f'width="{_WIDTH + 2 * _MARGIN}" height="{y}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-{_MARGIN} 0 {_WIDTH + 2 * _MARGIN} {y}" {size} role="img">'
        f"<title>{escape(result.answer)}</title><style>{read_style()}</style>"
        f'<rect x="-{_MARGIN}" width="{_WIDTH + 2 * _MARGIN}" height="100%" fill="var(--bg)"/>{"".join(parts)}</svg>\n'
    )


def _charts(result: Result) -> Iterator[_Chart]:
    """Yield the latencies, over the values of a sweep if there is one; then load, trade-off and steps."""
    if result.sweeps:
        for sweep in result.plan.sweeps:
            content, height = sweep_chart(result, sweep)
            names, more = draw_names(drawn_curves(result, sweep), height)
            yield _Chart(f"p50 of a call over {sweep.parameter}", content and content + names, height + more)
    else:
        shown = shown_candidates(result)
        alone = ", one call after another" if result.load or result.offline else ""
        yield _Chart(f"p50 of a call{alone}; whisker: p99", *bar_chart(result, shown))
    content, height, drawn = load_chart(result)
    names, more = draw_names(drawn, height)
    yield _Chart("p99 of the response time at each request rate", content and content + names, height + more)
    plan = result.plan
    if result.trade_off and (plan.metric or any(limit.metric in SCORE_METRICS for limit in plan.limits)):
        heading = f"{TRADE_OFF}: {format_metric(result.trade_off.metric)} upwards, p50 of a call to the right"
        yield _Chart(heading, *trade_off_chart(result))
    for name, content, height in steps_charts(result):
        yield _Chart(f"{STEPS}: {name}", content, height)
