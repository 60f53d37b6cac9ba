"""The tab Spread: how the latencies of each candidate are distributed, in four views, and a sentence on the tails."""

from __future__ import annotations

from time import monotonic

from textual.app import ComposeResult
from textual.widget import Widget

from latency_tui.text.short_names import split_settings
from latency_tui.text.spread import describe_spread
from latency_tui.tui.charts.box_plot import BoxPlot, boxes_of
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.charts.ecdf_chart import EcdfChart, ecdf_curves
from latency_tui.tui.charts.histogram import Histogram, strips_of
from latency_tui.tui.charts.limit_lines import limit_lines
from latency_tui.tui.charts.percentile_chart import PercentileChart, percentile_curves
from latency_tui.tui.commands import Enlarge, NextView, Stop
from latency_tui.tui.state import ShownMeasurement
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line, wrap
from latency_tui.tui.widgets.painted_widget import SizeChanged
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.styled_lines import StyledLines

_CHART_SECONDS = 0.95  # between redraws while numbers come in
_MIN_HEIGHT = 14  # rows of the charts and the sentence
_MAX_SENTENCE = 3  # rows
_NAMES = {"percentiles": "percentiles", "ecdf": "ECDF", "histogram": "histogram", "boxes": "boxes"}
"""The views by the ids of their charts, in the order of the key."""


class SpreadPane(Pane):
    """One chart at a time, above the sentence."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._view = next(iter(_NAMES))
        self._painted: tuple[object, ...] = ()
        self._painted_job = ""
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield the charts, of which one is displayed, and the sentence."""
        for kind, name in zip((PercentileChart, EcdfChart, Histogram, BoxPlot), _NAMES, strict=True):
            chart = kind(id=name)
            chart.display = name == self._view
            yield chart
        yield StyledLines(id="spread-sentence")

    def least_height(self, candidates: int) -> int:
        """Return the rows that a chart needs; cards are hidden if they leave fewer."""
        return max(_MIN_HEIGHT, candidates + 7)

    def enlargeable(self) -> list[Widget]:
        """Return the chart of the view."""
        return [self.query_one(f"#{self._view}")]

    def next_view(self) -> None:
        """Show the next view."""
        views = [*_NAMES]
        self._view = views[(views.index(self._view) + 1) % len(views)]
        for chart in self.query(Chart):
            chart.display = chart.id == self._view
        self._painted = ()

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return the name of the next view."""
        if context.state.result is None:
            return ()
        views = [*_NAMES]
        following = _NAMES[views[(views.index(self._view) + 1) % len(views)]]
        return (f"{NextView.key_label()}: {following}",)

    def on_resize(self) -> None:
        """Report the new size, because the sentence has to be wrapped again."""
        self.post_message(SizeChanged())

    def paint(self, context: PaintContext) -> None:
        """Show the state; about once per second while a measurement runs."""
        measurement, running = context.state.measurement, context.running
        if measurement is None or measurement.result is None:
            return
        for chart in self.query(Chart) if context.enlarged else ():
            chart.show_close_keys(f"{Enlarge.key_label()} or {Stop.key_label()} back")
        width = self.scrollable_content_region.width
        facts = (measurement, tuple(context.styles.items()), running, width, self._view)
        same = self._painted_job == measurement.job and self._painted[-2:] == facts[-2:]
        due = not running or not same or monotonic() - self._painted_at >= _CHART_SECONDS
        if facts == self._painted or not due:
            return
        self._painted, self._painted_job, self._painted_at = facts, measurement.job, monotonic()
        _, settings = split_settings([one.name for one in measurement.candidates])
        of_all = f"All figures are for {settings}. " if settings else ""
        words = sanitize_line(of_all + describe_spread(measurement.result))
        sentence = wrap(words, max(width - 2, 1))[:_MAX_SENTENCE]
        self.query_one("#spread-sentence", StyledLines).draw([[(f" {line}", MUTED)] for line in sentence])
        self._show(measurement, context)

    def _show(self, measurement: ShownMeasurement, context: PaintContext) -> None:
        """Show the candidates on the chart of the view."""
        candidates, candidate_styles, result = measurement.candidates, context.styles, measurement.result
        match self.query_one(f"#{self._view}"):
            case PercentileChart() as chart:
                limits = limit_lines(measurement.plan.call_limits, candidates, result.baseline if result else None)
                chart.show(percentile_curves(candidates, candidate_styles), limits)
            case EcdfChart() as chart:
                chart.show(ecdf_curves(candidates, candidate_styles))
            case Histogram() as chart:
                chart.show(strips_of(candidates, candidate_styles))
            case BoxPlot() as chart:
                chart.show(boxes_of(candidates, candidate_styles))
