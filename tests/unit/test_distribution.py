"""The distribution of a result's latencies: bounded, exact, and kept without the samples."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.errors import UsageError
from latency_tui.history.store import History
from latency_tui.result.distribution import Distribution
from latency_tui.result.result import Result, decode
from latency_tui.stats.empirical_distribution import MAX_EXACT, reduce_distribution
from tests.unit.test_analysis_recorder import blocks, plan_of


def result_of(rounds: int = 60) -> Result:
    recording = Recorder(plan_of(2))
    for event in blocks(recording.plan, (1.0, 3.0), rounds):
        recording.add(event)
    return recording.result()


def test_few_samples_are_all_points() -> None:
    ordered = np.arange(1, MAX_EXACT + 1) * 10
    shares, latencies = reduce_distribution(ordered)
    np.testing.assert_array_equal(latencies, ordered)
    np.testing.assert_allclose(shares, np.arange(1, MAX_EXACT + 1) / MAX_EXACT)


@pytest.mark.parametrize("count", [1, 2, 199, 201, 1_000, 100_003, 3_000_000])
def test_any_number_of_samples_has_few_points_up_to_the_maximum(count: int) -> None:
    ordered = np.arange(1, count + 1)
    shares, latencies = reduce_distribution(ordered)
    assert shares.size <= MAX_EXACT
    assert (latencies[0], latencies[-1], shares[-1]) == (1, count, 1.0)
    assert (np.diff(shares) > 0).all()
    np.testing.assert_allclose(shares, latencies / count)  # the share of the samples that do not exceed it


def test_the_upper_tail_has_as_many_points_per_decade() -> None:
    shares, _ = reduce_distribution(np.arange(1, 10**6 + 1))
    beyond = 1 - shares[:-1]
    counts = [((beyond < 10.0**-k * 1.0001) & (beyond > 10.0 ** -(k + 1) * 1.0001)).sum() for k in (2, 3, 4)]
    assert min(counts) >= 8


def test_the_points_agree_with_the_percentiles_of_the_samples() -> None:
    for candidate in result_of(rounds=400).candidates:
        assert candidate.distribution is not None
        assert candidate.samples is not None
        shares = [0.05, 0.5, 0.9, 0.99]
        np.testing.assert_allclose(
            candidate.distribution.quantiles(shares), np.quantile(candidate.samples, shares), rtol=0.01
        )
        assert candidate.distribution.seconds[-1] == candidate.samples.max()


def test_it_is_kept_without_the_samples(tmp_path: Path) -> None:
    result = result_of()
    with History.open(tmp_path / "h.sqlite3") as history:
        key = history.save(result)
        for found in (decode(result.to_json(samples=False).encode(), "x"), history.load(key, samples=False)):
            for one, other in zip(found.candidates, result.candidates, strict=True):
                assert one.samples is None
                assert one.distribution is not None
                assert other.distribution is not None
                np.testing.assert_array_equal(one.distribution.seconds, other.distribution.seconds)
                np.testing.assert_array_equal(one.distribution.shares, other.distribution.shares)


def test_nothing_measured_has_no_distribution() -> None:
    assert Recorder(plan_of(1)).result().candidates[0].distribution is None


@pytest.mark.parametrize(
    ("shares", "seconds"),
    [([0.5, 1.0], [1.0]), ([0.5, 0.5], [1.0, 2.0]), ([0.5, 1.0], [2.0, 1.0]), ([0.5, 1.5], [1.0, 2.0])],
)
def test_a_damaged_distribution_is_refused(shares: list[float], seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="distribution"):
        Distribution(shares=np.array(shares), seconds=np.array(seconds))
    value = msgspec.json.decode(result_of(6).to_json(samples=False))
    value["candidates"][0]["distribution"] = {"shares": shares, "seconds": seconds}
    with pytest.raises(UsageError, match="is not a result"):
        decode(msgspec.json.encode(value), "x.json")
