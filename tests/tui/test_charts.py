"""What the charts show, and that plotext draws them at any size."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from textual.app import App, ComposeResult

from latency_tui.plan.limits import parse_limit
from latency_tui.text.formatting import format_duration
from latency_tui.tui.charts.bar_chart import Bar, BarChart
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import Chart
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.line_chart import Line, LineChart
from latency_tui.tui.styles import SHAPES, CandidateStyle

NAMES = [
    "Logistic Regression", "Random Forest", "Linear SVM", "RBF SVM", "Small Neural Network", "Large Neural Network",
    "Ridge", "Naive Bayes", "Gradient Boosting", "Extra Trees", "Neighbours", "XGBoost", "CatBoost", "LightGBM",
    "Decision Tree", "SGD Classifier", "Perceptron", "Bagging",
]  # fmt: skip


def look(index: int) -> CandidateStyle:
    return "#7aa2f7", SHAPES[index % len(SHAPES)]


def bars(medians: Sequence[float]) -> list[Bar]:
    return [Bar(NAMES[i], NAMES[i], look(i), median, median * 1.3) for i, median in enumerate(medians)]


def lines(medians: Sequence[float], count: int = 300) -> list[Line]:
    dice = np.random.default_rng(1)
    runs = np.arange(1.0, count + 1)
    return [
        Line(NAMES[i], look(i), runs, median * dice.lognormal(0, 0.05, count), median)
        for i, median in enumerate(medians)
    ]


def limits(*texts: str) -> list[LimitLine]:
    return [LimitLine(text, parse_limit(text).bound) for text in texts]


@asynccontextmanager
async def shown(kind: type[Chart], width: int, height: int) -> AsyncIterator[Chart]:
    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield kind()

    async with Shown().run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield pilot.app.query_one(kind)


async def drawn(chart: Bar | Sequence[Bar] | Sequence[Line], width: int, height: int, *limit: str) -> list[str]:
    """Return the rows of a chart of these bars or lines."""
    kind = BarChart if isinstance(chart, list) and isinstance(chart[0], Bar) else LineChart
    async with shown(kind, width, height) as widget:
        if isinstance(widget, BarChart):
            widget.show(chart, limits(*limit))  # type: ignore[arg-type]  # bars, as was asked
        elif isinstance(widget, LineChart):
            widget.show(chart, 300.0, limits=limits(*limit))  # type: ignore[arg-type]  # lines
        canvas = widget.render()
        assert isinstance(canvas, Canvas), canvas
        return canvas.text().splitlines()


@pytest.mark.parametrize("width", [40, 42, 52, 90])
async def test_each_bar_has_its_name_and_its_figure_in_its_row(width: int) -> None:
    medians = [62e-6, 71e-6, 83e-6, 95e-6, 161e-6, 4.55e-3]
    rows = await drawn(bars(medians), width, 12)
    for name, figure in zip(("Logistic", "Random", "Linear", "RBF", "Small", "Large"), medians, strict=True):
        row = next(row for row in rows if name in row)
        assert re.search(r"[\d.]+ (µs|ms) │[▏▎▍▌▋▊▉█]", row)
        assert format_duration(figure) in row
    assert width < 52 or all(any(name in row for row in rows) for name in NAMES[:6])


async def test_bars_are_as_long_as_their_medians_with_whiskers_to_p99() -> None:
    rows = await drawn(bars([50e-6, 100e-6]), 120, 10)
    short, long = (next(row for row in rows if name in row) for name in NAMES[:2])
    assert long.count("█") == pytest.approx(2 * short.count("█"), abs=2)
    assert long.count("█") + long.count("─") == pytest.approx(1.3 * long.count("█"), abs=2)
    assert rows[-1].split()[0] == "0"
    assert rows[-1].endswith("140 µs")


@pytest.mark.parametrize("height", [7, 10, 20])
async def test_a_saved_baseline_has_a_bar_of_its_own(height: int) -> None:
    before = (1e-3, 4e-3, 1.5e-3)
    now = [replace(bar, saved=value) for bar, value in zip(bars([1e-3, 2e-3, 3e-3]), before, strict=True)]
    rows = await drawn(now, 100, height)
    assert "░ saved" in rows[0]
    own = [row for row in rows[1:] if "░" in row]
    if height == 7:  # one row per model: only where the bar of the baseline ends
        assert [row.count("░") for row in own] == [1, 1, 1]
        return
    lengths = [row.count("░") for row in own]
    assert lengths[1] == pytest.approx(4 * lengths[0], abs=3)
    assert lengths[2] == pytest.approx(1.5 * lengths[0], abs=3)
    assert all(format_duration(value) in row for value, row in zip(before, own, strict=True))


async def test_a_limit_crosses_the_bars_where_its_value_is() -> None:
    rows = await drawn(bars([50e-6, 100e-6]), 120, 12, "p99 < 100us")
    axis = next(row for row in rows if "└" in row)
    tick = rows[-1].index("100") + 1
    column = next(row for row in rows if NAMES[0] in row).rindex("│")
    assert abs(column - tick) <= 1
    assert axis[column] in "┬─"
    assert all(row[column] == "│" for row in rows[2:-2])
    label = rows[1].index("p99 < 100us")
    assert label <= column <= label + len("p99 < 100us")


@pytest.mark.parametrize(("limit", "bar_words", "line_words"), [
    ("p99 < 50s", "p99 < 50s →", "↑ p99 < 50s"), ("p99 < 1ns", "← p99 < 1ns", "↓ p99 < 1ns"),
    ("mean < 90us", "mean < 90us", "─ mean < 90us"),
])  # fmt: skip
@pytest.mark.parametrize("size", [(40, 11), (52, 16), (90, 30)])
async def test_every_limit_is_named_on_both_charts(
    limit: str, bar_words: str, line_words: str, size: tuple[int, int]
) -> None:
    medians = [62e-6, 71e-6, 83e-6, 95e-6, 161e-6, 2e-3]
    assert any(bar_words in row for row in await drawn(bars(medians), *size, limit))
    rows = await drawn(lines(medians), *size, limit)
    assert any(line_words in row for row in rows)
    assert any("├" in row for row in rows) == (limit == "mean < 90us")


@pytest.mark.parametrize("size", [(40, 20), (52, 16), (60, 24), (52, 30)])
async def test_each_of_eighteen_lines_has_a_name(size: tuple[int, int]) -> None:
    text = "\n".join(await drawn(lines([60e-6 * 1.27**i for i in range(18)]), *size, "p99 < 3ms"))
    for index, name in enumerate(NAMES):
        first = name.split()[0][:4]
        assert re.search(rf"{re.escape(SHAPES[index % len(SHAPES)])} {first}", text), name
    assert "p99 < 3ms" in text


async def test_axes_go_from_round_numbers_to_round_numbers_and_log_ones_say_so() -> None:
    rows = await drawn(lines([62e-6, 4.55e-3]), 80, 20)
    assert "log scale" in rows[0]
    labels = [row.split("┤")[0].strip() for row in rows if "┤" in row]
    assert (labels[0], labels[-1]) == ("5 ms", "50 µs")
    rows = await drawn(lines([62e-6, 71e-6]), 80, 20)
    assert "log scale" not in rows[0]
    labels = [row.split("┤")[0].strip() for row in rows if "┤" in row]
    assert all(re.fullmatch(r"\d+ µs", label) for label in labels)


@pytest.mark.slow
async def test_any_chart_is_drawn_at_any_size() -> None:
    dice = random.Random(3)
    async with shown(BarChart, 20, 10) as chart:
        assert isinstance(chart, BarChart)
        for _ in range(150):
            count = dice.randrange(1, 19)
            saved = dice.choice((None, 10 ** dice.uniform(-8, 2)))
            medians = [10 ** dice.uniform(-8, 2) for _ in range(count)]
            chart.bars = tuple(replace(bar, saved=saved) for bar in bars(medians))
            chart.limits = tuple(limits("p99 < 1ms", "mean < 1s")[: dice.randrange(3)])
            chart.draw(Canvas(dice.randrange(4, 160), dice.randrange(3, 50)))
    async with shown(LineChart, 20, 10) as chart:
        assert isinstance(chart, LineChart)
        for _ in range(150):
            medians = [10 ** dice.uniform(-8, 2) for _ in range(dice.randrange(1, 19))]
            chart.lines = tuple(lines(medians, dice.choice((1, 2, 40))))
            chart.limits = tuple(limits("p99 < 1ms", "mean < 1s")[: dice.randrange(3)])
            chart.timed, chart.last_run = dice.random() < 0.5, dice.choice((0.0, 1.0, 1e6))
            chart.draw(Canvas(dice.randrange(4, 160), dice.randrange(3, 50)))
