"""Launches: what one, two and several of them say, and what is made of one that was stopped early."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from latency_tui.engine.protocol import Event, RoundFinished
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report import render
from latency_tui.result.recording import Recording
from tests.unit.made_latencies import block, nanoseconds, waves

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
    seed: int = 0,
) -> Iterator[Event]:
    """One launch's rounds, in which processes take turns and differ by a tenth of a percent."""
    random = np.random.default_rng((seed, launch))
    own = random.normal(0, 0.001, (len(factors), COPIES))
    now = launch * 10**12
    for number in range(rounds):
        for place, (candidate, factor) in enumerate(zip(plan.turns, factors, strict=True)):
            logs = waves(random, 1, calls[place])[0] + own[place, number % COPIES]
            samples = nanoseconds(logs, base=62_000 * factor)
            yield block(candidate.slug, samples, round_=number, launch=launch, copy=number % COPIES, started_ns=now)
            now += int(samples.sum())
        yield RoundFinished(job="measurement", launch=launch, round=number, rounds=rounds, seconds_left=0.0)


def recorded(plan: Plan, *launches: Iterator[Event]) -> Recording:
    recording = Recording(plan)
    for events in launches:
        for event in events:
            recording.add(event)
    return recording


@pytest.mark.parametrize("begun", [1, 20, 39])
def test_a_launch_that_has_only_begun_takes_nothing_back(begun: int) -> None:
    plan = plan_of(2, launches=5)
    first = recorded(plan, launch_of(plan, (1, 1.05), 80, 0)).result()
    (alone,) = first.comparisons
    assert alone.verdict == "slower"
    (found,) = (
        recorded(plan, launch_of(plan, (1, 1.05), 80, 0), launch_of(plan, (1, 1.4), begun, 1)).result().comparisons
    )
    assert (found.verdict, found.ratio, found.low, found.high) == ("slower", alone.ratio, alone.low, alone.high)
    assert (found.launches, found.rounds) == (1, 80)


def test_two_launches_hold_for_these_two_and_say_so() -> None:
    plan = plan_of(2, launches=2)
    result = recorded(plan, launch_of(plan, (1, 1.05), 80, 0), launch_of(plan, (1, 1.06), 80, 1)).result()
    (found,) = result.comparisons
    assert (found.verdict, found.launches, found.again_low) == ("slower", 2, None)
    assert found.high is not None
    assert found.high < 1.08  # by Student's over two launches it would end above 1.1
    assert "in these 2 launches" in result.answer
    assert all(c.statistics is not None and c.statistics.p50.high is not None for c in result.candidates)


def test_a_third_that_was_stopped_early_does_not_make_it_three() -> None:
    plan = plan_of(2, launches=3)
    events = [launch_of(plan, (1, 1.05), rounds, launch) for launch, rounds in enumerate((80, 80, 6))]
    result = recorded(plan, *events).result()
    assert result.comparisons[0].launches == 2
    assert "in these 2 launches" in result.answer


def test_launches_that_differ_are_settled_by_more_of_them() -> None:
    plan = plan_of(2, launches=5)
    factors = (1.01, 1.08, 1.04, 1.07, 1.02)
    result = recorded(plan, *(launch_of(plan, (1, f), 80, k) for k, f in enumerate(factors))).result()
    (found,) = result.comparisons
    assert (found.verdict, found.launches, found.runs_to_settle) == ("inconclusive", 5, None)
    assert found.launches_to_settle is not None
    assert 1 < found.launches_to_settle < 10
    assert found.seconds_to_settle is not None
    assert f"about {found.launches_to_settle} more launches (" in result.answer
    assert result.answer in render(result)
    again = recorded(plan, *(launch_of(plan, (1, factors[k % 5]), 80, k) for k in range(5 + found.launches_to_settle)))
    assert again.result().comparisons[0].verdict == "slower"


def test_in_five_launches_slow_ends_can_be_told_apart() -> None:
    plan = plan_of(3, launches=5, baseline="logistic-regression")

    def with_bursts(launch: int) -> Iterator[Event]:
        random = np.random.default_rng(launch)
        for event in launch_of(plan, (1, 1, 1), 60, launch):
            if not isinstance(event, RoundFinished) and event.candidate == plan.candidates[1].slug:  # type: ignore[union-attr]  # a block
                samples = np.frombuffer(event.samples, "<i8").copy()  # type: ignore[union-attr]  # as above
                samples[random.random(samples.size) < 0.03] *= 3
                yield block(event.candidate, samples, round_=event.round, launch=launch, copy=event.copy)  # type: ignore[union-attr]  # as above
            else:
                yield event

    result = recorded(plan, *(with_bursts(launch) for launch in range(5))).result()
    bursting, alike = (comparison.p99_p_value for comparison in result.comparisons)
    assert bursting is not None
    assert alike is not None
    assert bursting < 0.01 < 0.05 < alike


def test_p99_of_a_slow_and_a_fast_model_are_compared_however_many_calls_the_fast_one_has() -> None:
    plan = plan_of(2)
    events = launch_of(plan, (1, 60), 300, 0, calls=(600, 6))
    (found,) = recorded(plan, events).result().comparisons
    assert found.p99_ratio == pytest.approx(60, rel=0.2)


def test_candidates_that_never_met_have_no_p99_compared() -> None:
    plan = plan_of(2)
    recording = Recording(plan)
    random = np.random.default_rng(0)
    for number in range(40):
        slug = plan.candidates[number % 2].slug
        recording.add(block(slug, nanoseconds(waves(random, 1, 100)[0]), round_=number))
    assert all(c.p99_ratio is None for c in recording.result().comparisons)


def test_until_known_a_control_that_comes_out_apart_lets_it_end() -> None:
    """The test of the plan's own 1 % would never be settled by 1.2 %, but 5 % hold it."""
    plan = plan_of(2, runs=None, until_known=True, control=True)
    recording = Recording(plan)
    ended = None
    for event in launch_of(plan, (1, 1.0115, 1.05), 600, 0):
        recording.add(event)
        if isinstance(event, RoundFinished) and recording.settled():
            ended = event.round + 1
            break
    assert ended is not None
    assert ended < 300
    assert recording.result().comparisons[0].verdict == "same"
