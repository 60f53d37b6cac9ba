from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from latency_tui.stats.comparison import Comparison, Verdict, compare, judge
from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.median_ci import median_interval, median_p_value
from latency_tui.stats.pair_evidence import PairEvidence, pair_evidence
from latency_tui.stats.prediction_interval import prediction_interval
from latency_tui.stats.sample_size import rounds_to_decide
from tests.unit.fake_latencies import Floats, block_medians

MARGIN = math.log1p(EQUIVALENCE)


def one(medians: Floats, *, equivalence: float = EQUIVALENCE, confidence: float = 0.95) -> Comparison:
    return compare(medians, pairs=[(0, 1)], equivalence=equivalence, confidence=confidence)[0]


def verdict_of(evidence: PairEvidence) -> Verdict:
    return judge([evidence])[0].verdict


def test_the_estimate_is_the_median_over_rounds_of_the_ratio() -> None:
    medians = np.array([[100.0, 200, 300, 400, 500, 600, 700], [110, 260, 345, 440, 560, 600, 7000]])
    assert one(medians).ratio == pytest.approx(1.12)


def test_intervals_between_ranks_follow_hettmansperger_and_sheather() -> None:
    """Their worked ranks for n = 10: 97.85 % between 2nd and 9th, 89.06 % between 3rd and 8th, 95 % in between."""
    ordered = np.arange(1.0, 11.0) ** 2
    outer, inner = stats.binom.cdf(1, 10, 0.5) * 2, stats.binom.cdf(2, 10, 0.5) * 2
    assert median_interval(ordered, 1 - outer) == pytest.approx((4, 81))
    assert median_interval(ordered, 1 - inner) == pytest.approx((9, 64))
    part = (0.05 - outer) / (inner - outer)
    share = (10 - 2) * part / (2 + (10 - 4) * part)
    assert median_interval(ordered, 0.95) == pytest.approx((4 + share * 5, 81 - share * 17))


@pytest.mark.parametrize("rounds", [6, 7, 10, 31, 126])
def test_p_values_are_the_levels_at_which_the_interval_excludes(rounds: int) -> None:
    ordered = np.sort(np.random.default_rng(rounds).standard_t(3, rounds))
    for border in np.linspace(ordered[0] + 1e-6, ordered[-1] - 1e-6, 40):
        level = median_p_value(ordered, float(border))
        if not 1e-9 < level < 0.999:
            continue
        low, high = median_interval(ordered, 1 - level)
        assert min(abs(low - border), abs(high - border)) < 1e-6 * (ordered[-1] - ordered[0])
    assert median_p_value(ordered, float(np.median(ordered))) == 1
    assert median_p_value(ordered, ordered[0] - 1) == pytest.approx(2.0 ** (1 - rounds))


def test_tied_rounds_have_a_valid_interval() -> None:
    assert median_interval(np.zeros(10)) == (0, 0)
    assert median_p_value(np.zeros(10), 0.01) == pytest.approx(2.0**-9)
    assert median_p_value(np.zeros(10), 0.0) == 1


@pytest.mark.parametrize("rounds", [6, 10, 20, 50])
@pytest.mark.parametrize("shape", ["normal", "heavy", "bimodal", "skewed"])
def test_the_median_interval_has_its_nominal_coverage(rounds: int, shape: str) -> None:
    random = np.random.default_rng(11)
    size = (1500, rounds)
    made = {
        "normal": random.normal(0, 0.03, size),
        "heavy": random.standard_t(1.5, size) * 0.02,
        "bimodal": (random.random(size) < 0.15) * 0.4
        - (random.random(size) < 0.15) * 0.4
        + random.normal(0, 0.02, size),
        "skewed": 0.04 * (random.exponential(1, size) - math.log(2)),
    }[shape]
    ends = np.array([median_interval(row) for row in np.sort(made, axis=1)])
    covered = np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0))
    assert 0.93 <= covered <= 0.98  # one standard error is 0.006


def test_five_rounds_give_a_ratio_and_no_interval() -> None:
    (found,) = pair_evidence(block_medians(np.random.default_rng(0), (1, 2), 5))
    assert found.log_ratio == pytest.approx(math.log(2), abs=0.2)
    assert (found.low, found.high, verdict_of(found)) == (None, None, "inconclusive")
    assert rounds_to_decide(found, MARGIN) is None


def test_six_rounds_of_twice_the_latency_are_slower() -> None:
    evidence = pair_evidence(block_medians(np.random.default_rng(0), (1, 2), 6))
    ((found,), (flipped,)) = judge(evidence, ["a", "b"]), judge([evidence[0].flipped], ["a", "b"])
    assert (found.baseline, found.candidate, found.verdict) == ("a", "b", "slower")
    assert (flipped.baseline, flipped.candidate, flipped.verdict) == ("b", "a", "faster")
    assert found.low is not None
    assert found.high is not None
    assert (flipped.low, flipped.high) == pytest.approx((1 / found.high, 1 / found.low))


def test_rounds_without_a_block_are_left_out_for_that_pair_only() -> None:
    medians = block_medians(np.random.default_rng(1), (1, 1.2, 1.5), 40)
    medians[1, 10:] = np.nan
    medians[2, :5] = np.nan
    assert [pair.rounds for pair in compare(medians)] == [10, 35, 5]
    nothing = compare(np.array([[1.0, np.nan], [np.nan, 2.0]]))[0]
    assert (nothing.rounds, nothing.ratio, nothing.verdict) == (0, None, "inconclusive")


def test_a_slowdown_of_two_percent_is_found() -> None:
    """400 rounds of 10 calls are about 0.4 s a model of 0.1 ms; the interval's half-width is near 1 %."""
    random = np.random.default_rng(2)
    above, beyond = 0, 0
    for _ in range(60):
        found = one(block_medians(random, (1, 1.02), 600))
        assert found.low is not None
        above += found.low > 1
        beyond += found.verdict == "slower"
        assert found.verdict != "faster"
    assert above >= 54
    assert beyond >= 10


def test_identical_models_are_rarely_called_different() -> None:
    """Ratio's interval off 1 in at most 5 % of 400 trials (within two standard errors), a verdict hardly ever."""
    random = np.random.default_rng(3)
    off, verdicts = 0, 0
    for _ in range(400):
        found = one(block_medians(random, (1, 1), 40))
        assert found.low is not None
        assert found.high is not None
        off += not found.low <= 1 <= found.high
        verdicts += found.verdict in ("faster", "slower")
    assert off <= 29
    assert verdicts <= 8


def test_verdicts_keep_their_error_rate_at_the_bound() -> None:
    """The hardest truth there is: exactly 1 % slower may be called slower in 2.5 % of trials, and the same in 2.5 %."""
    random = np.random.default_rng(4)
    verdicts = [
        one(np.stack((np.ones(30), 1.01 * np.exp(0.005 * random.standard_t(3, 30))))).verdict for _ in range(1000)
    ]
    assert verdicts.count("slower") <= 40
    assert verdicts.count("same") <= 40
    assert verdicts.count("faster") == 0


@pytest.mark.slow
def test_six_identical_models_rarely_have_a_winner() -> None:
    random = np.random.default_rng(5)
    winners = 0
    for _ in range(150):
        # Without a region of equivalence, the harder case.
        found = compare(block_medians(random, (1,) * 6, 40), equivalence=0)
        winners += any(pair.verdict in ("faster", "slower") for pair in found)
    assert winners <= 14  # 5 % and two standard errors


def test_nearly_equal_models_become_the_same_with_many_rounds() -> None:
    found = one(block_medians(np.random.default_rng(6), (1, 1.001), 4000))
    assert found.verdict == "same"


def test_a_wider_equivalence_region_favours_the_verdict_same() -> None:
    medians = block_medians(np.random.default_rng(7), (1, 1.04), 1500)
    assert one(medians, equivalence=0.01).verdict == "slower"
    assert one(medians, equivalence=0.10).verdict == "same"


def test_verdicts_never_contradict_intervals() -> None:
    random = np.random.default_rng(8)
    margin = math.log(1.01)
    for _ in range(200):
        factors = 1 + 0.02 * random.random(4)
        evidence = pair_evidence(block_medians(random, list(factors), 60))
        for pair, verdict in zip(evidence, (one.verdict for one in judge(evidence)), strict=True):
            assert pair.low is not None
            assert pair.high is not None
            assert pair.log_ratio is not None
            assert pair.low <= pair.log_ratio <= pair.high
            if verdict == "slower":
                assert pair.low > margin
            if verdict == "faster":
                assert pair.high < -margin
            if verdict == "same":
                assert -margin < pair.low
                assert pair.high < margin
            if verdict == "inconclusive":
                assert rounds_to_decide(pair, margin, pairs=6) is not None


def test_holms_correction_is_over_all_given_pairs() -> None:
    medians = block_medians(np.random.default_rng(9), (1, 1, 1, 1, 1, 1.3), 7)
    evidence = pair_evidence(medians)
    (alone,) = compare(medians, pairs=[(0, 5)])
    place = [(pair.first, pair.second) for pair in evidence].index((0, 5))
    among = judge(evidence)[place]
    assert alone.verdict == "slower"
    assert among.verdict == "inconclusive"  # 7 rounds cannot reach 5 % over 15 pairs
    assert (among.low, among.high) == (alone.low, alone.high)
    needed = rounds_to_decide(evidence[place], MARGIN, pairs=15)
    assert needed is not None
    assert needed >= 10


def test_launches_that_disagree_widen_the_interval() -> None:
    random = np.random.default_rng(10)
    medians = block_medians(random, (1, 1.05), 250)
    launches = np.repeat(np.arange(5), 50)
    alone = pair_evidence(medians, launches)[0]
    medians[1] *= np.exp(np.repeat([-0.03, -0.015, 0, 0.015, 0.03], 50))
    apart = pair_evidence(medians, launches)[0]
    assert alone.low is not None
    assert apart.low is not None
    assert apart.high is not None
    assert alone.high is not None
    assert apart.high - apart.low > 1.5 * (alone.high - alone.low)
    assert len(apart.cluster_medians) == apart.launches == 5
    cluster_medians = np.array([np.median(np.log(medians[1] / medians[0])[launches == k]) for k in range(5)])
    assert apart.log_ratio == pytest.approx(np.median(cluster_medians))
    expected = stats.t.interval(0.95, 4, cluster_medians.mean(), stats.sem(cluster_medians))
    assert (apart.low, apart.high) == pytest.approx(expected)


def test_intervals_over_launches_cover_further_launches() -> None:
    """Launches differ by 2 %, so an interval from one launch covers the mean of many less than half of the time."""
    random = np.random.default_rng(12)
    launches = np.repeat(np.arange(5), 200)
    five = one_launch = 0
    for _ in range(200):
        effect = random.normal(0, 0.02, 5)
        d = np.repeat(effect, 200) + 0.03 * random.standard_t(3, 1000)
        found = compare(np.stack((np.ones(1000), np.exp(d))), launches)[0]
        single = compare(np.stack((np.ones(200), np.exp(d[:200]))))[0]
        five += found.low <= 1 <= found.high  # type: ignore[operator]  # 1,000 rounds give an interval
        one_launch += single.low <= 1 <= single.high  # type: ignore[operator]  # as do 200
    assert five >= 0.9 * 200
    assert one_launch < 0.5 * 200


def test_the_prediction_interval_has_its_nominal_coverage() -> None:
    random = np.random.default_rng(13)
    covered = 0
    for _ in range(1000):
        values = random.normal(0.1, 0.02, 6)
        interval = prediction_interval(values[:5])
        assert interval is not None
        covered += interval[0] <= values[5] <= interval[1]
    assert 0.93 <= covered / 1000 <= 0.97


def test_one_launch_gives_no_prediction_interval() -> None:
    assert prediction_interval([0.1]) is None
    assert prediction_interval([]) is None


def test_the_predicted_number_of_rounds_is_about_right() -> None:
    """After as many rounds as it says, most verdicts stand; after a quarter of them, few do."""
    random = np.random.default_rng(14)
    asked = [pair_evidence(block_medians(random, (1, 1.03), 60))[0] for _ in range(40)]
    needed = [rounds_to_decide(pair, MARGIN) for pair in asked if verdict_of(pair) == "inconclusive"]
    said = float(np.median([rounds for rounds in needed if rounds is not None]))
    late = [one(block_medians(random, (1, 1.03), int(said * 1.5))).verdict for _ in range(30)]
    early = [one(block_medians(random, (1, 1.03), int(said / 4))).verdict for _ in range(30)]
    assert late.count("slower") >= 18
    assert early.count("slower") <= 15


def test_an_estimate_at_the_bound_is_moved_by_its_probable_error() -> None:
    border = math.log(1.01)
    wide = PairEvidence(first=0, second=1, rounds=50, log_ratio=border, low=border - 0.01, high=border + 0.01)
    assert rounds_to_decide(wide, border) == pytest.approx(50 * (1.96 / 0.6745) ** 2, abs=1)
    assert rounds_to_decide(replace(wide, low=border, high=border), border) is None


def test_invalid_tables_of_medians_are_refused() -> None:
    for bad in ([[1.0, 0.0], [1.0, 1.0]], [[1.0, -1.0], [1.0, 1.0]], [[1.0, math.inf], [1.0, 1.0]], [1.0, 2.0]):
        with pytest.raises(ValueError, match="median"):
            compare(bad)
    with pytest.raises(ValueError, match="launch"):
        compare([[1.0, 2.0], [1.0, 2.0]], [0])
    with pytest.raises(ValueError, match="region"):
        compare([[1.0, 2.0], [1.0, 2.0]], equivalence=-1)


def test_all_pairs_are_compared_by_default() -> None:
    found = pair_evidence(block_medians(np.random.default_rng(15), (1, 1, 1, 1), 8))
    assert [(p.first, p.second) for p in found] == list(combinations(range(4), 2))


def test_no_number_of_rounds_is_predicted_if_launches_differ() -> None:
    random = np.random.default_rng(4)
    launches = np.repeat(np.arange(5), 100)
    apart = np.array([0.0, 0.05, 0.01, 0.06, 0.02])[launches]
    medians = np.exp(np.stack((np.zeros(500), apart + random.normal(0, 0.01, 500))))
    (pair,) = pair_evidence(medians, launches)
    assert verdict_of(pair) == "inconclusive"
    assert rounds_to_decide(pair, MARGIN) is None
    (alone,) = pair_evidence(medians[:, :100], launches[:100], equivalence=0.001)
    assert verdict_of(alone) == "inconclusive"
    assert rounds_to_decide(alone, math.log1p(0.001)) is not None


def test_more_rounds_help_if_they_add_processes() -> None:
    """Five processes that differ by 1 %: the five alone would never tell, but twenty-four of their kind do."""
    random = np.random.default_rng(1)
    own = random.normal(0.012, 0.01, 5)
    rounds = np.arange(40)
    d = own[rounds % 5] + random.normal(0, 0.003, 40)
    (pair,) = pair_evidence(np.exp(np.stack((np.zeros(40), d))), processes=np.stack((rounds % 5, rounds % 5)))
    assert verdict_of(pair) == "inconclusive"
    margin = MARGIN
    assert rounds_to_decide(pair, margin) is None
    needed = rounds_to_decide(pair, margin, most_processes=24)
    assert needed is not None
    assert 40 < needed <= 192
    (few,) = pair_evidence(
        np.exp(np.stack((np.zeros(20), d[:20]))), processes=np.stack((rounds % 5, rounds % 5))[:, :20]
    )
    assert verdict_of(few) == "inconclusive"
    assert rounds_to_decide(few, margin) is not None, "four rounds each do not tell what lies between the five"


def test_a_pair_has_the_clusters_of_the_one_with_fewer_processes() -> None:
    """Twelve processes against one: the one is a single draw, however many it is held against."""
    random = np.random.default_rng(5)
    rounds = np.arange(240)
    many, few = rounds % 12, np.zeros(240, dtype=np.int64)
    medians = np.exp(random.normal(0, 0.01, (2, 240)) + np.stack((0.01 * (many % 2), np.zeros(240))))
    (pair,) = pair_evidence(medians, processes=np.stack((many, few)))
    assert len(pair.cluster_medians) == 1
    (pair,) = pair_evidence(medians, processes=np.stack((many, rounds % 5)))
    assert len(pair.cluster_medians) == 5


def test_an_inverted_comparison_exchanges_both_sides_and_all_ends() -> None:
    one = Comparison(
        baseline="a",
        candidate="b",
        ratio=2.0,
        low=1.6,
        high=2.5,
        verdict="slower",
        predicted_low=1.25,
        predicted_high=4.0,
        p99_ratio=0.5,
    )
    other = one.inverted()
    assert (other.baseline, other.candidate, other.ratio, other.verdict) == ("b", "a", 0.5, "faster")
    assert (other.low, other.high) == (0.4, 0.625)
    assert (other.predicted_low, other.predicted_high, other.p99_ratio) == (0.25, 0.8, 2.0)
    assert other.inverted() == one
