"""A button of one line that says its key; Textual's own is three lines high and slows the first frame."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from latency_tui.tui.commands import Command


class KeyButton(Static, can_focus=True):
    """Posts a command to the screen when it is clicked, or pressed with Enter.

    Args:
        command: What it does.
        id: Its name in style sheets.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Press", show=False)]

    def __init__(self, command: type[Command], *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(Content(f"{command.footer} {command.key_label()}"), id=id)
        self._command = command

    def on_click(self) -> None:
        """Post the command."""
        self.action_press()

    def action_press(self) -> None:
        """Post the command."""
        self.screen.post_message(self._command())
