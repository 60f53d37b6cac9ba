"""Converts a model to another runtime, and compares the outputs of both before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from latency_tui.engine.candidate.adapt_inputs import convert_to_input_type
from latency_tui.engine.candidate.call_adapters import call_in_batches
from latency_tui.engine.candidate.models.runtimes import find
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import count_rows
from latency_tui.errors import ModelError
from latency_tui.plan import Setting


@dataclass(frozen=True)
class Converted:
    """A converted model, the data in the form that it takes, and notes on the agreement of the outputs."""

    model: Any
    data: Data
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Parity:
    """The agreement of the outputs of two models for the same rows.

    Attributes:
        rows: Number of rows.
        equal: Number of rows with equal labels, or with numbers within the tolerance.
        largest: Largest difference of numbers; None for labels.
        tolerance: Allowed difference, absolute and relative; None for labels.
    """

    rows: int
    equal: int
    largest: float | None = None
    tolerance: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the outputs agree for all rows."""
        return self.equal == self.rows

    def __str__(self) -> str:
        share = f"{self.equal:,} of {self.rows:,} rows"
        if self.largest == float("inf"):
            return "of another shape"
        if self.largest is None:
            return f"labels equal in {share}"
        return f"within {self.tolerance:g} in {share} (largest difference {self.largest:.2g})"


def convert(
    name: str, model: Any, data: Data, threads: int, settings: Mapping[str, Setting] = MappingProxyType({})
) -> Converted:
    """Convert a fitted model to a runtime, and check that its outputs are the same for all test rows.

    Args:
        name: Name of the runtime.
        model: The fitted model.
        data: The data; the test rows are compared.
        threads: Number of threads that the runtime may use.
        settings: Settings of the candidate; an input type among them has priority over that of the runtime.

    Raises:
        ModelError: There is no such runtime, the model cannot be converted, or its outputs differ.
    """
    runtime = find(name)
    found = runtime.convert(model, data.X_test, threads)
    theirs = convert_to_input_type(data, found, settings)
    comparisons: list[str] = []
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if not callable(getattr(found, method, None)):
            continue
        if not callable(getattr(model, method, None)):  # it cannot be compared, so it must not be measured
            vars(found).pop(method, None)
            continue
        ours, other = call_in_batches(model, method, data.X_test), call_in_batches(found, method, theirs.X_test)
        parity = compare(ours, other, runtime.tolerance)
        comparisons.append(f"{method} {parity}")
        if parity.holds:
            continue
        if method == "decision_function":  # the other outputs agree, so only scale or shape differ
            vars(found).pop(method, None)
            comparisons[-1] += ", so it cannot be measured"
            continue
        raise ModelError(f"{runtime.title} returns other outputs than the model itself: {comparisons[-1]}")
    if not comparisons:
        raise ModelError(
            f"{runtime.title} and {type(model).__name__} have no method in common, so their outputs cannot be compared"
        )
    return Converted(found, theirs, (f"{runtime.title} agrees: {'; '.join(comparisons)}",))


def compare(ours: Any, theirs: Any, tolerance: float) -> Parity:
    """Compare two outputs row by row.

    Args:
        ours: `(n_rows, ...)` labels or numbers of the model itself.
        theirs: `(n_rows, ...)` labels or numbers of the converted model.
        tolerance: Allowed difference of numbers, absolute and relative to `ours`.
    """
    if isinstance(ours, list) and ours and isinstance(ours[0], np.ndarray) and ours[0].ndim == 2:
        return _compare_outputs(ours, theirs, tolerance)
    rows = count_rows(ours)
    ours, theirs = (np.asarray(found.toarray() if hasattr(found, "toarray") else found) for found in (ours, theirs))
    if ours.shape != theirs.shape:
        return Parity(rows, 0, float("inf"), tolerance)
    if ours.dtype.kind not in "fc":
        same = ours == theirs
        return Parity(rows, int(same.reshape(rows, -1).all(axis=1).sum()))
    ours, theirs = ours.reshape(rows, -1), theirs.astype(ours.dtype).reshape(rows, -1)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))  # infinite numbers, too
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(ours - theirs))
    within = same | (np.isfinite(ours) & (apart <= tolerance * (1 + np.abs(ours))))
    return Parity(rows, int(within.all(axis=1).sum()), float(apart.max(initial=0.0)), tolerance)


def _compare_outputs(ours: list[Any], theirs: Any, tolerance: float) -> Parity:
    """Compare models with several outputs, a `(n_rows, n_classes)` array per output."""
    rows = count_rows(ours[0])
    if len(ours) != len(theirs):
        return Parity(rows, 0, float("inf"), tolerance)
    parts = [compare(one, np.asarray(other), tolerance) for one, other in zip(ours, theirs, strict=True)]
    largest = max((part.largest for part in parts if part.largest is not None), default=None)
    return Parity(rows, min(part.equal for part in parts), largest, tolerance)
