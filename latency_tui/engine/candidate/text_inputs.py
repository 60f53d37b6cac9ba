"""Gives rows to models that take texts, or records: a mapping from the name of a column to its value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from latency_tui.engine.candidate.input_columns import list_names, to_frame
from latency_tui.engine.candidate.models.model_traits import feature_names, model_name
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import is_frame
from latency_tui.errors import ModelError


def as_texts(data: Data, model: Any) -> tuple[Data, tuple[str, ...]]:
    """Return the one column of words as a list of texts."""
    rows = data.X_test
    if is_frame(rows):
        worded = [name for name, kind in rows.dtypes.items() if getattr(kind, "kind", "O") not in "fiubmM"]
        known = [name for name in feature_names(model) if name in worded]
        chosen = known if len(known) == 1 else worded
        if len(chosen) != 1:
            has = f"{len(chosen)} columns of words: {list_names(chosen)}" if chosen else "no column of words"
            raise ModelError(
                f"{model_name(model)} takes texts, and the data have {has}; keep the one column that holds them"
            )
        left = [name for name in rows.columns if name not in chosen]
        notes = (f"takes texts: column {chosen[0]}" + (f"; left out: {list_names(left)}" if left else ""),)
        column = chosen[0]
        train = None if data.X_train is None else _texts(data.X_train[column])
        return replace(data, X_train=train, X_test=_texts(rows[column]), columns=()), notes
    values = np.asarray(rows)
    words = values.dtype.kind in "OUS"
    if not words or (values.ndim > 1 and values.shape[1] != 1):
        has = "hold several columns" if words else "hold numbers"
        raise ModelError(f"{model_name(model)} takes texts, and the data {has}")
    train = None if data.X_train is None else _texts(np.ravel(data.X_train))
    return replace(data, X_train=train, X_test=_texts(values.ravel()), columns=()), ()


def _texts(values: Any) -> list[str]:
    return ["" if value is None or value != value else str(value) for value in values]


def as_records(data: Data) -> Data:
    """Return each row as a mapping from a column's name to its value."""

    def records(rows: Any) -> Any:
        if rows is None or isinstance(rows, list):
            return rows
        if not is_frame(rows):
            rows = to_frame(rows, data.columns or [f"feature_{index}" for index in range(rows.shape[1])])
        return rows.to_dict("records")

    return replace(data, X_train=records(data.X_train), X_test=records(data.X_test), columns=())
