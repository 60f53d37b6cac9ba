"""Why a model failed: the exception's last line first, then the whole traceback, word for word."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from latency_tui.tui.text import clean


class FailureScreen(ModalScreen[None]):
    """A traceback to read and to copy.

    Args:
        name: The candidate's name.
        message: The exception's last line.
        traceback: The whole story; possibly empty.
    """

    CSS_PATH = "sheets.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close"),
        Binding("y", "copy", "Copy"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, name: str, message: str, traceback: str) -> None:
        super().__init__()
        self._name_shown = clean(name)
        self._message = clean(message)
        self._traceback = "\n".join(clean(line) for line in traceback.splitlines())

    def compose(self) -> ComposeResult:
        """Yield the text."""
        with VerticalScroll(id="sheet", classes="-failed") as sheet:
            sheet.border_title = Content(f"{self._name_shown} failed")
            sheet.border_subtitle = "y copies · esc closes"
            yield Static(Content.styled(self._message, "bold $text-error"))
            if self._traceback.strip() not in ("", self._message):
                yield Static(Content("\n" + self._traceback))

    def action_copy(self) -> None:
        """Copy all of it to the clipboard."""
        self.app.copy_to_clipboard(self._traceback or self._message)
        self.app.notify("The traceback is on the clipboard, if the terminal allows it.", title="Copied", timeout=3)

    def action_scroll(self, lines: int) -> None:
        """Scroll by a line."""
        self.query_one("#sheet").scroll_relative(y=lines, animate=False)
