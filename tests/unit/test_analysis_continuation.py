"""Continuations: what was stopped, or would settle an answer, is measured in further launches of the same result."""

from __future__ import annotations

import pytest

from latency_tui.analysis.continuation import plan_to_continue
from latency_tui.analysis.median_table import complete_launches
from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.protocol import CandidateFailed
from latency_tui.result.measurement_amount import MeasurementAmount
from latency_tui.text.formatting import format_more
from latency_tui.text.summary import round_estimate
from tests.unit.test_analysis_launches import launch_of, plan_of, recorded


def continued(
    recording: Recorder, more: MeasurementAmount, rounds: int, planned: int | None = None, ratio: float = 1.2
) -> None:
    first = recording.continue_with(more)
    for event in launch_of(recording.plan, (1, ratio), rounds, first, planned=planned or rounds):
        recording.add(event)


def test_a_stopped_measurement_lacks_the_rest_of_its_runs() -> None:
    plan = plan_of(2, runs=800)
    recording = recorded(plan, launch_of(plan, (1, 1.2), 30, 0))
    assert recording.result().more == MeasurementAmount(runs=500, stopped=True)
    continued(recording, MeasurementAmount(runs=500, stopped=True), 50)
    result = recording.result()
    assert [c.calls for c in result.candidates] == [800, 800]
    assert (result.comparisons[0].rounds, result.comparisons[0].launches) == (80, 2)
    assert "in these 2 launches" in result.answer
    assert result.more is None


def test_a_stopped_continuation_lacks_its_own_rest() -> None:
    plan = plan_of(2, runs=800)
    recording = recorded(plan, launch_of(plan, (1, 1.2), 30, 0))
    continued(recording, MeasurementAmount(runs=500, stopped=True), 20, planned=50)
    assert recording.result().more == MeasurementAmount(runs=300, stopped=True)


def test_a_stopped_duration_lacks_its_remaining_share() -> None:
    plan = plan_of(2, runs=None, seconds=4.0)
    more = recorded(plan, launch_of(plan, (1, 1.2), 20, 0)).result().more
    assert more == MeasurementAmount(seconds=3.0, stopped=True)


def test_stopped_launches_are_measured_again_as_a_whole() -> None:
    plan = plan_of(2, runs=800, launches=5)
    recording = recorded(plan, launch_of(plan, (1, 1.2), 80, 0), launch_of(plan, (1, 1.2), 10, 1))
    assert recording.result().more == MeasurementAmount(runs=800, launches=4, stopped=True)


def test_the_amount_to_continue_agrees_with_the_answer() -> None:
    plan = plan_of(2, runs=800)
    result = recorded(plan, launch_of(plan, (1, 1.0115), 80, 0)).result()
    assert result.comparisons[0].runs_to_decide is not None
    assert result.more == MeasurementAmount(runs=round_estimate(result.comparisons[0].runs_to_decide))
    assert f"{format_more(result.more)} " in result.answer


def test_a_settled_answer_needs_no_continuation() -> None:
    plan = plan_of(2, runs=800)
    assert recorded(plan, launch_of(plan, (1, 1.2), 80, 0)).result().more is None


def test_more_runs_narrow_the_interval() -> None:
    plan = plan_of(2, runs=800)
    recording = recorded(plan, launch_of(plan, (1, 1.2), 80, 0))
    (before,) = recording.result().comparisons
    continued(recording, MeasurementAmount(runs=4000), 400)
    (after,) = recording.result().comparisons
    assert before.high
    assert before.low
    assert after.high
    assert after.low
    assert after.high - after.low < before.high - before.low


def test_an_until_known_plan_continues_until_known() -> None:
    plan = plan_of(2, runs=None, until_known=True)
    recording = recorded(plan, launch_of(plan, (1, 1.0115), 80, 0))
    assert recording.result().more == MeasurementAmount(until_known=True)
    continued(recording, MeasurementAmount(until_known=True), 10, ratio=1.0115)
    assert recording.result().comparisons[0].rounds == 90


def test_a_continuation_leaves_out_failed_candidates() -> None:
    plan = plan_of(3, runs=800, control=True, baseline="logistic-regression")
    recording = recorded(plan, launch_of(plan, (1, 1.2, 1.3, 1), 30, 0, calls=(10, 10, 10, 10)))
    recording.add(CandidateFailed(job="measurement", candidate=plan.candidates[0].slug, stage="measuring", message="x"))
    more = recording.result().more
    assert more is not None
    following = plan_to_continue(plan, more, recording.active)
    assert following.candidates == plan.candidates[1:]
    assert (following.control, following.baseline, following.runs) == (False, None, 500)


@pytest.mark.parametrize(
    ("rounds", "planned", "whole"),
    [
        ({0: 5}, {0: 80}, [0]),
        ({0: 80, 1: 5}, {0: 80, 1: 80}, [0]),
        ({0: 5, 1: 75}, {0: 80, 1: 75}, [0, 1]),
        ({0: 5, 1: 5, 2: 70}, {0: 80, 1: 75, 2: 70}, [2]),
        ({0: 5, 1: 75, 2: 80}, {0: 80, 1: 75, 2: 80}, [1, 2]),
        ({0: 5, 1: 75, 2: 80, 3: 8}, {0: 80, 1: 75, 2: 80, 3: 80}, [1, 2]),
        ({0: 5, 1: 6, 2: 7}, {0: 80, 1: 75, 2: 69}, [0, 1]),
    ],
)
def test_a_short_launch_counts_until_there_are_three(
    rounds: dict[int, int], planned: dict[int, int], whole: list[int]
) -> None:
    assert complete_launches(rounds, planned) == whole
