"""Prediction interval of a ratio: the range that is expected if the same plan is measured again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from latency_tui.stats.distributions import student_quantile


def prediction_interval(cluster_medians: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return Student's prediction interval of the log-ratio of one more measurement of the same plan.

    A confidence interval from within one measurement does not cover the next one, whose processes have another memory
    layout and meet other load. The measurement is a random effect, estimated from the given medians.

    Args:
        cluster_medians: Log-ratio of each launch, or preferably of each of several separate measurements, `(n,)`.
        confidence: Confidence level, for one further measurement.

    Returns:
        Lower and upper end of the log-ratio; None if there are fewer than two finite medians.
    """
    values = np.asarray(cluster_medians, dtype=np.float64)
    if values.size < 2 or not np.isfinite(values).all():
        return None
    deviation = float(values.std(ddof=1)) * math.sqrt(1 + 1 / values.size)
    half_width = student_quantile((1 + confidence) / 2, values.size - 1) * deviation
    mean = float(values.mean())
    return mean - half_width, mean + half_width
