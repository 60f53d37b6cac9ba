"""Two saved results: their interval covers the ratio that another measurement would give."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from latency_tui.stats.unpaired import (
    Spread,
    UnpairedComparison,
    compare_unpaired,
    judge_unpaired,
    spread_of_launches,
    spread_of_results,
)

TRIALS = 400
Draw = Callable[[int], NDArray[np.float64]]


def covered(log_ratio: float, truth: float, *spreads: Spread | None) -> bool:
    found = compare_unpaired(log_ratio, spreads)
    assert found.low is not None
    assert found.high is not None
    return found.low <= truth <= found.high


@pytest.mark.parametrize(("first", "second", "ratio"), [(3, 3, 1), (5, 5, 1), (5, 5, 3), (5, 1, 1), (2, 4, 1)])
def test_launches_cover_the_true_ratio(first: int, second: int, ratio: float) -> None:
    random, held = np.random.default_rng(1), 0
    for _ in range(TRIALS):
        a, b = random.normal(0, 0.01, first), random.normal(0.05, 0.01 * ratio, second)
        held += covered(b.mean() - a.mean(), 0.05, spread_of_launches(a, b))
    assert held / TRIALS > 0.92


def test_launches_alone_do_not_cover_what_differs_between_results_but_earlier_results_do() -> None:
    random, alone, with_earlier = np.random.default_rng(2), 0, 0
    for _ in range(TRIALS):
        moods = random.normal(0, 0.02, 8)  # of each result: the state of the machine
        a, b, *earlier = (random.normal(mood, 0.005, 5) for mood in moods)
        spreads = spread_of_launches(a, b), spread_of_results([[one.mean() for one in earlier]])
        alone += covered(b.mean() - a.mean(), 0.0, spreads[0])
        with_earlier += covered(b.mean() - a.mean(), 0.0, *spreads)
    assert alone / TRIALS < 0.6
    assert with_earlier / TRIALS > 0.92


def test_identical_sides_are_rarely_called_different_and_two_per_cent_is_found() -> None:
    random, wrong, found = np.random.default_rng(3), 0, 0
    for _ in range(TRIALS):
        a, b = random.normal(0, 0.003, 5), random.normal(0, 0.003, 5)
        spread = spread_of_launches(a, b)
        same, slower = (compare_unpaired(b.mean() - a.mean() + true, [spread], equivalence=0) for true in (0, 0.02))
        wrong += judge_unpaired([same])[0].verdict in ("faster", "slower")
        found += judge_unpaired([slower])[0].verdict == "slower"
    assert wrong / TRIALS < 0.08
    assert found / TRIALS > 0.95


def test_the_spread_of_launches_is_that_of_welch() -> None:
    random = np.random.default_rng(4)
    a, b = random.normal(0, 1, 5), random.normal(1, 2, 7)
    expected = stats.ttest_ind(b, a, equal_var=False)
    spread = spread_of_launches(a, b)
    assert spread is not None
    assert spread.degrees == pytest.approx(expected.df)
    interval = expected.confidence_interval()
    found = compare_unpaired(b.mean() - a.mean(), [spread])
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(("first", "second"), [(0, 5), (1, 1), (2, 2), (2, 1)])
def test_too_few_launches_have_no_spread(first: int, second: int) -> None:
    assert spread_of_launches(np.arange(first), np.arange(second)) is None


def test_launches_that_do_not_differ_at_all_have_no_spread() -> None:
    assert spread_of_launches([1.0] * 3, [1.0] * 3) is None
    assert spread_of_launches([1.0] * 3, [2.0]) is None
    assert spread_of_results([[1.0] * 4]) is None


def test_a_group_of_two_results_says_nothing_and_groups_are_not_mixed() -> None:
    assert spread_of_results([[0.0, 1.0]]) is None
    one, other = [0.0, 0.01, 0.02], [5.0, 5.01, 5.02]
    spread = spread_of_results([one, other])
    assert spread == pytest.approx((0.01 * math.sqrt(2), 4))


def test_without_a_spread_there_is_an_estimate_and_no_verdict() -> None:
    assert judge_unpaired([compare_unpaired(0.3, [None])]) == (UnpairedComparison(0.3),)


def test_verdicts_are_corrected_for_the_number_of_models() -> None:
    borderline = compare_unpaired(0.04, [Spread(0.012, 8)])
    assert judge_unpaired([borderline])[0].verdict == "slower"
    quiet = [compare_unpaired(0.0, [Spread(0.012, 8)])] * 9
    assert judge_unpaired([borderline, *quiet])[0].verdict == "inconclusive"
    assert judge_unpaired([compare_unpaired(-0.2, [Spread(0.01, 8)])])[0].verdict == "faster"
    assert judge_unpaired([compare_unpaired(0.001, [Spread(0.001, 8)])])[0].verdict == "same"
