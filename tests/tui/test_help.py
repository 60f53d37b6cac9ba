"""What `?` opens: the keys first, then the pages of the guide, at any size, by key and by mouse."""

from __future__ import annotations

import subprocess
import sys

import pytest
from textual.widgets import Markdown

from latency_tui.catalog.configuration import LoadedConfiguration
from latency_tui.catalog.configuration_schema import Configuration
from latency_tui.guide import TOPICS, read_page
from latency_tui.tui.screens.help import HelpScreen, Topics
from tests.parameters import one_quick
from tests.tui.conftest import Open
from tests.tui.fake_engine import until


@pytest.mark.slow
async def test_arrows_go_through_every_page_and_back_to_the_keys(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("question_mark")
        for topic in (topic for topic in TOPICS if topic != "keys"):
            await harness.press("right")
            assert harness.app.screen.query_one(Markdown).source == read_page(topic).text
            summary = read_page(topic).summary.replace("`", "")
            await until(lambda summary=summary: summary in harness.text())  # type: ignore[misc]  # bound in the loop
        await harness.press("l")
        assert "Measure the selected models" in harness.text()
        await harness.press("left")
        assert f"Troubleshooting ({len(TOPICS)} of {len(TOPICS)})" in harness.text()


@pytest.mark.slow
async def test_a_page_begins_at_its_top_and_scrolls(open_app: Open) -> None:
    async with open_app(80, 24) as harness:
        await harness.press("question_mark", "right", *["j"] * 10)
        assert "Install, measure six models" not in harness.text()
        await harness.press("left")
        assert "Measure the selected models" in harness.text()


@pytest.mark.slow
async def test_the_mouse_chooses_topics_and_follows_links(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("question_mark")
        await harness.pilot.click(Topics, offset=(3, 2))
        assert f"Reading results (3 of {len(TOPICS)})" in harness.text()
        page = harness.app.screen.query_one(Markdown)
        page.post_message(Markdown.LinkClicked(page, "glossary.md"))
        await harness.pilot.pause()
        assert f"Glossary (4 of {len(TOPICS)})" in harness.text()
        page.post_message(Markdown.LinkClicked(page, "https://example.org"))
        await harness.pilot.pause()
        assert f"Glossary (4 of {len(TOPICS)})" in harness.text()


@pytest.mark.parametrize(("width", "height"), one_quick([(60, 20), (80, 24), (140, 40), (3, 2)]))
async def test_a_page_opens_at_any_size(open_app: Open, width: int, height: int) -> None:
    async with open_app(width, height) as harness:
        await harness.press("question_mark")
        screen = harness.app.screen
        assert isinstance(screen, HelpScreen)
        await screen.show("glossary")
        await harness.pilot.pause()
        assert screen.query_one(Topics).display is (width >= 80)
        if width >= 60:
            assert "≥ 98 µs" in harness.text()
            assert "esc closes" in harness.text()
        await harness.pilot.resize_terminal(100, 30)
        await harness.pilot.pause()
        assert "≥ 98 µs" in harness.text()
        await harness.press("question_mark")
        assert not isinstance(harness.app.screen, HelpScreen)


async def test_keys_of_the_configuration_are_those_shown(open_app: Open) -> None:
    configuration = LoadedConfiguration(configuration=Configuration(keys={"profile": "x"}))
    async with open_app(configuration=configuration) as harness:
        await harness.press("question_mark")
        assert "x       Measure the selected models" in harness.text()


def test_the_guide_costs_the_first_frame_nothing() -> None:
    program = "import sys; import latency_tui.tui.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert {"markdown_it", "latency_tui.guide", "latency_tui.tui.screens.help"} & set(done.stdout.split()) == set()
