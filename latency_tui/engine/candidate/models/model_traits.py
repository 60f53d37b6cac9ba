"""Reads from the attributes of a model which inputs it takes, without calling it or importing its library.

Runs in the engine's processes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from latency_tui.errors import ModelError

BOOSTERS = ("xgboost", "lightgbm", "catboost")
_NUMBERED = re.compile(r"(\D*)(\d+)\Z")


def model_name(model: Any) -> str:
    """Return the name of a model for messages: its title or its class."""
    return str(getattr(model, "title", "") or type(model).__name__)


def feature_names(model: Any) -> list[str]:
    """Return the column names on which a model was fitted; empty if there are none."""
    found = getattr(model, "feature_names_in_", None)
    names = [] if found is None else [str(name) for name in found]
    if not names and not are_numbered(kept := _catboost_names(model)):
        return kept
    return names


def has_feature_names(model: Any) -> bool:
    """Return whether a model, or a step of it, was fitted on named columns.

    Inside a pipeline, names that only number the columns come from the previous step.
    """
    return bool(feature_names(model)) or any(
        names and not are_numbered(names) for names in map(feature_names, iterate_parts(model))
    )


def feature_count(model: Any) -> int | None:
    """Return the number of columns on which a model was fitted; None if it is unknown or 0."""
    try:
        found = getattr(model, "n_features_in_", None)
    except Exception:  # noqa: BLE001 (a user-defined property may raise)
        return None
    if isinstance(found, int | np.integer) and not isinstance(found, bool) and found > 0:
        return int(found)
    return len(_catboost_names(model)) or _coefficient_count(model)


def _coefficient_count(model: Any) -> int | None:
    """Return the number of coefficients per output of a linear model; scikit-learn before 0.24 has no other count."""
    shape = getattr(_attribute(model, "coef_"), "shape", ())
    return int(shape[-1]) if shape and type(model).__module__.startswith("sklearn.") else None


def _catboost_names(model: Any) -> list[str]:
    """Return the column names of a CatBoost model; empty for other models."""
    if type(model).__module__.partition(".")[0] != "catboost":
        return []
    return [str(name) for name in _attribute(model, "feature_names_") or ()]


def are_numbered(names: Sequence[str]) -> bool:
    """Return whether names only number the columns: `0, 1, …`, `Column_0, …`, `f1, f2, …`."""
    matches = [_NUMBERED.match(name) for name in names]
    if not matches or None in matches:
        return False
    prefixes = {match[1] for match in matches if match}
    numbers = [int(match[2]) for match in matches if match]
    return len(prefixes) == 1 and numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def check_batch_size(model: Any, rows_per_call: int) -> None:
    """Check that a model accepts a number of rows per call.

    Raises:
        ModelError: It has another, fixed number of rows per call.
    """
    fixed = getattr(model, "fixed_rows", None)
    if fixed is None or fixed == rows_per_call or (fixed == 0 and rows_per_call == 1):
        return
    title = model_name(model)
    if fixed == 0:
        raise ModelError(f"{title} takes one set of tensors of fixed sizes per call; use -b 1")
    raise ModelError(
        f"{title} takes {fixed:,} row{'' if fixed == 1 else 's'} per call, not {rows_per_call:,}; use -b {fixed}"
    )


def is_booster(model: Any) -> bool:
    """Return whether a gradient boosting library runs the model; these take both arrays and data frames."""
    libraries = getattr(model, "libraries", ()) or (type(model).__module__.partition(".")[0],)
    return any(library in BOOSTERS for library in libraries)


def iterate_parts(model: Any) -> Iterator[Any]:
    """Yield a model and its parts, fitted or not, outermost first."""
    yield model
    for part in _children(model):
        yield from iterate_parts(part)


def first_steps(model: Any) -> Iterator[Any]:
    """Yield the innermost parts of a model that receive its input first."""
    children = _children(model)
    if getattr(model, "steps", None):
        children = children[:1]
    if not children or type(model).__name__ == "ColumnTransformer":
        yield model
        return
    for part in children:
        yield from first_steps(part)


def takes(model: Any) -> Literal["texts", "records"] | None:
    """Return what a model takes instead of a table: texts (for a text vectorizer) or records (a `DictVectorizer`)."""
    firsts = [part for part in first_steps(model) if part is not None]
    if any(callable(getattr(part, "build_analyzer", None)) for part in firsts):
        return "texts"
    if any(type(part).__name__ in ("DictVectorizer", "FeatureHasher") for part in firsts):
        return "records"
    return None


def selects_columns_by_name(model: Any) -> bool:
    """Return whether a step of a model may select columns by name."""
    return any(type(part).__name__ == "ColumnTransformer" for part in iterate_parts(model))


def _children(model: Any) -> list[Any]:
    found: list[Any] = []
    for name in ("best_estimator_", "estimator_", "calibrated_classifiers_", "estimators_"):
        inner = _attribute(model, name)
        if name in ("best_estimator_", "estimator_") and inner is not None:
            return [inner]
        if isinstance(inner, np.ndarray):
            inner = inner.ravel().tolist()
        if isinstance(inner, list | tuple) and inner:
            return [one for one in inner[:3] if not isinstance(one, str | tuple)]
    for name in ("estimator", "base_estimator", "regressor", "classifier", "model"):
        inner = _attribute(model, name)
        if inner is not None and hasattr(inner, "get_params"):
            return [inner]
    for name in ("steps", "transformer_list", "estimators", "transformers_", "transformers"):
        for step in _attribute(model, name) or ():
            inner = step[1] if isinstance(step, tuple | list) and len(step) > 1 else None
            if inner is not None and not isinstance(inner, str):
                found.append(inner)
        if found:
            return found
    return found


def _attribute(model: Any, name: str) -> Any:
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001 (a user-defined property may raise)
        return None
