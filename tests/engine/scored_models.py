"""The score of any model, computed as in a candidate's process."""

from __future__ import annotations

from typing import Any

from latency_tui.engine.candidate.model_outputs import outputs_of
from latency_tui.engine.candidate.scoring import score_outputs
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.score_events import MetricScore


def scores_of(model: Any, rows: Any, targets: Any, *metrics: str) -> tuple[MetricScore, ...]:
    """Return the score of a model by each metric."""
    return score_outputs(outputs_of(model, Data(None, None, rows, targets)), metrics, 0)


def score_of(model: Any, rows: Any, targets: Any, metric: str = "") -> float | None:
    """Return the score of a model by a metric; None if it has none."""
    return scores_of(model, rows, targets, metric)[0].value
