"""The tab Spread: what its four views show, and how a user moves between them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest

from latency_tui.result.result import CandidateResult
from latency_tui.stats.empirical_distribution import bin_shares, reduce_distribution
from latency_tui.tui.charts.box_plot import BoxPlot, boxes_of
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.ecdf_chart import EcdfChart, ecdf_curves
from latency_tui.tui.charts.histogram import Histogram, strips_of
from latency_tui.tui.charts.percentile_chart import PercentileChart, percentile_curves
from latency_tui.tui.widgets import spread as spread_pane
from tests.parameters import one_quick
from tests.tui.conftest import Open
from tests.tui.test_charts import look, shown
from tests.unit.measured_candidates import lognormal, measured

VIEWS = (PercentileChart, EcdfChart, Histogram, BoxPlot)


def put(chart: Any, candidates: tuple[CandidateResult, ...]) -> None:  # Any: each view takes its own kind of drawing
    styles = {candidate.slug: look(index) for index, candidate in enumerate(candidates)}
    of = {PercentileChart: percentile_curves, EcdfChart: ecdf_curves, Histogram: strips_of, BoxPlot: boxes_of}
    chart.show(of[type(chart)](candidates, styles))


async def rows_of(view: Any, candidates: tuple[CandidateResult, ...], width: int = 90, height: int = 20) -> list[str]:
    async with shown(view, width, height) as chart:
        put(chart, candidates)
        canvas = chart.render()
        assert isinstance(canvas, Canvas), canvas
        return canvas.text().splitlines()


@pytest.mark.slow
async def test_the_percentile_curve_ends_where_calls_become_too_few() -> None:
    many = measured(lognormal(60e3, 60_000), lognormal(90e3, 60_000, seed=2))
    rows = await rows_of(PercentileChart, many)
    assert re.split(r"\s{2,}", rows[-1].strip()) == ["0 %", "50 %", "90 %", "99 %", "99.9 % of calls"]
    assert "≥" not in "".join(rows[1:])
    assert "95 % CI" in rows[0]
    assert "lower bound" not in rows[0]
    few = await rows_of(PercentileChart, measured(lognormal(60e3, 100)))
    assert "dotted: lower bound" in few[0]
    assert "≥" in "".join(few[1:])
    assert few[-1].strip().endswith("99 % of calls")


async def test_the_percentile_curve_passes_through_the_percentiles_of_the_result() -> None:
    candidate = measured(lognormal(60e3, 60_000))[0]
    assert candidate.statistics is not None
    curve = percentile_curves((candidate,), {candidate.slug: look(0)})[0]
    for share, key in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99_9")):
        assert np.interp(share, curve.x, curve.y) == pytest.approx(getattr(candidate.statistics, key).value, rel=0.002)
    assert (np.diff(curve.y) >= 0).all()


async def test_the_ecdf_reaches_half_at_the_median() -> None:
    candidates = measured(lognormal(50e3, 2_000), lognormal(150e3, 2_000))
    rows = await rows_of(EcdfChart, candidates, 100, 24)
    half = next(row for row in rows if "50 %" in row)
    assert sum(letter > "\u2800" for letter in half) in range(2, 7), "two curves cross the line of one half"
    assert "ECDF" in rows[0]
    assert rows[-1].strip().endswith("latency")


async def test_a_histogram_shows_two_peaks_of_one_model() -> None:
    both = np.concatenate((lognormal(50e3, 600, 0.02), lognormal(100e3, 300, 0.02)))
    rows = await rows_of(Histogram, measured(np.random.default_rng(3).permutation(both)))
    bars = max(rows, key=lambda row: sum(letter in "▁▂▃▄▅▆▇█" for letter in row))
    assert re.search(r"[▂▃▄▅▆▇█]+[ ▁]{8,}[▁▂▃▄▅▆▇█]+", bars)
    assert "own axis" not in rows[0]


async def test_histograms_of_models_that_differ_by_decades_have_their_own_axes() -> None:
    rows = await rows_of(Histogram, measured(lognormal(60e3, 200), lognormal(6e6, 200)))
    assert "each on its own axis" in rows[0]
    assert sum(letter in "▁▂▃▄▅▆▇█" for letter in "".join(rows)) > 30
    assert re.search(r"4\d\.\d µs", "".join(rows))
    assert re.search(r"7\.\d\d ms", "".join(rows))


def test_a_histogram_of_a_reduced_distribution_has_the_shares_of_the_samples() -> None:
    for count in (1, 3, 150, 40_000):
        samples = np.sort(np.random.default_rng(count).lognormal(0, 0.3, count))
        edges = np.linspace(samples[0], samples[-1] * 1.0001, 40)
        shares, points = reduce_distribution(samples)
        found = bin_shares(shares, points, edges)
        exact, _ = np.histogram(samples, edges)
        assert found.sum() == pytest.approx(1)
        np.testing.assert_allclose(found, exact / count, atol=0.005)


def test_values_of_a_coarse_clock_stay_in_their_bins() -> None:
    samples = np.repeat([100.0, 200.0], [6_000, 4_000])
    found = bin_shares(*reduce_distribution(samples), np.array([90.0, 110.0, 190.0, 210.0]))
    np.testing.assert_allclose(found, [0.6, 0.0, 0.4], atol=0.011)


async def test_a_box_has_its_median_and_says_where_its_whiskers_end() -> None:
    rows = await rows_of(BoxPlot, measured(lognormal(60e3, 100), lognormal(120e3, 100)))
    assert "whiskers: 1 % to 99 %" in rows[0]
    boxes = [row for row in rows if "├" in row and "›" in row]
    assert len(boxes) == 2, "100 calls are too few for a p99, so that the whisker is open"
    assert re.search(r"6\d\.\d µs │ *├─+█+┃█+─+›", boxes[0])
    known = await rows_of(BoxPlot, measured(lognormal(60e3, 60_000)))
    assert any("┤" in row.split("│", 1)[-1] for row in known)


@pytest.mark.parametrize("view", VIEWS)
async def test_nothing_measured_draws_nothing(view: Any) -> None:
    candidates = measured(lognormal(60e3, 100))
    failed = msgspec.structs.replace(candidates[0], status="failed", error="no")
    assert not "".join(await rows_of(view, (failed,))).strip()


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
async def test_any_view_is_drawn_at_any_size(view: Any) -> None:
    dice = random.Random(4)
    scales = [[10 ** dice.uniform(2, 9) for _ in range(dice.randrange(1, 7))] for _ in range(30)]
    async with shown(view, 20, 10) as chart:
        for medians in scales:
            count, sigma = dice.choice((1, 2, 7, 100, 1_000)), dice.choice((0.0, 0.1, 2.0))
            put(chart, measured(*(lognormal(m, count, sigma) + 1 for m in medians), calls=min(count, 10)))
            for _ in range(6):
                chart.draw(Canvas(dice.randrange(4, 160), dice.randrange(3, 50)))


@pytest.mark.parametrize(("width", "height"), one_quick([(80, 24), (140, 40), (100, 30), (60, 20)]))
async def test_one_key_shows_the_views_one_after_the_other(open_app: Open, width: int, height: int) -> None:
    async with open_app(width, height) as app:
        await app.profile()
        await app.press("2")
        assert "g View" in app.text()
        for title in ("percentiles|did not exceed", "ECDF", "histogram", "middle half", "percentiles|did not exceed"):
            assert re.search(title, app.text()), title
            assert "Too few calls to describe the tail" in app.text()
            await app.press("g")


@pytest.mark.slow
async def test_an_enlarged_view_stays_enlarged_when_the_view_changes(open_app: Open) -> None:
    async with open_app(100, 30) as app:
        await app.profile()
        await app.press("2", "e")
        assert app.screen.maximized is not None
        assert app.screen.maximized.id == "percentiles"
        await app.press("g")
        assert app.screen.maximized is not None
        assert app.screen.maximized.id == "ecdf"
        assert "back" in app.text()
        await app.press("escape")
        assert app.screen.maximized is None
        assert "ECDF" in app.text()


async def test_the_key_says_where_there_are_views(open_app: Open) -> None:
    async with open_app(100, 30) as app:
        await app.press("g")
        assert "There is no result yet" in app.text()
        await app.profile()
        await app.press("3", "g")
        assert "This tab has one view; 2 opens Spread." in app.text()


async def test_a_tab_that_is_not_shown_computes_nothing(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    def count(name: str, function: Callable[..., Any], *values: Any) -> Any:
        computed.append(name)
        return function(*values)

    for name in ("describe_spread", "percentile_curves", "ecdf_curves", "strips_of", "boxes_of"):
        monkeypatch.setattr(spread_pane, name, partial(count, name, getattr(spread_pane, name)))
    async with open_app(100, 30) as app:
        await app.profile()
        await app.press("1", "3")
        assert computed == []
        await app.press("2")
        assert {*computed} == {"describe_spread", "percentile_curves"}
