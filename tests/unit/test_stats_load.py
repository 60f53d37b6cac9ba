"""Arrivals, times of requests and limits of a load test, as pure functions of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from latency_tui.stats.arrivals import draw_arrivals
from latency_tui.stats.load_limits import judge_share, min_requests
from latency_tui.stats.load_windows import (
    RequestTimes,
    late_share,
    lateness,
    mean_interval,
    percentile,
    percentile_interval,
    share_interval,
)
from tests.queue_simulation import simulate

MS = 1_000_000


@pytest.mark.parametrize("kind", ["poisson", "constant", "recorded"])
def test_arrivals_have_the_rate_and_stay_in_the_window(kind: str) -> None:
    arrivals = draw_arrivals(500, 20.0, kind=kind, gaps=(1.0, 3.0, 0.0), seed=(7,))  # type: ignore[arg-type]
    assert arrivals.size == pytest.approx(10_000, rel=0.05)
    assert arrivals.min() >= 0
    assert arrivals.max() < 20e9
    assert (np.diff(arrivals) >= 0).all()


@pytest.mark.parametrize("kind", ["poisson", "constant", "recorded"])
def test_another_rate_has_the_same_gaps_scaled(kind: str) -> None:
    slow, fast = (draw_arrivals(rate, 10.0, kind=kind, gaps=(1, 2, 5), seed=(3, 1)) for rate in (50, 100))  # type: ignore[arg-type]
    assert slow.size > 300
    assert np.abs(slow - 2 * fast[: slow.size]).max() <= 2


def test_poisson_gaps_are_exponential_and_other_seeds_differ() -> None:
    gaps = np.diff(draw_arrivals(1000, 50.0, seed=(1,)))
    assert gaps.mean() == pytest.approx(MS, rel=0.02)
    assert gaps.std() == pytest.approx(MS, rel=0.03)
    assert not np.array_equal(draw_arrivals(1000, 1.0, seed=(1,)), draw_arrivals(1000, 1.0, seed=(2,)))


def test_constant_gaps_are_equal() -> None:
    assert set(np.diff(draw_arrivals(250, 2.0, kind="constant")).tolist()) <= {4 * MS - 1, 4 * MS, 4 * MS + 1}


def test_response_is_wait_and_service_and_never_less_than_service() -> None:
    arrivals = draw_arrivals(700, 3.0, seed=(5,))
    done = simulate(arrivals, [MS] * arrivals.size, workers=1)
    assert np.array_equal(done.response, done.wait + done.service)
    assert (done.response >= done.service).all()


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_a_fixed_service_time_waits_as_the_formula_for_one_worker_says(load: float) -> None:
    arrivals = draw_arrivals(load * 1000, 400.0, seed=(11,))
    done = simulate(arrivals, [MS] * arrivals.size, workers=1)
    assert done.wait.mean() == pytest.approx(load / (2 * (1 - load)) * MS, rel=0.05)  # M/D/1


def test_a_worker_that_begins_on_time_is_never_late() -> None:
    arrivals = draw_arrivals(1500, 5.0, seed=(2,))
    done = simulate(arrivals, [MS] * arrivals.size, workers=2)
    assert lateness(done, exclusive=True).max() == 0


def test_waiting_for_a_free_worker_is_not_lateness_but_a_late_start_is() -> None:
    done = make_window(arrivals=[0, 1, 2, 50], starts=[0, 10, 20, 57], ends=[10, 20, 30, 60])
    assert lateness(done, exclusive=True).tolist() == [0, 0, 0, 7 * MS]


def test_a_start_delayed_by_another_worker_on_the_same_core_is_not_our_fault() -> None:
    done = make_window(arrivals=[0, 5], starts=[0, 10], ends=[10, 20], workers=[0, 1])
    assert lateness(done, exclusive=True).tolist() == [0, 5 * MS]
    assert lateness(done, exclusive=False).tolist() == [0, 0]


def test_the_allowed_lateness_is_a_tenth_of_the_service_time_and_at_most_a_millisecond() -> None:
    done = make_window(arrivals=[20, 40, 60], starts=[20, 40, 60.5], ends=[25, 45, 65.5])
    assert late_share(done, 5 * MS, exclusive=True) == 0
    assert late_share(done, 4 * MS, exclusive=True) == pytest.approx(1 / 3)
    assert late_share(make_window([20], [21.5], [99]), 100 * MS, exclusive=True) == 1


@pytest.mark.parametrize(
    ("over", "share", "needed"),
    [(0, 0.99, 459), (1, 0.99, 662), (2, 0.99, 838), (5, 0.99, 1307), (10, 0.99, 2010), (0, 0.95, 90), (0, 0.9, 44)],
)
def test_the_fewest_requests_are_those_of_mlperf_loadgen(over: int, share: float, needed: int) -> None:
    assert min_requests(over, share) == needed


def test_a_limit_passes_only_with_enough_requests() -> None:
    few = judge_share([0] * 5, [60] * 5, [0] * 5, 0.99)
    assert few.verdict == "inconclusive"
    assert few.requests_to_decide == 159
    assert judge_share([0] * 5, [100] * 5, [0] * 5, 0.99).verdict == "pass"


def test_a_limit_needs_windows_that_agree() -> None:
    assert judge_share([0, 0], [2000, 2000], [0, 0], 0.99).verdict == "inconclusive"
    assert judge_share([0, 0, 35, 0, 0], [1000] * 5, [0] * 5, 0.99).verdict == "inconclusive"
    assert judge_share([30, 28, 35, 31, 29], [1000] * 5, [0] * 5, 0.99).verdict == "fail"


def test_windows_far_above_a_limit_fail_it_however_unequal_they_are() -> None:
    shares = [100, 800, 500, 20]
    assert (share_interval(shares, [1000] * 4, [0] * 4) or (1.0,))[0] < 0.01
    assert judge_share(shares, [1000] * 4, [0] * 4, 0.99).verdict == "fail"


def test_few_identical_windows_at_the_allowed_share_hardly_ever_fail() -> None:
    rng = np.random.default_rng(8)
    failed = 0
    for _ in range(400):
        over = [int(rng.binomial(500, min(rng.exponential(0.01), 1.0))) for _ in range(8)]
        failed += judge_share(over, [500] * 8, [0] * 8, 0.99).verdict == "fail"
    assert failed <= 20


def test_launches_widen_an_interval_that_windows_make_too_narrow() -> None:
    values = [np.full(100, level, dtype=np.int64) for level in (10, 10, 20, 20, 30, 30)]
    alone = mean_interval(values, [0] * 6)
    by_launch = mean_interval(values, [0, 0, 1, 1, 2, 2])
    assert alone is not None
    assert by_launch is not None
    assert by_launch[1] - by_launch[0] > 1.5 * (alone[1] - alone[0])


def test_an_interval_of_a_percentile_contains_it_and_may_be_open() -> None:
    rng = np.random.default_rng(4)
    values = [rng.exponential(MS, 500).astype(np.int64) for _ in range(8)]
    low, high = percentile_interval(values, [0] * 8, 0.5) or (0, None)
    assert high is not None
    assert low < percentile(values, 0.5) < high
    open_end = percentile_interval([one[:12] for one in values], [0] * 8, 0.99)
    assert open_end is not None
    assert open_end[1] is None
    assert percentile_interval(values[:2], [0, 0], 0.5) is None


def make_window(
    arrivals: list[float], starts: list[float], ends: list[float], workers: list[int] | None = None
) -> RequestTimes:
    """A window of a few requests, with times in milliseconds; nothing of it is discarded."""
    due, begun, ended = (np.rint(np.array(times) * MS).astype(np.int64) for times in (arrivals, starts, ends))
    return RequestTimes(
        due,
        begun,
        ended,
        np.array(workers or [0] * len(arrivals), dtype=np.uint8),
        seconds=1e-9,
        requests=len(arrivals),
    )
