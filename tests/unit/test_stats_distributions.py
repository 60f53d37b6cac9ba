from __future__ import annotations

import math
import subprocess
import sys

import pytest

from latency_tui.stats.distributions import (
    fair_binomial_cdf,
    fair_binomial_quantile,
    normal_quantile,
    normal_tail,
    student_quantile,
    student_tail,
)


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [
        (0.975, 1, 12.7062047),
        (0.975, 2, 4.3026527),
        (0.975, 4, 2.7764451),
        (0.975, 9, 2.2621572),
        (0.995, 10, 3.1692727),
        (0.975, 30, 2.0422725),
        (0.95, 100, 1.6602343),
        (0.975, 1e9, 1.9599640),
        (0.5, 3, 0.0),
        (0.025, 4, -2.7764451),
    ],
)
def test_student_quantiles_match_published_tables(probability: float, degrees: float, expected: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(expected, abs=5e-8)


def test_student_quantile_accepts_fractional_degrees() -> None:
    assert student_quantile(0.975, 5) < student_quantile(0.975, 4.5) < student_quantile(0.975, 4)


@pytest.mark.parametrize("t", [-40.0, -2.0, 0.0, 0.4, 1.96, 12.7, 300.0])
def test_student_tails_match_their_closed_forms(t: float) -> None:
    assert student_tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-9)
    assert student_tail(t, 2) == pytest.approx(0.5 - t / 2 / math.sqrt(2 + t * t), rel=1e-9, abs=1e-16)


def test_tails_at_infinity_are_exact() -> None:
    assert (student_tail(math.inf, 4), student_tail(-math.inf, 4)) == (0, 1)


@pytest.mark.parametrize(("probability", "degrees"), [(0.6, 1), (0.975, 4), (0.999, 3), (0.3, 29), (0.99999, 250)])
def test_student_tail_inverts_the_quantile(probability: float, degrees: int) -> None:
    assert student_tail(student_quantile(probability, degrees), degrees) == pytest.approx(1 - probability, rel=1e-9)


def test_normal_quantile_and_tail_match_published_tables() -> None:
    assert normal_quantile(0.975) == pytest.approx(1.959963985, abs=5e-10)
    assert normal_tail(1.959963985) == pytest.approx(0.025, rel=1e-8)


@pytest.mark.parametrize("trials", [1, 2, 6, 7, 100, 401])
def test_fair_binomial_is_a_sum_of_binomial_coefficients(trials: int) -> None:
    total = 0
    for heads in range(trials + 1):
        total += math.comb(trials, heads)
        assert fair_binomial_cdf(heads, trials) == pytest.approx(total / 2**trials, rel=1e-9)


@pytest.mark.parametrize("trials", [1, 5, 6, 10, 33, 600])
def test_fair_binomial_quantile_is_the_last_count_within(trials: int) -> None:
    for probability in (1e-12, 0.001, 0.025, 0.25, 0.4999, *(fair_binomial_cdf(k, trials) for k in range(trials // 2))):
        heads = fair_binomial_quantile(probability, trials)
        assert heads == -1 or fair_binomial_cdf(heads, trials) <= probability
        assert fair_binomial_cdf(heads + 1, trials) > probability


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="degree"):
        student_quantile(0.9, 0)
    with pytest.raises(ValueError, match="probability"):
        student_quantile(1.0, 3)


def test_reading_a_result_does_not_import_scipy() -> None:
    program = "import sys; import latency_tui.result.result; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_scipy_is_imported_before_a_measurement_begins() -> None:
    program = "import sys; import latency_tui.analysis.recorder; print('scipy.special' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "True"
