"""A field that gives the keys back: Enter leaves it, Escape restores it too. Imported after the first frame (10 ms)."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from latency_tui.tui.messages import FieldChanged, FieldLeft


class Field(Input):
    """One line of text; while it has the focus, letters are letters and no commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", "Done", show=False),
        Binding("escape", "restore", "Leave it as it was", show=False),
    ]
    _before = ""

    def on_focus(self) -> None:
        """Remember what is in it, unless that makes no sense."""
        if not self.has_class("-refused"):
            self._before = self.value

    def action_restore(self) -> None:
        """Bring back what was in it, and give the keys back to the screen."""
        if self._before:
            self.value = self._before
        self.post_message(FieldLeft())

    def action_leave(self) -> None:
        """Give the keys back to the screen."""
        self.post_message(FieldLeft())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what is in it now."""
        event.stop()
        self.post_message(FieldChanged(self.id or "", self.value))
