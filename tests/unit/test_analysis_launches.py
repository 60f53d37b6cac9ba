"""Launches: what one, two and several of them say, and what is made of one that was stopped early."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latency_tui.analysis import tail_comparison
from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.protocol import BlockMeasured, CandidateFailed, Event, MeasurementStarted, RoundFinished
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report import render, write
from latency_tui.result.result import load
from latency_tui.stats.permutation import compare_tails
from tests.unit.fake_latencies import block, nanoseconds, waves

COPIES = 8


def plan_of(count: int, **more: Any) -> Plan:  # Any: whatever a plan takes
    return Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:count]), **more)


def launch_of(
    plan: Plan,
    factors: Sequence[float],
    rounds: int,
    launch: int,
    *,
    calls: Sequence[int] = (10, 10, 10),
    planned: int = 80,
    copies: int = COPIES,
) -> Iterator[Event]:
    """One launch's rounds, in which processes take turns and differ by a tenth of a percent."""
    random = np.random.default_rng((0, launch))
    own = random.normal(0, 0.001, (len(factors), copies))
    now = launch * 10**12
    yield MeasurementStarted(
        job="measurement", launch=launch, rounds=planned, calls={}, seconds=1.0, timer_floor_ns=70.0, pinned=(1,)
    )
    for number in range(rounds):
        for place, (candidate, factor) in enumerate(zip(plan.all_candidates, factors, strict=True)):
            logs = waves(random, 1, calls[place])[0] + own[place, number % copies]
            samples = nanoseconds(logs, base=62_000 * factor)
            yield block(candidate.slug, samples, round_=number, launch=launch, replica=number % copies, started_ns=now)
            now += int(samples.sum())
        yield RoundFinished(job="measurement", launch=launch, round=number, rounds=rounds, seconds_left=0.0)


def recorded(plan: Plan, *launches: Iterator[Event]) -> Recorder:
    recording = Recorder(plan)
    for events in launches:
        for event in events:
            recording.add(event)
    return recording


@pytest.mark.parametrize("begun", [1, 20, 39])
def test_a_launch_that_has_just_begun_changes_no_result(begun: int) -> None:
    plan = plan_of(2, launches=5)
    first = recorded(plan, launch_of(plan, (1, 1.05), 80, 0)).result()
    (alone,) = first.comparisons
    assert alone.verdict == "slower"
    (found,) = (
        recorded(plan, launch_of(plan, (1, 1.05), 80, 0), launch_of(plan, (1, 1.4), begun, 1)).result().comparisons
    )
    assert (found.verdict, found.ratio, found.low, found.high) == ("slower", alone.ratio, alone.low, alone.high)
    assert (found.launches, found.rounds) == (1, 80)


def test_a_launch_of_more_rounds_leaves_the_others_whole() -> None:
    plan = plan_of(2, launches=3)
    sizes = (80, 200, 80)
    result = recorded(plan, *(launch_of(plan, (1, 1.2), n, k, planned=n) for k, n in enumerate(sizes))).result()
    assert (result.comparisons[0].launches, result.comparisons[0].rounds) == (3, 360)
    assert result.comparisons[0].predicted_low is not None


def test_launches_that_are_complete_are_whole_however_unequal() -> None:
    """Warm-ups that take a model for slower than it is leave a launch fewer rounds in the same seconds."""
    plan = plan_of(1, launches=3)
    sizes = (100, 49, 49)
    result = recorded(plan, *(launch_of(plan, (1,), n, k, planned=n) for k, n in enumerate(sizes))).result()
    (alone,) = result.candidates
    assert (alone.complete_launches, result.complete_launches) == (3, 3)
    assert alone.statistics is not None
    assert alone.statistics.p50.low is not None
    assert alone.statistics.p50.high is not None
    assert "in these" not in result.answer


def test_results_without_whole_launches_count_the_launches(tmp_path: Path) -> None:
    plan = plan_of(1, launches=3)
    result = recorded(plan, *(launch_of(plan, (1,), 20, k, planned=20) for k in range(3))).result()
    write(result, tmp_path / "new.json")
    document = json.loads((tmp_path / "new.json").read_text())
    del document["candidates"][0]["complete_launches"]
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert load(tmp_path / "old.json").complete_launches == load(tmp_path / "new.json").complete_launches == 3


def test_rounds_that_are_left_out_do_not_count_as_measured() -> None:
    plan = plan_of(2, launches=5)
    alone = recorded(plan, launch_of(plan, (1, 1.0115), 80, 0)).result().comparisons[0]
    begun = [launch_of(plan, (1, 1.0115), 80, 0), launch_of(plan, (1, 1.0115), 39, 1)]
    assert alone.runs_to_decide is not None
    assert recorded(plan, *begun).result().comparisons[0].runs_to_decide == alone.runs_to_decide


def test_two_launches_of_single_processes_are_compared_by_rounds() -> None:
    plan = plan_of(2, launches=2)
    events = [launch_of(plan, (1, 1.05), 80, launch, copies=1) for launch in range(2)]
    result = recorded(plan, *events).result()
    (found,) = result.comparisons
    assert (found.verdict, found.launches) == ("slower", 2)
    assert all(c.statistics is not None and c.statistics.p50.high is not None for c in result.candidates)


def test_a_model_that_fails_in_the_second_launch_has_only_one() -> None:
    plan = plan_of(3, launches=5)
    recording = Recorder(plan)
    failed = plan.candidates[1].slug
    for launch in range(5):
        for event in launch_of(plan, (1, 1.05, 1.1), 80, launch):
            gone = isinstance(event, BlockMeasured) and event.candidate == failed and (launch, event.round) > (1, 3)
            if not gone:
                recording.add(event)
    recording.add(CandidateFailed(job="measurement", candidate=failed, stage="measuring", message="it crashed"))
    result = recording.result()
    assert result.complete_launches == 5
    found = {comparison.candidate: comparison for comparison in result.comparisons}
    assert found[failed].launches < 3
    assert found[failed].predicted_low is None
    assert found[plan.candidates[2].slug].launches == 5


def test_an_outlying_launch_with_more_calls_is_no_error() -> None:
    plan = plan_of(2, runs=None, until_known=True, launches=5)
    events = [launch_of(plan, (0.3, 0.3), 40, 0, calls=(10, 10))]
    events += [launch_of(plan, (1, 1), 40, launch, calls=(4, 4)) for launch in range(1, 5)]
    assert all(c.statistics is not None for c in recorded(plan, *events).result().candidates)


def test_two_of_which_one_failed_leave_the_other_all_its_launches() -> None:
    plan = plan_of(2, launches=5)
    failed = plan.candidates[1].slug
    recording = Recorder(plan)
    for launch in range(5):
        for event in launch_of(plan, (1, 1.05), 40, launch, planned=40):
            if not (isinstance(event, BlockMeasured) and event.candidate == failed and event.round > 3):
                recording.add(event)
    recording.add(CandidateFailed(job="measurement", candidate=failed, stage="measuring", message="it crashed"))
    result = recording.result()
    assert result.complete_launches == 5
    assert "in this launch" not in result.answer
    assert "in these" not in result.answer


def test_a_report_says_how_many_of_the_launches_were_measured() -> None:
    plan = plan_of(1, launches=5)
    result = recorded(
        plan, launch_of(plan, (1,), 80, 0), launch_of(plan, (1,), 80, 1), launch_of(plan, (1,), 3, 2)
    ).result()
    assert result.complete_launches == 2
    assert "2 of 5 launches" in render(result)
    assert "in these 2 launches" in result.answer


def test_the_answer_of_two_launches_says_that_it_holds_for_them() -> None:
    plan = plan_of(2, launches=2)
    result = recorded(plan, launch_of(plan, (1, 1.05), 80, 0), launch_of(plan, (1, 1.06), 80, 1)).result()
    (found,) = result.comparisons
    assert (found.verdict, found.launches, found.predicted_low) == ("slower", 2, None)
    assert found.high is not None
    assert found.high < 1.08  # by Student's over two launches it would end above 1.1
    assert "in these 2 launches" in result.answer
    assert all(c.statistics is not None and c.statistics.p50.high is not None for c in result.candidates)


def test_the_prediction_interval_contains_that_of_the_rounds() -> None:
    plan = plan_of(2, launches=3)
    recording = Recorder(plan)
    slower = (1.1, 1.5, 1.2, 1.4, 1.3, 1.3)  # so in every launch: each has the same median, and is not sure of it
    for launch in range(3):
        for number, factor in enumerate(slower):
            for candidate, nanosecond in zip(plan.all_candidates, (62_000, round(62_000 * factor)), strict=True):
                recording.add(block(candidate.slug, [nanosecond] * 10, round_=number, launch=launch))
    (found,) = recording.result().comparisons
    assert found.low is not None
    assert found.high is not None
    assert found.launches == 3
    assert found.low < 1.29
    assert found.high > 1.31
    assert (found.predicted_low, found.predicted_high) == (found.low, found.high)


def test_a_third_that_was_stopped_early_does_not_make_it_three() -> None:
    plan = plan_of(2, launches=3)
    events = [launch_of(plan, (1, 1.05), rounds, launch) for launch, rounds in enumerate((80, 80, 6))]
    result = recorded(plan, *events).result()
    assert result.comparisons[0].launches == 2
    assert "in these 2 launches" in result.answer
    assert all(c.statistics is not None and c.statistics.p50.high is not None for c in result.candidates)


def test_differing_launches_ask_for_more_launches() -> None:
    plan = plan_of(2, launches=5)
    factors = (1.01, 1.08, 1.04, 1.07, 1.02)
    result = recorded(plan, *(launch_of(plan, (1, f), 80, k) for k, f in enumerate(factors))).result()
    (found,) = result.comparisons
    assert (found.verdict, found.launches, found.runs_to_decide) == ("inconclusive", 5, None)
    assert found.launches_to_decide is not None
    assert 1 < found.launches_to_decide < 10
    assert found.seconds_to_decide is not None
    assert f"about {found.launches_to_decide} more launches should decide it" in result.answer
    assert result.answer in render(result)
    again = recorded(plan, *(launch_of(plan, (1, factors[k % 5]), 80, k) for k in range(5 + found.launches_to_decide)))
    assert again.result().comparisons[0].verdict == "slower"


def test_tails_can_differ_over_five_launches() -> None:
    plan = plan_of(3, launches=5, baseline="logistic-regression")

    def with_bursts(launch: int) -> Iterator[Event]:
        random = np.random.default_rng(launch)
        for event in launch_of(plan, (1, 1, 1), 60, launch):
            if isinstance(event, BlockMeasured) and event.candidate == plan.candidates[1].slug:
                samples = np.frombuffer(event.block.samples, "<i8").copy()
                samples[random.random(samples.size) < 0.03] *= 3
                yield block(event.candidate, samples, round_=event.round, launch=launch, replica=event.replica)
            else:
                yield event

    result = recorded(plan, *(with_bursts(launch) for launch in range(5))).result()
    bursting, alike = (comparison.p99_p_value for comparison in result.comparisons)
    assert bursting is not None
    assert alike is not None
    assert bursting == pytest.approx(0.002), "one in a thousand labellings, of two pairs"
    assert alike > 0.05


def test_p99_of_slow_and_fast_models_are_compared() -> None:
    plan = plan_of(2)
    events = launch_of(plan, (1, 60), 300, 0, calls=(600, 6))
    (found,) = recorded(plan, events).result().comparisons
    assert found.p99_ratio == pytest.approx(60, rel=0.2)


def test_p99_of_many_calls_are_compared_from_a_subsample(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(2)
    events = list(launch_of(plan, (1, 60), 300, 0, calls=(600, 6)))
    (whole,) = recorded(plan, iter(events)).result().comparisons
    looked_at: list[int] = []

    def watched(first: Any, second: Any, **more: Any) -> Any:  # Any: whatever is compared
        looked_at.extend((first[0].size, second[0].size))
        return compare_tails(first, second, **more)

    monkeypatch.setattr(tail_comparison, "compare_tails", watched)
    monkeypatch.setattr(tail_comparison, "_MAX_SAMPLES", 20_000)
    (some,) = recorded(plan, iter(events)).result().comparisons
    assert max(looked_at) < 25_000
    assert min(looked_at) >= 1000
    assert some.p99_ratio == pytest.approx(whole.p99_ratio, rel=0.05)


def test_candidates_without_common_rounds_have_no_p99_ratio() -> None:
    plan = plan_of(2)
    recording = Recorder(plan)
    random = np.random.default_rng(0)
    for number in range(40):
        slug = plan.candidates[number % 2].slug
        recording.add(block(slug, nanoseconds(waves(random, 1, 100)[0]), round_=number))
    assert all(c.p99_ratio is None for c in recording.result().comparisons)


def test_a_differing_control_lets_an_until_known_plan_end() -> None:
    """The test of the plan's own 1 % would never be decided by 1.2 %, but 5 % hold it."""
    plan = plan_of(2, runs=None, until_known=True, control=True)
    recording = Recorder(plan)
    ended = None
    for event in launch_of(plan, (1, 1.0115, 1.05), 600, 0):
        recording.add(event)
        if isinstance(event, RoundFinished) and recording.is_decided():
            ended = event.round + 1
            break
    assert ended is not None
    assert ended < 300
    assert recording.result().comparisons[0].verdict == "same"


def test_nothing_is_settled_before_every_candidate_has_calls() -> None:
    plan = plan_of(2, runs=None, until_known=True, control=True)
    recording = Recorder(plan)
    for number in range(20):
        recording.add(block(plan.candidates[0].slug, [60_000] * 10, round_=number))
        assert not recording.is_decided()


def test_a_result_has_statistics_of_each_whole_launch() -> None:
    plan = plan_of(2, launches=4)
    launches = (launch_of(plan, (1, 1.2), n, k) for k, n in enumerate((80, 80, 80, 10)))
    result = recorded(plan, *launches).result()
    for candidate in result.candidates:
        assert candidate.samples is not None
        starts = [*candidate.launches, candidate.samples.size]
        parts = [candidate.samples[a:b] for a, b in pairwise(starts)][:3]
        assert [one.p50 for one in candidate.per_launch] == pytest.approx([np.median(part) for part in parts])
        assert [one.mean for one in candidate.per_launch] == pytest.approx([part.mean() for part in parts])
        assert [one.p99 for one in candidate.per_launch] == pytest.approx([np.quantile(part, 0.99) for part in parts])
    assert result.without_samples().candidates[0].per_launch == result.candidates[0].per_launch
