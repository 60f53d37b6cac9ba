"""Keys and clicks that arrive twice, too early or too late: a dialog closes once and the app lives on."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings

import pytest
from textual import events
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

from latency_tui.tui.screens.add_model import AddModelScreen
from latency_tui.tui.screens.change_data import ChangeDataScreen
from latency_tui.tui.screens.dialog import ClosesOnce
from latency_tui.tui.screens.picker import Picker
from tests.parameters import one_quick
from tests.tui.conftest import Open
from tests.tui.fake_engine import Script, until


@pytest.mark.parametrize("key", ["question_mark", "plus", "d", "v", "W", "ctrl+p"])
async def test_a_dialog_that_is_closed_twice_leaves_the_main_screen(open_app: Open, key: str) -> None:
    async with open_app() as harness:
        await harness.press(key)
        await until(lambda: harness.app.screen is not harness.screen)
        dialog = harness.app.screen
        assert isinstance(dialog, ModalScreen)
        assert isinstance(dialog, ClosesOnce)
        dialog.dismiss()
        dialog.dismiss()
        await until(lambda: harness.app.screen is harness.screen)
        await harness.press("j")
        assert harness.state.highlighted == harness.state.rows[1].slug


@pytest.mark.slow
async def test_enter_twice_in_the_palette_does_the_command_once(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("ctrl+p", *"control")
        palette = harness.app.screen
        options = palette.query_one(OptionList)
        await until(lambda: options.option_count > 0 and options.highlighted == 0)
        field = palette.query_one(Input)
        for _ in range(2):
            field.post_message(Input.Submitted(field, field.value))
        await until(lambda: harness.app.screen is harness.screen)
        await until(lambda: harness.state.control)
        assert harness.app.is_running


@pytest.mark.slow
async def test_clicks_beside_the_palette_close_it_alone(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("ctrl+p")
        await until(lambda: harness.app.screen is not harness.screen)
        await harness.pilot.click(offset=(0, 44), times=3)
        await until(lambda: harness.app.screen is harness.screen)
        assert harness.app.is_running


async def test_the_palette_does_not_open_over_a_dialog(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("question_mark", "ctrl+p")
        assert len(harness.app.screen_stack) == 2


@pytest.mark.parametrize("dialog", [AddModelScreen, ChangeDataScreen])
@pytest.mark.parametrize("keys", one_quick(["a tab enter", "tab", "pagedown pageup down up", "enter"]))
async def test_keys_pressed_before_a_picker_has_its_list_do_no_harm(
    open_app: Open, dialog: type[Picker[object]], keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = threading.Event()
    completions = dialog.completions
    monkeypatch.setattr(dialog, "completions", lambda self, text: (slow.wait(20), completions(self, text))[1])
    async with open_app() as harness:
        await harness.press("plus" if dialog is AddModelScreen else "d")
        await until(lambda: isinstance(harness.app.screen, dialog))
        await harness.press(*keys.split())
        slow.set()
        await harness.pilot.pause(0.3)
        await harness.press("escape")
        assert harness.app.is_running


async def test_a_picker_that_is_closed_before_its_list_comes_says_nothing(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = threading.Event()
    completions = AddModelScreen.completions
    monkeypatch.setattr(AddModelScreen, "completions", lambda self, text: (slow.wait(20), completions(self, text))[1])
    async with open_app() as harness:
        await harness.press("plus")
        await until(lambda: isinstance(harness.app.screen, AddModelScreen))
        picker = harness.app.screen
        picker.dismiss()
        slow.set()
        await until(lambda: not picker.is_attached)
        await until(lambda: not [worker for worker in harness.app.workers if worker.node is picker])
        assert harness.app.is_running


@pytest.mark.parametrize("key", ["pagedown", "pageup", "end", "home"])
async def test_a_page_of_a_list_that_is_not_laid_out_moves_by_a_row(open_app: Open, key: str) -> None:
    async with open_app(3, 2) as harness:  # too small for the list to have any lines
        await harness.press(key, key)
        assert harness.app.is_running


@pytest.mark.slow
async def test_escape_leaves_the_chart_and_a_second_one_stops(open_app: Open, script: Script) -> None:
    script.gate = asyncio.Event()
    async with open_app() as harness:
        await harness.press("p")
        await until(lambda: bool(harness.state.result))
        await harness.press("e")
        await until(lambda: harness.screen.maximized is not None)
        await harness.press("escape")
        assert harness.screen.maximized is None
        assert harness.state.progress.phase == "measuring"
        await harness.press("escape")
        await harness.idle()
        assert harness.state.result is not None


async def test_a_click_on_a_widget_that_was_just_removed_does_nothing(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app() as harness:
        await harness.press("plus")
        await until(lambda: bool(harness.app.screen.query("#hint")))
        dialog = harness.app.screen
        hint = dialog.query_one("#hint")
        await until(lambda: bool(hint.region))
        x, y = hint.region.offset
        press = events.MouseDown(hint, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y)
        with monkeypatch.context() as removed:
            removed.setattr(hint, "_parent", None)  # Textual detaches it a little before it takes it off the screen
            dialog._forward_event(press)
        await harness.press("escape")
        await until(lambda: harness.app.screen is harness.screen)


async def test_a_search_that_the_next_letter_overtakes_leaves_no_warning(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("plus")
        dialog = harness.app.screen
        assert isinstance(dialog, Picker)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for text in ("r", "ra", "ran"):
                dialog._update_completions(text)  # each ends the search before it, which has not begun
            await harness.pilot.pause()
            gc.collect()
        assert not [str(warning.message) for warning in caught]
