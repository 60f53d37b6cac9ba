"""The app over a made engine, at any size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.plan import BUILTIN_MODELS, ModelSpec, Plan
from latency_tui.tui.app import LatencyApp
from latency_tui.tui.screens.main import MainScreen
from latency_tui.tui.state import State
from tests.tui.fake_engine import Script, fake_plan, until


@dataclass
class AppHarness:
    """A user at the app.

    Attributes:
        app: The app.
        pilot: Presses its keys.
        script: What the fake engine does.
    """

    app: LatencyApp
    pilot: Pilot[None]
    script: Script

    @property
    def screen(self) -> MainScreen:
        """The main screen."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def state(self) -> State:
        """What the main screen is painted from."""
        return self.screen.state

    async def press(self, *keys: str) -> None:
        """Press keys, and let the screen answer."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def paste(self, text: object) -> None:
        """Paste text into what has the focus: quicker than its keys one by one."""
        self.app.post_message(events.Paste(str(text)))
        await self.pilot.pause()

    async def profile(self) -> None:
        """Press Profile and wait for the exact result."""
        before = len(self.state.measurements)
        await self.press("p")
        await until(lambda: len(self.state.measurements) > before)
        await self.idle()

    async def idle(self) -> None:
        """Wait until nothing runs, and what was measured is computed."""
        await until(lambda: self.state.work == "idle")
        await until(lambda: all(worker.is_finished or worker.group == "load" for worker in self.screen.workers))
        await self.pilot.pause(0.1)

    def text(self) -> str:
        """Return what is on the screen, as a reader sees it."""
        _, height = self.app.size
        strips = self.app.screen._compositor.render_strips()  # what a terminal is sent; there is no public way to it
        return "\n".join(strip.text for strip in strips[:height])


Open = Callable[..., AbstractAsyncContextManager[AppHarness]]


@pytest.fixture
def script() -> Script:
    """Return what the fake engine will do; a test may change it."""
    return Script()


@pytest.fixture
def open_app(script: Script, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return a way to open the app at a size."""
    for name in ("SSH_CONNECTION", "NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)

    monkeypatch.setattr("latency_tui.tui.confirmation.ASK_AFTER_SECONDS", 1e6)  # on a busy machine 5 s go by
    monkeypatch.setattr("latency_tui.tui.confirmation.CONFIRM_SECONDS", 1e6)

    @asynccontextmanager
    async def opened(
        width: int = 140,
        height: int = 45,
        plan: Plan | None = None,
        models: tuple[ModelSpec, ...] = BUILTIN_MODELS,
        configuration: LoadedConfiguration | None = None,
        history: Path | None = None,
    ) -> AsyncIterator[AppHarness]:
        app = LatencyApp(
            plan or fake_plan(), models, configuration=configuration, engine_factory=script.make, history=history
        )
        async with app.run_test(size=(width, height), notifications=True) as pilot:
            harness = AppHarness(app, pilot, script)
            await until(lambda: harness.screen.results is not None)
            await pilot.pause()
            yield harness

    return opened
