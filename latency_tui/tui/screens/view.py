"""What the main screen looks like: its parts, how they share a terminal, and how they are painted from a state."""

from __future__ import annotations

import asyncio
import importlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from latency_tui.plan import Candidate, Plan
from latency_tui.plan.colors import assign_colours
from latency_tui.tui import commands
from latency_tui.tui import state as states
from latency_tui.tui.bindings import bindings
from latency_tui.tui.layout import MIN_HEIGHT, MIN_WIDTH, divide
from latency_tui.tui.messages import ResultsLoaded
from latency_tui.tui.recordings import Recordings
from latency_tui.tui.state import State, Tab
from latency_tui.tui.styles import CandidateStyle, looks
from latency_tui.tui.textual_guards import is_leaving
from latency_tui.tui.widgets.about import About
from latency_tui.tui.widgets.answer_line import AnswerLine
from latency_tui.tui.widgets.empty import EmptyState
from latency_tui.tui.widgets.figures import DOUBT, has_doubt
from latency_tui.tui.widgets.key_line import KeyLine
from latency_tui.tui.widgets.measure_panel import MeasurePanel, progress_words
from latency_tui.tui.widgets.model_list import ModelList
from latency_tui.tui.widgets.painted import SizeChanged
from latency_tui.tui.widgets.tab_strip import TabStrip
from latency_tui.tui.widgets.title_line import TitleLine

if TYPE_CHECKING:
    from latency_tui.catalog.configuration import LoadedConfiguration
    from latency_tui.tui.widgets.results import Results

_PLAN_ROWS = 9  # of list and plan side by side
_MIN_TABLE = 3  # rows
_PARTS = ("#title", "#outer-tabs", "#list", "#about", "#measure", "#answer", "#keys", "#empty")
_PAINT_LOST_SECONDS = 1.0
"""After this time a paint that was asked for is asked for again, so that a lost callback leaves no part out of date."""


class View(Screen[None]):
    """The parts of the main screen; what happens to its state is told in `MainScreen`.

    Attributes:
        state: What is shown.
        models: Those that the app was opened with; a removed one can be had back by its name.
        configuration: The configuration file, whose datasets have names too; None for none.
        records: What the numbers are computed from.
        results: What shows results, once it is loaded.
        colours: Each candidate's colour by slug, of removed ones too, for results show them still.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    AUTO_FOCUS = "ModelList"
    ALLOW_IN_MAXIMIZED_VIEW = "TitleLine, AnswerLine, KeyLine"
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self, plan: Plan, candidates: tuple[Candidate, ...], configuration: LoadedConfiguration | None
    ) -> None:
        super().__init__()
        self.configuration = configuration
        self.state = states.start(plan, candidates)
        listed = tuple(candidate.model for candidate in candidates)
        own = configuration.models() if configuration else ()
        self.models = (*listed, *(model for model in own if model not in listed))
        self.records = Recordings()
        self.results: Results | None = None
        self._layout = divide(100, 30, len(candidates))
        self._looks: dict[str, CandidateStyle] = {}
        self.colours: dict[str, str] = {}
        self._still: State | None = None
        self._parts: tuple[Widget, ...] = ()
        self._painting = False
        self._paint_asked_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield every part; the results follow after the first frame."""
        self._layout = divide(*self.app.size, len(self.state.chosen))
        self._name_mode()  # before there are children, whose styles would all have to be computed again
        yield TitleLine(id="title")
        yield TabStrip(id="outer-tabs")
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield ModelList(id="list")
                yield MeasurePanel(self.state.plan, id="measure")
                yield About(id="about")
            with Vertical(id="main"):
                yield EmptyState(id="empty")
        yield AnswerLine(id="answer")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Dress the models in the theme's colours, now and whenever it changes."""
        self._parts = tuple(self.query(", ".join(_PARTS)))
        self.app.theme_changed_signal.subscribe(self, lambda _: self._apply_theme())
        self._apply_theme()
        for part in self.query("ModelList, MeasurePanel, About"):  # which have titles; the others when they are drawn
            self.paint_part(part)

    async def load_results(self) -> None:
        """Import numpy, the statistics and the charts beside the event loop; for after the first frame."""
        await self.records.load()
        module = await asyncio.to_thread(importlib.import_module, "latency_tui.tui.widgets.results")
        self.post_message(ResultsLoaded(module.Results(id="results")))

    @on(ResultsLoaded)
    async def _mount_results(self, message: ResultsLoaded) -> None:
        message.results.display = False
        await self.query_one("#main").mount(message.results)
        self.results = message.results
        self.arrange_parts()

    def on_resize(self) -> None:
        """Divide the new size."""
        self.arrange_parts()

    def _apply_theme(self) -> None:
        self.colours = assign_colours((row.candidate for row in self.state.rows), self.colours)
        self._looks = looks(self.colours, self.app.current_theme, self.app.theme_variables)
        self.arrange_parts()

    async def _on_message(self, message: Message) -> None:
        """Drop what is still on its way when the app leaves; there is no public way to."""
        ours = type(message).__module__.startswith(__package__.partition(".")[0])
        if not (ours and is_leaving(self.app)):
            await super()._on_message(message)

    @property
    def seen(self) -> State:
        """The state as shown: while frozen, the numbers of that moment."""
        if self._still is None or not self.state.frozen:
            return self.state
        return replace(self._still, tab=self.state.tab, highlighted=self.state.highlighted, frozen=True)

    @property
    def tab(self) -> Tab:
        """The tab that is open; the models have none of their own where they stand beside the results."""
        if self._layout.mode == "wide" and self.state.tab == "models":
            return "latency"
        if self._layout.mode == "tiny":
            return "latency" if self.state.measurements else "models"
        return self.state.tab

    @property
    def too_small_for_tabs(self) -> bool:
        """Whether the terminal shows a table alone."""
        return self._layout.mode == "tiny"

    @property
    def tab_of_models(self) -> bool:
        """Whether the models have a tab of their own."""
        return self._layout.mode == "narrow"

    @property
    def typing(self) -> bool:
        """Whether letters go into a field."""
        return self.focused is not None and self.focused.check_consume_key("a", "a")

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """The tabs that there are."""
        return ("models", "latency", "compare") if self._layout.mode == "narrow" else ("latency", "compare")

    def enlarge_next(self) -> None:
        """Enlarge the focused chart or the first one; then the other; then none."""
        if self.results is None:
            return
        parts = self.results.enlargeable(self.tab)
        if self.maximized in parts:
            place = parts.index(self.maximized) + 1
        else:
            place = parts.index(self.focused) if self.focused in parts else 0
        if place < len(parts):
            self.maximize(parts[place], container=False)
        else:
            self.minimize()
        self.arrange_parts()

    def leave_chart(self) -> None:
        """Show every part again after one was enlarged."""
        self.minimize()
        self.arrange_parts()

    def _name_mode(self) -> None:
        for mode in ("wide", "narrow", "tiny"):
            self.set_class(self._layout.mode == mode, f"-{mode}")
        self.set_class(self.app.size.width < 70, "-slim")

    def arrange_parts(self) -> None:
        """Divide the screen anew, then paint when the widgets know their sizes."""
        if not self.children:  # a size that came before the parts
            return
        state = self.seen
        width, height = self.app.size
        rows = len(state.measurement.candidates) if state.measurement else 0
        answer = self.query_one(AnswerLine)
        lines = answer.lines(state, width)
        if width < MIN_WIDTH or height < MIN_HEIGHT:
            lines = min(lines, max(height - 2 - _MIN_TABLE, 0))  # of a longer table, which scrolls, the rest
        answer.display = lines > 0
        answer.styles.height = lines
        self._layout = layout = divide(width, height, rows or len(state.chosen), answer=lines)
        self._name_mode()
        measured = bool(rows) and self.results is not None
        tab = self.tab
        self.query_one("#side").display = layout.mode == "wide" or (layout.mode == "narrow" and tab == "models")
        self.query_one("#main").display = layout.mode != "narrow" or tab != "models"
        self.query_one("#about").display = layout.mode == "wide" or height - 3 - lines - _PLAN_ROWS >= 3
        self.query_one("#empty").display = not measured
        if self.results is not None:
            self.results.display = measured
            self.results.divide_up(layout, tab, rows)
        self.paint_soon()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    @on(SizeChanged)
    def paint_soon(self) -> None:
        """Paint once when everything that is on its way has arrived."""
        now = time.monotonic()
        if not self._painting or now - self._paint_asked_at > _PAINT_LOST_SECONDS:
            self._painting, self._paint_asked_at = True, now
            self.call_after_refresh(self.paint)

    def paint_part(self, part: Widget) -> None:
        """Have one part show the state; results, which are not there from the start, are painted with all of it."""
        state = self.seen
        match part:
            case TitleLine() | MeasurePanel() | AnswerLine() | EmptyState():
                part.paint(state)
            case ModelList() | About():
                part.paint(state, self._looks)
            case KeyLine():
                part.paint(self.state, typing=self.typing, enlarged=self.maximized is not None)
            case TabStrip(id="outer-tabs") if self.tab_of_models:
                part.paint(self.tabs, self.tab, self._hints())

    def _hints(self) -> tuple[str, ...]:
        """Return what the line of tabs has room to say, from the longest way to the shortest."""
        state, layout = self.seen, self._layout
        words = progress_words(state) if self.tab_of_models and self.tab != "models" else ()
        if not words and layout.charts == "one" and self.tab == "latency" and state.result and self.results:
            other = "bars" if self.results.second_chart else "over the runs"
            words = (f"{commands.ShowLatency.key_label()} again: {other}",)
        if not words and state.result and self.tab == "latency" and has_doubt(state.result):
            words = (DOUBT, "?: needs more rounds")
        return words

    async def paint(self) -> None:
        """Have every visible part show the state."""
        self._painting = False
        if not self.is_mounted or not self.is_attached:
            return
        state, layout = self.seen, self._layout
        with self.app.batch_update():
            for part in self._parts:
                self.paint_part(part)
            if self.results is not None:
                enlarged = self.maximized is not None
                hints = self._hints()
                await self.results.paint(state, self._looks, layout, self.tab, hints=hints, enlarged=enlarged)

    def change(self, state: State, *, arrange: bool = False) -> None:
        """Take another state, and show it; `arrange` where the parts of the screen change places."""
        listed = [row.slug for row in self.state.rows] != [row.slug for row in state.rows]
        self.state = state
        if listed:
            self._apply_theme()
        elif arrange:
            self.arrange_parts()
        else:
            self.paint_soon()

    def open_tab(self, tab: Tab) -> None:
        """Show a tab; the one that is open, where it is to be the models and these stand beside it."""
        self.minimize()
        if tab == "models" and not self.tab_of_models and self.state.measurements:
            tab = self.state.tab
        self.change(replace(self.state, tab=tab), arrange=True)

    @on(commands.ShowModels)
    def _show_models(self) -> None:
        self._open_tab_asked("models")

    @on(commands.ShowLatency)
    def _show_latency(self) -> None:
        if self.too_small_for_tabs:
            self._refuse_tabs()
        if self.tab == "latency" and self.results is not None:
            self.results.second_chart = not self.results.second_chart
        self.open_tab("latency")

    @on(commands.ShowCompare)
    def _show_compare(self) -> None:
        self._open_tab_asked("compare")

    def _open_tab_asked(self, tab: Tab) -> None:
        """Open a tab; say so where the terminal is too small for tabs."""
        if self.too_small_for_tabs:
            self._refuse_tabs()
        self.open_tab(tab)

    def _refuse_tabs(self) -> None:
        words = f"This terminal is too small for tabs: they need {MIN_WIDTH} × {MIN_HEIGHT}."
        self.app.notify(words, title="Too small", severity="warning", timeout=4, markup=False)

    @on(commands.NextTab)
    @on(commands.PreviousTab)
    def _walk_tabs(self, message: commands.Command) -> None:
        if self.too_small_for_tabs:
            self._refuse_tabs()
            return
        tabs = self.tabs
        step = 1 if isinstance(message, commands.NextTab) else -1
        here = tabs.index(self.tab) if self.tab in tabs else 0  # a tiny terminal shows models without a tab of theirs
        self.open_tab(tabs[(here + step) % len(tabs)])

    @on(commands.SortComparison)
    @on(commands.ReverseComparison)
    def _sort_comparison(self, message: commands.Command) -> None:
        if self.too_small_for_tabs:
            self._refuse_tabs()
        elif self.results is not None and message.applies(self.state):
            self.results.sort_comparison(reverse=isinstance(message, commands.ReverseComparison))

    @on(commands.Enlarge)
    def _enlarge(self) -> None:
        self.enlarge_next()

    @on(commands.LeaveChart)
    def _leave_chart(self) -> None:
        self.leave_chart()
