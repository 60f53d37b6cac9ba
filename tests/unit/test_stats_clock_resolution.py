"""Clocks that count in coarse steps: found from latencies, and kept from deciding."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.protocol import MeasurementStarted
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.stats.clock_resolution import clock_margin, clock_step, half_step
from latency_tui.stats.comparison import compare, judge
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.pair_evidence import PairEvidence, pair_evidence
from latency_tui.stats.percentiles import percentiles
from latency_tui.stats.sample_size import launches_to_decide, rounds_to_decide
from latency_tui.stats.sequential import replay, sequential_evidence
from tests.unit.fake_latencies import Floats, block

CALLS = 45


def counted(random: np.random.Generator, base: float, step: float, rounds: int) -> Floats:
    """Calls of about `base` nanoseconds, 1 % apart, by a clock that counts in steps, `(rounds, CALLS)`."""
    latencies = base * np.exp(random.normal(0, 0.01, (rounds, CALLS)))
    counts = np.floor(latencies / step + random.random((rounds, CALLS)))
    return np.floor(np.maximum(counts, 1) * step)


STEPS = [(1000, 3_300), (100, 3_300), (41.667, 1_000), (41.667, 970), (10, 250), (10.04, 250), (10.04, 2_500)]


@pytest.mark.parametrize(("step", "base"), STEPS)
def test_the_clock_step_is_estimated_to_a_nanosecond(step: float, base: float) -> None:
    samples = counted(np.random.default_rng(0), base, step, 22).ravel().astype(np.int64)
    assert int(step) <= clock_step(samples) < step + 1
    two_readings = samples + np.random.default_rng(1).integers(0, 2, samples.size) * (step % 1 > 0)
    assert int(step) <= clock_step(two_readings) < step + 2, "of which each is rounded down"


def test_a_fine_clock_has_no_relevant_step() -> None:
    random = np.random.default_rng(1)
    for base, spread in product((3_000, 60_000, 5_000_000), (0.003, 0.02, 0.3)):
        samples = (base * np.exp(random.normal(0, spread, 1000))).astype(np.int64)
        assert clock_step(samples) < base / 1000
    assert clock_step(np.array([60_000, 70_000, 80_000, 61_000, 62_500, 65_000])) == 0, "six calls are few, not coarse"
    for _ in range(50):
        samples = np.where(random.random(250) < 0.9, random.normal(50, 1.5, 250), 50 + random.exponential(50, 250))
        assert clock_step(np.rint(samples).astype(np.int64)) == 1, "three in a row"
    assert clock_step(np.full(1000, 3000)) == 0
    assert clock_step(np.array([3000, 4000] * 5)) == 0, "few tell nothing"
    assert clock_step(np.array([3000, 4000] * 6)) == 1000
    assert clock_step(np.empty(0, dtype=np.int64)) == 0


def test_the_clock_step_never_exceeds_the_shortest_call() -> None:
    """What differs from all the others may be few, and lie far away."""
    assert clock_step(np.array([3000] * 248 + [50_000, 80_000])) == 3000
    assert clock_step(np.array([3000] * 100 + [7000] * 2)) == 3000


def test_negligible_clock_steps_are_ignored() -> None:
    medians = np.array([[3_000.0, 3_000.0, np.nan], [500_000.0] * 3, [np.nan] * 3])
    assert clock_margin(medians, 100).tolist() == [pytest.approx(math.log(3000 / 2950)), 0, 0]
    assert not clock_margin(medians, 0).any()


def compared(random: np.random.Generator, base: float, ratio: float, step: float) -> tuple[PairEvidence, ...]:
    """The same rounds of a fixed number, and as though measured until known."""
    table = np.median([counted(random, base * times, step, 120) for times in (1, ratio)], axis=2)
    processes = np.tile(np.arange(120) % 12, (2, 1))
    fixed = pair_evidence(table, processes=processes, clock_step=int(step))
    test = replay(table, [(0, 1)], 0.01)
    known = sequential_evidence(
        table, None, test, processes=processes, pairs=[(0, 1)], indices=[0], clock_step=int(step)
    )
    return fixed + known


@pytest.mark.parametrize("equivalence", [0.01, 0.03])
def test_a_small_clock_step_still_allows_the_verdict_same(equivalence: float) -> None:
    random = np.random.default_rng(6)
    table = np.median([counted(random, 400_000, 1000, 600) for _ in range(2)], axis=2)
    launches = np.arange(600) // 200
    for labels in (None, launches):
        test = replay(table, [(0, 1)], equivalence)
        known = sequential_evidence(table, labels, test, pairs=[(0, 1)], indices=[0], clock_step=1000)
        for pair in (*pair_evidence(table, labels, equivalence=equivalence, clock_step=1000), *known):
            assert judge([pair])[0].verdict == "same"
            assert len(pair.cluster_medians) == (1 if labels is None else 3)
            assert pair.clock_margin == pytest.approx(2 * -math.log1p(-0.5 / 400), rel=1e-2)
            assert pair.low is not None
            assert pair.high is not None
            assert min(-pair.low, pair.high) >= pair.clock_margin


def test_intervals_are_widened_by_half_a_clock_step() -> None:
    samples = counted(np.random.default_rng(7), 3_500, 1000, 60).ravel().astype(np.int64)
    assert half_step(3_500, 1000) == 500
    assert half_step(3_500_000, 1000) == 0
    bare, widened = (percentiles(samples, np.arange(60) * CALLS, clock_step=step) for step in (0, 1000))
    for key in ("p50", "p90"):
        low, high = bare[key].low, bare[key].high
        assert low is not None
        assert high is not None
        assert (widened[key].low, widened[key].high) == (low - 500, high + 500)
        assert widened[key].value == bare[key].value


def test_constant_latencies_use_the_clock_step_of_another_model() -> None:
    plan = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2]))
    recording = Recorder(plan)
    recording.add(MeasurementStarted(job="a", launch=0, rounds=60, calls={}, seconds=1.0, timer_floor_ns=70.0))
    random = np.random.default_rng(10)
    for number in range(60):
        for candidate, either in zip(plan.candidates, ([3_000, 3_000], [5_000, 6_000]), strict=True):
            samples, replica, started = random.choice(either, 10), number % 12, 10**8 * (number + 1)
            recording.add(block(candidate.slug, samples, round_=number, replica=replica, started_ns=started))
    alike = recording.result().candidates[0].statistics
    assert alike is not None
    assert alike.p50.low == pytest.approx(2.5e-6)
    assert alike.p50.high == pytest.approx(3.5e-6)


def test_half_a_clock_step_keeps_percentiles_in_order() -> None:
    samples = np.random.default_rng(9).permutation(np.repeat([99_960, 100_020], [900, 100]))
    found = percentiles(samples, np.arange(100) * 10, clock_step=100)
    ends = [(e.low, e.high) for e in found.values() if e.low is not None and e.high is not None]
    assert len(ends) > 2
    assert ends == sorted(ends)
    assert [e[1] for e in ends] == sorted(e[1] for e in ends)


def test_the_lower_bound_of_a_latency_stays_positive() -> None:
    """Three launches, each twice as slow as the one before it, of a function of one or two steps."""
    samples = np.repeat([1000, 2000, 4000], 100)
    for step in (0, 1000):
        p50 = percentiles(samples, np.arange(30) * 10, clusters=np.arange(30) // 10, of_launches=True, clock_step=step)[
            "p50"
        ]
        assert p50.low is not None
        assert 0 < p50.low < 1000


@pytest.mark.slow
@pytest.mark.parametrize("step", [1000, 41.667])
def test_a_coarse_clock_gives_no_wrong_verdict(step: float) -> None:
    random = np.random.default_rng(2)
    bare = 0
    for _ in range(150):
        base, ratio = step * random.uniform(1, 30), math.exp(random.choice([0.5, 3]) * random.random())
        for pair in compared(random, base, ratio, step):
            (found,) = judge([pair])
            assert found.low is not None
            assert found.high is not None
            assert found.low <= ratio <= found.high
            assert found.verdict in ("slower" if ratio > 1.01 else "same", "inconclusive")
        table = np.median([counted(random, base * times, step, 120) for times in (1, ratio)], axis=2)
        (found,) = compare(table)
        bare += not (found.low or 0) <= ratio <= (found.high or 0)
    assert bare > 50, "without the step, most would be wrong"


def test_models_several_clock_steps_apart_differ() -> None:
    for pair in compared(np.random.default_rng(3), 3_300, 3.0, 1000):
        assert judge([pair])[0].verdict == "slower"


def test_no_number_of_rounds_is_predicted_if_the_clock_hides_it() -> None:
    for ratio in (1.0, 1.045, 1.1):
        for pair in compared(np.random.default_rng(4), 3_300, ratio, 1000):
            assert judge([pair])[0].verdict == "inconclusive"
            margin = math.log1p(EQUIVALENCE)
            assert (rounds_to_decide(pair, margin), launches_to_decide(pair, margin)) == (None, None)


def test_a_recording_reports_a_coarse_clock() -> None:
    plan = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2]))
    random = np.random.default_rng(5)
    recording = Recorder(plan)
    recording.add(MeasurementStarted(job="a", launch=0, rounds=60, calls={}, seconds=1.0, timer_floor_ns=70.0))
    for number in range(60):
        for candidate, base in zip(plan.candidates, (3_300, 3_630), strict=True):
            samples = counted(random, base, 1000, 1)[0].astype(np.int64)
            recording.add(
                block(candidate.slug, samples, round_=number, replica=number % 12, started_ns=10**6 * (number + 1))
            )
    result = recording.result()
    (found,) = [finding for finding in result.noise.findings if finding.cause == "clock"]
    assert "33 % of the fastest latency" in found.sentence
    assert result.comparisons[0].verdict == "inconclusive"
    assert result.answer.endswith("measuring longer is unlikely to decide it.")
    (first, _) = result.measured
    assert first.statistics is not None
    assert first.statistics.p50.low is not None
    assert first.statistics.p50.low <= 2.5e-6


def test_the_fastest_model_determines_the_clock_step() -> None:
    """What takes a thousand times as long may have two latencies that lie closer, by chance."""
    plan = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[:2]))
    recording = Recorder(plan)
    recording.add(MeasurementStarted(job="a", launch=0, rounds=60, calls={}, seconds=1.0, timer_floor_ns=70.0))
    random = np.random.default_rng(8)
    for number in range(60):
        for candidate, either in zip(plan.candidates, ([3_000, 4_000], [9_000_000, 9_000_200]), strict=True):
            samples, replica, started = random.choice(either, 10), number % 12, 10**8 * (number + 1)
            recording.add(block(candidate.slug, samples, round_=number, replica=replica, started_ns=started))
    (found,) = [finding for finding in recording.result().noise.findings if finding.cause == "clock"]
    assert any(f"{share} % of the fastest latency" in found.sentence for share in (25, 29, 33))
