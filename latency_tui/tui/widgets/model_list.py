"""The list of models, with a check box, the colour and shape, and the training state of each model."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace
from textual import events
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from latency_tui.text.formatting import format_duration, format_seconds
from latency_tui.tui.layout import SIDE_WIDTH
from latency_tui.tui.state import ModelRow, State, is_variant
from latency_tui.tui.styles import FAINT, MUTED, CandidateStyle
from latency_tui.tui.text import fit, sanitize_line
from latency_tui.tui.widgets.painted_widget import SizeChanged
from latency_tui.tui.widgets.row_list import RowList

_MARKS = 7
"""Columns of the box, of the shape, and of the spaces around them and the name."""

_BOX = 3
"""Columns of the box at a row's start."""

_STYLES = {"training": "italic $text-accent", "failed": "bold $text-error", "ready": MUTED}


class ModelList(RowList, inherit_bindings=False):
    """One line per model; the mouse selects, and the keys are commands of the screen.

    It shares the base of Textual's `SelectionList`, which keeps a selection of its own and draws its own box. Here both
    come from the state, and a click beside the box highlights without selecting.
    """

    BORDER_TITLE = "Models"
    _painted: tuple[object, ...] = ()
    _counted = ""

    def on_resize(self) -> None:
        """Request a repaint."""
        self.post_message(SizeChanged())

    def paint(self, state: State, candidate_styles: Mapping[str, CandidateStyle]) -> None:
        """Show the state; only changed lines are drawn again."""
        if self.option_count != len(state.rows):
            self.clear_options()
            self.add_options([Option("", id=str(index)) for index in range(len(state.rows))])
            self._painted = ()
        width = self.scrollable_content_region.width or SIDE_WIDTH - 2  # the default width before the widget has a size
        before = self._painted or (None,) * len(state.rows)
        names = _names(state.rows)
        ends = _ends(state.rows, names, width - _MARKS)
        facts = tuple(
            (replace(row, traceback=""), name, candidate_styles[row.slug], width, ends[row.slug])
            for row, name in zip(state.rows, names, strict=True)
        )
        for index, (row, old, new) in enumerate(zip(state.rows, before, facts, strict=True)):
            if old != new:
                line = _line(row, names[index], candidate_styles[row.slug], width, ends[row.slug])
                self.replace_option_prompt_at_index(index, line)
        self._painted = facts
        place = next((index for index, row in enumerate(state.rows) if row.slug == state.highlighted), None)
        if place != self.highlighted:
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = place
        self._set_title(state.rows, ends)
        counted = f"{sum(row.selected for row in state.rows)} of {len(state.rows)} selected"
        if counted != self._counted:  # setting it redraws the whole list
            self._counted = self.border_subtitle = counted

    def _set_title(self, rows: tuple[ModelRow, ...], ends: Mapping[str, str]) -> None:
        """Show in the border what the figures after the names are."""
        ready = [row for row in rows if row.stage == "ready" and row.seconds is not None]
        scored = any(row.score is not None and ends[row.slug] == _end(row, scored=True) for row in ready)
        title = "Models" if not ready else "Models · score, training" if scored else "Models · training time"
        if title != self.border_title:
            self.border_title = title

    async def _on_click(self, event: events.Click) -> None:
        """Highlight the row that is clicked; a click on its box selects or deselects it."""
        event.prevent_default()
        index = event.style.meta.get("option")
        if index is None or index >= self.option_count or event.button != 1:
            return
        self.highlighted = index
        if event.get_content_offset_capture(self).x < _BOX:
            self.post_message(OptionList.OptionSelected(self, self.options[index], index))


def _names(rows: tuple[ModelRow, ...]) -> list[str]:
    """Return the text of each line: the model's name, or only the settings if it follows a line of the same model."""
    names: list[str] = []
    head: ModelRow | None = None
    for row in rows:
        if is_variant(row, head):
            settings = (key if value is True else f"{key}={value}" for key, value in row.candidate.settings.items())
            names.append("└ " + ", ".join(settings))
        else:
            names.append(row.candidate.name)
            head = row
    return [sanitize_line(name) for name in names]


def _line(row: ModelRow, name: str, look: CandidateStyle, width: int, end: str) -> Content:
    colour, shape = look
    style = "$text-warning" if row.stage == "ready" and row.notes else _STYLES.get(row.stage, "")
    name = fit(name, max(width - len(end) - _MARKS, 1))
    box, ink, weight = ("✔", colour, "bold") if row.selected else (" ", FAINT, FAINT)
    return Content.assemble(
        ("[", FAINT), (box, "bold $text-success"), ("] ", FAINT),
        (shape, ink), " ", (name, weight), " ", (end, style if row.selected else FAINT),
    )  # fmt: skip


def _ends(rows: tuple[ModelRow, ...], names: list[str], width: int) -> dict[str, str]:
    """Return the training state of each model, by slug; with the score if every name still fits."""
    ends = {row.slug: _end(row, scored=True) for row in rows}
    if all(len(name) + len(ends[row.slug]) <= width for row, name in zip(rows, names, strict=True)):
        return ends
    return {row.slug: _end(row, scored=False) for row in rows}


def _end(row: ModelRow, *, scored: bool) -> str:
    match row.stage:
        case "training":
            return f"training {format_seconds(row.elapsed)}" if row.elapsed > 1 else "training …"
        case "failed":
            return "failed"
        case "ready":
            time = format_duration(row.seconds) if row.seconds is not None else "ready"
            score = f"{row.score:.2f} " if scored and row.score is not None else ""
            return f"{'! ' if row.notes else ''}{score}{time}"
        case _:
            return ""
