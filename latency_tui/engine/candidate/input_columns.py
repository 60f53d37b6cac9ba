"""Selects and names the columns on which a model was fitted, as a data frame or an array."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from latency_tui.engine.candidate.models.adapters import require
from latency_tui.engine.candidate.models.model_traits import are_numbered, feature_count, feature_names, model_name
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import is_frame, is_numeric
from latency_tui.errors import ModelError


def restore_index(data: Data, model: Any, notes: tuple[str, ...]) -> tuple[Data, tuple[str, ...]]:
    """Return the data with its index columns if the model was fitted on them, and the updated notes."""
    if data.index is None or not is_frame(data.X_test):
        return data, notes
    known, names = feature_names(model), [str(name) for name in data.index.columns]
    by_count = not known and feature_count(model) == data.features + len(names)
    if not by_count and not any(name in known for name in names):
        return data, notes
    kept = (*(note for note in notes if not any(name in note for name in names)), *_index_note(names))
    return replace(data, X_test=data.index.join(data.X_test), index=None), kept


def _index_note(names: Sequence[str]) -> tuple[str, ...]:
    return (f"kept although it only numbers the rows, because the model was fitted on it: {list_names(names)}",)


def name_columns(data: Data, model: Any, *, must: bool) -> tuple[Data, tuple[str, ...]]:
    """Convert rows from an array to a data frame with the column names of the data, or else of the model.

    Rows stay an array if neither has one name per column, or if pandas is missing and the model does not need it.
    """
    rows, names = data.X_test, data.columns or feature_names(model)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or len(names) != rows.shape[1]:
        return data, ()
    if not find_spec("pandas") and not must:
        return data, ()
    notes = () if data.columns else (f"the data have no column names, so the model's were used: {list_names(names)}",)
    return replace(data, X_train=to_frame(data.X_train, names), X_test=to_frame(rows, names)), notes


def select_known_columns(data: Data, model: Any) -> tuple[Data, tuple[str, ...]]:
    """Return the columns on which a model was fitted, with its names and in its order, if both have column names.

    LightGBM and ONNX replace spaces in names by `_`. Names that only number the columns are ignored if the data have
    other names.
    """
    known, rows = feature_names(model), data.X_test
    there = [str(name) for name in rows.columns] if is_frame(rows) else list(data.columns)
    if not known or not there or len(there) != rows.shape[1]:
        return data, ()
    unspaced = {_unspaced(name): name for name in there}
    wanted = {name: name if name in there else unspaced.get(_unspaced(name)) for name in known}
    if missing := [name for name, column in wanted.items() if column is None]:
        if are_numbered(known) or are_numbered(there):
            return _renamed(data, known), ()
        raise ModelError(
            f"{model_name(model)} was fitted on {len(known):,} features, but the data have no column "
            f"{list_names(missing)}; their columns are {list_names(there)}"
        )
    left = [name for name in there if name not in wanted.values()]
    notes = (f"left out, because the model was not fitted on them: {list_names(left)}",) if left else ()
    if is_frame(rows):
        return replace(data, X_test=rows[list(wanted.values())].set_axis(known, axis=1)), notes
    return replace(data, X_test=rows[:, [there.index(name) for name in wanted.values() if name]], columns=()), notes


def _renamed(data: Data, known: Sequence[str]) -> Data:
    """Rename columns, by position, to the numbered names of a model if there are as many."""
    if is_frame(data.X_test) and data.X_test.shape[1] == len(known):
        return replace(data, X_test=data.X_test.set_axis(list(known), axis=1))
    return data


def check_feature_count(model: Any, data: Data) -> None:
    """Check that the data have as many features as the model was fitted on.

    Raises:
        ModelError: The numbers differ.
    """
    expected, there = feature_count(model), data.features
    if expected and there and expected != there:
        hint = f"; give its data with --data, or use --features {expected}" if data.kind == "synthetic" else ""
        raise ModelError(f"{model_name(model)} expects {expected:,} features, but the data have {there:,}{hint}")


def _unspaced(name: str) -> str:
    return re.sub(r"\s", "_", name)


def to_array(frame: Any) -> Any:
    """Convert a data frame to an array: of floats if all columns are numeric, otherwise of objects."""
    if frame is None:
        return None
    if not is_numeric(frame):
        return frame.to_numpy(dtype=object)
    kinds = set(map(str, frame.dtypes))
    return frame.to_numpy(dtype="float32" if kinds == {"float32"} else "float64", na_value=np.nan)


def to_frame(rows: Any, names: Sequence[str]) -> Any:
    """Convert an array to a data frame."""
    if rows is None:
        return None
    return require("pandas", "a model with named columns").DataFrame(rows, columns=list(names))


def to_dense_array(rows: Any, kind: str) -> Any:
    """Convert rows to a contiguous array of the dtype `kind`.

    Raises:
        ModelError: A value cannot be converted to this dtype.
    """
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    try:
        return np.ascontiguousarray(rows, dtype=kind)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the model takes {kind}, but the data cannot be converted: {error}") from error


def list_names(names: Sequence[Any]) -> str:
    """Return the first eight names and the number of further names as text."""
    shown = ", ".join(map(str, names[:8]))
    return f"{shown} and {len(names) - 8:,} more" if len(names) > 8 else shown
