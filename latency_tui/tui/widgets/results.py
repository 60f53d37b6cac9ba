"""All that shows results: cards or table, tabs, charts and comparison.

It stands apart because it, and with it plotext and numpy, is imported and mounted after the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import Static

from latency_tui.tui.charts.bar_chart import BarChart, bars_of
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.charts.limit_lines import limit_lines
from latency_tui.tui.charts.line_chart import LineChart, lines_of
from latency_tui.tui.charts.scales import round_up
from latency_tui.tui.commands import Enlarge, Stop
from latency_tui.tui.layout import Layout
from latency_tui.tui.state import State, Tab
from latency_tui.tui.styles import CandidateStyle
from latency_tui.tui.widgets.cards import Cards
from latency_tui.tui.widgets.compare import ComparePane
from latency_tui.tui.widgets.result_table import ResultTable
from latency_tui.tui.widgets.tab_strip import TabStrip

_CHART_SECONDS = 0.95  # while numbers come in: two charts cost as much as all else, and every fourth redraw shows them


class Results(Vertical):
    """The results of the measurement on the screen.

    Attributes:
        second_chart: Where there is room for one chart, whether it is the one over the runs.
    """

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    second_chart = False
    _charted: tuple[object, ...] = ()
    _charted_job = ""
    _charted_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield every part."""
        yield Cards(id="cards")
        yield ResultTable(id="table")
        yield TabStrip(id="inner-tabs")
        with Container(id="charts"):
            yield BarChart(id="bars")
            yield LineChart(id="over-runs")
        yield ComparePane(id="compare")
        yield Static(
            f"A larger terminal shows charts here; {Enlarge.key_label()} enlarges one to the whole of this one.",
            id="no-room",
            markup=False,
        )

    def enlargeable(self, tab: Tab) -> list[Widget]:
        """Return what `e` enlarges, in turn."""
        return (
            [self.query_one(ComparePane)] if tab == "compare" else [self.query_one(BarChart), self.query_one(LineChart)]
        )

    def sort_comparison(self, *, reverse: bool) -> None:
        """Sort Compare by its next column, or reverse its order."""
        compare = self.query_one(ComparePane)
        if reverse:
            compare.reverse()
        else:
            compare.sort_by_next()

    def divide_up(self, layout: Layout, tab: Tab, rows: int) -> None:
        """Show the parts that a tab has, as large as the layout says.

        Args:
            layout: How the terminal is divided.
            tab: The tab that is open.
            rows: Number of candidates.
        """
        latency, compare = tab != "compare", tab == "compare" and layout.mode != "tiny"
        cards = self.query_one(Cards)
        cards.display = bool(layout.cards) and (latency or layout.height >= 2 * rows + 5)
        cards.styles.height = layout.summary
        table = self.query_one(ResultTable)
        table.display = not layout.cards and not compare
        table.styles.height = layout.summary
        self.query_one("#inner-tabs").display = layout.mode == "wide"
        charts = self.query_one("#charts")
        charts.display = latency and layout.charts != "none"
        for arrangement in ("side", "stacked", "one"):
            charts.set_class(layout.charts == arrangement, f"-{arrangement}")
        charts.set_class(self.second_chart, "-second")
        self.query_one(ComparePane).display = compare
        self.query_one("#no-room").display = latency and layout.charts == "none"

    async def paint(
        self,
        state: State,
        looks: Mapping[str, CandidateStyle],
        layout: Layout,
        tab: Tab,
        *,
        hints: tuple[str, ...],
        enlarged: bool,
    ) -> None:
        """Have every visible part show the state."""
        measurement = state.measurement
        if measurement is None or not measurement.candidates:
            return
        running = measurement.job == state.job
        self.query_one(TabStrip).paint(("latency", "compare"), tab, hints)
        cards, table, compare = self.query_one(Cards), self.query_one(ResultTable), self.query_one(ComparePane)
        if cards.display:
            await cards.paint(measurement, looks, state.highlighted, layout.cards, running=running)
        if table.display:
            table.paint(measurement, looks, state.highlighted, layout, running=running)
        if compare.display:
            compare.paint(measurement, looks, state.highlighted, running=running)
        key = Enlarge.key_label()
        for chart in self.query(Chart) if enlarged else ():
            chart.tell_way_out(f"{key} next · {Stop.key_label()} back")
        facts = (measurement, tuple(looks.items()), running)
        due = not running or self._charted_job != measurement.job or monotonic() - self._charted_at >= _CHART_SECONDS
        if (self.query_one("#charts").display or enlarged) and facts != self._charted and due:
            self._charted, self._charted_job, self._charted_at = facts, measurement.job, monotonic()
            plan, timed = measurement.plan, measurement.plan.seconds is not None
            baseline = measurement.result.baseline if measurement.result else None
            limits = limit_lines(plan.limits, measurement.candidates, baseline)
            self.query_one(BarChart).show(bars_of(measurement.candidates, looks), limits)
            calls = max((candidate.calls for candidate in measurement.candidates), default=0)
            last: float = calls
            if plan.seconds is not None:
                last = plan.seconds * plan.launches if running and not measurement.launches else 0.0
            elif running and plan.runs is not None:
                last = max(min(round_up(calls), plan.runs * plan.launches), calls)  # lines grow, axes stay
            lines = lines_of(measurement.candidates, looks, timed=timed)
            self.query_one(LineChart).show(lines, last, timed=timed, limits=limits)
