"""A field that gives the keys back: Enter and Escape leave it. Imported after the first frame, for it takes 10 ms."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from latency_tui.tui.messages import FieldChanged, FieldLeft


class Field(Input):
    """One line of text; while it has the focus, letters are letters and no commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape", "leave", "Leave the field", show=False),
    ]

    def action_leave(self) -> None:
        """Give the keys back to the screen."""
        self.post_message(FieldLeft())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what is in it now."""
        event.stop()
        self.post_message(FieldChanged(self.id or "", self.value))
