"""The dialog Measure on other machines: asks for hosts, describes them, follows them, and compares their results."""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static

from latency_tui.errors import UsageError
from latency_tui.tui.hosts_view import HostsStage, HostsView, HostsWanted, sharing_refusal
from latency_tui.tui.screens.dialog import Dialog
from latency_tui.tui.screens.hosts_lines import detail_lines, host_lines, top_lines
from latency_tui.tui.screens.options_form import option_line
from latency_tui.tui.text import sanitize_line
from latency_tui.tui.widgets.row_list import RowList

_KEYS: dict[HostsStage, str] = {
    "entering": "enter finds the hosts · esc cancels",
    "connecting": "esc stops",
    "found": "enter measures · esc goes back",
    "measuring": "esc stops and keeps the results",
    "stopping": "stopping …",
    "finished": "enter opens a host · H measures again · esc closes",
}


_ROOM_FOR_HINTS = 78
"""Width of the terminal from which on the meaning of a field stands beside it."""


class HostsActions(Protocol):
    """What the dialog asks for."""

    def connect(self, wanted: HostsWanted) -> None:
        """Look for hosts; raises `UsageError` if the fields name none."""

    def measure(self, *, share: bool = False) -> None:
        """Measure on every host that was found, or let them share the launches."""

    def stop(self) -> None:
        """Stop what runs."""

    def again(self) -> None:
        """Ask for hosts again."""

    def open_result(self, host: str) -> None:
        """Show the result of a host in the tabs."""


class HostsDialog(Dialog[None]):
    """Shows one stage of a measurement on other machines at a time.

    Args:
        view: What to show.
        actions: Does what the user asks for.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop_or_close", "Close"),
        Binding("x", "stop", show=False),
        Binding("H", "again", show=False),
        Binding("pagedown", "scroll(10)", show=False, priority=True),  # the list of hosts would take it
        Binding("pageup", "scroll(-10)", show=False, priority=True),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
    ]

    def __init__(self, view: HostsView, actions: HostsActions) -> None:
        super().__init__()
        self._view = view
        self._actions = actions
        self._stage: HostsStage | None = None

    def compose(self) -> ComposeResult:
        """Yield the parts of all stages."""
        wanted = self._view.wanted
        with VerticalScroll(id="sheet", can_focus=False) as sheet:
            sheet.border_title = "Measure on other machines"
            with Grid(id="lines"):
                yield from option_line("hosts", "Hosts", wanted.hosts, "names, such as a,b,local")
                yield from option_line("cluster", "Cluster", wanted.cluster, "or a Dask scheduler: address or file")
                yield from option_line("python", "Python", wanted.python, "on the hosts; empty if the same path")
            yield Static(id="top", markup=False)
            yield RowList(id="found", markup=False)
            yield Static(id="details", markup=False)
            with Horizontal(id="consent"):
                yield Button("Measure", id="measure", variant="primary", compact=True, action="screen.measure")
                yield Button("Share the launches", id="share", compact=True, action="screen.measure(True)")
                yield Button("Cancel", compact=True, action="screen.stop_or_close")

    def on_mount(self) -> None:
        """Show the view."""
        self._paint()

    def on_resize(self) -> None:
        """Lay out the lines again."""
        self.call_after_refresh(self._paint)

    def show(self, view: HostsView) -> None:
        """Show another view."""
        self._view = view
        if self.is_mounted and not self.closed:
            self._paint()

    def _paint(self) -> None:
        if self.closed:
            return
        view, sheet = self._view, self.query_one("#sheet")
        sheet.set_class(self.app.size.width < _ROOM_FOR_HINTS, "-slim")
        width = max(sheet.content_region.width - 2, 12)  # a scrollbar may appear
        sheet.border_subtitle = _KEYS[view.stage]
        self._write("#top", top_lines(view, width))
        self._write("#details", detail_lines(view, width))
        found = self.query_one("#found", OptionList)
        lines = host_lines(view, width)
        place = found.highlighted or 0
        found.display = bool(lines)
        found.set_options(lines)
        found.highlighted = min(place, len(lines) - 1) if view.stage == "finished" and lines else None
        if self._stage != view.stage:
            self._stage = view.stage
            sheet.set_class(view.stage in ("entering", "connecting"), "-small")
            self.call_after_refresh(self._paint)  # at the new width
            self.query_one("#lines").display = view.stage == "entering"
            self.query_one("#consent").display = view.stage == "found"
            self._focus(view)
            sheet.scroll_home(animate=False)

    def _write(self, where: str, lines: list[Content]) -> None:
        part = self.query_one(where, Static)
        part.display = bool(lines)
        part.update(Content("\n").join(lines))

    def _focus(self, view: HostsView) -> None:
        """Give the focus to what the stage asks for."""
        button = self.query_one("#measure", Button)
        count = len(view.lines)
        button.label = "Measure on the only host" if count == 1 else f"Measure on {count} hosts"
        button.disabled = not count
        self.query_one("#share").display = not sharing_refusal(view)
        if view.stage == "entering":
            name = "cluster" if view.wanted.cluster else "hosts"
            self.query_one(f"#{name}", Input).focus()
        elif view.stage == "found":
            button.focus(scroll_visible=False)
        elif view.stage == "finished":
            self.query_one("#found", OptionList).focus(scroll_visible=False)
        else:
            self.set_focus(None)

    # --- what the user does ------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _connect(self, event: Input.Submitted) -> None:
        event.stop()
        texts = {field.id: field.value for field in self.query(Input)}
        try:
            self._actions.connect(HostsWanted(texts["hosts"], texts["cluster"], texts["python"]))
        except UsageError as error:
            self._write("#top", [Content.styled(sanitize_line(str(error)), "$text-error")])

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        view = self._view
        if view.stage == "finished" and event.option_index < len(view.lines):
            self._actions.open_result(view.lines[event.option_index].name)

    def action_measure(self, share: bool = False) -> None:
        """Measure on every host that was found, or let them share the launches."""
        self._actions.measure(share=share)

    def action_stop(self) -> None:
        """Stop what runs."""
        if self._view.is_running:
            self._actions.stop()

    def action_stop_or_close(self) -> None:
        """Stop what runs, or go back to the fields; otherwise close the dialog."""
        if self._view.is_running or self._view.stage == "found":
            self._actions.stop()
        else:
            self.dismiss()

    def action_again(self) -> None:
        """Ask for hosts again."""
        if self._view.stage == "finished":
            self._actions.again()

    def action_move(self, step: int) -> None:
        """Move between fields, or scroll."""
        if self._view.stage == "entering":
            (self.focus_next if step > 0 else self.focus_previous)(Input)
        else:
            self.action_scroll(step)

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        if not self.closed:
            self.query_one("#sheet").scroll_relative(y=lines, animate=False)
