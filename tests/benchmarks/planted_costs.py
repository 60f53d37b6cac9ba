"""A model that takes a known time per call and per row."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

FACTORY = "tests.benchmarks.planted_costs:PlantedCosts"


class PlantedCosts:
    """Spins for `fixed` microseconds per call and `per_row` microseconds per row.

    Args:
        fixed: Microseconds per call.
        per_row: Microseconds per row.
        trial: Changes nothing but the candidate's identity, so that each trial gets processes of its own.
    """

    def __init__(self, fixed: float = 40.0, per_row: float = 1.0, trial: int = 0) -> None:
        self.fixed = fixed
        self.per_row = per_row
        self.trial = trial

    def fit(self, X: Any, y: Any) -> PlantedCosts:
        """Learn nothing."""
        return self

    def predict(self, X: Any) -> Any:
        """Return the first column after the planted time."""
        end = perf_counter_ns() + round(1000 * (self.fixed + self.per_row * len(X)))
        while perf_counter_ns() < end:
            pass
        return X[:, 0]
