from __future__ import annotations

import pytest
from scipy import stats

from latency_tui.stats.quantiles import fair_binomial_cdf, normal_quantile, student_quantile, student_tail


@pytest.mark.parametrize("degrees", [1, 2, 4, 5, 9, 10, 11, 39, 199, 200, 1000, 100_000])
@pytest.mark.parametrize("probability", [0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.99999])
def test_students_quantile_is_scipys(degrees: int, probability: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-8)


@pytest.mark.parametrize("degrees", [1, 3, 4, 30, 5000])
@pytest.mark.parametrize("t", [-40.0, -2.0, 0.0, 0.4, 1.96, 12.7, 300.0])
def test_students_tail_is_scipys(degrees: int, t: float) -> None:
    assert student_tail(t, degrees) == pytest.approx(stats.t.sf(t, degrees), rel=1e-9, abs=1e-300)


def test_normal_quantile_is_scipys() -> None:
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975))


@pytest.mark.parametrize("trials", [1, 2, 6, 7, 100, 2001, 50_000])
def test_coins_are_scipys(trials: int) -> None:
    k = range(trials // 2 + 1)
    assert fair_binomial_cdf(trials) == pytest.approx(stats.binom.cdf(k, trials, 0.5), rel=1e-7, abs=1e-290)


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="degree"):
        student_quantile(0.9, 0)
    with pytest.raises(ValueError, match="probability"):
        student_quantile(1.0, 3)
