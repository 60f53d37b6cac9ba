"""Calls of a model with arrays instead of data frames, which shows what the data frame costs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from latency_tui.engine.candidate.steps.parts import find_parts
from latency_tui.engine.data.rows import is_numeric

_NAMES = "feature_names_in_"


class Unnamed:
    """Removes the column names on which a model and its parts were fitted, as if they were fitted on arrays.

    With them, a model warns about each array that has no names, which takes time too.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._models = [model, *(part.model for part in find_parts(model))]

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Remove the names in this context."""
        removed: list[tuple[dict[str, Any], Any]] = []
        try:
            for model in self._models:
                held = getattr(model, "__dict__", {})
                if _NAMES in held:
                    removed.append((held, held.pop(_NAMES)))
            yield
        finally:
            for held, names in removed:
                held[_NAMES] = names


def as_arrays(values: Sequence[Any]) -> list[Any] | None:
    """Return numeric data frames as arrays; None if the values are something else."""
    if not values or not hasattr(values[0], "columns") or not hasattr(values[0], "to_numpy"):
        return None
    kinds = getattr(values[0], "dtypes", None)
    if not hasattr(values[0], "iloc") or kinds is None or not is_numeric(values[0]):
        return None
    return [np.ascontiguousarray(value.to_numpy()) for value in values]


def same_answers(one: Any, other: Any) -> bool:
    """Return whether two answers are equal arrays."""
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape:
        return False
    if first.dtype.kind in "fc":
        return bool(np.allclose(first, second, equal_nan=True))
    return bool(np.array_equal(first, second))
