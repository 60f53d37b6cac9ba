"""The main screen: lays out its parts, binds the keys, and paints every part from the state.

It owns no numbers and talks to no engine: `MeasurementController` does, `reducers` compute the next state, and
`Dialogs` opens what lies above.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import OptionList
from textual.worker import Worker

from latency_tui.plan import Candidate, Plan
from latency_tui.tui import commands
from latency_tui.tui.background import run_in_background
from latency_tui.tui.bindings import bindings
from latency_tui.tui.dialogs import Dialogs
from latency_tui.tui.engine_session import EngineFactory
from latency_tui.tui.history_controller import HistoryController
from latency_tui.tui.layout import divide, mode_of
from latency_tui.tui.measurement_controller import MeasurementController
from latency_tui.tui.messages import EngineMessage, FieldChanged, FieldLeft, ResultsLoaded, SavedPointed
from latency_tui.tui.notices import notify, notify_refusal
from latency_tui.tui.reducers.commands import REDUCERS, highlight, highlight_named, type_text
from latency_tui.tui.reducers.tabs import tabs_of, visible_tab
from latency_tui.tui.state import State, arrangement, start
from latency_tui.tui.store import Store
from latency_tui.tui.styles import CandidateStyle, candidate_styles, with_cells
from latency_tui.tui.textual_guards import DropsLateMessages, call_after_refresh_of
from latency_tui.tui.view_controller import ViewController
from latency_tui.tui.widgets.about import About
from latency_tui.tui.widgets.answer_line import AnswerLine
from latency_tui.tui.widgets.empty import EmptyState
from latency_tui.tui.widgets.key_line import KeyLine
from latency_tui.tui.widgets.measure_panel import MeasurePanel, progress_words
from latency_tui.tui.widgets.model_list import ModelList
from latency_tui.tui.widgets.painted_widget import CandidatePointed, SizeChanged
from latency_tui.tui.widgets.pane import PaintContext
from latency_tui.tui.widgets.tab_strip import TabStrip
from latency_tui.tui.widgets.title_line import TitleLine

if TYPE_CHECKING:
    from pathlib import Path

    from latency_tui.catalog.configuration import LoadedConfiguration
    from latency_tui.history.listing import Row
    from latency_tui.tui.widgets.results import Results

REDRAWS_PER_SECOND = 4
REDRAWS_PER_SECOND_BY_SSH = 2
_PLAN_ROWS = 9  # of list and plan side by side
_MIN_TABLE = 3  # rows
_PARTS = ("#title", "#outer-tabs", "#list", "#about", "#measure", "#answer", "#keys", "#empty")


class MainScreen(DropsLateMessages):
    """Models and plan on one side, results on the other; or a tab for each where the terminal is narrow.

    Attributes:
        store: The state, and the only way to change it.
        controller: The one place that talks to the engine.
        results: The widget that shows results, once it is loaded.
        opened_at_start: A result of the history or a file that is read and shown after the first frame.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    AUTO_FOCUS = "ModelList"
    ALLOW_IN_MAXIMIZED_VIEW = "TitleLine, AnswerLine, KeyLine"
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self,
        plan: Plan,
        candidates: tuple[Candidate, ...],
        engine_factory: EngineFactory,
        configuration: LoadedConfiguration | None = None,
        *,
        history: Path | None = None,
    ) -> None:
        super().__init__()
        self.store = Store(start(plan, candidates), self._show_change)
        self.controller = MeasurementController(self, self.store, engine_factory, history)
        self._saved_results = HistoryController(self, self.store, history)
        models = tuple(candidate.model for candidate in candidates)
        self._dialogs = Dialogs(self, self.store, self.controller, models, configuration)
        self._view = ViewController(self, self.store)
        self._actions = self._command_actions()
        self.results: Results | None = None
        self.opened_at_start: Row | Path | None = None
        self._layout = divide(100, 30, len(candidates))
        self._candidate_styles: dict[str, CandidateStyle] = {}
        self._parts: tuple[Widget, ...] = ()
        self._painting = False

    @property
    def state(self) -> State:
        """The current state."""
        return self.store.state

    # --- from the first frame to the end -----------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Yield every part; the results follow after the first frame."""
        self._layout = divide(*self.app.size, len(self.state.selected))
        self._name_mode()  # before there are children, whose styles would all have to be computed again
        yield TitleLine(id="title")
        yield TabStrip(id="outer-tabs")
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield ModelList(id="list")
                yield MeasurePanel(self.state, id="measure")
                yield About(id="about")
            with Vertical(id="main"):
                yield EmptyState(id="empty")
        yield AnswerLine(id="answer")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Start the clock that redraws, and follow the theme."""
        by_ssh = "SSH_CONNECTION" in os.environ
        redraws_per_second = REDRAWS_PER_SECOND_BY_SSH if by_ssh else REDRAWS_PER_SECOND
        self.set_interval(1 / redraws_per_second, self.controller.update)
        self._parts = tuple(self.query(", ".join(_PARTS)))
        self.app.theme_changed_signal.subscribe(self, lambda _: self._apply_theme())
        self._apply_theme()
        for part in self._parts:  # so that the first frame lacks nothing
            self._paint_part(part)
        self.query_one(About).paint(self.state, self._candidate_styles)  # its title, before it has a size

    def begin(self) -> None:
        """Start what takes time; to be called when the first frame is out."""
        self.controller.start_engine()
        run_in_background(self, self._load_results, group="load")
        if self.opened_at_start is not None:
            self._saved_results.open_at_start(self.opened_at_start)

    async def _load_results(self) -> None:
        """Import numpy, the statistics and the charts in a thread."""
        await self.controller.load_statistics()
        module = await asyncio.to_thread(importlib.import_module, "latency_tui.tui.widgets.results")
        self.post_message(ResultsLoaded(module.Results(id="results")))

    @on(ResultsLoaded)
    async def _mount_results(self, message: ResultsLoaded) -> None:
        message.results.display = False
        await self.query_one("#main").mount(message.results)
        self.results = message.results
        self.arrange_parts()

    async def on_unmount(self) -> None:
        """Leave no process behind."""
        await self.controller.close()

    # --- layout and painting -----------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Divide the new size."""
        self.arrange_parts()

    def _apply_theme(self) -> None:
        self._candidate_styles = candidate_styles(self.state.colours, self.app.current_theme, self.app.theme_variables)
        self.arrange_parts()

    def _name_mode(self) -> None:
        for mode in ("wide", "narrow", "tiny"):
            self.set_class(self._layout.mode == mode, f"-{mode}")
        self.set_class(self.app.size.width < 70, "-slim")

    def arrange_parts(self) -> None:
        """Lay out the screen, then paint once the widgets know their sizes."""
        if not self.children:  # a size that came before the parts
            return
        width, height = self.app.size
        if (mode := mode_of(width, height)) != self.state.mode:
            self.store.change(replace(self.state, mode=mode), paint=False)
        state = self.state.displayed
        tab = visible_tab(state)
        rows = len(state.measurement.candidates) if state.measurement else 0
        answer = self.query_one(AnswerLine)
        lines = answer.lines(state, width)
        if mode == "tiny":
            lines = min(lines, max(height - 2 - _MIN_TABLE, 0))  # of a longer table, which scrolls, the rest
        answer.display = lines > 0
        answer.styles.height = lines
        self._layout = layout = divide(width, height, rows or len(state.selected), answer=lines)
        self._name_mode()
        says_what_to_press = tab.explains_itself and state.work == "idle"
        measured = self.results is not None and (bool(rows) or not tab.needs_result or says_what_to_press)
        self.query_one("#side").display = mode == "wide" or (mode == "narrow" and tab is commands.ShowModels)
        self.query_one("#main").display = mode != "narrow" or tab is not commands.ShowModels
        self.query_one("#about").display = mode == "wide" or height - 3 - lines - _PLAN_ROWS >= 3
        self.query_one("#empty").display = not measured
        if self.results is not None:
            self.results.display = measured
            self.results.apply_layout(layout, tab, rows)
        self.paint_soon()

    def _show_change(self, before: State) -> None:
        """Show the current state: its colours if models are new, its parts in their places if these change."""
        state = self.state
        self._saved_results.follow(before)
        if before.colours != state.colours:
            self._apply_theme()
        elif arrangement(before) != arrangement(state):
            self.arrange_parts()
        else:
            self.paint_soon()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    @on(SizeChanged)
    def paint_soon(self) -> None:
        """Paint once when everything that is on its way has arrived."""
        if not self._painting:
            self._painting = True
            call_after_refresh_of(self, self.paint)

    def _paint_part(self, part: Widget) -> None:
        """Have one part show the state; results, which are not there from the start, are painted with all of it."""
        state = self.state.displayed
        match part:
            case MeasurePanel():
                part.paint(state)
            case ModelList():
                part.paint(state, self._candidate_styles)
            case TitleLine() | AnswerLine() | EmptyState():
                part.show(partial(part.paint, state))
            case About():
                part.show(partial(part.paint, state, self._candidate_styles))
            case KeyLine():
                part.show(partial(part.paint, self.state, typing=self.typing, enlarged=self.maximized is not None))
            case TabStrip() if state.mode == "narrow":
                running = state.work != "idle"
                strip = partial(part.paint, tabs_of(state), visible_tab(state), self._hints(), names_give_way=running)
                part.show(strip)

    async def paint(self) -> None:
        """Have every visible part show the state."""
        self._painting = False
        if not self.is_mounted or not self.is_attached:
            return
        with self.app.batch_update():
            for part in self._parts:
                self._paint_part(part)
            if self.results is not None and self.results.display:
                await self.results.paint(self._paint_context(), hints=self._hints())

    def _paint_context(self) -> PaintContext:
        state = self.state.displayed
        plan = state.measurement.plan if state.measurement else state.plan
        styles = with_cells(self._candidate_styles, plan)
        return PaintContext(state, styles, self._layout, enlarged=self.maximized is not None)

    def _hints(self) -> tuple[str, ...]:
        """Return what the line of tabs has room to say, from the longest way to the shortest."""
        state = self.state.displayed
        tab = visible_tab(state)
        words = progress_words(state) if state.mode == "narrow" and tab is not commands.ShowModels else ()
        return words if words or self.results is None else self.results.hints(tab, self._paint_context())

    # --- messages ----------------------------------------------------------------------------------------------------

    @on(EngineMessage)
    def _handle_report(self, message: EngineMessage) -> None:
        self.controller.handle(message)

    @on(Worker.StateChanged)
    def _handle_fault(self, event: Worker.StateChanged) -> None:
        self.controller.handle_fault(event)

    @on(OptionList.OptionHighlighted)
    @on(OptionList.OptionSelected)
    def _handle_option(self, event: OptionList.OptionHighlighted | OptionList.OptionSelected) -> None:
        self.store.change(highlight(self.state, event.option_index))
        if isinstance(event, OptionList.OptionSelected):
            self.post_message(commands.Choose())

    @on(CandidatePointed)
    def _point(self, message: CandidatePointed) -> None:
        shown = self.state.displayed.measurement
        slug = shown.model_of(message.slug) if shown else message.slug
        again = slug == self.state.highlighted
        self.store.change(replace(self.state, highlighted=slug))
        if again and commands.ShowFailure.applies(self.state):
            self.post_message(commands.ShowFailure())

    @on(SavedPointed)
    def _point_saved(self, message: SavedPointed) -> None:
        self._saved_results.point(message.key)

    @on(FieldChanged)
    def _handle_text(self, message: FieldChanged) -> None:
        found = message.field == "find" and highlight_named(self.state, message.text)
        self.store.change(found or type_text(self.state, message.field, message.text))

    @on(FieldLeft)
    async def _leave_field(self) -> None:
        await self.query("#find").remove()
        models = self.query_one("#list")
        self.set_focus(models if models.focusable else None)

    # --- commands ----------------------------------------------------------------------------------------------------

    @property
    def typing(self) -> bool:
        """Whether letters go into a field."""
        return self.focused is not None and self.focused.check_consume_key("a", "a")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key does something now; while the user types, only help and palette do."""
        if action != "command":
            return True
        return not self.typing or parameters[0] in ("ShowHelp", "ShowPalette")

    def action_command(self, name: str) -> None:
        """Run the command of a key; escape leaves an enlarged chart before it stops anything."""
        command = commands.command_of_key(commands.COMMANDS[name], self.state)
        if command is commands.Stop and self.maximized is not None:
            self._view.enlarge(None)
        elif command.applies(self.state):
            self.post_message(command())
        elif words := commands.refusal(command, self.state):
            notify_refusal(self, words)

    def _command_actions(self) -> dict[type[commands.Command], Callable[[], object]]:
        """Return what each command does that is more than a change of the state."""
        return {
            **self.controller.actions(self._dialogs.ask_for_trust),
            **self._dialogs.actions(),
            **self._saved_results.actions(),
            **self._view.actions(),
            commands.ShowPalette: lambda: self.app.action_command_palette(),
            commands.ChangeTheme: lambda: self.app.search_themes(),
            commands.Quit: self._quit,
        }

    @on(commands.Command)
    async def _run(self, command: commands.Command) -> None:
        """Do what a key, a button or a line of the palette asked for."""
        kind = type(command)
        if reduce := REDUCERS.get(kind):
            if kind.applies(self.state):  # it may have changed since the key was pressed
                self.store.change(reduce(self.state))
                self._announce(command)
            return
        done = self._actions[kind]()
        if isinstance(done, Awaitable):
            await done

    def _announce(self, command: commands.Command) -> None:
        """Say what a command changed where the models and the plan are not on the screen."""
        if not self.query_one("#side").display and (words := commands.announcement(command, self.state)):
            notify(self, words)

    async def _quit(self) -> None:
        if self.controller.may_quit():
            await self.app.action_quit()
