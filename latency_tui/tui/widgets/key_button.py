"""A button of one line that names its command and key."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

from latency_tui.tui.commands import Command


class KeyButton(Static, can_focus=True):
    """Posts a command to the screen when it is clicked, or pressed with Enter.

    Textual's `Button` cannot shorten its label to the key if there is no room for both.

    Args:
        command: What it does.
        id: Its name in style sheets.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Press", show=False)]

    def __init__(self, command: type[Command], *, id: str) -> None:  # noqa: A002  # Textual's word
        super().__init__(Content(f"{command.footer} {command.key_label()}"), id=id)
        self._command = command

    def render(self) -> VisualType:
        """Return the command and its key; only the key if there is no room for both."""
        key = self._command.key_label()
        short = 0 < self.content_size.width < len(f"{self._command.footer} {key}")
        return Content(key) if short else super().render()

    def on_click(self) -> None:
        """Post the command."""
        self.action_press()

    def action_press(self) -> None:
        """Post the command."""
        self.screen.post_message(self._command())
