"""Base class of dialogs with a field and a list of completions, which ask for a name or a path.

Subclasses define the completions, the description of a choice, and what accepting it does. Files are read in threads,
so that the event loop is not blocked.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from functools import partial
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerState

from latency_tui.errors import LatencyTuiError
from latency_tui.tui.background import run_in_background
from latency_tui.tui.completion import Match, is_path
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.styles import MUTED
from latency_tui.tui.text import fit, sanitize_line
from latency_tui.tui.widgets.row_list import RowList

Answer = TypeVar("Answer")

_PAUSE_SECONDS = 0.15  # pause in typing after which a file is inspected
_PAGE = 8
_MAX_SENTENCE = 400
_LABEL, _NOTE = 26, 15


class Picker(Dialog[Answer], Generic[Answer]):
    """Updates the list while the user types; Tab completes, Enter accepts, Escape cancels."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "#wanted"
    HEADING: ClassVar[str] = ""
    KEYS: ClassVar[str] = "tab completes · enter selects · esc closes"
    PLACEHOLDER: ClassVar[str] = ""
    HINT: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("tab", "complete", "Complete", priority=True, show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", f"move({_PAGE})", show=False),
        Binding("pageup", f"move({-_PAGE})", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._accepted_text: str | None = None  # the text that was accepted, until the text changes

    # --- what the kinds of it say ------------------------------------------------------------------------------------

    @abstractmethod
    def completions(self, text: str) -> list[Match]:
        """Return the completions of a text; called in a thread."""

    @abstractmethod
    async def describe(self, text: str) -> Content | None:
        """Return a description of what a text names; None if it is not a complete name or path yet.

        Raises:
            LatencyTuiError: It is complete, but cannot be accepted.
        """

    @abstractmethod
    async def accept(self, text: str) -> None:
        """Accept a text and close, or show what is missing.

        Raises:
            LatencyTuiError: It cannot be accepted.
        """

    def extra_widgets(self) -> ComposeResult:
        """Yield widgets between the description and the hint."""
        yield from ()

    # --- the screen --------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Yield the field, the list, the description and the hint."""
        with Vertical(id="box") as box:
            box.border_title = self.HEADING
            box.border_subtitle = self.KEYS
            yield Input(placeholder=self.PLACEHOLDER, id="wanted", compact=True)
            yield _Matches(id="matches", markup=False)
            with VerticalScroll(id="found", can_focus=False):
                yield Static(id="known", markup=False)
            yield from self.extra_widgets()
            yield Static(Content.styled(self.HINT, MUTED), id="hint", markup=False)

    def on_mount(self) -> None:
        """Show the completions of the empty text."""
        self._update_completions("")

    @property
    def text(self) -> str:
        """The text of the field."""
        return self.query_one("#wanted", Input).value.strip()

    def show_hint(self, words: str, style: str = MUTED) -> None:
        """Show a sentence below the field; the middle of a very long one is omitted."""
        if len(words) > _MAX_SENTENCE:
            words = f"{words[: _MAX_SENTENCE // 2]} … {words[-_MAX_SENTENCE // 2 :]}"
        self.query_one("#hint", Static).update(Content.styled(sanitize_line(words), style))

    def show_description(self, known: Content | None) -> None:
        """Show a description instead of the list; show the list again if the description is empty."""
        self._list.display = known is None and bool(self._list.option_count)
        self.query_one("#found").display = known is not None
        self.query_one("#known", Static).update(known or "")

    @on(Input.Changed, "#wanted")
    def _update_on_typing(self) -> None:
        if self.text != self._accepted_text:  # otherwise `accept` reports it
            self._accepted_text = None
            self._update_completions(self.text)

    def _update_completions(self, text: str) -> None:
        self.show_hint(self.HINT)
        run_in_background(self, partial(self._show_completions, text), group="describe")

    async def _show_completions(self, text: str) -> None:
        self._list.show(await asyncio.to_thread(self.completions, text), marked=bool(text.rpartition("/")[2]))
        self.show_description(None)
        if not text:
            return
        await asyncio.sleep(_PAUSE_SECONDS)
        try:
            known = await self.describe(text)
        except LatencyTuiError as error:
            self.show_description(None)
            self.show_hint(str(error), "$text-error")
            return
        self.show_description(known)

    @property
    def _list(self) -> _Matches:
        return self.query_one(_Matches)

    @property
    def highlighted(self) -> Match | None:
        """The line that is highlighted in the list; None if it is hidden or none is."""
        option = self._list.highlighted_option
        return option.match if self._list.display and isinstance(option, _MatchOption) else None

    def fill(self, text: str) -> None:
        """Set the text of the field, as if the user had typed it."""
        field = self.query_one("#wanted", Input)
        field.value = text
        field.cursor_position = len(text)
        field.focus()

    def action_complete(self) -> None:
        """Complete the text with the highlighted or the first line; if it is complete, highlight the next line."""
        match = self.highlighted or (self._list.first if self._list.display else None)
        if self.focused is self.query_one("#wanted") and match is not None and match.text != self.text:
            self.fill(match.text)
        else:
            self.focus_next()

    def action_move(self, lines: int) -> None:
        """Highlight another line, or scroll the description that is shown instead of the list."""
        listed = self._list
        if not listed.display:
            self.query_one("#found").scroll_relative(y=lines, animate=False)
        elif listed.option_count:
            here, last = listed.highlighted, listed.option_count - 1
            listed.highlighted = min(max(here + lines, 0), last) if here is not None else 0

    @on(OptionList.OptionSelected)
    def _accept_line(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if isinstance(event.option, _MatchOption):
            self._accept_match(event.option.match)

    @on(Input.Submitted, "#wanted")
    def _accept_typed(self, event: Input.Submitted) -> None:
        event.stop()
        match = self.highlighted
        if match is not None and match.text != self.text and not self.is_complete(self.text):
            self._accept_match(match)
        elif self.text:
            self.start_accepting(self.text)
        else:
            self.show_hint("Type something first, or select a line of the list.", "$text-error")

    def is_complete(self, text: str) -> bool:
        """Return whether a text is a complete name or path, and not the beginning of the highlighted one."""
        return any(match.text.casefold() == text.casefold() for match in self._list.matches)

    def _accept_match(self, match: Match) -> None:
        self.fill(match.text)
        if match.kind == "name":
            self.start_accepting(match.text)

    def start_accepting(self, text: str) -> None:
        """Accept a text in a worker; a running inspection is cancelled, so that it shows nothing afterwards."""
        self.workers.cancel_group(self, "describe")
        self._accepted_text = text
        run_in_background(self, partial(self._accept, text), group="accept")

    async def _accept(self, text: str) -> None:
        try:
            await self.accept(text)
        except LatencyTuiError as error:
            self.show_hint(str(error), "$text-error")

    @on(Worker.StateChanged)
    def _notice_fault(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self.show_hint(f"{type(error).__name__}: {error} Please report this.", "$text-error")


class _MatchOption(Option):
    """A line of the list with its completion."""

    def __init__(self, match: Match) -> None:
        super().__init__(_line(match))
        self.match = match


class _Matches(RowList, can_focus=False):
    """The list of completions; its lines and completions change together, so that a key never sees a mismatch."""

    def show(self, matches: list[Match], *, marked: bool) -> None:
        """Show these completions; `marked` highlights the first one."""
        self.clear_options()
        self.add_options(_MatchOption(match) for match in matches)
        self.highlighted = 0 if marked and matches else None

    @property
    def matches(self) -> list[Match]:
        """The completions in the list."""
        return [option.match for option in self.options if isinstance(option, _MatchOption)]

    @property
    def first(self) -> Match | None:
        """The first completion; None if there is none."""
        return next(iter(self.matches), None)


def _line(match: Match) -> Content:
    note = fit(sanitize_line(match.note), _NOTE) if match.note else ""
    wide = _LABEL if note or match.meaning else len(match.label)
    label = (
        sanitize_line(match.label)
        if is_path(match.text) and not match.meaning
        else fit(sanitize_line(match.label), wide)
    )
    return Content.assemble(
        (label, ""), "  " if note else "", (note, MUTED), "  ", (sanitize_line(match.meaning), MUTED)
    )
