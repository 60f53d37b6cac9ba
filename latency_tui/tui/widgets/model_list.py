"""The list of models: chosen or not, colour and shape, and how far the engine is with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from latency_tui.result.words import format_duration
from latency_tui.tui.marks import FAINT, MUTED, Look
from latency_tui.tui.state import ModelRow, State
from latency_tui.tui.text import clean, fit
from latency_tui.tui.widgets.painted import SizeChanged


class ModelList(OptionList, inherit_bindings=False):
    """One line a model; the mouse chooses, the keys are commands of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]

    _painted: tuple[object, ...] = ()

    def on_resize(self) -> None:
        """Ask for new paint."""
        self.post_message(SizeChanged())

    def paint(self, state: State, looks: Mapping[str, Look]) -> None:
        """Show the snapshot; only lines that changed are drawn again."""
        if self.option_count != len(state.rows):
            self.clear_options()
            self.add_options([Option("", id=str(index)) for index in range(len(state.rows))])
            self._painted = ()
        width = max(self.scrollable_content_region.width, 1)
        before = self._painted or (None,) * len(state.rows)
        facts = tuple((replace(row, traceback=""), looks[row.slug], width) for row in state.rows)
        for index, (row, old, new) in enumerate(zip(state.rows, before, facts, strict=True)):
            if old != new:
                self.replace_option_prompt_at_index(index, _line(row, looks[row.slug], width))
        self._painted = facts
        place = next((index for index, row in enumerate(state.rows) if row.slug == state.highlighted), None)
        if place != self.highlighted:
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = place
        chosen = sum(row.chosen for row in state.rows)
        self.border_title = "Models"
        self.border_subtitle = f"{chosen} of {len(state.rows)} chosen"


def _line(row: ModelRow, look: Look, width: int) -> Content:
    colour, shape = look
    end, style = _end(row)
    name = fit(clean(row.candidate.name), max(width - len(end) - 7, 1))
    box, ink, weight = ("✔", colour, "bold") if row.chosen else (" ", FAINT, FAINT)
    return Content.assemble(
        ("[", FAINT), (box, "bold $text-success"), ("] ", FAINT),
        (shape, ink), " ", (name, weight), " ", (end, style if row.chosen else FAINT),
    )  # fmt: skip


def _end(row: ModelRow) -> tuple[str, str]:
    match row.stage:
        case "training":
            return "trains", "italic $text-accent"
        case "failed":
            return "failed", "bold $text-error"
        case "ready":
            time = format_duration(row.seconds) if row.seconds is not None else "ready"
            return (f"! {time}" if row.notes else time), "$text-warning" if row.notes else MUTED
        case _:
            return "", ""
