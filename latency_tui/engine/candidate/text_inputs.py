"""Converts rows for models that take texts, or records (dictionaries of values by column name)."""

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
    """Convert the only text column to a list of texts."""
    rows = data.X_test
    if is_frame(rows):
        worded = [name for name, kind in rows.dtypes.items() if getattr(kind, "kind", "O") not in "fiubmM"]
        known = [name for name in feature_names(model) if name in worded]
        chosen = known if len(known) == 1 else worded
        if len(chosen) != 1:
            has = f"{len(chosen)} text columns: {list_names(chosen)}" if chosen else "no text column"
            raise ModelError(
                f"{model_name(model)} takes texts, but the data have {has}; give a file with one text column"
            )
        left = [name for name in rows.columns if name not in chosen]
        notes = (f"takes texts: column {chosen[0]}" + (f"; left out: {list_names(left)}" if left else ""),)
        column = chosen[0]
        train = None if data.X_train is None else _texts(data.X_train[column])
        return replace(data, X_train=train, X_test=_texts(rows[column]), columns=()), notes
    values = np.asarray(rows)
    words = values.dtype.kind in "OUS"
    if not words or (values.ndim > 1 and values.shape[1] != 1):
        has = "have several columns" if words else "are numbers"
        raise ModelError(f"{model_name(model)} takes texts, but the data {has}")
    train = None if data.X_train is None else _texts(np.ravel(data.X_train))
    return replace(data, X_train=train, X_test=_texts(values.ravel()), columns=()), ()


def _texts(values: Any) -> list[str]:
    return ["" if value is None or value != value else str(value) for value in values]


def as_records(data: Data) -> Data:
    """Convert each row to a dictionary of values by column name."""

    def records(rows: Any) -> Any:
        if rows is None or isinstance(rows, list):
            return rows
        if not is_frame(rows):
            rows = to_frame(rows, data.columns or [f"feature_{index}" for index in range(rows.shape[1])])
        return rows.to_dict("records")

    return replace(data, X_train=records(data.X_train), X_test=records(data.X_test), columns=())
