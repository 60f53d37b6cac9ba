"""Results of candidates with given latencies, as a recording computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.recorder import Recorder
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.result.result import CandidateResult
from tests.unit.fake_latencies import block


def measured(*samples: NDArray[Any], calls: int = 10, seconds: float = 60.0) -> tuple[CandidateResult, ...]:
    """Return the results of models with these latencies in nanoseconds, measured over a time."""
    plan = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS[: len(samples)]))
    recording = Recorder(plan)
    rounds = max(len(one) for one in samples) // calls
    for number in range(rounds):
        for candidate, one in zip(plan.candidates, samples, strict=True):
            started = int(number * seconds / rounds * 1e9)
            part = one[number * calls : (number + 1) * calls]
            if part.size:
                recording.add(block(candidate.slug, part, round_=number, started_ns=started))
    return recording.result().candidates


def lognormal(median: float, count: int = 100, sigma: float = 0.1, seed: int = 1) -> NDArray[np.int64]:
    return (median * np.random.default_rng(seed).lognormal(0, sigma, count)).astype(np.int64)
