"""A model whose service times are known: each row says how long its call takes."""

from __future__ import annotations

import pickle
from pathlib import Path
from time import perf_counter_ns, sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.plan import Candidate, ModelSpec, StoredDataset

ROWS = 512
"""As many inputs as a candidate prepares: its requests use them in turn."""


class Planned:
    """Answers each row after the seconds in its first column, which it spends at work, or asleep.

    Args:
        asleep: Whether it sleeps, so that it needs no core and lets other threads run.
        trial: Changes nothing but the candidate's identity.
    """

    def __init__(self, asleep: bool = False, trial: int = 0) -> None:
        self.asleep = asleep
        self.trial = trial

    def predict(self, X: Any) -> Any:
        started = perf_counter_ns()
        until = started + int(X[0, 0] * 1e9)
        if self.asleep:
            sleep(max(until - perf_counter_ns(), 0) * 1e-9)
        while perf_counter_ns() < until:
            pass
        return np.zeros(len(X))


def planned(name: str, **parameters: Any) -> Candidate:
    """A candidate that takes as long as its rows say."""
    return Candidate(
        model=ModelSpec(name=name, factory="tests.benchmarks.planned_times:Planned", parameters=parameters)
    )


def planned_dataset(path: Path, seconds: NDArray[np.float64]) -> StoredDataset:
    """Write a dataset whose rows take some times, `(n_rows,)` seconds."""
    X = np.column_stack([seconds, np.arange(seconds.size)])
    path.write_bytes(pickle.dumps((X, np.zeros(seconds.size))))
    return StoredDataset(path=str(path), rows=seconds.size, features=2)
