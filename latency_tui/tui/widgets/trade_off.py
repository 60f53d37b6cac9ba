"""The tab Trade-off: scores against a percentile, the Pareto front, limits, and which model to ship."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widget import Widget

from latency_tui.plan.limits import SCORE_METRICS
from latency_tui.plan.metrics import OWN_SCORE
from latency_tui.text.scores import format_metric
from latency_tui.text.trade_off import describe_choice, describe_loser
from latency_tui.tui.charts.scatter_chart import ScatterChart, ScatterLimit, ScatterPoint
from latency_tui.tui.commands import ChangeData, Enlarge, NextView, Stop
from latency_tui.tui.styles import MUTED, CandidateStyle
from latency_tui.tui.text import sanitize_line, wrap
from latency_tui.tui.widgets.painted_widget import SizeChanged
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.styled_lines import Line, StyledLines

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_CHART_SECONDS = 0.95  # between redraws while numbers come in
_MIN_HEIGHT = 14  # rows of the chart and the sentences
_MIN_CHART = 13
_VIEWS = ("p50", "p99")
_NO_TARGETS = (
    "There are no scores, because the data have no targets. Measure data with a target column: press "
    f"{ChangeData.key_label()} and choose a bundled dataset, or FILE[target=COLUMN]."
)
_TWO_MODELS = "A trade-off weighs two models or more; select another one and measure again."
_NO_SWEEP = "A sweep has no trade-off; measure without a sweep to weigh scores against latency."
_NOT_SCORED = "No model has a score. The notes on a model say why."


class TradeOffPane(Pane):
    """The scatter chart above the answer and the reasons."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._view = _VIEWS[0]
        self._painted: tuple[object, ...] = ()
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield the chart and the sentences."""
        yield ScatterChart(id="scatter")
        yield StyledLines(id="trade-off-sentences")

    def least_height(self, candidates: int) -> int:
        """Return the rows that the chart and the sentences need; cards are hidden if they leave fewer."""
        del candidates
        return _MIN_HEIGHT

    def enlargeable(self) -> list[Widget]:
        """Return the chart."""
        return [self.query_one(ScatterChart)]

    def next_view(self) -> None:
        """Show the other percentile."""
        self._view = _VIEWS[(_VIEWS.index(self._view) + 1) % len(_VIEWS)]
        self._painted = ()

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return the name of the next view."""
        if context.state.result is None or context.state.result.trade_off is None:
            return ()
        return (f"{NextView.key_label()}: {_VIEWS[(_VIEWS.index(self._view) + 1) % len(_VIEWS)]}",)

    def on_resize(self) -> None:
        """Report the new size, because the sentences have to be wrapped again."""
        self.post_message(SizeChanged())

    def paint(self, context: PaintContext) -> None:
        """Show the state; about once per second while a measurement runs."""
        measurement, running = context.state.measurement, context.running
        if measurement is None or measurement.result is None:
            return
        chart, highlighted = self.query_one(ScatterChart), context.state.highlighted
        if context.enlarged:
            chart.show_close_keys(f"{Enlarge.key_label()} or {Stop.key_label()} back")
        size = self.scrollable_content_region.size
        facts = (measurement, tuple(context.styles.items()), running, highlighted, size, self._view)
        same = self._painted[3:] == facts[3:] and bool(self._painted)
        if facts == self._painted or (running and same and monotonic() - self._painted_at < _CHART_SECONDS):
            return
        self._painted, self._painted_at = facts, monotonic()
        result = measurement.result
        width = max(size.width - 2, 1)
        if result.trade_off is None:
            chart.display = False
            lines: list[Line] = [[(f" {line}", MUTED)] for line in wrap(why_empty(result), width)]
        else:
            chart.display = True
            lines = sentence_lines(result, highlighted, width, max(size.height - _MIN_CHART, 3))
            points = points_of(result, context.styles, self._view, highlighted)
            limits = limits_of(result, self._view)
            titles = (format_metric(result.trade_off.metric), self._view)
            chart.show(points, limits, titles, greater_is_better=result.trade_off.greater_is_better)
        self.query_one("#trade-off-sentences", StyledLines).draw(lines)


def why_empty(result: Result) -> str:
    """Return why there is no trade-off, and what to do."""
    if result.plan.sweeps:
        return _NO_SWEEP
    if len([c for c in result.measured if c.status == "measured"]) < 2:
        return _TWO_MODELS
    return _NOT_SCORED if any(c.score_problem for c in result.candidates) else _NO_TARGETS


def sentence_lines(result: Result, highlighted: str, width: int, most: int) -> list[Line]:
    """Return the answer, then why the others are not shipped, the highlighted model first, in at most `most` lines."""
    found = result.trade_off
    assert found is not None
    lines: list[Line] = [[(f" {line}", "bold")] for line in wrap(sanitize_line(describe_choice(result, found)), width)]
    rows = [row for row in found.candidates if row.candidate != found.choice]
    for row in sorted(rows, key=lambda row: row.candidate != highlighted):
        more = wrap(sanitize_line(describe_loser(result, found, row)), width)
        if len(lines) + len(more) > most:
            break
        lines += [[(f" {line}", "" if row.candidate == highlighted else MUTED)] for line in more]
    return lines[: max(most, 1)]


def points_of(
    result: Result, styles: Mapping[str, CandidateStyle], percentile: str, highlighted: str
) -> list[ScatterPoint]:
    """Return a point for each candidate with a score of the metric; a lower bound has no interval."""
    found, points = result.trade_off, []
    assert found is not None
    for row in found.candidates:
        one = result.candidate(row.candidate)
        if one.score is None or one.metric != found.metric or one.statistics is None:
            continue
        shown = getattr(one.statistics, percentile)
        is_bound = shown.is_bound and shown.low is not None
        value = shown.low if is_bound else shown.value
        if not value:
            continue
        ends = (None, None) if is_bound else (shown.low, shown.high)
        points.append(
            ScatterPoint(
                slug=one.slug,
                name=f"{one.name} ≥" if is_bound else one.name,
                style=styles[one.slug],
                seconds=(value, *ends),
                score=(one.score, one.score_low, one.score_high),
                standing="choice" if one.slug == found.choice else row.standing,
                is_highlighted=one.slug == highlighted,
            )
        )
    return points


def limits_of(result: Result, percentile: str) -> list[ScatterLimit]:
    """Return the limits of the plan on the score and on the percentile."""
    found = result.trade_off
    assert found is not None
    limits = []
    for limit in result.plan.call_limits:
        on_score = limit.metric in SCORE_METRICS and limit.metric in (OWN_SCORE, found.metric)
        if not limit.relative and (on_score or limit.metric == percentile):
            limits.append(ScatterLimit(str(limit), limit.bound, on_score))
    return limits
