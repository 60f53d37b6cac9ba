"""Base class of dialogs that show text; subclasses define the text."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from latency_tui.tui.screens.dialog import Dialog


class TextDialog(Dialog[None]):
    """Shows lines in a frame, wrapped to the size of the terminal.

    Args:
        title: Title in the upper border of the frame.
    """

    CSS_PATH = "dialogs.tcss"
    KEYS: ClassVar[str] = "esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def lines(self, width: int) -> list[Content]:
        """Return the text in lines of at most this width."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Yield the frame."""
        with VerticalScroll(id="sheet") as sheet:
            sheet.border_title = Content(self._title)
            sheet.border_subtitle = self.KEYS
            yield Static(id="text")

    def on_resize(self) -> None:
        """Wrap the lines again."""
        self.call_after_refresh(self._write)

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        if self.closed:
            return
        self.query_one("#sheet").scroll_relative(y=lines, animate=False)

    def _write(self) -> None:
        if self.closed:
            return
        width = max(self.query_one("#sheet").content_region.width - 2, 12)  # a scrollbar may appear
        self.query_one("#text", Static).update(Content("\n").join(self.lines(width)))
