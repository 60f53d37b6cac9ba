from __future__ import annotations

import numpy as np
import pytest

from latency_tui.stats.permutation import compare_tails
from tests.unit.fake_latencies import bursts, nanoseconds, starts, waves


def test_the_tail_ratio_is_that_of_the_two_p99() -> None:
    random = np.random.default_rng(1)
    one, other = (nanoseconds(waves(random, 100, 20).ravel()) for _ in range(2))
    found = compare_tails((one, starts(100, 20)), (other * 2, starts(100, 20)))
    assert found is not None
    expected = 2 * np.sort(other)[1979] / np.sort(one)[1979]
    assert found.ratio == pytest.approx(expected)
    assert found.p_value == pytest.approx(0.001)
    assert found.rounds == 100


def test_equal_tails_are_called_different_at_the_nominal_rate() -> None:
    """Bursts inside rounds, and a machine that wanders: 200 trials at 5 %, within two standard errors."""
    random = np.random.default_rng(2)
    cuts = starts(60, 20)
    wrong = 0
    for trial in range(200):
        mood = np.repeat(np.cumsum(random.normal(0, 0.05, 60)), 20)
        one, other = (nanoseconds(bursts(random, 60, 20).ravel() + mood) for _ in range(2))
        found = compare_tails((one, cuts), (other, cuts), relabellings=99, seed=trial)
        assert found is not None
        wrong += found.p_value <= 0.05
    assert wrong <= 16


def test_a_slower_tail_is_found_at_equal_medians() -> None:
    random = np.random.default_rng(3)
    cuts = starts(100, 20)
    right = 0
    for trial in range(20):
        one, other = (waves(random, 100, 20).ravel() for _ in range(2))
        other[random.random(other.size) < 0.03] += 1.0
        found = compare_tails((nanoseconds(one), cuts), (nanoseconds(other), cuts), relabellings=199, seed=trial)
        right += found is not None and found.p_value <= 0.05 and found.ratio > 1.5
    assert right >= 18


def test_the_same_seed_gives_the_same_p_value() -> None:
    random = np.random.default_rng(4)
    one, other = (nanoseconds(waves(random, 60, 20).ravel()) for _ in range(2))
    first = compare_tails((one, starts(60, 20)), (other, starts(60, 20)), seed=5)
    assert first == compare_tails((one, starts(60, 20)), (other, starts(60, 20)), seed=5)


def test_unequal_rounds_and_distant_candidates_are_compared() -> None:
    random = np.random.default_rng(5)
    one = nanoseconds(waves(random, 6, 200).ravel())
    other = nanoseconds(waves(random, 6, 400).ravel(), base=62_000_000)
    found = compare_tails((one, starts(6, 200)), (other, starts(6, 400)))
    assert found is not None
    assert found.p_value == pytest.approx(2**-5, abs=0.02)  # all rounds one way or the other, of six
    assert found.ratio > 500


def test_too_few_calls_or_rounds_are_not_compared() -> None:
    samples = nanoseconds(waves(np.random.default_rng(6), 50, 20).ravel())
    assert compare_tails((samples[:999], starts(50, 20)), (samples, starts(50, 20))) is None
    assert compare_tails((samples, starts(5, 200)), (samples, starts(5, 200))) is None
    with pytest.raises(ValueError, match="each round"):
        compare_tails((samples, starts(50, 20)), (samples, starts(25, 40)))


def test_tails_that_vary_between_processes_do_not_differ() -> None:
    """Twelve processes a candidate, each with a p99 of its own: exchanging single rounds finds that too often."""
    random = np.random.default_rng(6)
    cuts, clusters = starts(120, 10), np.arange(120) % 12
    wrong = 0
    for trial in range(200):
        logs = [waves(random, 120, 10) * np.exp(random.normal(0, 0.4, 12))[clusters, np.newaxis] for _ in range(2)]
        one, other = (nanoseconds(values.ravel()) for values in logs)
        found = compare_tails((one, cuts), (other, cuts), clusters=clusters, relabellings=99, seed=trial)
        assert found is not None
        wrong += found.p_value <= 0.05
    assert wrong <= 16
