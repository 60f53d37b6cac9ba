"""Fits a dataset to a model: a data frame or an array, the columns that it was fitted on, or a sentence on why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from latency_tui.engine.adapters import require
from latency_tui.engine.dataset import Data, with_settings
from latency_tui.engine.tables import is_frame, is_numeric
from latency_tui.engine.targets import check_classes
from latency_tui.errors import ModelError
from latency_tui.plan import Setting
from latency_tui.plan.settings import INPUT_SETTINGS


@dataclass(frozen=True)
class Suited:
    """The data as one model gets them, and what is to be told about that."""

    data: Data
    notes: tuple[str, ...] = ()


def suit(data: Data, model: Any, settings: Mapping[str, Setting], *, fitted: bool) -> Suited:
    """Return the data in the form that a model takes.

    A model that is fitted already is asked every row; one that was fitted on a data frame gets data frames with the
    columns that it knows, in their order, or with its own names where the columns have none. Other models get arrays,
    unless columns hold more than numbers or a step of theirs goes by the columns' names.

    Args:
        data: As they were prepared.
        model: Fitted or not.
        settings: The candidate's, some of which act on inputs.
        fitted: Whether the model is.

    Raises:
        ModelError: The two do not fit: numbers or names of features differ, there is nothing to fit on, or numbers are
            to be told apart like classes.
    """
    if fitted:
        data = data.for_fitted()
    elif data.y_train is None:
        if data.y_all is not None:
            raise ModelError(f"{_name(model)} is not fitted, and one row is too few to fit it on")
        raise ModelError(
            f"{_name(model)} is not fitted, and the data have no targets to fit it on; name their column with --target"
        )
    if data.kind == "stored":
        _check_count(model, data)
        return Suited(with_settings(data, settings))
    said = () if fitted else check_classes(model, data)
    wants_frame = _wants_frame(model, data, settings, fitted=fitted)
    data, named = _with_names(data, model) if wants_frame else (data, ())
    data, chosen = _by_name(data, model) if fitted else (data, ())
    if is_frame(data.X_test) and not wants_frame:
        data = replace(data, X_train=_array(data.X_train), X_test=_array(data.X_test))
    if fitted:
        _check_count(model, data)
    return Suited(in_wanted_type(with_settings(data, settings), model, settings), (*said, *named, *chosen))


def in_wanted_type(data: Data, model: Any, settings: Mapping[str, Setting]) -> Data:
    """Return the rows to ask as the type of array that a model takes, where it takes one type only.

    What the settings say of their type counts more, but no such model takes a sparse matrix.

    Raises:
        ModelError: They hold something else.
    """
    wanted = getattr(model, "input_dtype", None)
    if settings.keys() & {*INPUT_SETTINGS}:
        wanted = str(settings.get("dtype", wanted)) if wanted and hasattr(data.X_test, "toarray") else None
    return replace(data, X_test=_dense(data.X_test, wanted)) if wanted else data


def _with_names(data: Data, model: Any) -> tuple[Data, tuple[str, ...]]:
    """Return rows that are an array as a data frame, with the names of the data or else of the model.

    They stay an array where neither has one name a column, or where there is no pandas and the model answers without.
    """
    rows, names = data.X_test, data.columns or _names(model)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or len(names) != rows.shape[1]:
        return data, ()
    if not find_spec("pandas") and not getattr(model, "wants_frame", False):
        return data, ()
    notes = () if data.columns else (f"the data have no names of columns, so they got the model's: {_listed(names)}",)
    return replace(data, X_train=_frame(data.X_train, names), X_test=_frame(rows, names)), notes


def _by_name(data: Data, model: Any) -> tuple[Data, tuple[str, ...]]:
    """Return the columns that a fitted model knows, under its names, where both it and the data have names.

    A name may be written with `_` for its spaces in one of the two: LightGBM and ONNX write it so.
    """
    known, rows = _names(model), data.X_test
    there = [str(name) for name in rows.columns] if is_frame(rows) else list(data.columns)
    if not known or not there or len(there) != rows.shape[1]:
        return data, ()
    unspaced = {_unspaced(name): name for name in there}
    wanted = {name: name if name in there else unspaced.get(_unspaced(name)) for name in known}
    if missing := [name for name, column in wanted.items() if column is None]:
        raise ModelError(
            f"{_name(model)} was fitted on {len(known):,} features; the data lack {_listed(missing)} "
            f"and have {_listed(there)}"
        )
    left = [name for name in there if name not in wanted.values()]
    notes = (f"left out, as the model does not know them: {_listed(left)}",) if left else ()
    if is_frame(rows):
        return replace(data, X_test=rows[list(wanted.values())].set_axis(known, axis=1)), notes
    return replace(data, X_test=rows[:, [there.index(name) for name in wanted.values() if name]], columns=()), notes


def _wants_frame(model: Any, data: Data, settings: Mapping[str, Setting], *, fitted: bool) -> bool:
    if "input" in settings:
        return settings["input"] == "dataframe"
    if fitted and _names(model):
        return True
    if getattr(model, "input_dtype", None) or (fitted and hasattr(model, "n_features_in_")):
        return False
    return (is_frame(data.X_test) and not is_numeric(data.X_test)) or goes_by_names(model)


def goes_by_names(model: Any) -> bool:
    """Whether a part of a model picks columns, by name for all that is known here."""
    parts = model.get_params(deep=True).values() if callable(getattr(model, "get_params", None)) else ()
    return any(type(part).__name__ == "ColumnTransformer" for part in (model, *parts))


def _check_count(model: Any, data: Data) -> None:
    expected, there = getattr(model, "n_features_in_", None), data.features
    if isinstance(expected, int | np.integer) and expected and there and expected != there:  # CatBoost says 0
        hint = f"; give data of its own with --data, or --features {expected}" if data.kind == "synthetic" else ""
        raise ModelError(f"{_name(model)} expects {expected:,} features, the data have {there:,}{hint}")


def _names(model: Any) -> list[str]:
    found = getattr(model, "feature_names_in_", None)
    return [] if found is None else [str(name) for name in found]


def _unspaced(name: str) -> str:
    return re.sub(r"\s", "_", name)


def _array(frame: Any) -> Any:
    """Return a data frame as an array: of floats where all are numbers, else of objects."""
    if frame is None:
        return None
    if not is_numeric(frame):
        return frame.to_numpy(dtype=object)
    kinds = set(map(str, frame.dtypes))
    return frame.to_numpy(dtype="float32" if kinds == {"float32"} else "float64", na_value=np.nan)


def _frame(rows: Any, names: Sequence[str]) -> Any:
    """Return an array as a data frame."""
    return (
        None if rows is None else require("pandas", "a model with named columns").DataFrame(rows, columns=list(names))
    )


def _dense(rows: Any, kind: str) -> Any:
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    try:
        return np.ascontiguousarray(rows, dtype=kind)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the model takes {kind}, and the data hold something else: {error}") from error


def _name(model: Any) -> str:
    return getattr(model, "__name__", type(model).__name__)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")
