"""Weighs scores against latencies: the Pareto front, the model to ship, and why each other one is not shipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from latency_tui.analysis.scores import ScoreDifference, compare_scores, find_score, resampled
from latency_tui.engine.score_events import CandidateScored, MetricScore
from latency_tui.plan.metrics import is_greater_better
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.result import CandidateResult
from latency_tui.result.trade_off import OpenBecause, Reason, Standing, TradeOff, TradeOffCandidate
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.stats.pareto import pareto_front


@dataclass
class TradeOffs:
    """Computes the trade-off of a measurement as often as it is asked; pairs of scores are compared only once."""

    _scores: dict[str, MetricScore] = field(default_factory=dict)
    _differences: dict[tuple[str, str], ScoreDifference] = field(default_factory=dict)

    def compute(
        self,
        candidates: Sequence[CandidateResult],
        scored: Mapping[str, CandidateScored | None],
        comparisons: Sequence[Comparison],
        limits: Sequence[LimitVerdict],
    ) -> TradeOff | None:
        """Return the trade-off; None if fewer than two candidates were measured, or if none has a score.

        Args:
            candidates: Results of the candidates, in the plan's order.
            scored: Scores of the candidates, by slug.
            comparisons: The comparison of every pair of measured candidates, in one direction.
            limits: Verdicts on the limits.
        """
        found = {slug: find_score(event, "score") for slug, event in scored.items()}
        scores = {slug: score for slug, score in found.items() if score is not None and score.value is not None}
        measured = [c for c in candidates if c.status == "measured" and c.statistics is not None]
        if len(measured) < 2 or not any(c.slug in scores for c in measured):
            return None
        if scores != self._scores:
            self._scores, self._differences = scores, compare_scores(scores)
        return weigh(measured, scores, self._differences, comparisons, limits)


def weigh(
    measured: Sequence[CandidateResult],
    scores: Mapping[str, MetricScore],
    differences: Mapping[tuple[str, str], ScoreDifference],
    comparisons: Sequence[Comparison],
    limits: Sequence[LimitVerdict],
) -> TradeOff:
    """Return the trade-off of measured candidates, of which at least one has a score.

    Args:
        measured: Results of the candidates.
        scores: Their scores, by slug.
        differences: Differences of the scores of each pair, in both directions.
        comparisons: The comparison of each pair, in one direction.
        limits: Verdicts on the limits.
    """
    pairs = _both_ways(comparisons)
    slugs = [candidate.slug for candidate in measured]
    metric, targets = _common([scores[slug] for slug in slugs if slug in scores])
    excluded = _excluded(slugs, scores, metric, targets, limits)
    rest = [slug for slug in slugs if slug not in excluded]
    sign = 1 if is_greater_better(metric) else -1

    def is_better(one: int, other: int) -> bool:
        found = differences.get((rest[one], rest[other]))
        return found is not None and found.differs and sign * found.difference.value > 0

    def is_faster(one: int, other: int) -> bool:
        return _verdict(pairs, rest[one], rest[other]) == "faster"

    standings = dict(zip(rest, pareto_front(len(rest), is_faster, is_better), strict=True))
    undecided = {one.candidate for one in limits if one.verdict == "inconclusive"}
    certain = [slug for slug in rest if slug not in undecided]
    choice = _choose(certain, {slug: scores[slug].value or 0.0 for slug in certain}, differences, pairs, sign)
    because: OpenBecause = "" if choice else "rounds" if certain else "undecided limits" if rest else "limits"
    if len(rest) == 1 and not {*excluded.values()} <= {"limit"}:  # nothing is known of the scores of the others
        choice, because = None, "scores"
    rows = []
    for slug in slugs:
        standing: Standing = "excluded"
        dominated_by = None
        if slug in standings:
            at = standings[slug]
            dominated_by = None if at.dominated_by is None else rest[at.dominated_by]
            standing = "dominated" if dominated_by else "front" if at.is_shown else "undecided"
        row = TradeOffCandidate(candidate=slug, standing=standing, reason="chosen", dominated_by=dominated_by)
        if slug != choice:
            row = _against_choice(row, choice, differences, pairs, sign)
            if slug in excluded:
                row = msgspec.structs.replace(row, reason=excluded[slug])
            elif slug in undecided:
                row = msgspec.structs.replace(row, reason="undecided limit")
        rows.append(row)
    example = next(scores[slug] for slug in slugs if slug in scores and scores[slug].metric == metric)
    return TradeOff(
        metric=metric,
        front=tuple(row.candidate for row in rows if row.standing in ("front", "undecided")),
        choice=choice,
        open_because=because,
        greater_is_better=sign > 0,
        rows=example.rows,
        resamples=len(resampled(example)),
        candidates=tuple(rows),
    )


def _common(scores: Sequence[MetricScore]) -> tuple[str, str]:
    """Return the metric and the digest of the targets that most candidates share; the first ones of equally many."""
    ((found, _),) = Counter((score.metric, score.targets) for score in scores).most_common(1)
    return found


def _excluded(
    slugs: Sequence[str],
    scores: Mapping[str, MetricScore],
    metric: str,
    targets: str,
    limits: Sequence[LimitVerdict],
) -> dict[str, Reason]:
    """Return the candidates that cannot be chosen, each with the reason."""
    failing = {one.candidate for one in limits if one.verdict == "fail"}
    found: dict[str, Reason] = {}
    for slug in slugs:
        score = scores.get(slug)
        if slug in failing:
            found[slug] = "limit"
        elif score is None:
            found[slug] = "no score"
        elif score.metric != metric:
            found[slug] = "other metric"
        elif score.targets != targets:
            found[slug] = "other rows"
    return found


def _choose(
    slugs: Sequence[str],
    scores: Mapping[str, float],
    differences: Mapping[tuple[str, str], ScoreDifference],
    pairs: Mapping[tuple[str, str], Comparison],
    sign: int,
) -> str | None:
    """Return the fastest candidate whose score is within one standard error of the best.

    Of candidates that are not shown to be slower than the fastest, it is the one with the best score. None if there is
    no candidate, or if there are too few rounds for a verdict on any pair.
    """
    if not slugs:
        return None
    best = max(slugs, key=lambda slug: sign * scores[slug])
    near = [slug for slug in slugs if slug == best or _is_within_one_error(differences.get((best, slug)))]
    compared = [pairs.get((one, other)) for one in slugs for other in slugs if one < other]
    if compared and all(pair is None or pair.rounds < 2 or pair.ratio is None for pair in compared):
        return None
    fastest = min(near, key=lambda slug: _ratio(pairs, slug, near[0]))
    tied = [one for one in near if one == fastest or _verdict(pairs, one, fastest) != "slower"]
    return max(tied, key=lambda slug: (sign * scores[slug], -_ratio(pairs, slug, fastest)))


def _is_within_one_error(found: ScoreDifference | None) -> bool:
    return found is not None and abs(found.difference.value) <= found.difference.error


def _against_choice(
    row: TradeOffCandidate,
    choice: str | None,
    differences: Mapping[tuple[str, str], ScoreDifference],
    pairs: Mapping[tuple[str, str], Comparison],
    sign: int,
) -> TradeOffCandidate:
    """Return the row of a candidate with its score and latency relative to the choice."""
    if choice is None:
        return msgspec.structs.replace(row, reason="both")
    found, pair = differences.get((row.candidate, choice)), pairs.get((row.candidate, choice))
    worse = found is not None and sign * found.difference.value < 0
    slower = pair is not None and (pair.ratio or 0.0) >= 1
    return msgspec.structs.replace(
        row,
        reason="both" if worse and slower else "score" if worse else "latency",
        difference=found.difference.value if found else None,
        difference_low=found.difference.low if found else None,
        difference_high=found.difference.high if found else None,
        differs=found is not None and found.differs,
        ratio=pair.ratio if pair else None,
        ratio_low=pair.low if pair else None,
        ratio_high=pair.high if pair else None,
        verdict=pair.verdict if pair else "inconclusive",
    )


def _both_ways(comparisons: Sequence[Comparison]) -> dict[tuple[str, str], Comparison]:
    """Return comparisons by (candidate, baseline), in both directions."""
    found = {}
    for one in comparisons:
        found[one.candidate, one.baseline] = one
        found[one.baseline, one.candidate] = one.inverted()
    return found


def _verdict(pairs: Mapping[tuple[str, str], Comparison], one: str, other: str) -> Verdict:
    pair = pairs.get((one, other))
    return "inconclusive" if pair is None else pair.verdict


def _ratio(pairs: Mapping[tuple[str, str], Comparison], one: str, other: str) -> float:
    """Return the latency of a candidate divided by that of another one; 1 if it is unknown."""
    pair = pairs.get((one, other))
    return 1.0 if pair is None or pair.ratio is None else pair.ratio
