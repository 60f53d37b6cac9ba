"""Intervals of scores, and differences of the scores of two candidates on the same test rows."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.score_events import CandidateScored, MetricScore
from latency_tui.plan.metrics import CLASSIFICATION_SCORERS
from latency_tui.stats.bootstrap import Difference, paired_difference, score_interval
from latency_tui.stats.multiplicity import holm

_UNBOUNDED = ("positive_likelihood_ratio", "neg_negative_likelihood_ratio")
_LEVEL = 0.05


class ScoreEstimate(NamedTuple):
    """A score with its confidence interval.

    Attributes:
        metric: Its metric.
        value: The score; None if it is unknown.
        low: Lower end of the interval; None if there is none.
        high: Upper end of the interval.
        problem: Why there is no score; empty if there is one.
    """

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    problem: str = ""


class ScoreDifference(NamedTuple):
    """The difference of two scores, and whether it is significant after the correction for several pairs."""

    difference: Difference
    differs: bool


def resampled(score: MetricScore) -> NDArray[np.float64]:
    """Return the score on each resample, `(n_resamples,)`."""
    return np.frombuffer(score.resampled, dtype="<f8")


def estimate_of(score: MetricScore, confidence: float = 0.95) -> ScoreEstimate:
    """Return a score with its interval."""
    if score.value is None:
        return ScoreEstimate(score.metric, problem=score.problem)
    bounded = score.metric in CLASSIFICATION_SCORERS and score.metric not in _UNBOUNDED
    found = None
    if score.resampled:
        found = score_interval(
            resampled(score),
            score.value,
            score.rows,
            effective_rows=score.effective_rows,
            confidence=confidence,
            is_share=score.metric == "accuracy",
            best=1.0 if bounded and not score.metric.startswith("neg_") else None,
        )
    low, high = found or (None, None)
    return ScoreEstimate(score.metric, score.value, low, high)


def find_score(scored: CandidateScored | None, metric: str) -> MetricScore | None:
    """Return the score by a metric; the metric of the plan if the name is `score`."""
    if scored is None or not scored.scores:
        return None
    if metric == "score":
        return scored.scores[0]
    return next((score for score in scored.scores if metric in (score.asked, score.metric)), None)


def compare_scores(scores: dict[str, MetricScore]) -> dict[tuple[str, str], ScoreDifference]:
    """Return the difference of each pair of candidates, by slug, in both directions.

    Pairs whose test rows or metrics differ are left out.
    """
    found: dict[tuple[str, str], Difference] = {}
    for (one, first), (other, second) in combinations(scores.items(), 2):
        if first.value is None or second.value is None:
            continue
        if (first.metric, first.targets) != (second.metric, second.targets) or not first.resampled:
            continue
        value = first.value - second.value
        difference = paired_difference(resampled(first), resampled(second), value, first.rows)
        if difference is not None:
            found[one, other] = difference
    adjusted = holm([difference.p_value for difference in found.values()]) if found else ()
    result = {}
    for ((one, other), difference), p_value in zip(found.items(), adjusted, strict=True):
        differs = bool(p_value <= _LEVEL) and not difference.low <= 0 <= difference.high
        result[one, other] = ScoreDifference(difference, differs)
        inverse = Difference(0.0 - difference.value, 0.0 - difference.high, 0.0 - difference.low, *difference[3:])
        result[other, one] = ScoreDifference(inverse, differs)
    return result
