"""The tab Spread costs the same at any number of samples, and its percentile curve goes as far as they reach."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from latency_tui.analysis import candidate_record
from latency_tui.analysis.percentile_curve import percentile_curve
from latency_tui.analysis.recorder import Recorder
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.report.svg import percentile_chart
from latency_tui.result.result import CandidateResult, decode
from latency_tui.stats.empirical_distribution import MAX_EXACT
from latency_tui.stats.percentiles import sort_latencies
from latency_tui.tui.recordings import LIVE_SAMPLES
from tests.unit.fake_latencies import block
from tests.unit.measured_candidates import lognormal, measured

PLAN = Plan(candidates=(Candidate(model=BUILTIN_MODELS[0]),))


def recorded(rounds: int, calls: int) -> Recorder:
    recording = Recorder(PLAN)
    for number in range(rounds):
        samples = lognormal(60e3, calls, seed=number)
        recording.add(block(PLAN.candidates[0].slug, samples, round_=number, started_ns=number * 10**9))
    return recording


@pytest.mark.parametrize("calls", [10, 100, 20_000])
def test_a_redraw_sorts_and_draws_a_bounded_number_of_samples(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_sizes = []

    def counted(latencies: Any) -> Any:  # Any: latencies of several types
        sorted_sizes.append(latencies.size)
        return sort_latencies(latencies)

    monkeypatch.setattr(candidate_record, "sort_latencies", counted)
    for rounds in (50, 200):
        (shown,) = recorded(rounds, calls).result(max_samples=LIVE_SAMPLES).candidates
        curve = percentile_curve(shown)
        assert curve is not None
        assert shown.distribution is not None
        assert shown.distribution.shares.size <= MAX_EXACT
        assert curve.shares.size <= MAX_EXACT + 10
        assert shown.calls == rounds * calls
    assert max(sorted_sizes) <= 2 * LIVE_SAMPLES


def test_long_blocks_are_thinned_evenly_and_keep_every_round() -> None:
    recording = recorded(60, 2_000)
    whole = recording.result().candidates[0]
    live = recording.result(max_samples=LIVE_SAMPLES).candidates[0]
    assert whole.statistics is not None
    assert live.statistics is not None
    assert len(live.rounds) == 60
    assert live.statistics.p50.value == pytest.approx(whole.statistics.p50.value, rel=0.01)
    assert live.statistics.p99.value == pytest.approx(whole.statistics.p99.value, rel=0.05)
    assert live.statistics.mean == whole.statistics.mean, "totals are of all calls"


@pytest.fixture(scope="module")
def very_many() -> CandidateResult:
    """So many calls, and so short blocks, that p99.99 has an interval and p99.999 has none."""
    (found,) = measured(lognormal(60e3, 200_000), calls=2)
    return found


@pytest.mark.slow
def test_very_many_calls_have_percentiles_beyond_three_nines(very_many: CandidateResult) -> None:
    assert very_many.samples is not None
    assert very_many.distribution is not None
    (key, percentile), *others = very_many.distribution.tail.items()
    assert (key, others) == ("p99_99", [])
    assert percentile.value == pytest.approx(np.quantile(very_many.samples, 0.9999), rel=1e-6)
    assert percentile.value is not None
    assert percentile.low is not None
    assert percentile.high is not None
    assert percentile.low <= percentile.value <= percentile.high


@pytest.mark.slow
def test_the_percentile_curve_goes_as_far_as_the_calls_reach(very_many: CandidateResult) -> None:
    curve, fewer = percentile_curve(very_many), percentile_curve(measured(lognormal(60e3, 60_000))[0])
    assert curve is not None
    assert fewer is not None
    assert curve.shares[-1] == 0.9999
    assert 0.9999 in curve.intervals[0]
    assert fewer.shares[-1] == 0.999
    assert (np.diff(curve.seconds) >= 0).all()
    chart, _, _ = percentile_chart([very_many])
    assert ">99.99 %<" in chart


def test_a_file_keeps_the_percentiles_beyond_three_nines(very_many: CandidateResult) -> None:
    recording = recorded(10, 10)
    result = recording.result()
    kept = msgspec.structs.replace(result, candidates=(very_many,))
    found = decode(kept.to_json(samples=False).encode(), "x").candidates[0].distribution
    assert found is not None
    assert very_many.distribution is not None
    assert found.tail == very_many.distribution.tail
