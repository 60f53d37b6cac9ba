"""The tab Sweep: how a sweep is started, what it shows live and at the end, and what the other tabs show of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from textual.app import App, ComposeResult

from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan, expand, parse_sweep
from latency_tui.result.sweep import Estimate, SweepCell, SweepCurve
from latency_tui.tui.bindings import footer
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.sweep_chart import UNITS, SweepChart, Unit, lines_of_sweep
from latency_tui.tui.commands import Enlarge, MeasureSweep, NextView
from latency_tui.tui.plan_options import read_options
from latency_tui.tui.state import start
from latency_tui.tui.widgets.cards import Card
from latency_tui.tui.widgets.styled_lines import StyledLines
from latency_tui.tui.widgets.sweep import SweepPane
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import fake_plan, until

STYLES = {"flat": ("#7aa2f7", "●"), "steep": ("#f7768e", "■")}


def swept_plan(text: str = "batch=1,16,64", **fields: object) -> Plan:
    sweeps = (parse_sweep(text),)
    plan = fake_plan(**fields)
    return Plan(candidates=expand(plan.candidates[:3], sweeps), sweeps=sweeps, runs=plan.runs)


def fake_plan_of(count: int) -> Plan:
    return Plan(candidates=fake_plan().candidates[:count])


def words_of(harness: AppHarness) -> str:
    lines = harness.screen.query_one("#sweep-words", StyledLines)._lines
    return " ".join("".join(piece[0] for piece in line) for line in lines)


async def test_a_key_sweeps_the_batch_size_of_the_selected_models(open_app: Open) -> None:
    async with open_app(140, 40, plan=fake_plan_of(2)) as harness:
        await harness.press("S")
        await until(lambda: len(harness.state.measurements) == 1)
        await harness.idle()
        assert harness.state.measurement is not None
        assert [str(sweep) for sweep in harness.state.measurement.plan.sweeps] == ["batch=1,2,4,8,16,32,64,128,256"]
        assert harness.state.plan.sweeps == ()
        await harness.press("5")
        await harness.pilot.pause(0.3)
        said = words_of(harness)
        assert "Random Forest" in said
        assert "per row (95 % CI" in said
        assert len(harness.screen.query(Card)) == 2


@pytest.mark.slow
async def test_a_sweep_is_shown_while_it_runs_and_kept_when_it_is_stopped(open_app: Open) -> None:
    async with open_app(100, 30, plan=swept_plan(runs=400)) as harness:
        harness.script.gate = asyncio.Event()
        harness.script.rounds_before_gate = 20
        await harness.press("p", "5")
        await until(lambda: harness.state.result is not None and len(harness.state.result.sweeps) == 3)
        await harness.pilot.pause(0.5)
        assert harness.screen.query_one(SweepChart).lines
        await harness.press("escape")
        await harness.idle()
        assert harness.state.result is not None
        assert all(len(curve.cells) == 3 for curve in harness.state.result.sweeps)


@pytest.mark.slow
async def test_the_list_holds_models_and_not_cells(open_app: Open) -> None:
    async with open_app(80, 24, plan=swept_plan()) as harness:
        assert [row.slug for row in harness.state.rows if row.selected] == [
            "logistic-regression",
            "random-forest",
            "linear-svm",
        ]
        await harness.profile()
        assert harness.state.measurement is not None
        assert [one.slug for one in harness.state.measurement.candidates] == [
            "logistic-regression[batch=1]",
            "linear-svm[batch=1]",
            "random-forest[batch=1]",
        ]
        await harness.press("5")
        await harness.pilot.pause(0.3)
        assert harness.screen.query_one(SweepChart).lines
        assert "overtakes" in words_of(harness)
        await harness.press("2")
        assert "All figures are for batch=1." in harness.text()


async def test_a_result_without_a_sweep_says_how_to_start_one(open_app: Open) -> None:
    async with open_app(80, 24, plan=fake_plan_of(2)) as harness:
        await harness.profile()
        await harness.press("5")
        await harness.pilot.pause(0.3)
        assert "Press S to measure at batch sizes" in words_of(harness)
        assert MeasureSweep in footer(harness.state)[:2]
        assert not {NextView, Enlarge} & {*footer(harness.state)}, "there is no chart"


@pytest.mark.slow
async def test_keys_scroll_a_tab_that_is_longer_than_the_screen(open_app: Open) -> None:
    async with open_app(60, 20, plan=swept_plan()) as harness:
        harness.script.failing = {f"{slug}[batch=64]" for slug in ("random-forest", "linear-svm")}
        await harness.profile()
        await harness.press("5")
        await harness.pilot.pause(0.3)
        pane = harness.screen.query_one(SweepPane)
        assert harness.screen.query_one(SweepChart).size.height >= pane.size.height // 2
        assert pane.max_scroll_y > 0
        await harness.press("J")
        await harness.pilot.pause(0.1)
        assert pane.scroll_y > 0
        await harness.press("K", "K")
        await harness.pilot.pause(0.1)
        assert pane.scroll_y == 0


async def test_cards_keep_long_names_apart(open_app: Open) -> None:
    name = "card fraud detector with calibration and isotonic regression"
    models = [msgspec.structs.replace(model, name=f"{name} {place}") for place, model in enumerate(BUILTIN_MODELS[:2])]
    async with open_app(140, 40, plan=Plan(candidates=tuple(Candidate(model=model) for model in models))) as harness:
        await harness.profile()
        titles = [str(card.border_title) for card in harness.screen.query(Card)]
        assert len({*titles}) == 2


async def test_a_cell_that_fails_is_named_in_the_tab(open_app: Open) -> None:
    async with open_app(100, 30, plan=swept_plan()) as harness:
        harness.script.failing = {"random-forest[batch=64]"}
        await harness.profile()
        await harness.press("5")
        await harness.pilot.pause(0.3)
        assert "Random Forest [batch=64] failed: ValueError" in words_of(harness)


@pytest.mark.slow
async def test_a_key_changes_what_the_axis_shows(open_app: Open) -> None:
    async with open_app(100, 30, plan=swept_plan()) as harness:
        await harness.profile()
        await harness.press("5")
        chart = harness.screen.query_one(SweepChart)
        seen = []
        for _ in UNITS:
            await harness.pilot.pause(0.2)
            seen.append(chart.unit)
            await harness.press("g")
        assert seen == [*UNITS]


async def test_two_sweeps_have_a_view_each(open_app: Open) -> None:
    sweeps = (parse_sweep("batch=1,4"), parse_sweep("threads=1,2"))
    plan = Plan(candidates=expand(fake_plan().candidates[:2], sweeps), sweeps=sweeps)
    async with open_app(100, 30, plan=plan) as harness:
        await harness.profile()
        await harness.press("5")
        chart = harness.screen.query_one(SweepChart)
        await until(lambda: len(chart.lines) == 4)
        assert {line.name for line in chart.lines} >= {"Random Forest [threads=1]", "Random Forest [threads=2]"}
        await harness.press("g", "g", "g")
        await until(lambda: chart.sweep is sweeps[1])
        assert {line.name for line in chart.lines} >= {"Random Forest [batch=1]", "Random Forest [batch=4]"}


@pytest.mark.parametrize(
    ("text", "sweeps"),
    [("", []), ("batch=1,2", ["batch=1,2"]), ("batch=1..4; threads=1,2", ["batch=1,2,4", "threads=1,2"])],
)
def test_the_options_of_the_app_take_sweeps(text: str, sweeps: list[str]) -> None:
    plan = read_options(fake_plan(), {"sweeps": text})
    assert [str(sweep) for sweep in plan.sweeps] == sweeps


def test_a_plan_with_a_sweep_starts_with_its_models() -> None:
    state = start(swept_plan(), fake_plan().candidates)
    assert len(state.rows) == 6


def curve(name: str, per_row: float, *values: float | str) -> SweepCurve:
    cells = []
    for index, value in enumerate(values):
        p50 = 40e-6 + per_row * (value if isinstance(value, int | float) else index)
        estimate = Estimate(value=p50, low=p50 * 0.9, high=p50 * 1.1)
        cells.append(SweepCell(value=value, candidate=f"{name}[batch={value}]", p50=estimate))
    return SweepCurve(parameter="batch", candidate=name, name=name, cells=tuple(cells))


class ChartApp(App[None]):
    def compose(self) -> ComposeResult:
        yield SweepChart()


@asynccontextmanager
async def shown(width: int, height: int, text: str, unit: Unit, *curves: SweepCurve) -> AsyncIterator[str]:
    sweep = parse_sweep(text)
    app = ChartApp()
    async with app.run_test(size=(width, height)):
        chart = app.query_one(SweepChart)
        chart.show_sweep(sweep, lines_of_sweep(sweep, curves, STYLES, unit, 1), unit)
        drawn = chart.render()
        assert isinstance(drawn, Canvas), drawn
        yield drawn.text()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("width", "height"), [(30, 8), (60, 12), (140, 40)])
async def test_a_chart_has_names_ticks_and_points_at_any_size(width: int, height: int, unit: Unit) -> None:
    values = (1, 2, 4, 8, 16, 32, 64)
    curves = (curve("flat", 1e-6, *values), curve("steep", 3e-6, *values))
    async with shown(width, height, "batch=1..64", unit, *curves) as text:
        assert unit in text.splitlines()[0]
        assert "batch" in text
        assert "● flat" in text
        assert "64" in text


@pytest.mark.parametrize(("fixed", "labels"), [(20e-3, ("50", "1k")), (40e-6, ("20k", "500k"))])
async def test_rates_have_plain_labels_that_hold_the_values(fixed: float, labels: tuple[str, str]) -> None:
    cells = tuple(
        SweepCell(value=rows, candidate="flat", p50=Estimate(value=fixed, low=fixed, high=fixed)) for rows in (1, 16)
    )
    one = SweepCurve(parameter="batch", candidate="flat", name="flat", cells=cells)
    async with shown(60, 12, "batch=1,16", "rows per second", one) as text:
        axis = [line.split("┤")[0].strip() for line in text.splitlines() if "┤" in line]
        assert (axis[-1], axis[0]) == labels


async def test_words_are_spread_evenly_over_the_axis() -> None:
    async with shown(60, 12, "kernel=linear,rbf", "per call", curve("flat", 1e-6, "linear", "rbf")) as text:
        assert "linear" in text
        assert "rbf" in text
        assert "log scale" not in text


async def test_a_single_cell_is_drawn() -> None:
    async with shown(60, 12, "batch=1..64", "per call", curve("flat", 1e-6, 4)) as text:
        assert "● flat" in text
