"""Scores against latencies: the Pareto front, the model to ship, and why each other one is not shipped."""

from __future__ import annotations

from typing import Literal

import msgspec

from latency_tui.stats.comparison import Verdict

Standing = Literal["front", "undecided", "dominated", "excluded"]
Reason = Literal[
    "chosen",
    "no score",
    "other metric",
    "other rows",
    "limit",
    "undecided limit",
    "score",
    "latency",
    "both",
]
OpenBecause = Literal["", "limits", "undecided limits", "rounds", "scores"]


class TradeOffCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate of a trade-off.

    Attributes:
        candidate: Its slug.
        standing: `dominated` if another candidate is shown to be faster and to have a better score; `front` if every
            other candidate is shown to be worse in one of the two; otherwise `undecided`. `excluded` if it has no score
            that can be compared, or fails a limit.
        dominated_by: Slug of the candidate that dominates it; None if there is none.
        reason: Why it is not the one to ship: it has no score, one of another metric or of other test rows, it fails a
            limit or a limit is undecided, or it loses by its score, by its latency or by both.
        difference: Its score minus that of the chosen candidate; None if they cannot be compared.
        difference_low: Lower end of the confidence interval of the difference, paired over test rows.
        difference_high: Upper end of this interval.
        differs: Whether the scores are shown to differ, after Holm's correction over all pairs.
        ratio: Its latency divided by that of the chosen candidate, as in a comparison; None if it is unknown.
        ratio_low: Lower end of the confidence interval of the ratio.
        ratio_high: Upper end of this interval.
        verdict: The verdict on the ratio.
    """

    candidate: str
    standing: Standing
    reason: Reason
    dominated_by: str | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    differs: bool = False
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    verdict: Verdict = "inconclusive"


class TradeOff(msgspec.Struct, frozen=True, kw_only=True):
    """The trade-off between score and latency.

    Attributes:
        metric: The metric of the scores.
        front: Slugs of the candidates that fail no limit and that no other is shown to beat in score and latency.
        choice: Slug of the candidate to ship; None if it is open. It is the fastest one whose score is within one
            standard error of the best, among those that meet all limits (the one-standard-error rule of Breiman et al.
            1984, "Classification and regression trees", section 3.4.3).
        open_because: Why there is no choice: `limits` if none meets them all, `undecided limits` if none is shown to,
            `rounds` if there are too few for a verdict on latency, `scores` if no other score can be compared; empty if
            there is a choice.
        greater_is_better: Whether a greater score is better.
        rows: Number of test rows.
        resamples: Number of resamples of the test rows, from which intervals are computed.
        confidence: Confidence level of each interval.
        candidates: The candidates, in the plan's order.
    """

    metric: str
    front: tuple[str, ...]
    choice: str | None = None
    open_because: OpenBecause = ""
    greater_is_better: bool = True
    rows: int = 0
    resamples: int = 0
    confidence: float = 0.95
    candidates: tuple[TradeOffCandidate, ...] = ()

    def candidate(self, slug: str) -> TradeOffCandidate | None:
        """Return a candidate by its slug; None if it was not measured."""
        return next((one for one in self.candidates if one.candidate == slug), None)
