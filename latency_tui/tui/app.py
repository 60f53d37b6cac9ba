"""The app: one screen over one session with an engine, and a clean end whichever way it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App

from latency_tui.engine.client import Engine
from latency_tui.plan import Candidate, ModelSpec, Plan
from latency_tui.tui.ending import end_on_signals
from latency_tui.tui.screens.main import MainScreen
from latency_tui.tui.session import EngineFactory

if TYPE_CHECKING:
    from textual.command import Provider

    from latency_tui.result.result import Result

DEFAULT_THEME = "tokyo-night"
_LONGEST_FAREWELL = 2.0


def _commands() -> type[Provider]:
    from latency_tui.tui.palette import Commands  # imported when the palette opens, not before the first frame

    return Commands


class LatencyApp(App[None]):
    """Measures how fast models answer, and shows it.

    Args:
        plan: What to measure; its candidates are the ones chosen at the start.
        models: Everything that can be chosen.
        engine_factory: Makes an engine that is not started yet.
    """

    TITLE = "latency-tui"
    COMMANDS: ClassVar[set[Any]] = {_commands}  # Any: Textual's own annotation names a private alias
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]  # Textual's annotation allows no list in a class
        "screens/main.tcss",
        "widgets/lines.tcss",
        "widgets/side.tcss",
    ]

    def __init__(self, plan: Plan, models: tuple[ModelSpec, ...], *, engine_factory: EngineFactory = Engine) -> None:
        super().__init__()
        self._plan = plan
        self._candidates = tuple(Candidate(model=model) for model in models)
        self._engine_factory = engine_factory
        self._main: MainScreen | None = None
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = DEFAULT_THEME

    @property
    def result(self) -> Result | None:
        """The result on the screen; None before the first numbers."""
        return self._main.state.result if self._main else None

    @property
    def farewell(self) -> str:
        """The last table as plain text, for the shell; empty where nothing was measured."""
        result = self.result
        if result is None:
            return ""
        from latency_tui.report import render

        return render(result)

    def get_default_screen(self) -> MainScreen:
        """Return the main screen, which is there from the first frame on."""
        self._main = MainScreen(self._plan, self._candidates, self._engine_factory)
        return self._main

    def on_mount(self) -> None:
        """End cleanly when the terminal or the system asks for it."""
        end_on_signals(self._end)

    async def action_quit(self) -> None:
        """End every process, then leave."""
        if self._main is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._main.session.close(), _LONGEST_FAREWELL)
        self.exit()

    def _end(self) -> None:
        self.run_worker(self.action_quit(), group="end", exclusive=True, exit_on_error=False)
