"""Long measurements: what memory they take, which samples are kept, and that samples are on disk before statistics."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.analysis.sample_buffer import SampleBuffer
from latency_tui.engine.protocol import Event, RoundFinished
from latency_tui.report import Format, pieces
from latency_tui.stats.distributions import student_quantile
from latency_tui.stats.percentiles import _hits, cluster_interval, design_effects, percentiles
from tests.unit.fake_latencies import block, starts
from tests.unit.test_analysis_recorder import blocks, plan_of

MAX_BYTES_PER_SAMPLE = 20
LONG = 20_000


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def long_blocks(rounds: int, candidates: int) -> Iterator[Event]:
    random = np.random.default_rng(1)
    plan = plan_of(candidates, runs=None, seconds=30.0)
    for r in range(rounds):
        for candidate in plan.candidates:
            samples = random.integers(500, 900, LONG)
            yield block(candidate.slug, samples, round_=r, replica=r % 24, started_ns=r * 10**9)
        yield RoundFinished(job="m", launch=0, round=r, rounds=rounds, seconds_left=0.0)


def peak_of(candidates: int, blocks_in_all: int, *, slow_call: bool, form: Format) -> int:
    """Return the most bytes taken from the first event to the last piece of the report."""
    tracemalloc.start()
    try:
        recording = Recorder(plan_of(candidates, runs=None, seconds=30.0))
        if slow_call:  # five seconds do not fit into four bytes
            recording.add(block(recording.plan.candidates[0].slug, np.full(LONG, 5 * 10**9), round_=blocks_in_all))
        for event in long_blocks(blocks_in_all // candidates, candidates):
            recording.add(event)
        result = recording.result()
        for _ in pieces(result, form):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("form", "few", "many"), [("table", 60, 160), pytest.param("json", 60, 90, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("candidates", [1, 2])
@pytest.mark.parametrize("slow_call", [False, True])
def test_a_long_result_takes_at_most_twenty_bytes_per_sample(
    candidates: int, slow_call: bool, form: Format, few: int, many: int
) -> None:
    one, other = (peak_of(candidates, count, slow_call=slow_call, form=form) for count in (few, many))
    taken = (other - one) / ((many - few) * LONG)
    assert taken <= MAX_BYTES_PER_SAMPLE, f"{taken:.1f} bytes per sample"


def test_counting_in_chunks_gives_the_same_counts() -> None:
    random = np.random.default_rng(2)
    latencies = random.integers(1, 1000, 350_000)
    cuts = np.unique(np.concatenate(([0], random.integers(1, latencies.size, 40))))
    values = np.array([0.0, 10.5, 500.0, 999.0])
    expected = [[(part <= value).sum() for part in np.split(latencies, cuts[1:])] for value in values]
    np.testing.assert_array_equal(_hits(latencies, cuts, values), expected)
    np.testing.assert_array_equal(_hits(latencies.astype(np.uint32), cuts, values), expected)


def test_four_byte_latencies_have_the_same_percentiles() -> None:
    random = np.random.default_rng(3)
    latencies = (50_000 * np.exp(random.standard_normal(9_000))).astype(np.int64)
    draws = np.arange(90) % 5
    wide = percentiles(latencies, starts(90, 100), clusters=draws, of_launches=True)
    assert percentiles(latencies.astype(np.uint32), starts(90, 100), clusters=draws, of_launches=True) == wide
    cuts = starts(90, 100)
    effects = design_effects(latencies, cuts, [60_000], clusters=draws)
    assert design_effects(latencies.astype(np.uint32), cuts, [60_000], clusters=draws) == pytest.approx(effects, rel=0)


def test_the_interval_over_clusters_is_students_over_their_medians() -> None:
    latencies = np.random.default_rng(4).integers(1_000, 2_000, 600)
    draws = np.arange(60) % 4
    logs = np.log([np.median(latencies[np.repeat(draws, 10) == draw]) for draw in range(4)])
    reach = student_quantile(0.975, 3) * logs.std(ddof=1) / 2
    expected = tuple(np.exp([logs.mean() - reach, logs.mean() + reach]))
    assert cluster_interval(latencies, starts(60, 10), draws) == pytest.approx(expected, rel=1e-12)


def test_only_percentiles_use_a_subsample_of_a_long_measurement() -> None:
    plan = plan_of(2, runs=None, seconds=30.0)
    events = list(blocks(plan, (1, 1.3), 400, 50))
    whole, bounded = (Recorder(plan, max_samples=most) for most in (10**6, 10_000))
    for event in events:
        whole.add(event)
        bounded.add(event)
    exact, thinned = whole.result(), bounded.result()
    assert exact.comparisons[0].ratio == thinned.comparisons[0].ratio
    assert exact.comparisons[0].low == thinned.comparisons[0].low
    for one, other in zip(exact.candidates, thinned.candidates, strict=True):
        assert one.statistics is not None
        assert other.statistics is not None
        assert (other.calls, one.samples_kept) == (one.calls, one.calls)
        assert 2_000 <= other.samples_kept <= 5_000
        assert other.samples is not None
        assert other.samples.size == other.samples_kept
        assert (other.statistics.mean, other.statistics.max) == (one.statistics.mean, one.statistics.max)
        for key in ("p50", "p90"):
            low, high = (getattr(one.statistics, key).value * factor for factor in (0.98, 1.02))
            assert low < getattr(other.statistics, key).value < high
        assert f"{other.samples_kept:,} of 20,000 calls" in " ".join(other.notes)


def test_all_calls_are_equally_likely_to_be_kept() -> None:
    calls, kept = 30, np.zeros(30)
    for seed in range(300):
        track = SampleBuffer(max_samples=100, seed=seed)
        for number in range(20):
            track.add(np.arange(1, calls + 1), 0, 0, number)
        assert track.step == 8
        assert track.kept <= 100
        kept += np.bincount(track.subsample(None).samples, minlength=calls + 1)[1:]
    expected = 300 * 20 / 8
    assert np.abs(kept - expected).max() < 5 * np.sqrt(expected)


def test_blocks_smaller_than_the_step_stay_counted() -> None:
    track = SampleBuffer(max_samples=100)
    for number in range(1_000):
        track.add(np.array([1_000 + number]), 0, number % 3, number)
    assert track.blocks == 1_000
    assert track.totals.count == 1_000
    excerpt = track.subsample(None)
    assert excerpt.samples.size == excerpt.rounds.size == track.rounds.size == track.kept <= 100
    np.testing.assert_array_equal(excerpt.samples - 1_000, track.rounds)
