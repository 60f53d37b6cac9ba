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
from latency_tui.tui.text import clean, fit
from latency_tui.tui.widgets.row_list import RowList

Taken = TypeVar("Taken")

_PAUSE_SECONDS = 0.15  # pause in typing after which a file is inspected
_PAGE = 8
_MAX_SAID = 400
_LABEL, _NOTE = 26, 15


class Picker(Dialog[Taken], Generic[Taken]):
    """Updates the list while the user types; Tab completes, Enter accepts, Escape cancels."""

    CSS_PATH = "sheets.tcss"
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
        self._taken: str | None = None  # the text that was accepted, until the text changes

    # --- what the kinds of it say ------------------------------------------------------------------------------------

    @abstractmethod
    def find(self, text: str) -> list[Match]:
        """Return the completions of a text; called in a thread."""

    @abstractmethod
    async def look(self, text: str) -> Content | None:
        """Return a description of what a text names; None if it is not a complete name or path yet.

        Raises:
            LatencyTuiError: It is complete, but cannot be accepted.
        """

    @abstractmethod
    async def take(self, text: str) -> None:
        """Accept a text and close, or show what is missing.

        Raises:
            LatencyTuiError: It cannot be accepted.
        """

    def more(self) -> ComposeResult:
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
            yield from self.more()
            yield Static(Content.styled(self.HINT, MUTED), id="hint", markup=False)

    def on_mount(self) -> None:
        """Show the completions of the empty text."""
        self._follow("")

    @property
    def text(self) -> str:
        """The text of the field."""
        return self.query_one("#wanted", Input).value.strip()

    def say(self, words: str, style: str = MUTED) -> None:
        """Show a sentence below the field; the middle of a very long one is omitted."""
        if len(words) > _MAX_SAID:
            words = f"{words[: _MAX_SAID // 2]} … {words[-_MAX_SAID // 2 :]}"
        self.query_one("#hint", Static).update(Content.styled(clean(words), style))

    def show_known(self, known: Content | None) -> None:
        """Show a description instead of the list; show the list again if the description is empty."""
        self._list.display = known is None and bool(self._list.option_count)
        self.query_one("#found").display = known is not None
        self.query_one("#known", Static).update(known or "")

    @on(Input.Changed, "#wanted")
    def _follow_typing(self) -> None:
        if self.text != self._taken:  # otherwise `take` reports it
            self._taken = None
            self._follow(self.text)

    def _follow(self, text: str) -> None:
        self.say(self.HINT)
        run_in_background(self, partial(self._find, text), group="look")

    async def _find(self, text: str) -> None:
        self._list.show(await asyncio.to_thread(self.find, text), marked=bool(text.rpartition("/")[2]))
        self.show_known(None)
        if not text:
            return
        await asyncio.sleep(_PAUSE_SECONDS)
        try:
            known = await self.look(text)
        except LatencyTuiError as error:
            self.show_known(None)
            self.say(str(error), "$text-error")
            return
        self.show_known(known)

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
    def _take_line(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if isinstance(event.option, _MatchOption):
            self._take_match(event.option.match)

    @on(Input.Submitted, "#wanted")
    def _take_typed(self, event: Input.Submitted) -> None:
        event.stop()
        match = self.highlighted
        if match is not None and match.text != self.text and not self.is_meant(self.text):
            self._take_match(match)
        elif self.text:
            self.take_soon(self.text)
        else:
            self.say("Type something first, or select a line of the list.", "$text-error")

    def is_meant(self, text: str) -> bool:
        """Return whether a text is a complete name or path, and not the beginning of the highlighted one."""
        return any(match.text.casefold() == text.casefold() for match in self._list.matches)

    def _take_match(self, match: Match) -> None:
        self.fill(match.text)
        if match.kind == "name":
            self.take_soon(match.text)

    def take_soon(self, text: str) -> None:
        """Accept a text in a worker; a running inspection is cancelled, so that it shows nothing afterwards."""
        self.workers.cancel_group(self, "look")
        self._taken = text
        run_in_background(self, partial(self._take, text), group="take")

    async def _take(self, text: str) -> None:
        try:
            await self.take(text)
        except LatencyTuiError as error:
            self.say(str(error), "$text-error")

    @on(Worker.StateChanged)
    def _notice_fault(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            self.say(f"{type(error).__name__}: {error} Please report this.", "$text-error")


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
    note = fit(clean(match.note), _NOTE) if match.note else ""
    wide = _LABEL if note or match.meaning else len(match.label)
    label = clean(match.label) if is_path(match.text) and not match.meaning else fit(clean(match.label), wide)
    return Content.assemble((label, ""), "  " if note else "", (note, MUTED), "  ", (clean(match.meaning), MUTED))
