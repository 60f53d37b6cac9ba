"""The first line: what is measured, on which core, and the noise of the machine."""

from __future__ import annotations

from typing import Literal, NamedTuple

from rich.cells import cell_len

from latency_tui.text.workload import describe_data, describe_rows
from latency_tui.tui.plan_options import changed_options
from latency_tui.tui.state import State, date_text
from latency_tui.tui.styles import LEVEL_STYLES
from latency_tui.tui.text import fit, sanitize_line
from latency_tui.tui.widgets.painted_widget import PaintedWidget
from latency_tui.tui.widgets.styled_lines import Line, Piece

_BARS = "▁▂▃▄▅▆▇█"
_GAP = 2
_MAX_TITLE = 32


class _Piece(NamedTuple):
    """A part of the line; if not all parts fit, those with the highest rank are omitted first."""

    text: str
    rank: int
    side: Literal["left", "right"]
    style: str = ""
    lead: str = " · "


class TitleLine(PaintedWidget):
    """Shows the workload on the left, and the pinned core and the noise meter on the right if there is room."""

    def paint(self, state: State) -> None:
        """Show the state."""
        if self.is_new(*_facts(state), state.frozen):
            self.draw([_line(state, self.size.width)])


def _facts(state: State) -> tuple[object, ...]:
    level = state.result.noise.level if state.result else ""
    return (
        _workload(state),
        _next(state),
        _options(state),
        _place(state),
        level,
        state.result.noise.findings[:1] if state.result else (),
        state.noise,
        state.shown_index,
        len(state.measurements),
        _launches(state),
        state.saved_baseline,
    )


def _launches(state: State) -> int:
    """Return the number of launches of the result on the screen so far."""
    return state.result.complete_launches if state.result else 0


def _workload(state: State) -> list[str]:
    plan = state.measurement.plan if state.measurement else state.plan
    work = plan.workload
    title = sanitize_line(describe_data(plan))
    return [fit(title, min(cell_len(title), _MAX_TITLE)), describe_rows(plan), work.method, work.scenario]


def _next(state: State) -> str:
    """Return the name of the data of the next measurement; empty if the result on the screen has the same data."""
    dataset = state.plan.workload.dataset
    if state.measurement is None or state.measurement.plan.workload.dataset == dataset:
        return ""
    title = sanitize_line(dataset.title)
    return "next: " + fit(title, min(cell_len(title), _MAX_TITLE))


def _options(state: State) -> str:
    """Return the options that differ from the default, of the next measurement if they have been changed."""
    coming = ", ".join(changed_options(state.plan))
    shown = coming if state.measurement is None else ", ".join(changed_options(state.measurement.plan))
    if shown == coming:
        return shown
    return f"next: {coming or 'default options'}"


def _place(state: State) -> str:
    cores = state.pinned
    if not _latest(state) and state.result and state.result.environment:
        cores = state.result.environment.pinned
    return "cpu " + ",".join(map(str, cores)) if cores else ""


def _saved(state: State) -> str:
    """Return the date of the result on the screen if it is a saved one, or the host that measured it."""
    measurement = state.measurement
    if measurement is None or not measurement.is_saved or measurement.result is None:
        return ""
    if measurement.host:
        return f"measured on {sanitize_line(measurement.host)}"
    return f"saved {date_text(measurement.result.created_at)}"


def _latest(state: State) -> bool:
    """Return whether the screen shows the last measurement, to which the core and the meter belong."""
    return state.measurement is None or state.measurement.job == state.last_job


def _meter(shares: tuple[float, ...]) -> str:
    """Return one bar character per share of lost time; a share of 10 % is a full bar."""
    return "".join(_BARS[min(int(share * 10 * len(_BARS)), len(_BARS) - 1)] for share in shares)


def _pieces(state: State) -> list[_Piece]:
    """Return the parts from left to right."""
    dataset, rows, method, scenario = _workload(state)
    pieces = [
        _Piece("latency-tui", 6, "left", "bold $text-primary"),
        _Piece(dataset, 2, "left", lead="  "),
        _Piece(rows, 3, "left"),
        _Piece(method, 4, "left"),
        _Piece(scenario, 8, "left"),
    ]
    if options := _options(state):
        pieces.append(_Piece(options, 1, "left", "$text-accent"))
    if coming := _next(state):
        pieces.append(_Piece(coming, 1, "left", "$text-warning"))
    if saved := _saved(state):
        pieces.append(_Piece(saved, 1, "right", "bold $text-accent"))
    if state.saved_baseline is not None:
        pieces.append(_Piece(f"against saved {sanitize_line(state.saved_baseline.title)}", 3, "right", "$text-accent"))
    if len(state.measurements) > 1:
        place = state.shown_index % len(state.measurements) + 1
        pieces.append(_Piece(f"result {place} of {len(state.measurements)}", 3, "right"))
    if state.frozen:
        pieces.append(_Piece("frozen", 1, "right", "bold $text-warning"))
    if place_words := _place(state):
        pieces.append(_Piece(place_words, 7, "right"))
    if state.result is not None and state.result.measured:
        level = state.result.noise.level
        if 0 < (launches := _launches(state)) < 3:
            words = "1 launch" if launches == 1 else "2 launches"
            pieces.append(_Piece(words, 5, "right", "$text-warning"))  # too few launches to predict another one
        pieces.append(_Piece(level, 0, "right", LEVEL_STYLES[level]))
        if level != "quiet":  # the worst is the first
            pieces.append(_Piece(state.result.noise.findings[0].cause, 5, "right", LEVEL_STYLES[level], lead=": "))
        if _latest(state) and (meter := _meter(state.noise)):
            pieces.append(_Piece(meter, 6, "right", LEVEL_STYLES[level], lead=" "))
    return pieces


def _line(state: State, width: int) -> Line:
    pieces = _pieces(state)
    while pieces and _length(pieces) > width:
        pieces.remove(max(pieces, key=lambda piece: piece.rank))
    left, right = ([piece for piece in pieces if piece.side == side] for side in ("left", "right"))
    gap = " " * (width - _length(pieces) + _GAP)
    return [(" ", ""), *_joined(left), (gap, ""), *_joined(right)]


def _length(pieces: list[_Piece]) -> int:
    """Return the width in cells of all parts, the margins at both ends, and the smallest gap between the sides."""
    sides = [_joined([piece for piece in pieces if piece.side == side]) for side in ("left", "right")]
    return 2 + _GAP + sum(cell_len(text) for side in sides for text, _ in side)


def _joined(pieces: list[_Piece]) -> list[Piece]:
    parts: list[Piece] = []
    for piece in pieces:
        if parts:
            parts.append((piece.lead, ""))
        parts.append((piece.text, piece.style))
    return parts
