"""Where the time of a call goes, from given events: shares that add up, sentences, and every format."""

from __future__ import annotations

import msgspec
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.restoring import resume
from latency_tui.analysis.steps import analyse_steps
from latency_tui.engine.message_codec import decode_event, encode
from latency_tui.engine.protocol import CandidateFailed
from latency_tui.engine.step_events import StepsMeasured
from latency_tui.history import result_codec
from latency_tui.plan import Candidate, ModelSpec, Plan
from latency_tui.report import render
from latency_tui.report.result import of
from latency_tui.report.table import render_table
from latency_tui.result.result import Result, decode
from latency_tui.result.steps import Step, StepPass
from latency_tui.text.steps import bar, describe_steps, format_share, step_rows
from tests.unit.fake_latencies import block
from tests.unit.fake_result import make_result
from tests.unit.fake_steps import MICRO, PIPELINE, ROUNDS, measured, times


def analysed(*events: StepsMeasured) -> tuple[StepPass, dict[str, Step]]:
    found = analyse_steps(events)
    assert found is not None
    return found[0], {step.name: step for step in found[1]}


def sentences(*events: StepsMeasured) -> list[str]:
    found = analyse_steps(events)
    assert found is not None
    return describe_steps("Churn", *found)


def test_steps_and_their_rests_add_up_to_the_parent_and_to_the_call() -> None:
    found, steps = analysed(measured(PIPELINE))
    assert list(steps) == [
        "columns",
        "columns › numeric",
        "columns › words",
        "columns › rest",
        "classifier",
        "rest",
    ]
    assert steps["columns › rest"].seconds == pytest.approx(200e-6)
    assert steps["rest"].share == pytest.approx(0.05)
    top = [step for step in steps.values() if not step.parent]
    assert sum(step.seconds for step in top) == pytest.approx(1e-3)
    assert sum(step.share for step in top) == pytest.approx(1.0)
    assert found.adds_up
    assert found.call is not None
    assert found.call.value == pytest.approx(1e-3)


def test_a_machine_that_slows_down_does_not_change_the_shares() -> None:
    slowing = [1.0 + 0.3 * number for number in range(ROUNDS)]

    def slowed(row: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(value * factor for value, factor in zip(row, slowing, strict=True))

    event = measured(PIPELINE)
    steps = tuple(msgspec.structs.replace(s, nanoseconds=slowed(s.nanoseconds)) for s in event.timings.steps)
    timings = msgspec.structs.replace(
        event.timings, plain=slowed(event.timings.plain), timed=slowed(event.timings.timed), steps=steps
    )
    _, found = analysed(msgspec.structs.replace(event, timings=timings))
    assert found["columns › words"].share == pytest.approx(0.5)
    assert found["columns › words"].low == pytest.approx(found["columns › words"].high)


def test_what_timing_adds_to_a_call_is_in_no_step() -> None:
    found, steps = analysed(measured((times("a", 300), times("b", 600)), plain=1000, timed=1500))
    assert found.overhead is not None
    assert found.overhead.value == pytest.approx(500e-6)
    assert steps["a"].seconds == pytest.approx(300e-6)
    assert steps["rest"].seconds == pytest.approx(100e-6), "600 µs are outside the steps, and 500 of them are ours"
    assert found.adds_up
    assert "Timing the steps makes a call 50 % slower" in " ".join(sentences(measured(PIPELINE, timed=1500)))


def test_steps_that_take_longer_than_the_call_are_reported() -> None:
    steps = (times("a", 900), times("b", 800))
    found, _ = analysed(measured(steps, parallel=True))
    assert not found.adds_up
    assert any(
        "do not add up" in said and "at the same time" in said for said in sentences(measured(steps, parallel=True))
    )
    assert any("the shares are too large" in said for said in sentences(measured(steps)))


def test_rounds_of_several_replies_and_launches_are_joined() -> None:
    late = measured((*PIPELINE, times("classifier/inner", 50, "Inner")))
    found, steps = analysed(measured(PIPELINE), msgspec.structs.replace(late, launch=1))
    assert found.calls == 80
    assert steps["classifier › inner"].calls == pytest.approx(0.5), "it ran in half of the rounds"
    assert steps["columns"].share == pytest.approx(0.8)


def test_an_interval_needs_six_rounds() -> None:
    few, steps = analysed(measured(tuple(times("a", 500, rounds=5) for _ in range(1)), rounds=5))
    assert few.call is not None
    assert few.call.low is None
    assert steps["a"].low is None
    assert render_rows(measured((times("a", 500, rounds=5),), rounds=5))[0].interval == "–"


def test_the_resolution_of_the_clock_widens_the_interval_of_a_step() -> None:
    step = msgspec.structs.replace(times("Gemm", 10, "Gemm"), resolution=0.5 * MICRO)
    _, steps = analysed(measured((step,), plain=20, timed=20))
    assert steps["Gemm"].low == pytest.approx(9.5e-6)
    assert steps["Gemm"].high == pytest.approx(10.5e-6)


def test_a_model_of_one_step_is_said_to_have_one() -> None:
    (said,) = sentences(measured(plain=62, unchecked=44))
    assert said.startswith("Churn has one step, which takes 62.0 µs.")
    assert "checked for NaN and infinity, which takes 18.0 µs (29 %)" in said
    (plain,) = sentences(measured(plain=62))
    assert plain == "Churn has one step, which takes 62.0 µs."


def test_the_largest_step_is_named_with_its_type() -> None:
    assert sentences(measured(PIPELINE))[0] == "50 % of Churn's 1.00 ms is columns › words (OneHotEncoder)."


def test_time_outside_the_steps_of_a_column_transformer_is_named() -> None:
    steps = (times("columns", 900, "ColumnTransformer"), times("columns/words", 100, "OneHotEncoder"))
    assert sentences(measured(steps))[0] == (
        "80 % of Churn's 1.00 ms is selecting and joining columns in columns (ColumnTransformer)."
    )
    assert sentences(measured((times("a", 100),)))[0] == "90 % of Churn's 1.00 ms is outside its steps."


def test_validation_and_data_frame_are_said_if_they_matter() -> None:
    said = " ".join(sentences(measured(PIPELINE, unchecked=900, array=400)))
    assert "takes 100 µs (10 %); the setting assume_finite=true omits that" in said
    assert "An array instead of a data frame saves 600 µs (60 %)" in said
    quiet = " ".join(sentences(measured(PIPELINE, unchecked=990, array=995)))
    assert "finite" not in quiet
    assert "array" not in quiet


def test_a_difference_whose_interval_includes_zero_is_not_shown_as_time() -> None:
    event = measured(PIPELINE)
    noisy = tuple(1000 * MICRO * (1 + 0.05 * (-1) ** number) for number in range(ROUNDS))
    timings = msgspec.structs.replace(event.timings, unchecked=noisy)
    rows = render_rows(msgspec.structs.replace(event, timings=timings))
    check = next(row for row in rows if "NaN" in row.label)
    assert (check.time, check.percent, check.share) == ("none", "–", 0.0)
    assert check.interval.startswith("−")


def test_a_time_below_zero_is_not_shown() -> None:
    rows = render_rows(measured(PIPELINE, unchecked=1200))
    check = next(row for row in rows if "NaN" in row.label)
    assert (check.time, check.percent, check.share) == ("none", "–", 0.0)
    assert check.interval.startswith("−200 µs")


def render_rows(event: StepsMeasured) -> list:  # type: ignore[type-arg]
    found = analyse_steps([event])
    assert found is not None
    return step_rows(*found)


def test_a_pass_that_failed_says_why_and_keeps_what_it_measured() -> None:
    failed = measured(slug="churn", error="the step words failed while it was timed: no", rounds=0)
    assert sentences(failed) == ["The steps of Churn could not be timed: the step words failed while it was timed: no."]
    assert sentences(measured(PIPELINE), failed)[-1].startswith("The pass ended early: the step words failed")


def test_a_pass_that_was_stopped_says_how_far_it_came() -> None:
    event = msgspec.structs.replace(measured(PIPELINE), total=40)
    assert "The pass was stopped after 10 of 40 rounds." in sentences(event)


@pytest.mark.parametrize(
    ("share", "width", "drawn"),
    [(0.5, 8, "████"), (1.0, 4, "████"), (1.7, 4, "████"), (-0.2, 4, ""), (0.0, 4, ""), (1 / 64, 8, "▏")],
)
def test_a_bar_has_the_length_of_its_share(share: float, width: int, drawn: str) -> None:
    assert bar(share, width) == drawn


def test_shares_below_one_per_cent_have_a_decimal() -> None:
    assert [format_share(share) for share in (0.78, 0.004, -0.02, 1.0)] == ["78 %", "0.4 %", "−2 %", "100 %"]


# --- results and formats ---------------------------------------------------------------------------------------------


def with_steps(name: str = "Churn") -> Result:
    plan = Plan(candidates=(Candidate(model=ModelSpec(name=name, factory="a:b")),), steps=True)
    slug = plan.candidates[0].slug
    recording = Recorder(plan)
    for number in range(8):
        recording.add(block(slug, [1_000_000 + number] * 5, round_=number))
    recording.add(decode_event(encode(measured(PIPELINE, unchecked=900, slug=slug))))
    return recording.result()


def test_json_has_the_names_that_other_programs_read() -> None:
    result = with_steps()
    first = msgspec.json.decode(result.to_json())["steps"][0]
    assert {"candidate", "name", "seconds", "share"} <= set(first)
    assert first["candidate"] == "churn"
    again = decode(result.to_json().encode(), "r.json")
    assert again.steps == result.steps
    assert again.step_passes == result.step_passes


def test_the_history_and_a_continuation_keep_the_steps() -> None:
    result = with_steps()
    content, _ = result_codec.encode(result)
    assert result_codec.decode(content, None).steps == result.steps
    assert resume(decode(result.to_json().encode(), "r.json")).result().steps == result.steps


def test_a_candidate_that_crashes_in_the_pass_has_been_measured() -> None:
    plan = Plan(candidates=(Candidate(model=ModelSpec(name="Churn", factory="a:b")),), steps=True)
    recording = Recorder(plan)
    for number in range(8):
        recording.add(block("churn", [1_000_000 + number] * 5, round_=number))
    recording.add(CandidateFailed(job="m", candidate="churn", stage="steps", message="its process crashed"))
    candidate = recording.result().candidates[0]
    assert candidate.status == "measured"
    assert candidate.error == "its process crashed"


@pytest.mark.parametrize("width", [None, 140, 80, 60, 40])
def test_the_table_has_a_bar_per_step_and_fits_the_terminal(width: int | None) -> None:
    text = render_table(with_steps(), width=width)
    part = text[text.index("50 % of Churn's") :]
    lines = part.splitlines()
    assert all(len(line) <= (width or 1000) for line in lines)
    (words,) = (line for line in lines if "words (" in line and "█" in line)
    assert "500 µs" in words
    assert "50 %" in words
    assert words.startswith("  "), "it is inside columns"


def test_a_result_without_steps_has_no_section() -> None:
    result = make_result()
    assert "Where the time goes" not in render_table(result)
    assert "Where the time goes" not in render(result, "html")
    assert "| step |" not in render(result, "markdown")


def test_a_notebook_shows_the_steps() -> None:
    page = of(with_steps("<b>"))._repr_html_()
    assert "&nbsp;&nbsp;words (OneHotEncoder)" in page
    assert "<b>" not in page
    assert "OneHotEncoder" not in of(make_result())._repr_html_()


def test_markdown_and_html_show_steps_and_escape_their_names() -> None:
    evil = "<b>|\x1b[31m"
    result = with_steps()
    steps = (msgspec.structs.replace(result.steps[0], name=evil), *result.steps[1:])
    result = msgspec.structs.replace(result, steps=steps)
    markdown, page = render(result, "markdown"), render(result, "html")
    assert "| step | time | 95 % CI | share |" in markdown
    assert "\\<b\\>\\|" in markdown
    assert "Where the time goes" in page
    assert "&lt;b&gt;|" in page
    assert "<b>" not in page
    assert "\x1b" not in markdown + page
