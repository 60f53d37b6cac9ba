"""Detects outputs that are NaN or infinite: of a diverged model, or for rows with missing values."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.candidate.call_adapters import call_in_batches
from latency_tui.engine.data.rows import count_rows, take

MAX_ROWS = 10_000
SECONDS = 0.5


def note_not_finite(model: Any, method: str, rows: Any, rows_per_call: int) -> str | None:
    """Call a model with held-out rows and return a note if outputs are NaN or infinite, None otherwise.

    Args:
        model: The fitted model.
        method: The method that is measured.
        rows: The rows as the model takes them, `(n_rows, ...)`; as many are used as take about `SECONDS`.
        rows_per_call: A number of rows per call that the model accepts.
    """
    kinds = {"NaN": 0, "infinite": 0}
    bad, asked, total = 0, 0, min(count_rows(rows), MAX_ROWS)
    size, grows = getattr(model, "fixed_rows", None) or rows_per_call, True
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while asked + size <= total:
            try:
                nan, infinite = _not_finite(call_in_batches(model, method, take(rows, np.arange(asked, asked + size))))
            except Exception:  # noqa: BLE001 (it does not accept more rows per call, or returns another format)
                if not grows or size == rows_per_call:
                    break
                size, grows = rows_per_call, False
                continue
            kinds["NaN"] += int(nan.sum())
            kinds["infinite"] += int(infinite.sum())
            bad += int((nan | infinite).sum())
            asked += size
            size = min(size * 2, max(total - asked, rows_per_call)) if grows else size
            if (time.perf_counter() - began) * (asked + size) > SECONDS * asked:
                break
    if not bad:
        return None
    are = "is" if bad == 1 else "are"
    return f"{bad:,} of {asked:,} outputs for held-out rows {are} {' or '.join(kind for kind in kinds if kinds[kind])}"


def _not_finite(answer: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the rows whose output contains NaN, and those whose output contains an infinite value."""
    count = count_rows(answer)
    nan, infinite = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for part in _parts(answer):
        values = _as_numbers(part).reshape(count, -1)
        nan |= np.isnan(values).any(axis=1)
        infinite |= np.isinf(values).any(axis=1)
    return nan, infinite


def _parts(answer: Any) -> list[Any]:
    """Return the parts of an output, each with one or more values per row."""
    if isinstance(answer, Mapping):
        return list(answer.values())
    if isinstance(answer, list | tuple) and answer and all(len(getattr(one, "shape", ())) == 2 for one in answer):
        return list(answer)  # of a model with several outputs
    return [answer]


def _as_numbers(part: Any) -> NDArray[np.float64]:
    """Convert values to numbers; anything else becomes zero."""
    values = np.asarray(part.toarray() if hasattr(part, "toarray") else part)
    if values.dtype.kind in "fc":
        return values
    if values.dtype.kind != "O":
        return np.zeros(values.shape)
    flat = [float(one) if isinstance(one, Real) and not math.isfinite(one) else 0.0 for one in values.ravel()]
    return np.reshape(flat, values.shape)
