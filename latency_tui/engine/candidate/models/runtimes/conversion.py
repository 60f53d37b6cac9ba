"""Puts a model under another runtime, and holds the two against each other before anything of it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from latency_tui.engine.candidate.calls import call_in_batches
from latency_tui.engine.candidate.inputs import convert_to_input_type
from latency_tui.engine.candidate.models.runtimes import find
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import count_rows
from latency_tui.errors import ModelError
from latency_tui.plan import Setting


@dataclass(frozen=True)
class Converted:
    """A model under another runtime, the data as it takes them, and how far the two agree."""

    model: Any
    data: Data
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Parity:
    """How far two models agree on the same rows.

    Attributes:
        rows: How many were asked.
        equal: Rows whose answers agree: labels that are equal, numbers that lie within the tolerance.
        largest: Largest difference of numbers; None of labels.
        tolerance: What was allowed, absolute and relative; None for labels.
    """

    rows: int
    equal: int
    largest: float | None = None
    tolerance: float | None = None

    @property
    def holds(self) -> bool:
        """Whether they agree everywhere."""
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
    """Return a fitted model under the runtime of that name, once it gives the same answers on all rows there are.

    Args:
        name: Of the runtime.
        model: Fitted.
        data: Whose test rows are what is asked.
        threads: How many the runtime may use.
        settings: Of the candidate; what says of which type the inputs are counts more than what the runtime wants.

    Raises:
        ModelError: There is no such runtime, it cannot take the model, or its answers differ; the figures are told.
    """
    runtime = find(name)
    found = runtime.convert(model, data.X_test, threads)
    theirs = convert_to_input_type(data, found, settings)
    told: list[str] = []
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if not callable(getattr(found, method, None)):
            continue
        if not callable(getattr(model, method, None)):  # nothing to hold it against, so it is not to be measured
            vars(found).pop(method, None)
            continue
        ours, other = call_in_batches(model, method, data.X_test), call_in_batches(found, method, theirs.X_test)
        parity = compare(ours, other, runtime.tolerance)
        told.append(f"{method} {parity}")
        if parity.holds:
            continue
        if method == "decision_function":  # the labels and what else there is agree: it is a matter of scale or shape
            vars(found).pop(method, None)
            told[-1] += ", so it cannot be measured"
            continue
        raise ModelError(f"{runtime.title} gives other answers than the model itself: {told[-1]}")
    if not told:
        raise ModelError(f"{runtime.title} gives nothing that could be held against {type(model).__name__}")
    return Converted(found, theirs, (f"{runtime.title} agrees: {'; '.join(told)}",))


def compare(ours: Any, theirs: Any, tolerance: float) -> Parity:
    """Hold two answers against each other, row by row.

    Args:
        ours: `(n_rows, ...)` labels or numbers of the model itself.
        theirs: The same of the other.
        tolerance: How far numbers may differ, absolute and relative to ours.
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
    """Compare the answers of a model with several outputs, a `(n_rows, n_classes)` array per output."""
    rows = count_rows(ours[0])
    if len(ours) != len(theirs):
        return Parity(rows, 0, float("inf"), tolerance)
    parts = [compare(one, np.asarray(other), tolerance) for one, other in zip(ours, theirs, strict=True)]
    largest = max((part.largest for part in parts if part.largest is not None), default=None)
    return Parity(rows, min(part.equal for part in parts), largest, tolerance)
