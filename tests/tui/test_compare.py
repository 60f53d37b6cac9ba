"""The tab Compare: its columns, what they sort by, and the mouse."""

from __future__ import annotations

import re

import pytest

from latency_tui.plan.limits import parse_limit
from latency_tui.tui.widgets.compare import ComparePane
from tests.parameters import one_quick
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import fake_plan, until


def table(harness: AppHarness) -> list[str]:
    """Return the heading of the lower table and its six rows."""
    lines = [line[-harness.screen.query_one(ComparePane).size.width :] for line in harness.text().splitlines()]
    start = next(index for index, line in enumerate(lines) if re.search(r"\bp50\b", line) and "model" in line)
    return lines[start : start + 7]


def names(harness: AppHarness) -> list[str]:
    return [" ".join(re.findall(r"[A-Za-z]{3,}", line)[:1]) for line in table(harness)[1:]]


async def compared(harness: AppHarness) -> None:
    if not harness.state.cold_start:
        await harness.press("o")
    await harness.profile()
    await harness.press("3")
    await until(lambda: "p50" in harness.text())


@pytest.mark.slow
async def test_compare_has_score_memory_and_each_limit_as_columns(open_app: Open) -> None:
    plan = fake_plan(cold_start=True, limits=(parse_limit("p50 < 1ms"), parse_limit("memory < 1GB")))
    async with open_app(140, 45, plan=plan) as harness:
        await compared(harness)
        heading, *rows = table(harness)
        for words in ("p50 ↑", "score", "memory", "p50 < 1ms", "memory < 1GB"):
            assert words in heading
        assert all("91 MiB" in row for row in rows)
        assert [row.split()[-2] for row in rows] == ["meets"] * 5 + ["fails"]
        assert [row.split()[-1] for row in rows] == ["meets"] * 6


@pytest.mark.parametrize(
    ("width", "height", "kept", "dropped"),
    one_quick(
        [
            (140, 45, ("p50", "p90", "p95", "p99", "score", "memory", "cold start"), ()),
            (100, 30, ("p50", "p99", "score"), ("p97", "memory")),
            (80, 24, ("p50", "p99", "score", "memory"), ("p97", "p99.9")),
            (60, 20, ("p50", "p99"), ("p97", "p99.9", "p90")),
        ]
    ),
)
async def test_the_least_important_columns_are_dropped_first(
    open_app: Open, width: int, height: int, kept: tuple[str, ...], dropped: tuple[str, ...]
) -> None:
    async with open_app(width, height) as harness:
        await compared(harness)
        heading = table(harness)[0].split()
        assert ("cold" not in heading) or all("710 ms" in row for row in table(harness)[1:])
        assert set(" ".join(kept).split()) <= set(heading)
        assert not set(dropped) & set(heading)
        if dropped and height > 20:
            assert re.search(r"No room for: .*p97", " ".join(harness.text().split()))


@pytest.mark.slow
async def test_z_sorts_by_the_next_column_and_shift_z_reverses(open_app: Open) -> None:
    async with open_app(140, 45) as harness:
        await compared(harness)
        assert names(harness)[0] == "Logistic"
        while "score ↓" not in table(harness)[0]:
            before = table(harness)[0]
            await harness.press("z")
            await until(lambda: table(harness)[0] != before)  # noqa: B023  # called at once
        scores = [float(re.search(r"0\.\d{3}", row)[0]) for row in table(harness)[1:]]  # type: ignore[index]  # there is one
        assert scores == sorted(scores, reverse=True)
        await harness.press("Z")
        await until(lambda: "score ↑" in table(harness)[0])
        assert [float(re.search(r"0\.\d{3}", row)[0]) for row in table(harness)[1:]] == sorted(scores)  # type: ignore[index]  # there is one


@pytest.mark.parametrize("size", one_quick([(140, 45), (80, 24)], whole=True))
async def test_a_click_on_a_heading_sorts_and_on_a_row_highlights(open_app: Open, size: tuple[int, int]) -> None:
    async with open_app(*size) as harness:
        await compared(harness)
        lines = harness.text().splitlines()
        y = next(index for index, line in enumerate(lines) if "p50 ↑" in line)
        x = lines[y].index("p99")
        await harness.pilot.click(offset=(x, y))
        await until(lambda: "p99 ↑" in harness.text())
        await harness.pilot.click(offset=(x, y))
        await until(lambda: "p99 ↓" in harness.text())
        assert names(harness)[0] == "Random"
        y = next(i for i, line in enumerate(harness.text().splitlines()) if i > y and "Linear SVM" in line)
        await harness.pilot.click(offset=(x, y))
        await until(lambda: harness.state.highlighted == "linear-svm")
        assert any("▸" in line for line in table(harness) if "Linear SVM" in line)


@pytest.mark.slow
async def test_a_hidden_column_is_shown_when_it_is_sorted_by(open_app: Open) -> None:
    async with open_app(60, 20) as harness:
        await compared(harness)
        assert "cold start" not in table(harness)[0]
        for _ in range(12):
            if "cold start ↑" in table(harness)[0]:
                return
            before = table(harness)[0]
            await harness.press("z")
            await until(lambda: table(harness)[0] != before)  # noqa: B023  # called at once
        pytest.fail("no key sorted by cold start")


@pytest.mark.parametrize("theme", one_quick(["tokyo-night", "textual-light", "ansi-dark"]))
async def test_compare_shows_in_every_theme_that_it_has_the_focus(open_app: Open, theme: str) -> None:
    async with open_app(80, 24) as harness:
        harness.app.theme = theme
        await compared(harness)
        pane = harness.screen.query_one(ComparePane)
        await until(lambda: pane.region.height > 0)
        row = pane.region.y + 1
        assert not harness.text().splitlines()[row].startswith("▌")
        pane.focus()
        await until(lambda: harness.text().splitlines()[row].startswith("▌"))
