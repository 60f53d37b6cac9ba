"""A field of one line: Enter leaves it, and Escape restores its text and leaves it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from latency_tui.tui.messages import FieldChanged, FieldLeft


class Field(Input):
    """One line of text; while it has the focus, letters are text and not commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", "Done", show=False),
        Binding("escape", "restore", "Restore", show=False),
    ]
    _before = ""

    def on_focus(self) -> None:
        """Remember the text, unless it is invalid."""
        if not self.has_class("-refused"):
            self._before = self.value

    def action_restore(self) -> None:
        """Restore the text, and leave the field."""
        if self._before:
            self.value = self._before
        self.post_message(FieldLeft())

    def action_leave(self) -> None:
        """Leave the field."""
        self.post_message(FieldLeft())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Report the new text."""
        event.stop()
        self.post_message(FieldChanged(self.id or "", self.value))
