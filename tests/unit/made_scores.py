"""Scores made from the answers of imaginary models, with the resamples that a candidate would send."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from latency_tui.engine.score_events import CandidateScored, MetricScore
from latency_tui.stats.bootstrap import MAX_RESAMPLES, resamples


def accuracy(right: ArrayLike, metric: str = "accuracy", targets: str = "t") -> MetricScore:
    """The score of a model, from which rows it predicts correctly, `(n_rows,)`."""
    rows = np.asarray(right, dtype=np.float64)
    drawn = np.array([rows[index].mean() for index in resamples(rows.size, MAX_RESAMPLES, 0)])
    return MetricScore(
        metric=metric,
        value=float(rows.mean()),
        rows=rows.size,
        effective_rows=rows.size,
        targets=targets,
        resampled=drawn.astype("<f8").tobytes(),
        resampled_rows=rows.size,
    )


def rows_right(rows: int, wrong: int, first: int = 0) -> list[bool]:
    """Which of some rows are predicted correctly: all but `wrong` of them, from the row `first` on."""
    return [not first <= row < first + wrong for row in range(rows)]


def scored(slug: str, share: float, rows: int = 1000) -> CandidateScored:
    """The event of a candidate that predicts a share of the rows correctly."""
    return CandidateScored(job="m", candidate=slug, scores=(accuracy(rows_right(rows, round(rows * (1 - share)))),))
