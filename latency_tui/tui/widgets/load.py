"""The tab Load: response times over the request rate, the figures of each rate, and the answer in a sentence."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widget import Widget

from latency_tui.text.load import load_notes, summarize_load
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.load_chart import LoadChart
from latency_tui.tui.commands import Enlarge, MeasureLoad, NextView, Stop
from latency_tui.tui.styles import KEY, MUTED
from latency_tui.tui.text import sanitize_line, wrap
from latency_tui.tui.widgets.load_figures import load_figures, ranking_lines
from latency_tui.tui.widgets.painted_widget import SizeChanged
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.styled_lines import Line, StyledLines

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_CHART_SECONDS = 0.95  # between redraws while numbers come in
_MIN_CHART, _MIN_HEIGHT = 10, 22  # rows
_WHAT = (
    "Requests arrive at a rate that you choose, and wait while the workers are busy. The response time counts from the "
    "arrival of a request. If you give a limit and no rate, the highest rate that meets the limit is searched for."
)
_MEANING = "Service time and wait are means; p50 and p99 are of the response time, which is their sum."


class LoadPane(Pane):
    """A chart above the figures, or one of them if there is room for only one; and the answer."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._figures_first = False
        self._painted: tuple[object, ...] = ()
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield the chart, the figures and the sentence."""
        yield LoadChart(id="load-chart")
        yield StyledLines(id="load-figures")

    def least_height(self, candidates: int) -> int:
        """Return the rows that the tab needs; cards are hidden if they leave fewer."""
        return max(_MIN_HEIGHT, candidates + _MIN_CHART + 4)

    def enlargeable(self) -> list[Widget]:
        """Return the chart."""
        return [self.query_one(LoadChart)]

    def next_view(self) -> None:
        """Show the figures instead of the chart, or the chart again."""
        self._figures_first = not self._figures_first
        self._painted = ()

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return the name of the other view."""
        result = context.state.result
        if result is None or not result.load:
            return ()
        return (f"{NextView.key_label()}: {'chart' if self._figures_first else 'figures'}",)

    def on_resize(self) -> None:
        """Report the new size, because lines have to be wrapped again."""
        self.post_message(SizeChanged())

    def paint(self, context: PaintContext) -> None:
        """Show the state; about once per second while a measurement runs."""
        measurement, running = context.state.measurement, context.running
        result = measurement.result if measurement else None
        chart = self.query_one(LoadChart)
        if context.enlarged:
            chart.show_close_keys(f"{Enlarge.key_label()} or {Stop.key_label()} back")
        width, height = self.scrollable_content_region.width, self.size.height
        asked = measurement is not None and measurement.plan.load is not None
        facts = (measurement, tuple(context.styles.items()), running, asked, width, height, self._figures_first)
        due = not running or facts[3:] != self._painted[3:] or monotonic() - self._painted_at >= _CHART_SECONDS
        if facts == self._painted or not due:
            return
        self._painted, self._painted_at = facts, monotonic()
        lines = self.query_one("#load-figures", StyledLines)
        if result is None or not result.load:
            chart.display = False
            lines.draw(_empty_lines(width, asked=asked, running=running))
            return
        figures = load_figures(result, context.styles, width, highlighted=context.state.highlighted)
        answer = _answer_lines(result, context, width)
        room = height - len(answer) - _MIN_CHART
        both = len(figures) <= room
        chart.display = context.enlarged or not self._figures_first
        if chart.display:
            limits = [LimitLine(str(limit), limit.bound, limit.candidate) for limit in result.plan.load_limits]
            chart.show_load(result, context.styles, limits)
        shown = figures if self._figures_first or both else []
        notes = _wrapped(" ".join(load_notes(result)), width) if self._figures_first else []
        lines.draw([*(_wrapped(_MEANING, width) if notes else ()), *shown, *answer, *notes])


def _answer_lines(result: Result, context: PaintContext, width: int) -> list[Line]:
    """Return the rankings, and the answer unless it stands below the tab anyway."""
    answer = summarize_load(result)
    rankings = ranking_lines(result, context.styles, width)
    return [*rankings, *(_wrapped(answer, width) if answer not in result.answer else ())]


def _empty_lines(width: int, *, asked: bool, running: bool) -> list[Line]:
    """Return what to press, or what is being measured."""
    if asked and running:
        return [[], *_wrapped("The models are measured alone first; requests arrive afterwards.", width)]
    if asked:
        return [[], *_wrapped("This measurement ended before any request arrived.", width)]
    return [
        [],
        [(" Press ", ""), (MeasureLoad.key_label(), KEY), (" to measure under load.", "")],
        [],
        *_wrapped(_WHAT, width),
    ]


def _wrapped(text: str, width: int) -> list[Line]:
    return [[(f" {line}", MUTED)] for line in (wrap(sanitize_line(text), max(width - 2, 1)) if text else ())]
