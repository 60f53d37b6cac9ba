"""Intervals over launches and over the processes of one: Student's where they are few, by their signs where many."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from latency_tui.stats.clusters import ClusteredRounds
from latency_tui.stats.median_ci import median_interval
from latency_tui.stats.pair_evidence import pair_evidence
from tests.unit.fake_latencies import Floats


def made(random: np.random.Generator, clusters: int = 24, rounds: int = 4, between: float = 0.007) -> Floats:
    """Log-ratios of clusters that lie apart, in rounds whose tails are heavy, `(clusters, rounds)`."""
    apart = random.normal(0, between, (clusters, 1))
    return apart + 0.01 * random.standard_t(1, (clusters, rounds))


def of_processes(d: Floats) -> ClusteredRounds:
    """Take each row for a process."""
    return ClusteredRounds.of(d.ravel(), np.repeat(np.arange(d.shape[0]), d.shape[1]), processes=True)


def of_launches(medians: Floats) -> ClusteredRounds:
    return ClusteredRounds.of(medians, np.arange(medians.size), processes=False)


def test_cluster_medians_are_in_the_order_of_clusters() -> None:
    d, labels = np.array([3.0, 10.0, 1.0, 20.0, 2.0, 30.0, 40.0]), np.array([4, 7, 4, 7, 4, 7, 7])
    assert ClusteredRounds.of(d, labels, processes=False).medians.tolist() == [2.0, 25.0]


@pytest.mark.parametrize("launches", [2, 5, 12])
def test_the_interval_over_launches_is_students(launches: int) -> None:
    cluster_medians = np.random.default_rng(5).normal(0.02, 0.01, launches)
    clusters = of_launches(cluster_medians)
    expected = stats.t.interval(0.95, launches - 1, cluster_medians.mean(), stats.sem(cluster_medians))
    assert clusters.interval() == pytest.approx(expected)
    assert clusters.p_value(0.1) == pytest.approx(stats.ttest_1samp(cluster_medians, 0.1).pvalue)
    assert clusters.centre == np.median(cluster_medians)


def test_equal_launches_give_an_interval_of_zero_width() -> None:
    assert of_launches(np.array([0.1, 0.1])).p_value(0.1) == 1
    assert of_launches(np.array([0.1, 0.1])).p_value(0.2) == 0


def test_the_interval_over_four_processes_is_students() -> None:
    d = np.random.default_rng(6).normal(0, 1, (4, 3))
    cluster_medians = np.median(d, axis=1)
    assert of_processes(d).interval() == pytest.approx(
        stats.t.interval(0.95, 3, cluster_medians.mean(), stats.sem(cluster_medians))
    )


def test_the_interval_over_many_processes_inverts_a_sign_test() -> None:
    """Against the definition, centre by centre."""
    random = np.random.default_rng(1)
    d, labels = random.standard_t(2, 90), random.integers(0, 12, 90)
    ordered = np.sort(d)
    held = []
    for below, above in pairwise(ordered):
        sums = np.array([np.sign(d[labels == k] - (below + above) / 2).sum() for k in range(12)])
        if abs(sums.sum()) <= stats.norm.ppf(0.975) * np.sqrt((sums**2).sum()):
            held.append((below, above))
    low, high = ClusteredRounds.of(d, labels, processes=True).interval()
    assert (low, high) == (held[0][0], held[-1][1])


def test_the_p_value_agrees_with_the_interval() -> None:
    random = np.random.default_rng(2)
    for _ in range(50):
        clusters = of_processes(random.standard_t(2, (12, 10)))
        for border in random.normal(0, 0.3, 5):
            level = clusters.p_value(float(border))
            if not 1e-6 < level < 0.9:
                continue
            low, high = clusters.interval(1 - level * 0.999)
            assert low <= border <= high
            low, high = clusters.interval(1 - level * 1.001)
            assert not low < border < high


def test_five_processes_can_be_significant_among_fifteen_pairs() -> None:
    """Signs alone would reach 2.5 %; where no round lies beyond the border, Student's level says how clear it is."""
    random = np.random.default_rng(8)
    clusters = of_processes(1 + random.normal(0, 0.01, (5, 2)))
    assert clusters.p_value(0.0) < 1e-6
    assert clusters.p_value(0.0) == pytest.approx(stats.ttest_1samp(clusters.medians, 0.0).pvalue)
    low, high = clusters.interval(1 - 1e-4)
    assert (low, high) == pytest.approx(
        stats.t.interval(1 - 1e-4, 4, clusters.medians.mean(), stats.sem(clusters.medians))
    )


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_ties_are_symmetric_in_baseline_and_candidate(steps: int) -> None:
    """Of a clock that counts in coarse steps, many rounds have the very same log-ratio."""
    random = np.random.default_rng(11)
    for _ in range(200):
        d = np.round(random.normal(0.002, 0.004, (8, 5)) * 100 * steps) / 100
        one, other = of_processes(d), of_processes(-d)
        low, high = one.interval()
        assert other.interval() == (-high, -low)
        assert low <= one.centre <= high
        for border in (-0.01, 0.0, 0.01):
            assert one.p_value(border) == other.p_value(-border)


def test_equal_log_ratios_give_an_interval_of_zero_width() -> None:
    assert of_processes(np.full((8, 5), 0.1)).interval() == (0.1, 0.1)
    assert of_processes(np.full((8, 5), 0.1)).p_value(0.1) == 1


def test_unequal_processes_are_one_observation_each() -> None:
    """Unequal processes: one with most of the rounds is one observation still."""
    random = np.random.default_rng(9)
    labels = np.repeat(np.arange(6), [100, 4, 4, 4, 4, 4])
    d = random.normal(0, 0.001, labels.size) + np.where(labels == 0, 0.02, 0.0)
    low, high = ClusteredRounds.of(d, labels, processes=True).interval()
    assert low <= 0 <= high


@pytest.mark.slow
def test_coverage_holds_for_differing_processes_and_heavy_tails() -> None:
    random = np.random.default_rng(3)
    held, by_rounds, narrower = 0, 0, list[float]()
    for _ in range(1000):
        d = made(random)
        low, high = of_processes(d).interval()
        held += low <= 0 <= high
        alone = median_interval(np.sort(d.ravel()))
        by_rounds += alone[0] <= 0 <= alone[1]
        cluster_medians = np.median(d, axis=1)
        students = stats.t.interval(0.95, 23, cluster_medians.mean(), stats.sem(cluster_medians))
        narrower.append((high - low) / (students[1] - students[0]))
    assert 0.93 <= held / 1000 <= 0.975
    assert by_rounds / 1000 < 0.93, "rounds by themselves know nothing of processes"
    assert np.median(narrower) < 0.97, "and narrower than from the processes' medians"


def test_far_apart_processes_have_the_ranks_of_a_sign_test() -> None:
    d = np.repeat(np.arange(12.0), 10).reshape(12, 10) + np.linspace(-0.01, 0.01, 10)
    low, high = of_processes(d).interval()
    assert 1.9 < low < 2.1, "the third from either end of twelve: 96 %"
    assert 8.9 < high < 9.1


def test_the_estimate_is_the_median_of_rounds_or_launch_medians() -> None:
    d = made(np.random.default_rng(4), clusters=5)
    medians, labels = np.exp(np.stack((np.zeros(20), d.ravel()))), np.repeat(np.arange(5), 4)
    assert pair_evidence(medians, processes=np.stack((labels, labels)))[0].log_ratio == pytest.approx(np.median(d))
    assert pair_evidence(medians, labels)[0].log_ratio == pytest.approx(np.median(np.median(d, axis=1)))


@pytest.mark.parametrize(("processes", "rounds"), [(5, 2), (7, 2), (12, 2), (13, 4), (24, 2), (24, 7)])
@pytest.mark.parametrize("between", [0.0, 0.005, 0.05])
def test_comparisons_over_processes_cover_the_true_ratio(processes: int, rounds: int, between: float) -> None:
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        d = (random.normal(0, between, (processes, 1)) + random.normal(0, 0.01, (processes, rounds))).ravel()
        labels = np.repeat(np.arange(processes), rounds)
        (pair,) = pair_evidence(np.exp(np.stack((np.zeros(d.size), d))), processes=np.stack((labels, labels)))
        assert pair.low is not None
        assert pair.high is not None
        held += pair.low <= 0 <= pair.high
    assert held / 400 >= 0.91
