"""The tab Trade-off: the scatter of scores against latencies, the sentences, and what it says where it is empty."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from latency_tui.result.trade_off import TradeOff, TradeOffCandidate
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.scatter_chart import ScatterChart, ScatterLimit, ScatterPoint
from latency_tui.tui.widgets.trade_off import points_of, why_empty
from tests.tui.conftest import Open
from tests.tui.fake_engine import Script
from tests.tui.test_charts import look, shown
from tests.unit.test_analysis_recorder import plan_of
from tests.unit.test_limits import measured

POINTS = (
    ScatterPoint("fast", "Fast", look(0), (1e-4, 0.9e-4, 1.1e-4), (0.80, 0.75, 0.85), "front"),
    ScatterPoint("good", "Good", look(1), (1e-3, 0.9e-3, 1.1e-3), (0.95, 0.93, 0.97), "choice", is_highlighted=True),
    ScatterPoint("slow", "Slow", look(2), (1e-1, 0.9e-1, 1.1e-1), (0.70, None, None), "dominated"),
)
LIMITS = (ScatterLimit("accuracy > 0.9", 0.9, True), ScatterLimit("p50 < 5ms", 5e-3, False))


async def rows_of(width: int = 90, height: int = 20, points: tuple[ScatterPoint, ...] = POINTS) -> list[str]:
    async with shown(ScatterChart, width, height) as chart:
        assert isinstance(chart, ScatterChart)
        chart.show(points, LIMITS, ("accuracy", "p50"), greater_is_better=True)
        canvas = chart.render()
        assert isinstance(canvas, Canvas), canvas
        return canvas.text().splitlines()


@pytest.mark.parametrize(("width", "height"), [(140, 30), (80, 12), (56, 10)])
async def test_points_have_names_and_marks_and_limits_are_lines(width: int, height: int) -> None:
    rows = await rows_of(width, height)
    text = "\n".join(rows)
    assert "log scale" in rows[0]
    for words in ("Fast ✓", "▸Good ← ship", "Slow", "accuracy > 0.9", "p50 < 5ms"):
        assert words in text
    places = {name: next(n for n, row in enumerate(rows) if name in row) for name in ("Fast", "Good", "Slow")}
    assert places["Good"] < places["Fast"] < places["Slow"], "a better score is further up"
    assert "✗" not in "\n".join(rows[1:])
    assert "★" not in text, "it is the shape of a model"


async def test_scores_have_more_ticks_than_the_two_ends() -> None:
    labels = [row.split("┤")[0].strip() for row in await rows_of(80, 14) if "┤" in row]
    assert len(labels) > 2


@pytest.mark.slow
async def test_a_name_does_not_touch_a_limit() -> None:
    near = replace(POINTS[0], name="A" * 20, seconds=(4e-3, 3e-3, 5e-3), score=(1.0, None, None))
    for width in range(50, 100):
        assert "p50 < 5msA" not in "\n".join(await rows_of(width, 14, points=(near, *POINTS[1:])))


async def test_points_at_the_same_place_keep_names_apart() -> None:
    same = tuple(replace(point, seconds=POINTS[0].seconds, score=POINTS[0].score) for point in POINTS)
    text = "\n".join(await rows_of(points=same))
    assert all(name in text for name in ("Fast", "Good", "Slow"))


@pytest.mark.parametrize(("width", "height"), [(140, 40), (100, 30), (80, 24)])
async def test_the_tab_shows_points_answer_and_reasons(open_app: Open, script: Script, width: int, height: int) -> None:
    script.scored = True
    async with open_app(width, height) as app:
        await app.profile()
        await app.press("4")
        text = app.text()
        assert "accuracy against p50" in text
        assert "Ship " in text
        assert "g View" in text
        await app.press("g")
        assert "accuracy against p99" in app.text()


async def test_a_click_on_a_point_highlights_its_model(open_app: Open, script: Script) -> None:
    script.scored = True
    async with open_app(140, 40) as app:
        await app.profile()
        await app.press("4")
        chart = app.screen.query_one(ScatterChart)
        column, row, slug = chart._cells[-1]
        assert app.state.highlighted != slug
        await app.pilot.click(ScatterChart, offset=(column, row))
        await app.idle()
        assert app.state.highlighted == slug
        name = next(row.candidate.name for row in app.state.rows if row.slug == slug)
        assert f"▸{name}" in app.text()


async def test_without_scores_the_tab_says_what_to_do(open_app: Open) -> None:
    async with open_app(100, 30) as app:
        await app.profile()
        await app.press("4")
        assert "There are no scores, because the data have no targets." in app.text()
        assert not app.screen.query_one(ScatterChart).display


def test_a_p50_without_an_interval_is_a_point() -> None:
    result = measured(plan_of(2)).result()
    bare = tuple(
        msgspec.structs.replace(
            one,
            score=0.9,
            metric="accuracy",
            statistics=msgspec.structs.replace(
                one.statistics, p50=msgspec.structs.replace(one.statistics.p50, low=None, high=None, calls_needed=6)
            ),
        )
        for one in result.candidates
        if one.statistics is not None
    )
    rows = tuple(TradeOffCandidate(candidate=one.slug, standing="front", reason="latency") for one in bare)
    trade_off = TradeOff(metric="accuracy", greater_is_better=True, candidates=rows, rows=100, front=())
    found = points_of(
        msgspec.structs.replace(result, candidates=bare, trade_off=trade_off),
        {one.slug: look(0) for one in bare},
        "p50",
        "",
    )
    assert len(found) == 2
    assert not any("≥" in point.name for point in found)


def test_one_model_has_no_trade_off() -> None:
    assert "select another one" in why_empty(measured(plan_of(1), (1,)).result())
