"""Change points in a series of results."""

from __future__ import annotations

import math

import numpy as np
import pytest

from latency_tui.stats.change_points import MIN_RESULTS, find_change_points


def test_a_step_is_found_where_it_is_with_its_size() -> None:
    log_values = np.random.default_rng(3).normal(0, 0.01, 24)
    log_values[14:] += math.log(1.1)
    (point,) = find_change_points(log_values)
    assert point.index == 14
    assert point.low < math.log(1.1) < point.high
    assert point.p_value < 1e-6


def test_a_change_that_was_undone_is_two_change_points() -> None:
    log_values = np.random.default_rng(4).normal(0, 0.01, 30)
    log_values[10:20] += 0.1
    assert [point.index for point in find_change_points(log_values)] == [10, 20]


def test_one_outlier_is_no_change_point() -> None:
    log_values = np.random.default_rng(5).normal(0, 0.01, 30)
    log_values[15] += 0.5
    assert find_change_points(log_values) == []


def test_changes_below_the_least_ratio_are_not_reported() -> None:
    log_values = np.random.default_rng(6).normal(0, 0.001, 30)
    log_values[10:] += 0.02
    log_values[20:] += 0.006
    assert [point.index for point in find_change_points(log_values)] == [10, 20]
    assert [point.index for point in find_change_points(log_values, min_log_ratio=0.01)] == [10]


@pytest.mark.parametrize("results", [20, 60])
def test_unchanged_series_rarely_have_a_change_point(results: int) -> None:
    random = np.random.default_rng(7)
    found = [find_change_points(random.normal(0, 0.02, results)) for _ in range(150)]
    assert sum(map(bool, found)) <= 6  # 4 % of 150


def test_a_step_between_equal_values_is_found() -> None:
    (point,) = find_change_points([0.0] * 6 + [0.125] * 6)
    assert (point.index, point.low, point.high, point.p_value) == (6, 0.125, 0.125, 0.0)


def test_equal_values_have_no_change_point() -> None:
    assert find_change_points([0.5] * 20) == []


def test_few_results_have_no_change_points() -> None:
    assert find_change_points([0.0] * 4 + [1.0] * (MIN_RESULTS - 5)) == []


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        find_change_points([math.nan] * 12)
