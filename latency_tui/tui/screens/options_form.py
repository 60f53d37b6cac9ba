"""The base class of dialogs that edit options: one line per option with its valid values, and what they result in."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ScreenResultType
from textual.widgets import Input, Static

from latency_tui.errors import UsageError
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import sanitize_line


class OptionsForm(Dialog[ScreenResultType]):
    """Edits options; Enter applies all lines, Escape cancels.

    The line at the bottom describes what the fields result in, or what is wrong with them, while the user types.

    Attributes:
        HEADING: Title of the dialog.
        ENTER: What Enter does, as a verb.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    HEADING: ClassVar[str]
    ENTER: ClassVar[str] = "applies"

    @abstractmethod
    def compose_lines(self) -> ComposeResult:
        """Yield the lines, see `option_line`."""

    @abstractmethod
    def read(self, texts: dict[str, str]) -> ScreenResultType:
        """Return what the fields describe.

        Args:
            texts: The text of each field, by its id.

        Raises:
            UsageError: A field is invalid.
        """

    @abstractmethod
    def describe(self, found: ScreenResultType) -> str:
        """Return a sentence on what the fields describe, such as how long it will take."""

    def compose(self) -> ComposeResult:
        """Yield the lines, and the line that describes what they result in."""
        with Vertical(id="box") as box:
            box.border_title = self.HEADING
            box.border_subtitle = f"enter {self.ENTER} · esc cancels"
            with VerticalScroll(id="options", can_focus=False), Grid(id="lines"):
                yield from self.compose_lines()
            yield Static(id="hint", markup=False)

    def on_mount(self) -> None:
        """Describe what the fields result in."""
        self._check()

    @on(Input.Changed)
    def _check(self) -> None:
        try:
            self._say(self.describe(self._read()))
        except UsageError as error:
            self._say(str(error), "$text-error")

    @on(Input.Submitted)
    def _apply(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            found = self._read()
        except UsageError as error:
            self._say(str(error), "$text-error")
            return
        self.dismiss(found)

    def _read(self) -> ScreenResultType:
        return self.read({field.id or "": field.value.strip() for field in self.query(Input)})

    def _say(self, words: str, style: str = MUTED) -> None:
        self.query_one("#hint", Static).update(Content.styled(sanitize_line(words), style))


def option_line(name: str, label: str, text: str, hint: str, placeholder: str = "") -> ComposeResult:
    """Yield a line of a form: its label, its field, and what the field may contain.

    Args:
        name: Id of the field.
        label: Its label.
        text: Its text.
        hint: What it may contain.
        placeholder: What an empty field shows.
    """
    yield Static(label, classes="label", markup=False)
    yield Input(text, id=name, compact=True, select_on_focus=True, placeholder=placeholder)
    yield Static(Content.styled(hint, MUTED), classes="meaning", markup=False)
