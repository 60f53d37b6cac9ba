"""The bootstrap over test rows, and the Pareto front of values that are known only up to an interval."""

from __future__ import annotations

import numpy as np
import pytest

from latency_tui.stats.bootstrap import paired_difference, resamples, rescaled, score_interval, wilson_interval
from latency_tui.stats.pareto import Standing, pareto_front
from tests.unit.made_scores import accuracy, rows_right


def interval(right: list[bool]) -> tuple[float, float] | None:
    score = accuracy(right)
    return score_interval(np.frombuffer(score.resampled), score.value or 0.0, score.rows, is_share=True)


def difference(one: list[bool], two: list[bool]) -> tuple[float, bool]:
    first, second = accuracy(one), accuracy(two)
    found = paired_difference(
        np.frombuffer(first.resampled),
        np.frombuffer(second.resampled),
        (first.value or 0.0) - (second.value or 0.0),
        first.rows,
    )
    assert found is not None
    assert found.low <= found.value <= found.high
    return found.value, found.p_value <= 0.05


def test_an_interval_is_about_that_of_a_share() -> None:
    low, high = interval(rows_right(1000, 100)) or (0.0, 0.0)
    assert low == pytest.approx(0.880, abs=0.004)
    assert high == pytest.approx(0.918, abs=0.004)


@pytest.mark.parametrize("rows", [38, 250])
def test_a_perfect_score_is_not_certain(rows: int) -> None:
    low, high = interval(rows_right(rows, 0)) or (0.0, 0.0)
    assert (low, high) == pytest.approx(wilson_interval(1.0, rows))
    assert 1 - 4 / rows < low < 1 - 3 / rows


def test_a_perfect_score_of_another_metric_is_as_uncertain_as_its_rarest_classes() -> None:
    ones = np.ones(1000)
    assert score_interval(ones, 1.0, 100, effective_rows=20.0, best=1.0) == (wilson_interval(1.0, 20).low, 1.0)
    assert score_interval(ones, 1.0, 100) is None, "what does not vary has no interval"


def test_a_score_outside_of_its_resamples_has_no_interval() -> None:
    assert score_interval(np.linspace(0.8, 0.9, 1000), 0.1, 50) is None
    assert score_interval(np.full(1000, np.nan), 0.5, 50) is None
    assert score_interval(np.linspace(0.8, 0.9, 20), 0.85, 50) is None, "too few resamples"


def test_a_difference_is_paired_by_row() -> None:
    assert difference(rows_right(250, 20), rows_right(250, 20)) == (0.0, False)
    value, differs = difference(rows_right(250, 20), rows_right(250, 28))
    assert value == pytest.approx(0.032)
    assert differs, "8 rows, all one way"
    assert difference(rows_right(250, 20), rows_right(250, 28, first=100))[1] is False, "28 against 20, other rows"


@pytest.mark.parametrize(("rows", "wrong"), [(2, 2), (3, 3), (250, 2), (250, 3)])
def test_few_rows_prove_nothing(rows: int, wrong: int) -> None:
    assert difference(rows_right(rows, 0), rows_right(rows, wrong))[1] is False


def test_resamples_are_the_same_for_the_same_seed_and_bounded() -> None:
    one, two = ([*resamples(100, count, 7)] for count in (5, 3))
    assert all((first == second).all() for first, second in zip(one, two, strict=False))
    assert next(resamples(10**6, 1, 0)).size == 20_000
    scores = np.array([0.8, 0.9, 1.0])
    np.testing.assert_allclose(rescaled(scores, 0.9, 25, 100), [0.85, 0.9, 0.95])


FASTER = {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)}
"""The first candidate is the fastest, then the second; the others are not shown to differ."""
BETTER = {(2, 1), (2, 0), (0, 3), (1, 3)}
"""The third has the best score and the fourth the worst; the first two are not shown to differ."""


def test_only_what_is_shown_to_be_worse_in_both_is_dominated() -> None:
    found = pareto_front(4, lambda i, j: (i, j) in FASTER, lambda i, j: (i, j) in BETTER)
    assert found == [
        Standing(None, is_shown=True),
        Standing(None, is_shown=False),  # slower than the first, and not shown to be better
        Standing(None, is_shown=False),  # better than the first two, and not shown to beat the fourth
        Standing(0, is_shown=False),
    ]
    assert pareto_front(2, lambda _i, _j: False, lambda _i, _j: False) == [Standing(None, is_shown=False)] * 2
    assert pareto_front(1, lambda _i, _j: False, lambda _i, _j: False) == [Standing(None, is_shown=True)]
