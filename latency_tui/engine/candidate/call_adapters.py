"""Calls the method of a model, and converts its inputs and outputs. Runs only in a candidate's process.

An adapter of another library can define `convert_input` and `finished`, which convert the input of a call and its
output, so that neither conversion happens inside the timed span.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latency_tui.engine.data.rows import count_rows, take
from latency_tui.errors import ModelError
from latency_tui.plan import METHODS


def caller(model: Any, method: str) -> Callable[[Any], Any]:
    """Return the bound method that is measured, or the model itself if it is a function.

    Raises:
        ModelError: The model has no such method.
    """
    bound = getattr(model, method, None)
    if callable(bound):
        return bound  # type: ignore[no-any-return] # a method of whatever the user brought
    if callable(model) and not hasattr(model, "fit"):
        return model  # type: ignore[no-any-return] # a function of an array
    if type(model).__name__ in ("LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"):
        raise ModelError(
            f"{type(model).__name__} encodes targets and cannot predict; name the model that was fitted on them"
        )
    able = [name for name in METHODS if callable(getattr(model, name, None))]
    advice = f"; it has {', '.join(able)}: add --method {able[0]}" if able else ""
    raise ModelError(f"{type(model).__name__} has no method {method!r}{advice}")


def input_converter(model: Any) -> Callable[[Any], Any]:
    """Return the function that converts rows to the input of a call; most models take rows unchanged."""
    return getattr(model, "convert_input", None) or _as_it_is


def output_converter(model: Any) -> Callable[[str, Any], Any]:
    """Return the function that converts the output of a method to the format of scikit-learn."""
    return getattr(model, "finished", None) or (lambda _method, answer: answer)


def call_in_batches(model: Any, method: str, rows: Any) -> Any:
    """Return the outputs of a model for any number of rows, in the format of scikit-learn.

    A model with a fixed number of rows per call is called in batches of that size; remaining rows are skipped.
    """
    call, value_of, finished = caller(model, method), input_converter(model), output_converter(model)
    size = getattr(model, "fixed_rows", None)
    if not size or size == count_rows(rows):
        return finished(method, call(value_of(rows)))
    starts = range(0, count_rows(rows) - size + 1, size)
    found = [finished(method, call(value_of(take(rows, np.arange(start, start + size))))) for start in starts]
    return np.concatenate(found) if found else np.empty(0)


def _as_it_is(rows: Any) -> Any:
    return rows
