"""The tab Sweep: the curves of the models over the values of a setting, and what follows from them in words."""

from __future__ import annotations

from time import monotonic

from textual.app import ComposeResult
from textual.widget import Widget

from latency_tui.plan import Plan, Sweep
from latency_tui.text.sweeps import curves_of, describe_sweeps
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.charts.sweep_chart import UNITS, SweepChart, Unit, lines_of_sweep
from latency_tui.tui.commands import Enlarge, MeasureSweep, NextView, SetOptions, Stop
from latency_tui.tui.state import ShownMeasurement
from latency_tui.tui.styles import KEY, MUTED
from latency_tui.tui.text import sanitize_line, wrap
from latency_tui.tui.widgets.painted_widget import SizeChanged
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.styled_lines import Line, StyledLines

_PAINT_SECONDS = 0.95
"""While a measurement runs, the chart is drawn about once per second."""
_MIN_CHART = 9
_MIN_CHART_SHARE = 0.55
"""Fewest rows of the chart, and its share of the height; the words below it scroll if there is no room for them."""

_WHAT = (
    "A sweep measures each selected model at several values of a setting, in the same rounds. It shows which model is "
    "fastest at which value, what a row costs, and from which batch size larger batches stop paying."
)
_PADDING = 2
"""Columns beside the words."""


class SweepPane(Pane):
    """A chart per sweep, and sentences below it."""

    ALLOW_MAXIMIZE = True

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._view = 0
        self._painted: tuple[object, ...] = ()
        self._painted_job = ""
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield the chart and the words."""
        yield SweepChart(id="sweep-chart")
        yield StyledLines(id="sweep-words")

    def on_resize(self) -> None:
        """Report the new size, because the words are wrapped to it."""
        self.post_message(SizeChanged())

    def least_height(self, candidates: int) -> int:
        """Return a height that hides the cards, because they show one value of the setting only."""
        del candidates
        return 10_000

    def enlargeable(self) -> list[Widget]:
        """Return the chart."""
        return [self.query_one(SweepChart)]

    def next_view(self) -> None:
        """Show latency per call, per row, or rows per second; then the same of the next sweep, if there are several."""
        self._view += 1

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return what the next view shows."""
        result = context.state.result
        if result is None or not result.sweeps:
            return ()
        sweep, unit = _view_of(result.plan, self._view + 1)
        named = f"{unit} by {sweep.parameter}" if len(result.plan.sweeps) > 1 else unit
        return (f"{NextView.key_label()}: {named}",)

    def paint(self, context: PaintContext) -> None:
        """Show the state; about once per second while a measurement runs."""
        measurement, running = context.state.measurement, context.running
        chart, words = self.query_one(SweepChart), self.query_one("#sweep-words", StyledLines)
        if measurement is None:
            chart.display = False
            words.draw(_how_to_start(max(self.scrollable_content_region.width - _PADDING, 1)))
            return
        if context.enlarged:
            for one in self.query(Chart):
                one.show_close_keys(f"{Enlarge.key_label()} next · {Stop.key_label()} back")
        size = self.scrollable_content_region
        facts = (measurement, tuple(context.styles.items()), running, self._view, size.width, size.height)
        job = (measurement.job, self._view, size.width, size.height)
        due = not running or self._painted_job != str(job) or monotonic() - self._painted_at >= _PAINT_SECONDS
        if facts == self._painted or not due:
            return
        self._painted, self._painted_job, self._painted_at = facts, str(job), monotonic()
        result = measurement.result
        swept = result is not None and bool(result.sweeps)
        chart.display = swept
        lines = _words(measurement, max(size.width - _PADDING, 1), running=running)
        if result is not None and swept:
            chart.styles.height = max(size.height - len(lines), round(_MIN_CHART_SHARE * size.height), _MIN_CHART)
            sweep, unit = _view_of(measurement.plan, self._view)
            curves = curves_of(result, sweep.parameter)
            batch_size = measurement.plan.workload.batch_size
            chart.show_sweep(sweep, lines_of_sweep(sweep, curves, context.styles, unit, batch_size), unit)
        words.draw(lines)


def _view_of(plan: Plan, view: int) -> tuple[Sweep, Unit]:
    """Return the sweep and the unit of a view; views are counted without end."""
    sweep, unit = divmod(view % (len(plan.sweeps) * len(UNITS)), len(UNITS))
    return plan.sweeps[sweep], UNITS[unit]


def _words(measurement: ShownMeasurement, width: int, *, running: bool) -> list[Line]:
    result = measurement.result
    if not measurement.plan.sweeps:
        return _how_to_start(width)
    if result is None or not any(curve.cells for curve in result.sweeps):
        return [[("The first figures appear after the first round." if running else "Nothing was measured.", MUTED)]]
    sentences = describe_sweeps(result)
    failed = [one for one in result.candidates if one.status == "failed"]
    lines: list[Line] = [[(line, "")] for one in sentences for line in wrap(sanitize_line(one), width)]
    if running and not sentences:
        lines = [[("What follows from the curves appears here after ten rounds.", MUTED)]]
    for one in failed:
        text = sanitize_line(f"{one.name} failed: {one.error or 'no reason is known'}")
        lines += [[(line, "$text-error")] for line in wrap(text, width)]
    return lines


def _how_to_start(width: int) -> list[Line]:
    return [
        [],
        [("Press ", ""), (MeasureSweep.key_label(), KEY), (" to measure at batch sizes from 1 to 256 rows.", "")],
        [("Press ", ""), (SetOptions.key_label(), KEY), (" to sweep another setting, such as threads=1,2,4.", "")],
        [],
        *([(line, MUTED)] for line in wrap(_WHAT, width)),
    ]
