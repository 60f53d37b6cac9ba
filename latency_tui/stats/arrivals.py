"""The schedule of arrivals of a load test, drawn before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray


def draw_arrivals(
    rate: float,
    seconds: float,
    *,
    kind: Literal["poisson", "constant", "recorded"] = "poisson",
    gaps: Sequence[float] = (),
    seed: Sequence[int] = (0,),
) -> NDArray[np.int64]:
    """Return when requests arrive within a window, `(n_requests,)` ascending nanoseconds since its begin.

    The draws do not depend on the rate: a schedule of twice the rate has the same gaps at half the length, so that
    candidates and rates are compared by the same requests (common random numbers).

    Args:
        rate: Average number of requests per second.
        seconds: Length of the window.
        kind: `poisson` for exponential gaps, `constant` for equal ones, `recorded` for given ones.
        gaps: Recorded gaps, scaled to the rate; the schedule begins at a random one of them and repeats them.
        seed: The same numbers give the same schedule.
    """
    generator = np.random.default_rng([*seed])
    span = rate * seconds  # the window in mean gaps
    if kind == "constant":  # a random phase: otherwise every window would begin with a request
        places = np.arange(generator.random(), span)
    elif kind == "poisson":
        places = np.cumsum(generator.standard_exponential(int(span + 4 * span**0.5) + 16))
        while places[-1] < span:
            more = generator.standard_exponential(places.size)
            places = np.concatenate([places, places[-1] + np.cumsum(more)])
    else:
        unit = np.asarray(gaps, dtype=np.float64) / np.mean(gaps)
        unit = np.roll(unit, -int(generator.integers(unit.size)))
        places = np.cumsum(np.tile(unit, int(span / unit.size) + 2))
    return np.asarray(np.rint(places[places < span] / rate * 1e9), dtype=np.int64)
