"""The tab History: the results of all sessions, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget

from latency_tui.stats.change_points import MIN_RESULTS
from latency_tui.text.formatting import format_duration
from latency_tui.text.trend import describe_trend
from latency_tui.tui import commands
from latency_tui.tui.charts.trend_chart import TrendChart
from latency_tui.tui.messages import SavedPointed
from latency_tui.tui.reducers.history import plan_of_trend
from latency_tui.tui.state import State, date_text
from latency_tui.tui.styles import KEY, MUTED
from latency_tui.tui.text import fit, sanitize_line, wrap
from latency_tui.tui.widgets.fields import Field
from latency_tui.tui.widgets.painted_widget import SizeChanged
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.styled_lines import Line, StyledLines

if TYPE_CHECKING:
    from latency_tui.history.listing import Row

_WIDTHS = {"date": 16, "name": 8, "check": 12, "models": 6, "data": 22, "host": 10, "fastest": 20, "p50": 8}
"""Columns and their smallest widths; a narrow screen leaves out those of `_LESS_IMPORTANT`, in that order."""
_WIDER = {"name": 14, "fastest": 34, "data": 34}
"""Widths to which columns grow, in this order, if there is room."""
_LESS_IMPORTANT = ("host", "models", "data", "check", "name")
_NUMBERS = ("models", "p50")
_LEAST_ROWS = 12
_CHART_ROWS = 10


class FilterField(Field):
    """The text that results must contain; escape removes it."""

    def action_restore(self) -> None:
        """Show all results, and leave the field."""
        self.value = ""
        self.action_leave()


class HistoryPane(Pane):
    """A heading and a line per result; only the lines for which there is room are drawn, of however many results."""

    _painted: tuple[object, ...] = ()
    _first = 0
    _keys: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the field and the text."""
        field = FilterField(
            placeholder="a part of a date, name, tag, model, dataset or host", id="filter", compact=True
        )
        field.display = False
        yield field
        yield StyledLines(id="saved")
        yield TrendChart(id="trend")
        yield StyledLines(id="trend-words")

    def on_resize(self) -> None:
        """Report the new size."""
        self.post_message(SizeChanged())

    def least_height(self, candidates: int) -> int:
        """Return the rows that it needs."""
        del candidates
        return _LEAST_ROWS

    def enlargeable(self) -> list[Widget]:
        """Return the chart of the trend if it is shown: a longer list shows no more of a result."""
        chart = self.query_one(TrendChart)
        return [chart] if chart.display else []

    def paint(self, context: PaintContext) -> None:
        """Show the snapshot."""
        state = context.state
        field = self.query_one(FilterField)
        field.display = field.has_focus or bool(field.value) or bool(state.history.filter)
        width, height = self.size.width, self.size.height - field.display
        open_now = tuple(one.result.created_at for one in state.measurements if one.result is not None)
        chart = self.query_one(TrendChart)
        chart.show_close_keys(f"{commands.Stop.key_label()} back")
        facts = (state.history, open_now, state.saved_baseline, width, height, context.styles)
        if facts == self._painted or width <= 0:
            return
        self._painted = facts
        room = height - self._paint_trend(context, width, height)
        listed = self.query_one("#saved", StyledLines)
        listed.display = room > 1
        if listed.display:
            listed.draw(self._lines(state, width, room))

    def _paint_trend(self, context: PaintContext, width: int, height: int) -> int:
        """Show the trend if it is asked for, below the list or in its place; return the rows that it takes."""
        history = context.state.history
        chart, words = self.query_one(TrendChart), self.query_one("#trend-words", StyledLines)
        chart.display = words.display = False
        if history.trend_model is None or not history.rows:
            return 0
        trend = history.trend if history.trend_of == plan_of_trend(context.state) else None
        words.display = True
        if trend is None or not trend.candidates:
            said = "No result of this plan has figures." if history.trend_of else "Reading the results of this plan …"
            words.draw([[(f" {said}", MUTED)]])
            return 1
        candidate = trend.candidates[min(history.trend_model, len(trend.candidates) - 1)]
        sentences = describe_trend(msgspec.structs.replace(trend, candidates=(candidate,)), MIN_RESULTS)
        lines: list[Line] = [[(f" {line}", MUTED)] for text in sentences for line in wrap(text, width - 2)]
        below = height >= _LEAST_ROWS + _CHART_ROWS
        lines = lines[: max(height - _CHART_ROWS, 1)]
        rows = max(height // 2, _CHART_ROWS) if below else height - len(lines)
        chart.display, chart.styles.height = True, rows
        last = history.trend_model + 1 >= len(trend.candidates)
        count = f"{history.trend_model + 1} of {len(trend.candidates)} models, " if len(trend.candidates) > 1 else ""
        note = f" · {count}{commands.ShowTrend.key_label()}: {'list only' if last else 'next model'}"
        style = context.styles.get(candidate.candidate, ("ansi_default", "●"))
        chart.show(candidate, style, highlighted=history.highlighted, note=note)
        words.draw(lines)
        return rows + len(lines) if below else height

    def _lines(self, state: State, width: int, height: int) -> list[Line]:
        history = state.history
        self._keys = ()
        if words := _words(state):
            return [[(f" {line}", MUTED)] for line in wrap(words, width - 2)]
        room = height - 1
        place = next((index for index, row in enumerate(history.rows) if row.id == history.highlighted), 0)
        self._first = max(min(self._first, place, len(history.rows) - room), place - room + 1, 0)
        rows = history.rows[self._first : self._first + room]
        self._keys = tuple(row.id for row in rows)
        named = any(row.name or row.tags for row in rows)
        checked = any(row.summary.verdict for row in rows)
        columns = _columns(width - 2, named=named, checked=checked)
        heads = {column: _date_heading(state) if column == "date" else column for column in columns}
        lines: list[Line] = [[("  ", ""), (_join(heads, columns), MUTED)]]
        shown = state.result.created_at if state.result else None
        for row in rows:
            is_highlighted = row.id == history.highlighted
            style = "reverse" if is_highlighted else "bold $text-accent" if row.created_at == shown else ""
            mark = "b" if state.saved_baseline is not None and row.id == state.saved_baseline.key else " "
            lines.append([(f"{'▸' if is_highlighted else ' '}{mark}", KEY), (_join(_cells(row), columns), style)])
        return lines

    def hints(self, context: PaintContext) -> tuple[str, ...]:
        """Return how many results there are."""
        history = context.state.history
        if not history.all_rows:
            return ()
        count, shown = len(history.all_rows), len(history.rows)
        results = "1 result" if count == 1 else f"{count:,} results"
        words = f"{shown:,} of {results}" if shown < count else results
        saved = context.state.saved_baseline
        return (
            (words,)
            if saved is None
            else (f"{words}, b: baseline {sanitize_line(saved.title)}", f"{words}, b: baseline", words)
        )

    def on_click(self, event: events.Click) -> None:
        """Highlight the result under the pointer; a click on the highlighted one opens it."""
        row = event.y - 1
        if event.widget is self.query_one("#saved") and 0 <= row < len(self._keys):
            self.post_message(SavedPointed(self._keys[row]))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Highlight the next result."""
        event.stop()
        self.post_message(commands.NextSaved())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Highlight the previous result."""
        event.stop()
        self.post_message(commands.PreviousSaved())


def _words(state: State) -> str:
    """Return a sentence instead of the list; empty if there are results to list."""
    history = state.history
    if history.problem:
        return sanitize_line(history.problem)
    if history.all_rows is None:
        return "Reading the history …"
    if not history.all_rows:
        return f"The history is empty; {commands.Profile.key_label()} measures, and the result is kept here."
    if not history.rows:
        wanted = sanitize_line(history.filter.strip())
        return f"No result contains {wanted!r}; {commands.FilterSaved.key_label()} changes that."
    return ""


def _date_heading(state: State) -> str:
    """Return the heading of the dates; with a filter, how many results contain it, since tabs may leave no room."""
    shown, count = len(state.history.rows), len(state.history.all_rows or ())
    if shown == count:
        return "measured"
    words = f"{shown:,} of {count:,}"
    return f"{words} results" if len(words) + len(" results") <= _WIDTHS["date"] else words


def _columns(width: int, *, named: bool, checked: bool) -> dict[str, int]:
    """Return the columns for which there is room, with their widths."""
    columns = dict(_WIDTHS)
    if not named:
        del columns["name"]
    if not checked:
        del columns["check"]
    for column in _LESS_IMPORTANT:
        if sum(columns.values()) + 2 * (len(columns) - 1) > width:
            columns.pop(column, None)
    for column, most in _WIDER.items():
        if column in columns:
            room = width - sum(columns.values()) - 2 * (len(columns) - 1)
            columns[column] = max(columns[column], min(columns[column] + room, most))
    return columns


def _join(texts: dict[str, str], columns: dict[str, int]) -> str:
    return "  ".join(fit(texts[column], size, right=column in _NUMBERS) for column, size in columns.items())


def _cells(row: Row) -> dict[str, str]:
    what = row.summary
    return {
        "date": date_text(row.created_at),
        "name": sanitize_line(" ".join(filter(None, (row.name, *(f"#{tag}" for tag in row.tags))))),
        "check": what.verdict,
        "models": str(len(what.models)),
        "data": sanitize_line(what.dataset),
        "host": sanitize_line(what.host),
        "fastest": sanitize_line(what.fastest) if row.state == "finished" else row.state,
        "p50": format_duration(what.p50),
    }
