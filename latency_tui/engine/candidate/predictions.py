"""Predictions as values that processes of other environments can compare."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from latency_tui.engine.candidate_protocol import Predict, Predicted

TOLERANCE = 1e-5
"""Numbers that differ by less, relative or absolute, count as equal: other versions of BLAS round differently."""


def predict(request: Predict, answer: Callable[[int], Any], inputs: int, rows_per_call: int) -> Predicted:
    """Return predictions for the first inputs.

    Args:
        request: How many rows, and for how long.
        answer: Returns the answer to the input with a number.
        inputs: Number of different inputs.
        rows_per_call: Rows per input.
    """
    until, parts = time.monotonic() + request.seconds, []
    for number in range(min(inputs, -(-request.rows // rows_per_call))):
        part = _rows(answer(number), rows_per_call)
        if part is None:
            return Predicted(rows=0)
        parts.append(part)
        if time.monotonic() > until:
            break
    if not parts or len({part.shape[1:] for part in parts}) > 1:
        return Predicted(rows=0)
    rows = np.concatenate(parts)[: request.rows]
    if rows.dtype.kind in "biuf":
        return Predicted(rows=len(rows), numbers=rows.astype("<f8").tobytes())
    return Predicted(rows=len(rows), texts=tuple("\n".join(map(str, row)) for row in rows))


def differing_rows(one: Predicted, other: Predicted) -> tuple[int, int] | None:
    """Return the number of rows that both predicted, and on how many they differ; None if they cannot be compared."""
    rows = min(one.rows, other.rows)
    if not rows:
        return None
    if bool(one.numbers) != bool(other.numbers):
        return rows, rows
    if one.texts:
        return rows, sum(mine != theirs for mine, theirs in zip(one.texts, other.texts, strict=False))
    first, second = (
        np.frombuffer(predicted.numbers, dtype="<f8").reshape(predicted.rows, -1)[:rows] for predicted in (one, other)
    )
    if first.shape != second.shape:
        return rows, rows
    equal = np.isclose(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return rows, int(rows - equal.all(axis=1).sum())


def _rows(answer: Any, rows: int) -> Any:
    """Return the answer as an array `(rows, n)`; None if it is not one value, or one list of values, per row."""
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    try:
        array = np.asarray(answer)
        if array.dtype.kind in "iu" and array.size and np.abs(array.astype(object)).max() > 2**53:
            array = array.astype(str)
        if array.ndim == 0 and rows == 1:
            array = array.reshape(1)
        return array.reshape(rows, -1) if array.ndim and len(array) == rows else None
    except (TypeError, ValueError, OverflowError):
        return None
