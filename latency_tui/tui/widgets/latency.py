"""The tab Latency: a bar chart of medians, and a line chart of latencies over runs or time."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from latency_tui.analysis.saved_results import baseline_medians
from latency_tui.text.scales import round_axis_end
from latency_tui.tui.charts.bar_chart import BarChart, bars_of
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.charts.limit_lines import limit_lines
from latency_tui.tui.charts.line_chart import LineChart, lines_of
from latency_tui.tui.commands import Enlarge, ShowLatency, Stop
from latency_tui.tui.layout import Layout
from latency_tui.tui.state import SavedBaseline, ShownMeasurement
from latency_tui.tui.widgets.figures import DOUBT, has_doubt
from latency_tui.tui.widgets.pane import PaintContext, Pane

_CHART_SECONDS = 0.95  # while numbers come in: two charts cost as much as all else, and every fourth redraw shows them


class LatencyPane(Pane):
    """The two charts, or one or none if there is too little room."""

    table_above: ClassVar[bool] = True

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._lines_shown = False
        self._painted: tuple[object, ...] = ()
        self._painted_job = ""
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield the charts, and a note for a terminal without room for them."""
        with Container(id="charts"):
            yield BarChart(id="bars")
            yield LineChart(id="over-runs")
        note = f"Too small for charts; press {Enlarge.key_label()} for full screen."
        yield Static(note, id="no-room", markup=False)

    def least_height(self, candidates: int) -> int:
        """Return 0, because the layout shows cards only if the charts fit below them."""
        del candidates
        return 0

    def apply_layout(self, layout: Layout) -> None:
        """Show the charts side by side, stacked, one at a time, or none."""
        charts = self.query_one("#charts")
        charts.display = layout.charts != "none"
        for arrangement in ("side", "stacked", "one"):
            charts.set_class(layout.charts == arrangement, f"-{arrangement}")
        charts.set_class(self._lines_shown, "-second")
        self.query_one("#no-room").display = layout.charts == "none"

    def enlargeable(self) -> list[Widget]:
        """Return both charts."""
        return [self.query_one(BarChart), self.query_one(LineChart)]

    def open_again(self) -> None:
        """Show the other chart if there is room for only one."""
        self._lines_shown = not self._lines_shown

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return hints on how to see the other chart, or else on the meaning of a question mark."""
        if context.state.result is None:
            return ()
        if context.layout.charts == "one":
            other = "bars" if self._lines_shown else "over the runs"
            return (f"{ShowLatency.key_label()} again: {other}",)
        return (DOUBT, "?: needs more rounds") if has_doubt(context.state.result) else ()

    def paint(self, context: PaintContext) -> None:
        """Show the state; about once per second while a measurement runs."""
        measurement, running = context.state.measurement, context.running
        if measurement is None:
            return
        for chart in self.query(Chart) if context.enlarged else ():
            chart.show_close_keys(f"{Enlarge.key_label()} next · {Stop.key_label()} back")
        facts = (measurement, context.state.saved_baseline, tuple(context.styles.items()), running)
        due = not running or self._painted_job != measurement.job or monotonic() - self._painted_at >= _CHART_SECONDS
        if facts == self._painted or not due or not (context.enlarged or self.query_one("#charts").display):
            return
        self._painted, self._painted_job, self._painted_at = facts, measurement.job, monotonic()
        timed = measurement.plan.seconds is not None
        baseline = measurement.result.baseline if measurement.result else None
        limits = limit_lines(measurement.plan.call_limits, measurement.candidates, baseline)
        saved = _saved_medians(context.state.saved_baseline, measurement)
        self.query_one(BarChart).show(bars_of(measurement.candidates, context.styles, saved), limits)
        lines = lines_of(measurement.candidates, context.styles, timed=timed)
        self.query_one(LineChart).show(lines, _axis_end(measurement, running=running), timed=timed, limits=limits)


def _saved_medians(saved: SavedBaseline | None, measurement: ShownMeasurement) -> dict[str, float]:
    """Return the p50 of each model in the saved baseline; none if that is the result on the screen."""
    result = measurement.result
    if saved is None or result is None or result.created_at == saved.result.created_at:
        return {}
    return baseline_medians(saved.result, result)


def _axis_end(measurement: ShownMeasurement, *, running: bool) -> float:
    """Return the end of the horizontal axis of the line chart; during a measurement, the planned runs or seconds."""
    plan = measurement.plan
    calls = max((candidate.calls for candidate in measurement.candidates), default=0)
    if plan.seconds is not None:
        return plan.seconds * plan.launches if running and not measurement.launches else 0.0
    if running and plan.runs is not None:
        return max(min(round_axis_end(calls), plan.runs * plan.launches), calls)
    return calls
