"""The Textual app: opens the main screen, and keeps the results and ends all processes whenever it exits."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App

from latency_tui.engine.client import Engine
from latency_tui.errors import UsageError
from latency_tui.history.listing import Row
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from latency_tui.tui.background import run_in_background
from latency_tui.tui.browser_tab import is_browser_tab
from latency_tui.tui.commands import KEY_LABELS
from latency_tui.tui.engine_session import EngineFactory
from latency_tui.tui.reducers.history import open_saved
from latency_tui.tui.screens.main import MainScreen
from latency_tui.tui.signals import install_signal_handlers
from latency_tui.tui.textual_guards import tolerate_any_input

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider
    from textual.driver import Driver
    from textual.messages import ExitApp

    from latency_tui.catalog.configuration import LoadedConfiguration
    from latency_tui.result.hosts import HostsResult
    from latency_tui.result.result import Result

DEFAULT_THEME = "tokyo-night"
SIXTEEN_COLOURS_THEME = "ansi-dark"
"""Theme for terminals with 16 colours, which show several colours of the default theme as the same one."""

_SHUTDOWN_SECONDS = 2.0


def _commands() -> type[Provider]:
    from latency_tui.tui.command_palette import Commands  # imported when the palette opens, not before the first frame

    return Commands


class LatencyApp(App[None]):
    """Measures the latency of models and shows the results.

    Args:
        plan: What to measure; its candidates are selected at the start. None for the built-in models.
        models: The models that can be selected; None for the built-in models.
        configuration: The configuration file, which defines keys, a theme and datasets; None if there is none.
        engine_factory: Creates an engine without starting it.
        history: The file of the history, in which results are kept; None to keep no results.
        saved: A saved result that is shown at the start: the result, or its row in the history or its file, which is
            then read after the first frame; None for none.

    Attributes:
        kept_files: Files with the results, if the app was terminated and they are not in the history; the newest last.
        kept_ids: Ids of the results in the history when the app has ended; the newest last.

    Raises:
        UsageError: The configuration names an unknown theme, action or key.
    """

    TITLE = "latency-tui"
    COMMANDS: ClassVar[set[Any]] = {_commands}  # Any: Textual's own annotation names a private alias
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]  # Textual's annotation allows no list in a class
        "screens/main.tcss",
        "widgets/styled_lines.tcss",
        "widgets/side.tcss",
    ]

    def __init__(
        self,
        plan: Plan | None = None,
        models: tuple[ModelSpec, ...] | None = None,
        *,
        configuration: LoadedConfiguration | None = None,
        engine_factory: EngineFactory = Engine,
        history: Path | None = None,
        saved: Result | Row | Path | None = None,
    ) -> None:
        tolerate_any_input()
        super().__init__()
        self._configuration = configuration
        builtin = tuple(Candidate(model=model) for model in BUILTIN_MODELS)
        self._plan = plan or Plan(candidates=builtin)
        self._candidates = builtin if models is None else tuple(Candidate(model=model) for model in models)
        self._engine_factory = engine_factory
        self._history = history
        self._saved = saved
        self._main: MainScreen | None = None
        self._opened = self._leaving = False
        self._panicked = False
        self._ended_by: signal.Signals | None = None
        self.kept_files: tuple[Path, ...] = ()
        self.kept_ids: tuple[str, ...] = ()
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = self._theme_wanted()
        self._keymap_wanted = self._keys_wanted()

    def get_driver_class(self) -> type[Driver]:
        """Return the driver class: Textual's default, or in a browser tab a driver that exits when the tab closes."""
        if not is_browser_tab():
            return super().get_driver_class()
        from latency_tui.tui.web_driver import TabDriver  # only a tab needs it

        return TabDriver

    @property
    def result(self) -> Result | None:
        """The result on the screen; None before the first numbers."""
        return self._main.state.result if self._main else None

    @property
    def last_result(self) -> Result | None:
        """The result on the screen, or the newest one with figures if it has none yet; None if there is no result."""
        earlier = [m.result for m in self._main.state.measurements if m.result] if self._main else []
        return self.result or next(reversed(earlier), None)

    @property
    def hosts_result(self) -> HostsResult | None:
        """The results of the last measurement on other machines; None if there is none."""
        return self._main.controller.hosts_result if self._main else None

    @property
    def exit_code(self) -> int:
        """0 if the user quit, 128 plus the signal number if a signal ended the app, 1 after an error."""
        if self._ended_by is not None:
            return 128 + self._ended_by
        return 1 if self._panicked else self.return_code or 0

    def panic(self, *renderables: RenderableType) -> None:
        """Exit with code 1 because of an error; Textual would exit with code 0."""
        self._panicked = True
        super().panic(*renderables)

    def keep_results(self, *, terminated: bool) -> None:
        """Keep the results in the history; if that fails and the user did not quit, write them to files."""
        if self._main is None:
            return
        self.kept_ids = self._main.controller.keep_results()
        if terminated and not self.kept_ids and not self.kept_files:
            from latency_tui.tui.emergency_save import save_results

            self.kept_files = save_results(self._main.controller.results_so_far())

    def get_default_screen(self) -> MainScreen:
        """Return the main screen, which is shown from the first frame."""
        self._main = MainScreen(
            self._plan, self._candidates, self._engine_factory, self._configuration, history=self._history
        )
        if isinstance(self._saved, Row | Path):
            self._main.opened_at_start = self._saved
        elif self._saved is not None:
            self._main.store.change(open_saved(self._main.state, self._saved), paint=False)
        return self._main

    def on_mount(self) -> None:
        """Apply the keys of the configuration, and install the signal handlers."""
        self.set_keymap(self._keymap_wanted)
        install_signal_handlers(partial(self.keep_results, terminated=True), self._end)

    def on_exit_app(self, message: ExitApp) -> None:
        """Exit after the first frame, because removing a screen while it is mounted raises errors."""
        if not self._opened:
            message.prevent_default()
            self._leaving = True

    def on_ready(self) -> None:
        """Start slow tasks after the first frame; enable garbage collection, which `open_app` disabled."""
        gc.freeze()  # objects created during start-up are long-lived
        gc.enable()
        self._opened = True
        if self._leaving:
            self.exit()
        elif self._main is not None:
            self._main.begin()

    def action_command_palette(self) -> None:
        """Open the palette if the main screen is active; no command applies while a dialog is open."""
        if self.screen is self._main:
            from latency_tui.tui.command_palette import Palette

            self.push_screen(Palette())

    def search_themes(self) -> None:
        """Open the palette of themes if the main screen is active."""
        if self.screen is self._main:
            from textual.theme import ThemeProvider

            from latency_tui.tui.command_palette import Palette

            self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes …"))

    async def action_quit(self) -> None:
        """End all processes, then exit."""
        if self._main is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._main.controller.close(), _SHUTDOWN_SECONDS)
        self.exit()

    def _theme_wanted(self) -> str:
        wanted = self._configuration.configuration.theme if self._configuration else ""
        if wanted and wanted not in self.available_themes:
            from latency_tui.plan.suggest import hint

            raise UsageError(f"There is no theme {wanted!r}; {hint(wanted, self.available_themes)}")
        return wanted or (SIXTEEN_COLOURS_THEME if self._has_sixteen_colours() else DEFAULT_THEME)

    def _has_sixteen_colours(self) -> bool:
        on_terminal = sys.__stderr__ is not None and sys.__stderr__.isatty()  # where Textual draws
        return on_terminal and self.console.color_system == "standard"

    def _keys_wanted(self) -> dict[str, str]:
        if self._configuration is None or not self._configuration.configuration.keys:
            KEY_LABELS.set({})
            return {}
        from latency_tui.tui.keymap import keymap  # few configurations change keys

        keys, labels = keymap(self._configuration.configuration.keys)
        KEY_LABELS.set(labels)
        return keys

    def _end(self, number: signal.Signals) -> None:
        self._ended_by = number
        run_in_background(self, self.action_quit, group="end")
