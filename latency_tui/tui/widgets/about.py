"""The panel About: the description of the highlighted model, and its figures so far."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len

from latency_tui.plan.datasets import Task, task_of
from latency_tui.text.formatting import PERCENTILES, format_call_input, format_duration
from latency_tui.text.scores import format_metric, format_score
from latency_tui.tui.commands import ShowFailure
from latency_tui.tui.state import ModelRow, State
from latency_tui.tui.styles import KEY, MUTED, CandidateStyle
from latency_tui.tui.text import sanitize_line, wrap
from latency_tui.tui.widgets.figures import bound, short_interval
from latency_tui.tui.widgets.painted_widget import PaintedWidget
from latency_tui.tui.widgets.styled_lines import Line

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult

_LABEL = 11
_SCORES: dict[Task, str] = {"classification": "accuracy", "regression": "R²"}
_BETWEEN, _MIN_COLUMN = 2, 32


class About(PaintedWidget):
    """Description, held-out score, training time, notes, errors and a few figures of the highlighted model."""

    def paint(self, state: State, candidate_styles: Mapping[str, CandidateStyle]) -> None:
        """Show the state."""
        row, facts, scored = state.row, _facts(_measured(state)), _score_name(state)
        if not self.is_new(row, candidate_styles.get(state.highlighted), facts, scored):
            return
        if row is None:
            self.set_title()
            self.draw([])
            return
        colour, shape = candidate_styles[row.slug]
        self.set_title((shape, colour), " ", sanitize_line(row.candidate.name))
        if self.size:
            self.draw(_columns(row, facts, scored, *self.content_size))


def _measured(state: State) -> CandidateResult | None:
    for candidate in state.result.candidates if state.result else ():
        if candidate.slug == state.highlighted:
            return candidate
    return None


def _score_name(state: State) -> str:
    """Return the name of the highlighted model's score, which depends on its task, or else on that of the data."""
    if state.row is not None and state.row.metric:
        return format_metric(state.row.metric)
    known = state.row.candidate.model.task if state.row else ""
    task = known or task_of(state.plan.workload.dataset)
    return "score" if task is None else _SCORES[task]


def _facts(measured: CandidateResult | None) -> tuple[tuple[str, str], ...]:
    if measured is None:
        return ()
    facts: list[tuple[str, str]] = []
    if measured.received is not None:
        rows, _, kind = format_call_input(measured.received).partition(", ")
        rows = f"mostly {rows}" if measured.classes else rows
        facts += [("receives", rows), *([("", kind)] if kind else [])]
    if measured.cold_start_seconds is not None:
        facts.append(("first call", format_duration(measured.cold_start_seconds)))
    if measured.calls:
        facts.append(("runs", f"{measured.calls:,}"))
    if measured.throughput is not None:
        facts.append(("1 ÷ mean", f"{_three_figures(measured.throughput)} rows/s"))
    if measured.statistics is not None:
        for key in PERCENTILES:
            percentile = getattr(measured.statistics, key)
            facts.append((key.replace("_", "."), f"{bound(percentile, key):<10}{short_interval(percentile)}".rstrip()))
    return tuple(facts)


def _columns(row: ModelRow, measured: tuple[tuple[str, str], ...], scored: str, width: int, height: int) -> list[Line]:
    """Return the lines, in two columns if they do not fit into one and two fit."""
    lines = _lines(row, measured, scored, width)
    half = (width - _BETWEEN) // 2
    if len(lines) <= height or half < _MIN_COLUMN:
        return lines
    lines = _lines(row, measured, scored, half)
    return [
        [*left, (" " * (half + _BETWEEN - sum(cell_len(text) for text, _ in left)), ""), *right]
        for left, right in zip_longest(lines[:height], lines[height : 2 * height], fillvalue=())
    ]


def _lines(row: ModelRow, measured: tuple[tuple[str, str], ...], scored: str, width: int) -> list[Line]:
    lines: list[Line] = [[(line, "")] for line in wrap(sanitize_line(row.candidate.model.description), width)]
    facts: list[tuple[str, str]] = []
    if row.score is not None:
        facts.append((scored, f"{format_score(row.score)} held-out"))
    if row.seconds is not None:
        facts.append(("trained in", format_duration(row.seconds)))
    facts += measured
    if row.error:
        lines += [[(line, "$text-error")] for line in wrap(sanitize_line(row.error), width)[:3]]
        lines.append([(ShowFailure.key_label(), KEY), (" shows the traceback", MUTED)])
    elif row.stage == "new":
        ours = row.candidate.model.factory.startswith("sklearn.")  # others may be fitted already
        lines.append([("not trained yet" if ours else "not loaded yet", MUTED)])
    lines += [[(f"{name:<{_LABEL}}", MUTED), (value, "")] for name, value in facts]
    for note in row.notes:
        lines += [[(line, "$text-warning")] for line in wrap(sanitize_line(f"! {note}"), width)]
    model = row.candidate.model
    if model.factory:
        lines.append([])
        lines += [[(line, MUTED)] for line in wrap(sanitize_line(model.factory.rpartition(":")[2]), width)]
        lines += [
            [(line, MUTED)]
            for key, value in (*model.parameters.items(), *row.candidate.settings.items())
            for line in wrap(sanitize_line(f"{key}={value!r}"), width)
        ]
    return lines


def _three_figures(value: float) -> str:
    if value >= 1000:
        digits = 10 ** (len(str(int(value))) - 3)
        return f"{round(value / digits) * digits:,}"
    return f"{value:.3g}"
