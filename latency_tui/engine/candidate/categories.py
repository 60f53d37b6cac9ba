"""Restores the column types on which a model was fitted, which text files do not keep.

CSV and JSON have no categories, and no booleans with missing values. Boosting libraries and scikit-learn's histogram
trees store which columns were categories. Runs in the engine's processes only.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from latency_tui.engine.candidate.models.adapters import require
from latency_tui.engine.candidate.models.model_traits import is_booster, iterate_parts, model_name
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import is_frame
from latency_tui.errors import ModelError

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?\Z")


@dataclass
class CategoricalColumns:
    """Columns on which a model was fitted as categories.

    Attributes:
        categories: The categories by column; None if the model does not store them.
        as_text: Whether the model takes text instead of pandas categories (CatBoost).
    """

    categories: dict[str, Sequence[Any] | None] = field(default_factory=dict)
    as_text: bool = False


def restore_column_types(data: Data, model: Any) -> tuple[Data, tuple[str, ...]]:
    """Convert the columns of a data frame to the types on which a model was fitted; return the data and notes.

    Raises:
        ModelError: A column contains text, but the model was fitted on numbers in it.
    """
    learnt = _categorical_columns(model, data.X_test)
    if learnt is None:
        return data, ()
    rows, changed = data.X_test.copy(deep=False), []
    for name in rows.columns:
        column = rows[name]
        if name in learnt.categories:
            new = _as_text(column) if learnt.as_text else _as_category(column, learnt.categories[name])
        elif getattr(column.dtype, "kind", "O") in "fiub" or str(column.dtype) == "category":
            continue
        else:
            new = _as_numbers(column, name, model)
        if new is not column:
            rows[name] = new
            changed.append(str(name))
    if not changed:
        return data, ()
    return replace(data, X_test=rows), (
        f"columns converted to the types that the model was fitted on: {', '.join(changed[:8])}",
    )


def date_columns(rows: Any) -> list[str]:
    """Return the text columns of a data frame that contain dates or times in ISO 8601 format."""
    if not is_frame(rows):
        return []
    found = []
    for name, kind in rows.dtypes.items():
        if getattr(kind, "kind", "O") == "O":
            some = [value for value in rows[name].head(50).tolist() if value is not None and value == value]
            if some and all(isinstance(value, str) and _DATE.match(value) for value in some):
                found.append(name)
    return found


def as_dates(rows: Any, columns: Sequence[str]) -> Any:
    """Convert some text columns of a data frame to dates.

    Raises:
        ModelError: A column contains values that are not dates.
    """
    if rows is None:
        return None
    pandas = require("pandas", "a column of dates")
    try:
        return rows.assign(**{str(name): pandas.to_datetime(rows[name]) for name in columns})
    except (TypeError, ValueError) as error:
        raise ModelError(f"columns {', '.join(columns)} contain values that are not dates: {error}") from error


def as_text(rows: Any, columns: Sequence[str]) -> Any:
    """Convert some date columns of a data frame to ISO 8601 text."""
    if rows is None:
        return None
    return rows.assign(**{str(name): rows[name].astype(str).where(rows[name].notna(), None) for name in columns})


def _categorical_columns(model: Any, rows: Any) -> CategoricalColumns | None:
    """Return the columns on which a model was fitted as categories; None if it does not store them."""
    names = list(rows.columns)
    if is_booster(model):
        with contextlib.suppress(AttributeError, KeyError, ValueError, IndexError):
            return _booster_columns(model, rows, names)
        return None
    for part in iterate_parts(model):
        mask = getattr(part, "is_categorical_", None)
        if getattr(part, "categorical_features", None) == "from_dtype" and part is model:
            chosen = [] if mask is None else [name for name, is_one in zip(names, mask, strict=False) if is_one]
            return CategoricalColumns(dict.fromkeys(chosen)) if chosen else None
    return None


def _booster_columns(model: Any, rows: Any, names: list[Any]) -> CategoricalColumns:
    if callable(get_booster := getattr(model, "get_booster", None)):
        booster = get_booster()
        kinds = booster.feature_types or []
        categories = [name for name, kind in zip(names, kinds, strict=False) if kind == "c"]
        if categories:
            model.set_params(enable_categorical=True)
        return CategoricalColumns(dict.fromkeys(categories))
    if callable(indices := getattr(model, "get_cat_feature_indices", None)) or callable(
        indices := getattr(getattr(model, "native", None), "get_cat_feature_indices", None)
    ):
        return CategoricalColumns({names[index]: None for index in indices()}, as_text=True)
    native = getattr(model, "native", None) or model.booster_
    kept = native.pandas_categorical or []
    infos = next((line for line in native.model_to_string().splitlines() if line.startswith("feature_infos=")), "")
    kinds = infos.partition("=")[2].split(" ")
    learnt = {name for name, kind in zip(names, kinds, strict=False) if kind[:1] not in ("[", "n", "")}
    words = {name for name in names if getattr(rows[name].dtype, "kind", "O") not in "fiub"}
    for chosen in (learnt, learnt | {name for name in words if not _is_boolean(rows[name])}, words):
        if len(chosen) == len(kept):
            ordered = [name for name in names if name in chosen]
            return CategoricalColumns(dict(zip(ordered, kept, strict=True)))
    return CategoricalColumns(dict.fromkeys(name for name in names if name in learnt))


def _as_category(column: Any, categories: Sequence[Any] | None) -> Any:
    if str(column.dtype) == "category" and categories is None:
        return column
    pandas = require("pandas", "a column of categories")
    if categories is None:
        return column.astype("category")
    if categories and all(isinstance(one, str) for one in categories):
        column = column.astype(object).where(column.isna(), column.astype(str))
    return column.astype(pandas.CategoricalDtype(list(categories)))


def _as_text(column: Any) -> Any:
    if getattr(column.dtype, "kind", "O") in "iu":
        return column
    return column.astype(object).where(~column.isna(), "nan").astype(str)


def _is_boolean(column: Any) -> bool:
    return all(isinstance(value, bool) for value in column.dropna())


def _as_numbers(column: Any, name: Any, model: Any) -> Any:
    try:
        return column.astype("float64")
    except (TypeError, ValueError):
        raise ModelError(f"column {name} contains text, but {model_name(model)} was fitted on numbers in it") from None
