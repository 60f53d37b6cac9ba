"""Pictures of the main screen: made events, so that every run draws the same."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from latency_tui.plan import BUILTIN_MODELS
from latency_tui.tui.app import LatencyApp
from latency_tui.tui.screens import main
from latency_tui.tui.screens.main import MainScreen
from tests.parameters import one_quick
from tests.tui.fake_engine import Script, fake_plan, until

SIZES = [(140, 45), (100, 30), (80, 24)]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSH_CONNECTION", "NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(main, "REDRAWS_PER_SECOND", 0.001)  # the clock draws nothing: pictures are the same each time


def make_app(script: Script) -> LatencyApp:
    return LatencyApp(fake_plan(), BUILTIN_MODELS, engine_factory=script.make)


def main_screen(pilot: Pilot[None]) -> MainScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    return screen


async def opened(pilot: Pilot[None]) -> None:
    await until(lambda: main_screen(pilot).results is not None)
    await pilot.pause(0.1)


async def profiled(pilot: Pilot[None]) -> None:
    await opened(pilot)
    await pilot.press("p")
    await until(lambda: bool(main_screen(pilot).state.measurements))
    await until(lambda: main_screen(pilot).state.work == "idle")
    await until(lambda: all(w.is_finished or w.group == "load" for w in main_screen(pilot).workers))
    await pilot.pause(0.3)


@pytest.mark.parametrize("size", one_quick(SIZES, whole=True), ids=str)
def test_before_anything_is_measured(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    assert snap_compare(make_app(Script()), terminal_size=size, run_before=opened)


@pytest.mark.parametrize("size", one_quick(SIZES, whole=True), ids=str)
def test_measured(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    assert snap_compare(make_app(Script()), terminal_size=size, run_before=profiled)


@pytest.mark.parametrize("size", one_quick(SIZES, whole=True), ids=str)
def test_compared(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    async def compared(pilot: Pilot[None]) -> None:
        await profiled(pilot)
        await pilot.press("3")
        await pilot.pause(0.2)

    assert snap_compare(make_app(Script()), terminal_size=size, run_before=compared)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "size"), [(0, (140, 45)), (0, (80, 24)), *((view, (100, 30)) for view in range(4))], ids=str
)
def test_spread(snap_compare, view: int, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    async def spread(pilot: Pilot[None]) -> None:
        await profiled(pilot)
        await pilot.press("2", *"g" * view)
        await pilot.pause(0.2)

    assert snap_compare(make_app(Script()), terminal_size=size, run_before=spread)


def test_while_it_measures(snap_compare) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    script = Script()

    async def measuring(pilot: Pilot[None]) -> None:
        script.gate = asyncio.Event()
        await opened(pilot)
        await pilot.press("p")
        await until(lambda: main_screen(pilot).state.progress.done == 3)
        main_screen(pilot).controller.update()
        await pilot.pause(0.3)

    assert snap_compare(make_app(script), terminal_size=(140, 45), run_before=measuring)


def test_a_failed_model(snap_compare) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    script = Script()
    script.failing = {"rbf-svm"}
    assert snap_compare(make_app(script), terminal_size=(120, 40), run_before=profiled)


def test_by_daylight(snap_compare) -> None:  # type: ignore[no-untyped-def]  # an untyped fixture
    app = make_app(Script())
    app.theme = "textual-light"
    assert snap_compare(app, terminal_size=(120, 40), run_before=profiled)
