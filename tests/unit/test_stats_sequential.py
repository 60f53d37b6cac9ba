from __future__ import annotations

import math

import numpy as np
import pytest

from latency_tui.stats.comparison import judge
from latency_tui.stats.pair_evidence import pair_evidence
from latency_tui.stats.sequential import SequentialTest, confidence_sequence, sequential_evidence
from tests.parameters import one_quick
from tests.unit.fake_latencies import Floats

SHAPES = ("normal", "heavy", "bimodal", "wandering")


def rounds_of(shape: str, random: np.random.Generator, rounds: int, pairs: int) -> Floats:
    """Log-ratios `(rounds, pairs)`, symmetric about 0, and not at all normal."""
    size = (rounds, pairs)
    match shape:
        case "normal":
            return random.normal(0, 0.03, size)
        case "heavy":
            return random.standard_t(1.5, size) * 0.02
        case "bimodal":
            return (
                (random.random(size) < 0.15) * 0.4 - (random.random(size) < 0.15) * 0.4 + random.normal(0, 0.02, size)
            )
        case _:  # the machine gets noisy and quiet again
            scale = 0.02 * np.exp(np.cumsum(random.normal(0, 0.1, size), axis=0))
            return random.normal(0, 1, size) * scale


def played(d: Floats, **more: float) -> tuple[SequentialTest, Floats, Floats]:
    """Play all rounds; the p-values only ever fall, so that the last ones are those of whoever looked all the time."""
    test = SequentialTest(d.shape[1], **more)
    for row in d:
        test.update(row)
    return test, test.p_different, test.p_same


@pytest.mark.parametrize("shape", one_quick(SHAPES))
def test_sequential_looks_keep_the_error_rate_of_identical_models(shape: str) -> None:
    """Without a region of equivalence, at most 5 % of 600 pairs in 500 looks each."""
    d = rounds_of(shape, np.random.default_rng(21), 500, 600)
    _, p_different, _ = played(d, equivalence=0)
    assert np.mean(p_different <= 0.05) <= 0.055


@pytest.mark.parametrize("shape", one_quick(SHAPES))
def test_sequential_verdicts_keep_their_error_rate_at_the_bound(shape: str) -> None:
    d = rounds_of(shape, np.random.default_rng(22), 600, 600) + math.log(1.01)
    test, p_different, p_same = played(d)
    assert np.mean(test.p_slower <= 0.025) <= 0.035
    assert np.mean(p_different <= 0.05) <= 0.035
    assert np.mean(p_same <= 0.05) <= 0.035


def test_a_repeated_t_test_exceeds_its_error_rate() -> None:
    d = rounds_of("normal", np.random.default_rng(23), 400, 300)
    counts = np.arange(1, 401)[:, np.newaxis]
    means = np.cumsum(d, axis=0) / counts
    deviations = np.sqrt((np.cumsum(d**2, axis=0) / counts - means**2).clip(1e-12))
    t = np.abs(means) / (deviations / np.sqrt(counts))
    assert np.mean((t[10:] > 1.97).any(axis=0)) > 0.2


@pytest.mark.parametrize(("ratio", "most"), [(1.02, 300), (1.05, 40), (1.5, 25)])
@pytest.mark.parametrize("shape", ["normal", "heavy", "bimodal"])
def test_a_slower_candidate_is_found_soon(shape: str, ratio: float, most: int) -> None:
    d = rounds_of(shape, np.random.default_rng(24), most, 200) + math.log(ratio)
    test, p_different, p_same = played(d)
    assert np.mean(p_different <= 0.05) >= 0.85
    assert (test.p_slower <= test.p_faster)[p_different <= 0.05].all()
    assert not (p_same <= 0.05).any()


@pytest.mark.parametrize("shape", ["normal", "heavy"])
def test_equal_candidates_are_found_to_be_the_same(shape: str) -> None:
    d = rounds_of(shape, np.random.default_rng(25), 350, 200)
    _, p_different, p_same = played(d)
    assert np.mean(p_same <= 0.05) >= 0.9
    assert not (p_different <= 0.05).any()


def test_faster_and_slower_are_symmetric() -> None:
    d = rounds_of("heavy", np.random.default_rng(26), 60, 5) + 0.05
    one, p, _ = played(d)
    other, q, _ = played(-d)
    assert p == pytest.approx(q)
    assert one.p_slower == pytest.approx(other.p_faster)


def test_rounds_without_a_block_do_not_count() -> None:
    d = rounds_of("normal", np.random.default_rng(27), 50, 2)
    with_gaps = np.insert(d, [3, 20, 20], np.nan, axis=0)
    with_gaps[3, 1] = d[3, 1]
    gaps, p, _ = played(with_gaps)
    assert gaps.rounds.tolist() == [50, 51]
    assert p[0] == pytest.approx(played(d)[1][0])


def test_identical_rounds_are_decided() -> None:
    _, p_different, p_same = played(np.tile([[0.0, 0.05]], (20, 1)))
    assert p_same[0] <= 0.05
    assert p_different[1] <= 0.05


def test_invalid_log_ratios_are_refused() -> None:
    test = SequentialTest(2)
    with pytest.raises(ValueError, match="per pair"):
        test.update([0.1])
    with pytest.raises(ValueError, match="finite"):
        test.update([0.1, math.inf])


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["normal", "heavy"])
def test_the_confidence_sequence_covers_the_truth_at_any_round(shape: str) -> None:
    d = rounds_of(shape, np.random.default_rng(28), 200, 100) + 0.03
    missed = 0
    for pair in d.T:
        ends = [confidence_sequence(pair[:n]) or (-math.inf, math.inf) for n in (20, 60, 200)]
        missed += any(not low <= 0.03 <= high for low, high in ends)
    assert missed <= 9  # 5 % and two standard errors


def test_the_confidence_sequence_and_the_test_agree() -> None:
    d = rounds_of("normal", np.random.default_rng(29), 120, 80) + math.log(1.02)
    test, p_different, _ = played(d)
    for k, pair in enumerate(d.T):
        low, high = confidence_sequence(pair) or (0.0, 0.0)
        assert low < np.median(pair) < high
        assert (low > math.log(1.01)) == (test.p_slower[k] <= 0.025) == (p_different[k] <= 0.05)


def test_too_few_rounds_have_no_confidence_sequence() -> None:
    assert confidence_sequence([0.1] * 4) is None
    assert confidence_sequence([0.1, 0.2, 0.1, 0.2, 0.1]) == (-math.inf, math.inf)


def test_a_stopped_measurement_is_compared_by_the_test_that_stopped_it() -> None:
    random = np.random.default_rng(30)
    medians = 1000 * np.exp(0.01 * random.standard_t(3, (3, 300)))
    medians[2] *= 1.2
    launches = np.zeros(300, dtype=np.int64)
    test = SequentialTest(3)
    pairs = [(0, 1), (0, 2), (1, 2)]
    logs = np.log(medians)
    for k in range(300):
        test.update([logs[j, k] - logs[i, k] for i, j in pairs])
    found = sequential_evidence(medians, launches, test, pairs=pairs, indices=[0, 1, 2], intervals_for=0)
    assert [one.verdict for one in judge(found)] == ["same", "slower", "slower"]
    fixed = pair_evidence(medians, launches)
    for stopped, whole in zip(found[:2], fixed[:2], strict=True):
        assert stopped.log_ratio == whole.log_ratio
        assert stopped.low is not None
        assert whole.low is not None
        assert stopped.low < whole.low  # any number of looks cost something
    assert (found[2].low, found[2].high) == (None, None)  # not asked for
    thinned = sequential_evidence(medians[:, ::5], launches[::5], test, pairs=pairs, indices=[0, 1, 2])
    assert [one.verdict for one in judge(thinned)] == ["same", "slower", "slower"]
    assert thinned[0].high is not None
    assert thinned[0].high <= math.log(1.01)


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.0, 0.02])
def test_intervals_cover_the_truth_after_early_stopping(truth: float) -> None:
    """Twenty-four processes lie 0.6 % apart; whenever the verdict stands, it stops, and its interval is looked at."""
    held, verdicts, true = 0, set(), math.log1p(truth)
    for seed in range(60):
        random = np.random.default_rng(seed)
        own = random.normal(0, 0.006, 24)
        turns = np.concatenate([random.permutation(24) for _ in range(5)])
        d = true + own[turns] + 0.008 * random.standard_t(3, turns.size)
        test = SequentialTest(1)
        for number in range(turns.size):
            test.update(d[number : number + 1])
            if number < 10 or min(test.p_different[0], test.p_same[0]) > 0.05:
                continue
            medians, processes = np.exp(np.stack((np.zeros_like(d), d))), np.stack((turns, turns))
            seen = slice(0, number + 1)
            (pair,) = sequential_evidence(
                medians[:, seen], None, test, processes=processes[:, seen], pairs=[(0, 1)], indices=[0]
            )
            verdict = judge([pair])[0].verdict
            if verdict != "inconclusive":
                break
        verdicts.add(verdict)
        held += pair.low is not None and pair.high is not None and pair.low <= true <= pair.high
    assert held >= 56
    assert verdicts <= {"slower" if truth else "same", "inconclusive"}
