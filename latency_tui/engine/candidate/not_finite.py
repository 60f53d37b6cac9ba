"""Answers that are NaN or infinite: what a model that has diverged gives, or one that was given rows with gaps."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.candidate.calls import call_in_batches
from latency_tui.engine.data.rows import count_rows, take

MAX_ROWS = 10_000
SECONDS = 0.5


def note_not_finite(model: Any, method: str, rows: Any, rows_per_call: int) -> str | None:
    """Ask a model for held-out rows and return a note on the answers that are NaN or infinite; None if none is.

    Args:
        model: Ready to answer.
        method: What is measured.
        rows: As the model gets them, `(n_rows, ...)`; as many are asked as take about `SECONDS`.
        rows_per_call: How many it surely takes at once.
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
            except Exception:  # noqa: BLE001 (it takes so many rows per call and no more, or answers in its own form)
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
    return f"{bad:,} of {asked:,} answers for held-out rows {are} {' or '.join(kind for kind in kinds if kinds[kind])}"


def _not_finite(answer: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for which rows an answer holds NaN, and for which something infinite."""
    count = count_rows(answer)
    nan, infinite = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for part in _parts(answer):
        values = _as_numbers(part).reshape(count, -1)
        nan |= np.isnan(values).any(axis=1)
        infinite |= np.isinf(values).any(axis=1)
    return nan, infinite


def _parts(answer: Any) -> list[Any]:
    """Return the outputs of an answer, each with a value, or several, per row."""
    if isinstance(answer, Mapping):
        return list(answer.values())
    if isinstance(answer, list | tuple) and answer and all(len(getattr(one, "shape", ())) == 2 for one in answer):
        return list(answer)  # of a model with several outputs
    return [answer]


def _as_numbers(part: Any) -> NDArray[np.float64]:
    """Return values as numbers, with zeros for all that is no number."""
    values = np.asarray(part.toarray() if hasattr(part, "toarray") else part)
    if values.dtype.kind in "fc":
        return values
    if values.dtype.kind != "O":
        return np.zeros(values.shape)
    flat = [float(one) if isinstance(one, Real) and not math.isfinite(one) else 0.0 for one in values.ravel()]
    return np.reshape(flat, values.shape)
