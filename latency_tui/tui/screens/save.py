"""The dialog that saves a result to a file; in a browser tab, the file is downloaded."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from latency_tui.errors import LatencyTuiError, UsageError
from latency_tui.report import content_of, format_of, write
from latency_tui.text.exports import describe_omissions
from latency_tui.tui.completion import expand_home
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_HINT = "The suffix selects the format: .json keeps everything; also .html .md .csv .svg .parquet .xml .pyperf.json"
_NOT_IN_A_HEADER = re.compile(r"[^\w.-]+", re.ASCII)


class SaveScreen(Dialog[None]):
    """Asks for a file; Enter saves, and must be pressed again to overwrite a file; Escape closes the dialog.

    Args:
        fetch: Returns the current result when Enter is pressed; None if it no longer exists.
        saved: Called when the result was saved with all samples.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    def __init__(self, fetch: Callable[[], Awaitable[Result | None]]) -> None:
        super().__init__()
        self._fetch = fetch
        self._warned_of = ""

    def compose(self) -> ComposeResult:
        """Yield the field."""
        with Vertical(id="box") as box:
            verb = "Download" if self.app.is_web else "Save"
            box.border_title = f"{verb} the result as"
            box.border_subtitle = f"enter {verb.lower()}s · esc closes"
            yield Input("latency.json", id="path", compact=True, select_on_focus=True)
            yield Static(Content.styled(_HINT, MUTED), id="hint")

    @on(Input.Submitted)
    async def _save(self, event: Input.Submitted) -> None:
        hint = self.query_one("#hint", Static)
        if not event.value.strip():
            hint.update(Content.styled("Type a file name first.", "$text-error"))
            return
        if not self.app.is_web and event.value != self._warned_of and _is_file(expand_home(event.value.strip())):
            self._warned_of = event.value
            hint.update(Content.styled("That file already exists; press enter again to overwrite it.", "$text-warning"))
            return
        result = await self._fetch()
        if result is None:
            hint.update(Content.styled("There is nothing left to save.", "$text-error"))
            return
        try:
            place = await (self._download if self.app.is_web else self._write)(result, event.value.strip())
        except LatencyTuiError as error:
            hint.update(Content.styled(str(error), "$text-error"))
            return
        self.dismiss()
        omissions = describe_omissions(result, format_of(event.value.strip()))
        text = "\n".join(filter(None, (sanitize_line(place), omissions)))
        self.app.notify(text, title="Downloaded" if self.app.is_web else "Saved", timeout=5, markup=False)

    async def _write(self, result: Result, text: str) -> str:
        """Write the file, and return its path."""
        await asyncio.to_thread(write, result, text)
        return str(expand_home(text).resolve())

    async def _download(self, result: Result, text: str) -> str:
        """Send the file to the browser, and return its name."""
        name = _NOT_IN_A_HEADER.sub("-", PurePosixPath(text).name)
        file = await asyncio.to_thread(_render, result, text)
        self.app.deliver_binary(file, save_filename=name, mime_type="application/octet-stream")
        return name

    @on(Input.Changed)
    def _clear(self) -> None:
        self._warned_of = ""
        self.query_one("#hint", Static).update(Content.styled(_HINT, MUTED))


def _is_file(path: Path) -> bool:
    """Return whether a file exists; False if its path is too long or not accessible."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _render(result: Result, text: str) -> BinaryIO:
    """Return an open file with the result in the format that the name selects."""
    form = format_of(text)
    file = tempfile.TemporaryFile()  # noqa: SIM115  Textual closes it
    try:
        file.writelines(content_of(result, form))
        file.seek(0)
    except OSError as error:
        file.close()
        raise UsageError(f"Cannot write the download: {(error.strerror or str(error)).lower()}.") from error
    except BaseException:
        file.close()
        raise
    return file
