"""Asks for a file to save a result in, and says so when it cannot be written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from latency_tui.errors import LatencyTuiError
from latency_tui.report import write
from latency_tui.tui.completion import at_home
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import clean

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_HINT = "The suffix says the format: .json keeps all, .csv and .md the table."


class SaveScreen(Dialog[None]):
    """One field; Enter saves, and asks for another where that overwrites a file; Escape leaves everything as it is.

    Args:
        fetch: Returns the result as it is when Enter is pressed; None where it has gone.
    """

    CSS_PATH = "sheets.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    def __init__(self, fetch: Callable[[], Awaitable[Result | None]], saved: Callable[[], None]) -> None:
        super().__init__()
        self._saved = saved
        self._fetch = fetch
        self._warned_of = ""

    def compose(self) -> ComposeResult:
        """Yield the field."""
        with Vertical(id="box") as box:
            box.border_title = "Save the result as"
            box.border_subtitle = "enter saves · esc closes"
            yield Input("latency.json", id="path", compact=True, select_on_focus=True)
            yield Static(Content.styled(_HINT, MUTED), id="hint")

    @on(Input.Submitted)
    async def _save(self, event: Input.Submitted) -> None:
        hint = self.query_one("#hint", Static)
        if not event.value.strip():
            hint.update(Content.styled("Type a file name first.", "$text-error"))
            return
        if event.value != self._warned_of and _is_file(at_home(event.value.strip())):
            self._warned_of = event.value
            hint.update(Content.styled("That file exists: enter again overwrites it.", "$text-warning"))
            return
        result = await self._fetch()
        if result is None:
            hint.update(Content.styled("There is nothing to save any more.", "$text-error"))
            return
        try:
            path = await asyncio.to_thread(_write, result, event.value.strip())
        except LatencyTuiError as error:
            hint.update(Content.styled(str(error), "$text-error"))
            return
        if path.suffix.lower() == ".json":  # which alone holds the samples
            self._saved()
        self.dismiss()
        self.app.notify(clean(str(path)), title="Saved", timeout=5, markup=False)

    @on(Input.Changed)
    def _clear(self) -> None:
        self._warned_of = ""
        self.query_one("#hint", Static).update(Content.styled(_HINT, MUTED))


def _is_file(path: Path) -> bool:
    """Return whether there is such a file; a path that is too long, or not allowed, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _write(result: Result, text: str) -> Path:
    write(result, text)
    return at_home(text).resolve()
