"""The dialog that shows why a model failed: the last line of the exception, then the traceback, unchanged."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from latency_tui.tui.screens.text_dialog import TextDialog
from latency_tui.tui.text import sanitize_line, wrap


class FailureScreen(TextDialog):
    """Shows a traceback, which can be copied.

    Args:
        name: Name of the candidate.
        message: Last line of the exception.
        traceback: The traceback; may be empty.
    """

    KEYS = "y copies · esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy")]

    def __init__(self, name: str, message: str, traceback: str) -> None:
        super().__init__(f"{sanitize_line(name)} failed")
        self._message = sanitize_line(message)
        self._traceback = [sanitize_line(line) for line in traceback.splitlines()]

    def on_mount(self) -> None:
        """Give the frame the colour of errors."""
        self.query_one("#sheet").add_class("-failed")

    def lines(self, width: int) -> list[Content]:
        """Return the message, then the traceback; its line breaks are kept, and the screen wraps long lines."""
        lines = [Content.styled(line, "bold $text-error") for line in wrap(self._message, width)]
        if "".join(self._traceback).strip() not in ("", self._message):
            lines += [Content(""), *(Content(line) for line in self._traceback)]
        return lines

    def action_copy(self) -> None:
        """Copy the message and the traceback to the clipboard."""
        self.app.copy_to_clipboard("\n".join(self._traceback) or self._message)
        self.app.notify("The traceback is on the clipboard, if the terminal allows it.", title="Copied", timeout=3)
