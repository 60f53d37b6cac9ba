"""The tab Load: what a user sees of a load test, and how they start one."""

from __future__ import annotations

import random
import re

import msgspec
import pytest

from latency_tui.plan import LoadTest, Plan
from latency_tui.plan.limits import parse_limit
from latency_tui.result.result import Result
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.limit_lines import LimitLine
from latency_tui.tui.charts.load_chart import LoadChart
from latency_tui.tui.charts.percentile_chart import PercentileChart
from latency_tui.tui.screens.load_options import LoadOptions
from latency_tui.tui.styles import SHAPES
from latency_tui.tui.widgets.load_figures import load_figures, ranking_lines
from tests.parameters import one_quick
from tests.tui.conftest import Open
from tests.tui.test_charts import shown
from tests.unit.fake_load import at_rate, make_load_result, make_search_result

STYLES = {
    slug: ("#7aa2f7", SHAPES[index])
    for index, slug in enumerate(("logistic-regression", "linear-svm", "random-forest"))
}


def lines_of(result: Result, width: int = 140) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in load_figures(result, STYLES, width)]


async def drawn(result: Result, width: int = 90, height: int = 24) -> list[str]:
    limits = [LimitLine(str(limit), limit.bound) for limit in result.plan.load_limits]
    async with shown(LoadChart, width, height) as chart:
        assert isinstance(chart, LoadChart)
        chart.show_load(result, STYLES, limits)
        canvas = chart.render()
        assert isinstance(canvas, Canvas), canvas
        return canvas.text().splitlines()


async def test_the_chart_shows_the_limit_the_overload_and_a_name_per_model() -> None:
    rows = await drawn(make_load_result(50, 100, 200, 400, 800))
    text = "\n".join(rows)
    assert "p99, dotted p50, ↑ overloaded" in rows[0]
    assert text.count("↑") == 3, "in the title, and for Random Forest at 400/s and 800/s"
    assert "─ p99 < 5ms" in text
    for name in ("Logistic Regression", "Linear SVM", "Random Forest"):
        assert name in text
    assert re.search(r"50 .*\d/s", rows[-1])


async def test_the_chart_names_the_highest_rate_of_each_model() -> None:
    text = "\n".join(await drawn(make_search_result()))
    assert "Logistic Regression 1,050/s" in text
    assert "Linear SVM 500/s" in text


async def test_figures_that_are_not_valid_are_marked_and_no_part_of_a_curve() -> None:
    result = make_load_result(50, 100)
    spoiled = at_rate("linear-svm", 100, 0.9e-3, valid=False)
    load = tuple(spoiled if (o.candidate, o.rate) == ("linear-svm", 100) else o for o in result.load)
    result = msgspec.structs.replace(result, load=load)
    rows = await drawn(result)
    assert "? invalid" in rows[0]
    assert "?" in "".join(rows[1:])
    line = next(line for line in lines_of(result) if "Linear SVM" in line and "100/s" in line)
    assert "invalid" in line


@pytest.mark.parametrize("rates", [(200,), (0.2,), (50, 51), (1, 1_000, 200_000)])
async def test_the_chart_is_drawn_at_any_size(rates: tuple[float, ...]) -> None:
    dice = random.Random(5)
    async with shown(LoadChart, 30, 12) as chart:
        assert isinstance(chart, LoadChart)
        chart.show_load(make_load_result(*rates), STYLES, ())
        for _ in range(40):
            chart.draw(Canvas(dice.randrange(4, 160), dice.randrange(3, 50)))


async def test_a_model_without_valid_figures_is_named_and_marked() -> None:
    result = make_load_result(50, 100)
    load = tuple(at_rate("linear-svm", rate, 0.9e-3, valid=False) for rate in (50, 100))
    rows = await drawn(msgspec.structs.replace(result, load=load))
    assert "".join(rows[1:]).count("?") == 2
    assert any("Linear SVM" in row for row in rows)


def test_an_overloaded_model_has_no_percentile() -> None:
    lines = lines_of(make_load_result(200, 400))
    overloaded = next(line for line in lines if "Random Forest" in line and "400/s" in line)
    assert re.search(r"400/s\s+1\.82\s+4\.54 ms\s+–\s+–\s+overloaded\s+fails", overloaded)
    assert "░" not in overloaded
    assert overloaded == lines[-1], "at the highest rate it is the last"


def test_service_time_and_wait_stand_apart() -> None:
    lines = lines_of(make_load_result(200))
    assert "█ service ░ wait" in lines[0]
    forest = next(line for line in lines if "Random Forest" in line)
    assert forest.count("█") < forest.count("░"), "at a utilisation of 0.9, requests mostly wait"


def test_a_search_lists_both_ends_of_each_model() -> None:
    lines = lines_of(make_search_result())
    assert len(lines) == 1 + 5
    assert re.search(r"Logistic Regression\s+1,050/s .* meets", lines[1])
    assert re.search(r"Logistic Regression\s+1,100/s .* fails", lines[2])


def test_columns_are_left_out_before_a_usual_name_is_shortened() -> None:
    for width in range(60, 120):
        assert "Logistic Regression" in "".join(lines_of(make_load_result(200), width))


@pytest.mark.parametrize("width", range(20, 150, 7))
def test_figures_fit_into_any_width(width: int) -> None:
    for line in lines_of(make_load_result(50, 200, 1_200), width):
        assert len(line) <= width or width < 40
    assert all("/s" in line for line in lines_of(make_load_result(50), max(width, 40))[1:])


def test_a_ranking_shortens_no_name_for_which_there_is_room() -> None:
    for width in range(77, 100):
        line = "".join(text for text, _ in ranking_lines(make_search_result(), STYLES, width)[0])
        assert "…" not in line
        assert len(line.rstrip()) <= width


def test_the_rankings_stand_one_below_the_other() -> None:
    alone, load = ("".join(text for text, _ in line) for line in ranking_lines(make_search_result(), STYLES, 100))
    assert re.search(r"alone, p50 +1 ● Logistic Regression +2 ■ Linear SVM +3 ▲ Random Forest", alone)
    assert re.search(r"highest rate +1 ● Logistic Regression +2 ■ Linear SVM +3 ▲ Random Forest", load)
    assert ranking_lines(msgspec.structs.replace(make_load_result(200), load=()), STYLES, 100) == []


@pytest.mark.parametrize(("width", "height"), one_quick([(140, 40), (80, 24)]))
async def test_the_empty_tab_says_which_key_starts_a_load_test(open_app: Open, width: int, height: int) -> None:
    async with open_app(width, height) as app:
        await app.press("6")
        assert "Press L to measure under load." in app.text()
        assert "L Load" in app.text()
        await app.profile()
        assert "Press L to measure under load." in app.text()


async def test_a_rate_measures_the_models_alone_and_under_load(open_app: Open) -> None:
    async with open_app(100, 30) as app:
        await app.press("L")
        assert isinstance(app.app.screen, LoadOptions)
        assert "Type a rate, or a limit" in app.text()
        await app.paste("50,200")
        assert "under load, after the models were measured alone" in app.text()
        await app.press("enter")
        await app.idle()
        plan: Plan = app.script.commands[-1].plan
        assert plan.load == LoadTest(rates=(50.0, 200.0))
        assert app.state.tab == "load"
        assert app.state.plan.load is None, "the next measurement is without load"


@pytest.mark.slow
async def test_a_limit_on_responses_is_no_line_among_calls_without_load(open_app: Open) -> None:
    async with open_app(100, 30) as app:
        await app.press("L")
        await app.paste("50")
        await app.press("down")
        await app.paste("p99 < 5ms")
        await app.press("enter")
        await app.idle()
        await app.press("2")
        await app.pilot.pause(0.2)
        chart = app.screen.query_one(PercentileChart)
        assert chart.curves
        assert not chart.limits


@pytest.mark.slow
async def test_a_limit_without_a_rate_searches_the_highest_rate(open_app: Open) -> None:
    async with open_app(100, 30) as app:
        await app.press("L", "down")
        await app.paste("p99 < 5ms")
        assert "Searches the highest rate of each model" in app.text()
        await app.press("down")
        await app.paste("2")
        await app.press("down")
        await app.paste("thread")
        await app.press("enter")
        await app.idle()
        plan = app.script.commands[-1].plan
        assert plan.load == LoadTest(find_rate=True, workers=2, worker_kind="thread")
        assert plan.load_limits == (parse_limit("p99 < 5ms"),)
        await app.press("L")
        assert "p99 < 5ms" in app.text(), "the fields keep what was typed"


@pytest.mark.parametrize(
    ("field", "text", "words"),
    one_quick(
        [
            (0, "fast", "Rate: requests per second"),
            (0, "-5", "more than 0"),
            (1, "p99 is low", "limit"),
            (2, "0", "Workers: a whole number from 1"),
            (3, "fiber", "Kind: process or thread."),
            (4, "soon", "Duration: a number above 0"),
        ]
    ),
)
async def test_a_wrong_field_is_explained_and_starts_nothing(open_app: Open, field: int, text: str, words: str) -> None:
    async with open_app(100, 30) as app:
        await app.press("L")
        if field:
            await app.paste("100")
        await app.press(*["down"] * field)
        await app.paste(text)
        await app.press("enter")
        assert isinstance(app.app.screen, LoadOptions)
        assert words in app.text()
        assert not app.script.commands
