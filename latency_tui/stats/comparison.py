"""Verdicts on pairs of candidates, corrected for multiple comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from latency_tui.stats.defaults import EQUIVALENCE
from latency_tui.stats.multiplicity import holm
from latency_tui.stats.pair_evidence import PairEvidence, pair_evidence

Verdict = Literal["faster", "slower", "same", "inconclusive"]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Latency of `candidate` divided by that of `baseline`: above 1 is slower.

    Attributes:
        baseline: Slug of the baseline.
        candidate: Slug of the candidate.
        ratio: Median over rounds (then launches) of the ratio of block medians; None if it is unknown.
        low: Lower end of the confidence interval; None if there are too few rounds.
        high: Upper end of the confidence interval.
        confidence: Confidence level of this interval alone.
        verdict: Verdict after Holm's correction over all pairs.
        rounds: Number of rounds used.
        launches: Number of launches used, each at least half complete; 0 if it is unknown. With three or more the
            interval is over launches; with fewer it holds for these launches only.
        seconds_to_decide: Measuring time that would likely decide an inconclusive comparison; None if it is decided or
            unknown.
        runs_to_decide: Additional runs per candidate that would likely decide it; None if runs do not help.
        launches_to_decide: Additional launches that would likely decide it if runs do not; None if unknown or decided.
        predicted_low: Lower end of the prediction interval: the expected ratio in another launch, never above `low`;
            None with fewer than three launches.
        predicted_high: Upper end of the prediction interval, never below `high`.
        p99_ratio: Ratio of the two p99; None if either has fewer than 1,000 calls.
        p99_p_value: P-value of a permutation test of the two p99, after Holm's correction. It assumes a fixed number of
            rounds, even if the measurement stopped early.
    """

    baseline: str
    candidate: str
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    verdict: Verdict = "inconclusive"
    rounds: int = 0
    launches: int = 0
    seconds_to_decide: float | None = None
    runs_to_decide: int | None = None
    launches_to_decide: int | None = None
    predicted_low: float | None = None
    predicted_high: float | None = None
    p99_ratio: float | None = None
    p99_p_value: float | None = None

    def inverted(self) -> Comparison:
        """Return the comparison with the baseline and the candidate exchanged."""
        return msgspec.structs.replace(
            self,
            baseline=self.candidate,
            candidate=self.baseline,
            ratio=_inverse(self.ratio),
            low=_inverse(self.high),
            high=_inverse(self.low),
            verdict=_OPPOSITE[self.verdict],
            predicted_low=_inverse(self.predicted_high),
            predicted_high=_inverse(self.predicted_low),
            p99_ratio=_inverse(self.p99_ratio),
        )


_OPPOSITE: dict[Verdict, Verdict] = {
    "faster": "slower",
    "slower": "faster",
    "same": "same",
    "inconclusive": "inconclusive",
}


def _inverse(ratio: float | None) -> float | None:
    return 1 / ratio if ratio else None


def compare(
    medians: ArrayLike,
    launches: ArrayLike | None = None,
    *,
    processes: ArrayLike | None = None,
    pairs: Sequence[tuple[int, int]] | None = None,
    equivalence: float = EQUIVALENCE,
    confidence: float = 0.95,
    clock_step: int = 0,
) -> tuple[Comparison, ...]:
    """Compare candidates pair by pair; see `pair_evidence` for the arguments and `judge` for the result."""
    evidence = pair_evidence(
        medians,
        launches,
        processes=processes,
        pairs=pairs,
        equivalence=equivalence,
        confidence=confidence,
        clock_step=clock_step,
    )
    return judge(evidence, confidence=confidence)


def judge(
    evidence: Sequence[PairEvidence], names: Sequence[str] | None = None, *, confidence: float = 0.95
) -> tuple[Comparison, ...]:
    """Return comparisons with verdicts, after Holm's correction over all of them.

    There are two families, each corrected at the same level: no pair is wrongly called different, and no pair is
    wrongly called the same. A pair cannot be in both families, because its interval cannot be both inside and outside
    the region of equivalence.

    Args:
        evidence: Evidence on each pair.
        names: Slugs of all candidates; None for their indices.
        confidence: Confidence level of the intervals. One less this is the error rate of each family.

    Returns:
        One comparison per pair, in the same order.
    """
    # Pairs with too few rounds are not tested, so they do not make the correction stricter for the others.
    tested = [k for k, pair in enumerate(evidence) if pair.is_tested]
    different, same = np.ones(len(evidence)), np.ones(len(evidence))
    different[tested] = holm([evidence[k].p_different for k in tested])
    same[tested] = holm([evidence[k].p_same for k in tested])
    level = 1 - confidence
    return tuple(
        _comparison(pair, names, _verdict(pair, bool(p <= level), bool(q <= level)), confidence)
        for pair, p, q in zip(evidence, different, same, strict=True)
    )


def _verdict(pair: PairEvidence, different: bool, same: bool) -> Verdict:
    if pair.log_ratio is not None and different:
        return "slower" if pair.log_ratio > 0 else "faster"
    return "same" if same else "inconclusive"


def _comparison(pair: PairEvidence, names: Sequence[str] | None, verdict: Verdict, confidence: float) -> Comparison:
    predicted_low, predicted_high = pair.predicted or (None, None)
    return Comparison(
        baseline=names[pair.first] if names else str(pair.first),
        candidate=names[pair.second] if names else str(pair.second),
        ratio=_exp(pair.log_ratio),
        low=_exp(pair.low),
        high=_exp(pair.high),
        confidence=confidence,
        verdict=verdict,
        rounds=pair.rounds,
        launches=pair.launches,
        predicted_low=_exp(predicted_low),
        predicted_high=_exp(predicted_high),
    )


def _exp(log_ratio: float | None) -> float | None:
    return None if log_ratio is None else math.exp(log_ratio)
