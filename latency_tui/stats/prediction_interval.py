"""Where a ratio will lie when it is measured again: what lies between measurements, besides what lies within one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from latency_tui.stats.quantiles import student_quantile


def prediction_interval(cluster_medians: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return where the ratio will likely lie when the plan is measured again: a random effect of the measurement.

    An interval from inside one measurement says nothing of the next one, in which processes lie elsewhere in memory
    and neighbours do other things. This is Student's prediction interval for one more measurement like those given.

    Args:
        cluster_medians: Log-ratio of each launch, or better of each measurement apart in time, `(n,)`.
        confidence: Of the interval, for one further measurement.

    Returns:
        Lower and upper end of the log-ratio; None where nothing tells how much measurements differ.
    """
    values = np.asarray(cluster_medians, dtype=np.float64)
    if values.size < 2 or not np.isfinite(values).all():
        return None
    deviation = float(values.std(ddof=1)) * math.sqrt(1 + 1 / values.size)
    reach = student_quantile((1 + confidence) / 2, values.size - 1) * deviation
    mean = float(values.mean())
    return mean - reach, mean + reach
