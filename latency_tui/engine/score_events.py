"""The event with which a candidate's process reports how well its model predicts the test rows."""

from __future__ import annotations

import msgspec


class MetricScore(msgspec.Struct, frozen=True, kw_only=True):
    """The score of a model by one metric.

    Attributes:
        metric: Name of the metric; empty if none applies.
        asked: The name under which the plan asks for it; empty for the default.
        value: The score; None if it is unknown.
        rows: Number of test rows.
        effective_rows: Rows of a share of rows that varies as much as the score; 0 if the targets are not classes.
        targets: Digest of the targets. Scores are paired only if it is the same.
        resampled: Score on each of the seeded resamples of the test rows, float64, little-endian; NaN where a resample
            has no score. Candidates with the same targets have the same resamples, so the scores are paired.
        resampled_rows: Rows per resample; fewer than `rows` if there are very many.
        problem: Why there is no score, in a few words.
    """

    metric: str
    asked: str = ""
    value: float | None = None
    rows: int = 0
    effective_rows: float = 0.0
    targets: str = ""
    resampled: bytes = b""
    resampled_rows: int = 0
    problem: str = ""


class CandidateScored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A candidate's model was scored on the test rows.

    Attributes:
        job: The job that asked for it.
        candidate: The candidate's slug.
        scores: The score by each metric of the plan, in the order of `Plan.score_metrics`.
    """

    job: str
    candidate: str
    scores: tuple[MetricScore, ...]
