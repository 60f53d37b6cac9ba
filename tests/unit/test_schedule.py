"""How a plan is cut into rounds and blocks, and in what order candidates take their turns."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latency_tui.engine.server.schedule import MAX_BLOCK_CALLS, calls_per_long_block, orders, schedule, split
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.stats.comparison import compare

PAIR = tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2])
A, B = (candidate.slug for candidate in PAIR)


def test_a_hundred_runs_are_ten_rounds_of_ten() -> None:
    cut = schedule(Plan(candidates=PAIR, runs=100), {A: 100e-6, B: 100e-6})
    assert cut.rounds == 10
    assert cut.calls[A] == cut.calls[B] == (10,) * 10


@pytest.mark.parametrize("candidates", [2, 6, 8, 12, 40])
def test_there_are_rounds_enough_for_a_verdict_on_every_pair(candidates: int) -> None:
    plan = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS), runs=100)
    rounds = schedule(plan, {str(index): 100e-6 for index in range(candidates)}).rounds
    medians = np.exp(np.outer(np.arange(candidates), np.ones(rounds)))
    medians *= np.exp(np.random.default_rng(0).normal(0, 1e-3, medians.shape))
    assert {pair.verdict for pair in compare(medians)} == {"slower"}


def test_with_many_runs_a_block_fills_a_few_milliseconds() -> None:
    cut = schedule(Plan(candidates=PAIR, runs=100_000), {A: 100e-6, B: 100e-6})
    assert 0.001 < cut.calls[A][0] * 100e-6 < 0.005


def test_a_slow_candidate_shortens_blocks_of_equal_runs() -> None:
    cut = schedule(Plan(candidates=PAIR, runs=10_000), {A: 100e-6, B: 5e-3})
    assert cut.calls[A] == cut.calls[B]
    assert cut.calls[A][0] == 10


@given(runs=st.integers(1, 100_000), fast=st.floats(1e-7, 10), slow=st.floats(1e-7, 10))
def test_every_candidate_gets_exactly_its_runs(runs: int, fast: float, slow: float) -> None:
    cut = schedule(Plan(candidates=PAIR, runs=runs), {A: fast, B: slow})
    assert sum(cut.calls[A]) == sum(cut.calls[B]) == runs
    assert len(cut.calls[A]) == cut.rounds
    assert min(cut.calls[A]) >= 1


@given(seconds=st.floats(0.01, 100), fast=st.floats(1e-6, 1e-3), slow=st.floats(1e-4, 1))
def test_a_measuring_time_is_filled_by_each(seconds: float, fast: float, slow: float) -> None:
    cut = schedule(Plan(candidates=PAIR, runs=None, seconds=seconds), {A: fast, B: slow})
    for slug, cost in ((A, fast), (B, slow)):
        assert sum(cut.calls[slug]) * cost >= min(seconds, cost) * 0.6 or cut.calls[slug][0] == MAX_BLOCK_CALLS


@pytest.mark.parametrize(
    ("slow", "seconds", "rounds", "calls"),
    [
        (100e-6, 0.5, 112, 45),
        (100e-6, 0.8, 178, 45),
        (100e-6, 2.0, 294, 68),
        (100e-6, 9.0, 1000, 90),
        (5e-3, 2.0, 67, 6),
        (5e-3, 13.0, 289, 9),
        (5e-3, 60.0, 1000, 12),
    ],
)
def test_with_enough_rounds_longer_measurements_have_longer_blocks(
    slow: float, seconds: float, rounds: int, calls: int
) -> None:
    cut = schedule(Plan(candidates=PAIR, runs=None, seconds=seconds), {A: slow, B: slow})
    assert abs(cut.rounds - rounds) <= 1
    assert set(cut.calls[A]) == {calls}


def test_no_block_holds_more_calls_than_memory_and_the_wire_are_good_for() -> None:
    cut = schedule(Plan(candidates=PAIR, runs=None, seconds=30.0), {A: 100e-9, B: 0.5})
    assert cut.calls[A][0] == 100_000
    assert cut.seconds < 40


@given(seconds=st.floats(0.01, 1000), fast=st.floats(1e-7, 1e-3), slow=st.floats(1e-4, 0.1))
def test_no_block_of_a_measuring_time_is_longer_than_the_longest_foretold(
    seconds: float, fast: float, slow: float
) -> None:
    cut = schedule(Plan(candidates=PAIR, runs=None, seconds=seconds), {A: fast, B: max(slow, 3 * fast)})
    longest = calls_per_long_block({A: fast, B: max(slow, 3 * fast)})
    assert all(max(cut.calls[slug]) <= 1.05 * longest[slug] + 1 for slug in (A, B)), "whole calls of the slower one"


@pytest.mark.parametrize(
    ("seconds", "slow", "rounds"), [(2.0, 0.1, 10), (1.0, 0.03, 12), (2.0, 0.3, 7), (10.0, 4.0, 3)]
)
def test_a_slow_candidate_has_as_many_rounds_as_calls(seconds: float, slow: float, rounds: int) -> None:
    cut = schedule(Plan(candidates=PAIR, runs=None, seconds=seconds), {A: 100e-6, B: slow})
    assert cut.rounds == rounds
    assert seconds * 0.99 <= sum(cut.calls[B]) * slow <= seconds + 3 * slow


def test_until_known_a_slow_candidate_does_not_stretch_other_blocks() -> None:
    cut = schedule(Plan(candidates=PAIR, runs=None, until_known=True), {A: 100e-6, B: 50e-3})
    assert cut.calls[A][0] == 45
    assert cut.calls[B][0] == 1


@pytest.mark.parametrize("rounds", [1, 7, 12, 61, 500])
@pytest.mark.parametrize("balanced", [True, False])
def test_every_round_has_everyone_once(rounds: int, balanced: bool) -> None:
    drawn = list(orders(list("abcd"), rounds, "seed", balanced=balanced))
    assert len(drawn) == rounds
    assert all(sorted(order) == list("abcd") for order in drawn)


def test_few_rounds_are_balanced_by_position_and_many_are_drawn_afresh() -> None:
    few = Counter(order[0] for order in orders(list("abcd"), 40, "seed", balanced=True))
    assert set(few.values()) == {10}
    many = Counter(orders(list("abc"), 6000, "seed", balanced=True))
    assert len(many) == 6
    assert all(800 < count < 1200 for count in many.values())


def test_if_any_round_may_be_the_last_no_order_is_predictable() -> None:
    squares = 0
    for seed in range(200):
        first, second = orders(list("ab"), 2, str(seed), balanced=False)
        squares += first != second
    assert 60 < squares < 140, "balanced, it would be 200"


@given(st.integers(1, 10_000), st.integers(1, 100))
def test_split_differs_by_one_at_most(total: int, parts: int) -> None:
    sizes = split(total, parts)
    assert sum(sizes) == total
    assert max(sizes) - min(sizes) <= 1
