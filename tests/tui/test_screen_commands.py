"""What a user sees at any size and how they move about: tabs, charts, help, palette, saving and copying."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from latency_tui.report import render
from latency_tui.result.result import load
from latency_tui.tui.app import LatencyApp
from latency_tui.tui.commands import COMMANDS
from latency_tui.tui.screens.help import HelpScreen
from latency_tui.tui.screens.save import SaveScreen
from latency_tui.tui.widgets.row_list import RowList
from tests.tui.conftest import Open
from tests.tui.fake_engine import MEDIANS, FakeEngine, fake_plan, until

SIZES = [(140, 45), (120, 40), (100, 30), (80, 24), (60, 16), (59, 15), (40, 12), (30, 8), (12, 4), (3, 2), (1, 1)]


async def test_compare_shows_ratio_interval_group_and_percentiles(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("3")
        text = harness.text()
        assert "against Logistic Regression" in text
        assert "verdict" in text
        assert "p99.9" in text
        assert "Too few calls for an interval; ≥ marks a lower bound" in text


@pytest.mark.slow
async def test_the_comparison_compares_p99_only_beside_two_that_are_known(open_app: Open) -> None:
    async with open_app(140, 45) as harness:
        await harness.press("r", *"1,000", "enter")
        await harness.profile()
        await harness.press("3")
        assert "p99 vs baseline" not in harness.text()  # beside lower bounds it would seem to contradict them
        [measurement] = harness.state.measurements
        assert measurement.result is not None
        candidates = tuple(
            msgspec.structs.replace(c, statistics=msgspec.structs.replace(c.statistics, p99=c.statistics.p50))
            for c in measurement.result.candidates
            if c.statistics is not None
        )
        result = msgspec.structs.replace(measurement.result, candidates=candidates)
        harness.screen.store.change(replace(harness.state, measurements=(replace(measurement, result=result),)))
        await until(lambda: "p99 vs baseline" in harness.text())
        assert re.search(r"\d\.\d\d× \(p 0\.\d+\)", harness.text())


async def test_the_comparison_says_what_would_settle_what_is_inconclusive(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEDIANS, "rbf-svm", MEDIANS["small-neural-network"] * 1.005)
    async with open_app(100, 30, plan=fake_plan(baseline="rbf-svm")) as harness:
        harness.script.noise = 0.2
        await harness.profile()
        await harness.press("3")
        assert "inconclusive" in harness.text()
        assert "is fastest" in harness.text()
        assert re.search(r"About [\d,]+ more runs \([^)]+\) should decide the", harness.text())


async def test_at_80_by_24_models_are_the_first_tab_and_cards_are_rows(open_app: Open) -> None:
    async with open_app(80, 24) as harness:
        assert "7 History" in harness.text(), "every tab is named"
        assert "0 Models" in harness.text()
        await harness.profile()
        text = harness.text()
        assert "95 % CI" in text
        assert "╭" not in text
        assert "100 runs" in text
        await harness.press("0")
        assert "[✔]" in harness.text()
        await harness.press("l", "l", "l")
        assert "against Logistic Regression" in harness.text()
        await harness.press("h", "h")
        assert "100 runs" in harness.text()


@pytest.mark.slow
async def test_any_size_shows_something_and_no_traceback(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        for width, height in SIZES:
            await harness.pilot.resize_terminal(width, height)
            for key in ("1", "3", "0", "e", "e", "e", "question_mark", "escape", "1", "1"):
                await harness.press(key)
            harness.app.clear_notifications()
            await harness.pilot.pause()
            if width >= 30 and height >= 8:
                assert "62.5 µs" in harness.text(), (width, height)


@pytest.mark.parametrize(("width", "height"), [(59, 15), (1, 1)])
async def test_it_opens_and_measures_in_a_small_terminal(open_app: Open, width: int, height: int) -> None:
    async with open_app(width, height) as harness:
        await harness.profile()
        await harness.pilot.resize_terminal(80, 24)
        await until(lambda: "62.5 µs" in harness.text())


@pytest.mark.slow
async def test_resized_down_to_one_cell_and_back_everything_is_as_it_was(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        before = harness.text()
        for width, height in (*SIZES, (140, 2), (2, 45), (140, 45)):
            await harness.pilot.resize_terminal(width, height)
            await harness.pilot.pause()
        await harness.pilot.pause(0.2)
        assert harness.text() == before


@pytest.mark.slow
async def test_no_chart_is_smaller_than_40_by_10(open_app: Open) -> None:
    async with open_app(80, 24) as harness:
        await harness.profile()
        for width in (60, 79, 80, 99, 100, 119, 120, 140):
            for height in (16, 20, 24, 30, 36, 45):
                await harness.pilot.resize_terminal(width, height)
                await harness.pilot.pause()
                for chart in harness.screen.query("#charts > *"):
                    if chart.is_on_screen and chart.size.area:
                        assert chart.size.width >= 40
                        assert chart.size.height >= 10


@pytest.mark.slow
async def test_e_enlarges_a_chart_then_the_other_then_none(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        seen = []
        for _ in range(3):
            await harness.press("e")
            maximized = harness.screen.maximized
            seen.append(maximized.id if maximized else None)
        assert seen == ["bars", "over-runs", None]
        await harness.press("e", "escape")
        assert harness.screen.maximized is None


@pytest.mark.slow
async def test_help_lists_every_key_and_closes(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("question_mark")
        assert isinstance(harness.app.screen, HelpScreen)
        for words in ("Measure the selected models", "Freeze the screen"):
            assert words in harness.text()
        await harness.press(*["j"] * 80)
        assert "OSC 52" in harness.text()
        await harness.press("escape")
        assert not isinstance(harness.app.screen, HelpScreen)


@pytest.mark.slow
async def test_the_palette_offers_only_what_applies_now(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("ctrl+p")
        await harness.pilot.pause(0.3)
        assert "Profile the selected models" in harness.text()
        assert "Save the result" not in harness.text()
        await harness.press(*"profile", "enter")
        await harness.pilot.pause(0.3)
        await harness.press("enter")
        await harness.idle()
        assert harness.state.result is not None


async def test_find_highlights_the_model_by_a_part_of_its_name(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("slash", *"large", "enter", "space")
        assert harness.state.highlighted == "large-neural-network"
        assert "[ ] ★ Large Neural Network" in harness.text()


@pytest.mark.slow
async def test_save_as_writes_what_the_suffix_says_and_refuses_with_a_sentence(open_app: Open, tmp_path: Path) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("s")
        await harness.press("end", "ctrl+u")
        await harness.paste(tmp_path / "result.xyz")
        await harness.press("enter")
        await harness.pilot.pause(0.2)
        assert isinstance(harness.app.screen, SaveScreen)
        assert "suffix" in harness.text()
        await harness.press("end", "ctrl+u")
        await harness.paste(tmp_path / "result.json")
        await harness.press("enter")
        await harness.pilot.pause(0.3)
        assert not isinstance(harness.app.screen, SaveScreen)
        assert load(tmp_path / "result.json").candidate("rbf-svm").calls == 100


@pytest.mark.slow
async def test_save_as_asks_before_it_overwrites_a_file(open_app: Open, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("mine")
    async with open_app() as harness:
        await harness.profile()
        await harness.press("s", "end", "ctrl+u")
        await harness.paste(kept)
        await harness.press("enter")
        assert "press enter again to overwrite" in harness.text()
        assert kept.read_text() == "mine"
        await harness.press("x", "backspace", "enter")
        assert kept.read_text() == "mine", "another name was asked about since"
        await harness.press("enter")
        await harness.pilot.pause(0.3)
        assert load(kept).candidate("rbf-svm").calls == 100


async def test_y_copies_the_table(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        await harness.press("y")
        assert "Logistic Regression" in harness.app.clipboard
        assert "62.5 µs" in harness.app.clipboard
        assert harness.app.last_result is not None
        assert render(harness.app.last_result).strip() == harness.app.clipboard.strip()


@pytest.mark.slow
async def test_names_with_markup_and_control_characters_are_shown_as_they_are(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("[bold red]loud[/]", "ein\x1b[31m Rot\x07", "模型一号", "[/x] open", "a" * 60, "$text {not} \\[esc]")
    models = tuple(
        ModelSpec(name=name, description="[b]d[/b]", factory="sklearn.svm:SVC", colour=m.colour)
        for name, m in zip(names, BUILTIN_MODELS, strict=True)
    )
    plan = Plan(candidates=tuple(Candidate(model=model) for model in models))
    for candidate, median in zip(plan.candidates, (50e3, 60e3, 70e3, 80e3, 90e3, 99e3), strict=True):
        monkeypatch.setitem(MEDIANS, candidate.slug, median)
    async with open_app(plan=plan, models=models) as harness:
        await harness.profile()
        for width, height in ((140, 45), (100, 30), (80, 24)):
            await harness.pilot.resize_terminal(width, height)
            await harness.pilot.pause(0.1)
            for key in ("1", "3", "0", "1"):
                await harness.press(key)
                assert "\x1b" not in harness.text()
                if key != "0" or width >= 100:
                    assert "[bold red]loud" in harness.text()
                    assert "模型一号" in harness.text()


@pytest.mark.slow
async def test_every_theme_dresses_the_models(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.profile()
        for theme in ("textual-light", "textual-dark", "nord", "gruvbox", "ansi-dark", "ansi-light"):
            harness.app.theme = theme
            await harness.pilot.pause(0.2)
            assert "could not be drawn" not in harness.text(), theme
            assert len(set(harness.screen._candidate_styles.values())) == 6, theme


@pytest.mark.parametrize(("width", "height"), [(60, 20), (40, 12)])
async def test_a_small_terminal_shows_the_whole_answer(open_app: Open, width: int, height: int) -> None:
    text = (
        "Linear SVM [assume_finite=true] looks fastest (p50 86.2 µs), but 100 runs are too few to be sure; "
        "about 3,000 more runs (82 s) should decide it."
    )
    async with open_app(width, height) as harness:
        await harness.profile()
        [measurement] = harness.state.measurements
        assert measurement.result is not None
        result = msgspec.structs.replace(measurement.result, answer=text)
        state = replace(harness.state, measurements=(replace(measurement, result=result),))
        harness.screen.store.change(state)
        await until(lambda: text in " ".join(harness.text().split()))
        assert "Logistic Regression" in harness.text()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_terminal_s_own_colours_show_the_highlighted_row(open_app: Open, theme: str) -> None:
    async with open_app() as harness:
        harness.app.theme = theme
        for opening in ("j", "v", "plus", "d"):
            await harness.press(opening)
            rows = harness.app.screen.query_one(RowList)
            await until(lambda rows=rows: rows.option_count > 1)  # type: ignore[misc]
            if opening != "j":
                await harness.press("down")
            height = rows.scrollable_content_region.height
            lines = [rows.render_line(y) for y in range(min(height, rows.option_count))]
            reversed_rows = [y for y, line in enumerate(lines) if all(s.style and s.style.reverse for s in line)]
            assert reversed_rows == [rows.highlighted], opening
            assert "predict" in harness.text().splitlines()[0], opening
            assert "Quit" in harness.text().splitlines()[-1], opening
            await harness.press("escape")


@pytest.mark.parametrize(
    ("term", "colours", "theme"),
    [
        ("xterm", "", "ansi-dark"),
        ("linux", "", "ansi-dark"),
        ("screen", "", "ansi-dark"),
        ("xterm", "truecolor", "tokyo-night"),
        ("xterm-256color", "", "tokyo-night"),
    ],
)
def test_a_terminal_of_16_colours_is_drawn_in_its_own(
    term: str, colours: str, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colours)
    monkeypatch.setattr(sys, "__stderr__", SimpleNamespace(isatty=lambda: True))
    assert LatencyApp().theme == theme


async def test_without_colours_each_line_of_the_chart_has_a_shape_of_its_own(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app() as harness:
        await harness.profile()
        chart = "\n".join(line[90:125] for line in harness.text().splitlines()[16:])
        for shape in "●■▲◆▼★":
            assert chart.count(shape) > 2


async def test_a_chart_that_fails_says_so_in_a_sentence(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from latency_tui.tui.charts import bar_chart

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bar_chart.BarChart, "draw", broken)
    async with open_app() as harness:
        await harness.profile()
        assert "This chart could not be drawn" in harness.text()
        assert "is fastest" in harness.text()


@pytest.mark.slow
async def test_the_mouse_does_what_the_keys_do(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.pilot.click("#profile")
        await until(lambda: bool(harness.state.measurements))
        await harness.idle()
        await harness.pilot.click("#inner-tabs", offset=(26, 0))
        await harness.pilot.pause(0.1)
        assert "against Logistic Regression" in harness.text()
        await harness.pilot.click("#inner-tabs", offset=(3, 0))
        await harness.pilot.pause(0.1)
        await harness.pilot.click("Card", offset=(40, 3))
        await harness.pilot.pause(0.1)
        assert harness.state.highlighted == "linear-svm"
        await harness.pilot.click("#keys", offset=(3, 0))
        await harness.idle()
        assert len(harness.script.commands) == 2
        await harness.pilot.click("#keys", offset=(harness.app.size.width - 25, 0))
        await harness.pilot.pause(0.2)
        assert isinstance(harness.app.screen, HelpScreen)


async def test_a_click_on_a_row_highlights_it(open_app: Open) -> None:
    async with open_app(80, 24) as harness:
        await harness.profile()
        await harness.pilot.click("#table", offset=(10, 3))
        await harness.pilot.pause(0.1)
        assert harness.state.highlighted == "small-neural-network"


@pytest.mark.parametrize("width", [140, 80, 60, 40, 20])
@pytest.mark.parametrize("running", [False, True])
async def test_the_footer_always_has_help_and_what_matters_first(open_app: Open, width: int, *, running: bool) -> None:
    async with open_app(width, 12) as harness:
        harness.script.gate = asyncio.Event()
        await harness.press("p")
        await until(lambda: harness.state.result is not None)
        if not running:
            harness.script.gate.set()
            await harness.idle()
        await harness.pilot.pause()
        footer = harness.text().splitlines()[-1]
        assert "? Help" in footer
        assert footer.split()[:2] == (["esc", "Stop"] if running else ["p", "Profile"])


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(60, 20), (40, 12)])
@pytest.mark.parametrize("measured", [False, True])
async def test_no_key_does_nothing_without_a_word(open_app: Open, width: int, height: int, *, measured: bool) -> None:
    async with open_app(width, height) as harness:
        if measured:
            await harness.profile()
        for name, command in COMMANDS.items():
            for key in command.keys[:1]:
                if name in ("Quit", "Profile", "Train", "HighlightPrevious", "ShowPalette"):
                    continue
                harness.app.clear_notifications()
                await harness.pilot.pause()
                before = harness.app.screen._compositor.render_strips()  # with styles: a tab is marked by its colours
                await harness.press(key)
                await harness.pilot.pause(0.1)
                after = harness.app.screen._compositor.render_strips()
                silent = ("ShowModels", "ChooseAll", "HighlightPageDown")  # it is there already
                assert harness.app._notifications or after != before or name in silent, name
                if harness.app.screen is not harness.screen or harness.screen.typing or harness.screen.maximized:
                    await harness.press("escape")
                await harness.idle()


async def test_a_fault_of_our_own_is_a_toast_and_the_app_lives_on(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app() as harness:
        monkeypatch.setattr(FakeEngine, "_train", lambda *_: 1 / 0)
        await harness.press("t")
        await harness.pilot.pause(0.3)
        assert "ZeroDivisionError" in harness.text()
        assert harness.state.work == "idle"
