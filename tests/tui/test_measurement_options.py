"""The sheet that holds everything that says how to measure, and what it changes."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Input

from latency_tui.errors import UsageError
from latency_tui.plan.limits import parse_limit
from latency_tui.tui import plan_options
from latency_tui.tui.plan_options import OPTIONS, changed_options, estimated_seconds, read_options
from latency_tui.tui.screens.measurement_options import MeasurementOptions
from tests.tui.conftest import AppHarness, Open
from tests.tui.fake_engine import fake_plan, until

LIMITS = (
    parse_limit("p99<1ms"),
    msgspec.structs.replace(parse_limit("mean < 2 ms"), candidate="linear-svm"),
)


async def apply(harness: AppHarness, **texts: str) -> None:
    await harness.press("comma")
    await until(lambda: isinstance(harness.app.screen, MeasurementOptions))
    for name, text in texts.items():
        harness.app.screen.query_one(f"#{name}", Input).value = text
    await harness.press("enter")


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("runs", "1,000", "runs", 1000),
        ("runs", "2.5s", "seconds", 2.5),
        ("runs", "until decided", "until_known", True),
        ("launches", "5", "launches", 5),
        ("threads", "2", "threads", 2),
        ("pinning", "none", "pinning", "none"),
        ("equivalence", "5 %", "equivalence", 0.05),
        ("equivalence", "0.05", "equivalence", 0.05),
        ("max_seconds", "30 s", "max_seconds", 30.0),
        ("call_timeout", "5", "call_timeout", 5.0),
        ("training_timeout", "90 s", "training_timeout", 90.0),
        ("limits", "p99<1ms; Linear SVM: mean < 2 ms", "limits", LIMITS),
        ("seed", "7", "seed", 7),
    ],
)
def test_every_option_is_read_and_what_differs_is_named(name: str, text: str, attribute: str, value: object) -> None:
    plan = read_options(fake_plan(), {name: text})
    assert getattr(plan, attribute) == value
    if attribute not in ("runs", "until_known"):
        assert changed_options(plan)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_what_is_written_is_read_back_and_nonsense_is_refused(option: plan_options.Option) -> None:
    plan = fake_plan(launches=3, threads=2, seed=4, equivalence=0.025)
    assert read_options(plan, {option.name: option.write(plan)}) == plan
    for text in ("abc", "-1", "9" * 40, *([] if option.may_be_empty else [""])):
        with pytest.raises(UsageError):
            read_options(plan, {option.name: text})


def test_the_defaults_are_not_named() -> None:
    assert changed_options(fake_plan()) == ()


def test_the_duration_is_known_for_seconds_and_for_models_measured_before() -> None:
    plan = fake_plan(launches=2)
    assert estimated_seconds(plan, {}) is None
    means = {candidate.slug: 0.001 for candidate in plan.candidates}
    assert estimated_seconds(plan, means) == pytest.approx(100 * 2 * 6 * 0.001)
    timed = msgspec.structs.replace(plan, runs=None, seconds=3.0)
    assert estimated_seconds(timed, {}) == 36.0


@pytest.mark.slow
async def test_profile_measures_as_the_sheet_says_and_the_title_names_it(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, launches="5", threads="2", method="predict_proba", batch_size="4")
        await until(lambda: "5 launches" in harness.text().splitlines()[0])
        await harness.press("p")
        await until(lambda: bool(harness.script.commands))
        plan = harness.script.commands[-1].plan
        assert (plan.launches, plan.threads, plan.workload.method, plan.workload.batch_size) == (
            5,
            2,
            "predict_proba",
            4,
        )


@pytest.mark.slow
async def test_runs_may_become_seconds_and_the_panel_says_so(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, runs="3s")
        await until(lambda: "Seconds" in harness.text())
        await harness.press("p")
        await until(lambda: bool(harness.script.commands))
        assert harness.script.commands[-1].plan.seconds == 3.0
        await harness.idle()
        await apply(harness, runs="until decided")
        assert harness.state.until_known


@pytest.mark.slow
async def test_a_wrong_line_keeps_the_sheet_open_and_changes_nothing(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, launches="0")
        assert isinstance(harness.app.screen, MeasurementOptions)
        await harness.press("escape")
        assert harness.state.plan.launches == 1


async def test_a_runtime_lists_the_selected_models_under_it(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, runtime="sklearn, onnx")
        await until(lambda: len(harness.state.rows) == 12)
        assert {candidate.runtime for candidate in harness.state.selected} == {"sklearn", "onnx"}


async def test_a_runtime_that_is_not_installed_is_refused(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_options, "find_spec", lambda _: None)
    async with open_app() as harness:
        await apply(harness, runtime="onnx")
        assert isinstance(harness.app.screen, MeasurementOptions)
        await until(lambda: "onnxruntime" in harness.text())


async def test_variants_offer_the_runtime_onnx_where_it_is_installed(open_app: Open) -> None:
    async with open_app() as harness:
        await harness.press("v")
        await until(lambda: "runtime=onnx" in harness.text())
        await harness.press("end", "enter")
        await until(lambda: any(row.candidate.runtime == "onnx" for row in harness.state.rows))


@pytest.mark.slow
async def test_a_limit_is_set_named_judged_and_removed(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, limits="p50 < 1min")
        await until(lambda: "limit p50 < 1min" in harness.text())
        await harness.profile()
        assert harness.state.result is not None
        assert {verdict.verdict for verdict in harness.state.result.limits} == {"pass"}
        await apply(harness, limits="")
        await until(lambda: not harness.state.plan.limits)


@pytest.mark.slow
async def test_a_limit_on_memory_has_a_cold_start_measured(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, limits="memory < 500MB")
        await until(lambda: harness.state.cold_start)
        await harness.press("p")
        await until(lambda: bool(harness.script.commands))
        assert harness.script.commands[-1].plan.cold_start


@pytest.mark.slow
async def test_a_limit_that_makes_no_sense_keeps_the_sheet_open(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, limits="p99 > 1ms")
        await harness.pilot.pause()
        assert isinstance(harness.app.screen, MeasurementOptions)
        assert "upper bound" in harness.text()


@pytest.mark.slow
async def test_the_sheet_opens_where_a_limit_is_on_a_model_that_is_not_chosen(open_app: Open) -> None:
    async with open_app() as harness:
        await apply(harness, limits="logistic-regression: p99 < 1ms")
        await until(lambda: bool(harness.state.plan.limits))
        await harness.press("space", "comma")
        await until(lambda: isinstance(harness.app.screen, MeasurementOptions))
