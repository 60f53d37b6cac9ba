"""Limits in the app: who meets them, on cards, in the table and in the answer."""

from __future__ import annotations

import pytest

from latency_tui.plan.limits import parse_limit
from latency_tui.tui.charts.bar_chart import BarChart
from latency_tui.tui.charts.line_chart import LineChart
from tests.tui.conftest import Open
from tests.tui.fake_engine import fake_plan


def limits(*texts: str) -> dict[str, object]:
    return {"limits": tuple(map(parse_limit, texts))}


async def test_each_card_says_whether_its_model_meets_the_limit(open_app: Open) -> None:
    async with open_app(plan=fake_plan(**limits("p50 < 1ms"))) as harness:
        await harness.profile()
        text = harness.text()
        assert text.count(" meets ") == 5
        assert "fails" in text
        assert "5 of 6 models meet p50 < 1ms" in " ".join(text.split())


async def test_a_small_screen_has_a_column_for_limits(open_app: Open) -> None:
    async with open_app(80, 24, plan=fake_plan(**limits("p50 < 1ms"))) as harness:
        await harness.profile()
        assert "limits" in harness.text()
        assert "fails" in harness.text()


async def test_a_limit_on_a_model_that_is_not_chosen_is_left_out(open_app: Open) -> None:
    texts = ("logistic-regression: p50 < 1ms", "p99 < 1ms", "memory < 1GB")
    async with open_app(plan=fake_plan(cold_start=True, **limits(*texts))) as harness:
        await harness.press("space", "o")
        await harness.profile()
        assert [limit.text for limit in harness.state.measurements[-1].plan.limits] == ["p99 < 1ms"]


async def test_limits_on_latencies_are_lines_on_both_charts(open_app: Open) -> None:
    texts = ("p99 < 1ms", "p50 < 1.5x", "linear-svm: mean < 3ms", "throughput > 5/s")
    async with open_app(plan=fake_plan(**limits(*texts))) as harness:
        await harness.profile()
        for chart in (harness.screen.query_one(BarChart), harness.screen.query_one(LineChart)):
            p99, median, mean = chart.limits
            assert (p99.seconds, mean.seconds, mean.candidate) == (1e-3, 3e-3, "linear-svm")
            assert median.seconds == pytest.approx(1.5 * 62.5e-6, rel=0.05)
            assert median.label == "p50 < 1.5x"
        assert harness.text().count("p99 < 1ms") >= 2
