"""Prepares the data of files for built-in models: standardises numeric columns, and rejects other columns.

Models of the user get the data unchanged. Runs in the engine's processes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.catalog.named_models import accepts_missing, accepts_text, encoding_models, is_built_in
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import is_frame, is_numeric
from latency_tui.errors import DataError, ModelError
from latency_tui.plan import Candidate, Dataset, FileDataset, ModelSpec
from latency_tui.plan.candidates import slugify

STANDARDISED = "columns were standardised by the training rows, as the built-in models expect"


def check_columns(dataset: Dataset | None, data: Data | None, candidates: Iterable[Candidate]) -> None:
    """Check, before training, that at least one candidate can be fitted on the columns of a table.

    Raises:
        DataError: All candidates are built-in models, and none of them accepts the columns.
    """
    specs = [candidate.model for candidate in candidates]
    if not isinstance(dataset, FileDataset) or data is None or data.y_train is None or not specs:
        return
    if not all(is_built_in(spec) for spec in specs):
        return
    reasons = [_describe_unsupported(data, spec) for spec in specs]
    if all(reasons):
        who = f"{specs[0].name} and {len(specs) - 1} more" if len(specs) > 1 else specs[0].name
        raise DataError(
            f"{Path(dataset.path).name}: {reasons[0]}, which {who} cannot be fitted on; {_advise(specs[0])}."
        )


def prepare_for_fit(data: Data, spec: ModelSpec) -> Data:
    """Return the data for fitting a model: standardised for a built-in model that takes numbers, otherwise unchanged.

    Raises:
        ModelError: A built-in model does not accept the columns.
    """
    if data.kind != "file" or data.y_train is None or not is_built_in(spec):
        return data
    if reason := _describe_unsupported(data, spec):
        raise ModelError(f"{reason}, which {spec.name} cannot be fitted on; {_advise(spec)}")
    return data if accepts_text(spec) else standardised(data)


def standardised(data: Data) -> Data:
    """Return a numeric table with columns standardised by the training rows; other datasets are returned unchanged.

    It is computed once per process; forked processes inherit the result.
    """
    if data.standardised is None:
        object.__setattr__(data, "standardised", _standardise(data))  # a cache of a frozen value
    return data.standardised or data


def _standardise(data: Data) -> Data | None:
    train, test, names = data.X_train, data.X_test, data.columns
    if is_frame(train):
        if not is_numeric(train):
            return None
        names = tuple(map(str, train.columns))
        train, test = (rows.to_numpy(dtype="float64", na_value=np.nan) for rows in (train, test))
    if getattr(train, "ndim", 0) != 2 or train.dtype.kind not in "fiub":
        return None
    is_sparse = hasattr(train, "toarray")
    if np.isinf(train.data if is_sparse else train).any():
        return None  # the model reports infinite values itself
    from sklearn.preprocessing import StandardScaler  # deferred: 1 s, not needed for fitted models

    scaler = StandardScaler(with_mean=not is_sparse).fit(train)
    return replace(
        data,
        X_train=scaler.transform(train),
        X_test=scaler.transform(test),
        columns=names,
        notes=(*data.notes, STANDARDISED),
    )


def _describe_unsupported(data: Data, spec: ModelSpec) -> str:
    """Return which columns a built-in model does not accept, such as `city contains text`; empty if it accepts all."""
    if accepts_text(spec):
        return ""
    words, dates, gaps = _find_non_numeric(data)
    if words:
        return f"{_listed(words)} {_contain(words)} text"
    if dates:
        return f"{_listed(dates)} {_contain(dates)} dates"
    return f"{_listed(gaps)} {_contain(gaps)} missing values" if gaps and not accepts_missing(spec) else ""


def _find_non_numeric(data: Data) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the columns with text, with dates, and with missing values."""
    rows = data.X_all
    if not is_frame(rows):
        if getattr(rows, "ndim", 0) != 2 or hasattr(rows, "toarray"):
            return [], [], []
        names = data.columns or tuple(map(str, range(rows.shape[1])))
        if rows.dtype.kind not in "fiub":
            return list(names), [], []
        found = np.isnan(rows).any(axis=0) if rows.dtype.kind == "f" else np.zeros(rows.shape[1], dtype=bool)
        return [], [], [name for name, gap in zip(names, found, strict=True) if gap]
    kinds = {str(name): getattr(kind, "kind", "O") for name, kind in rows.dtypes.items()}
    dates = [name for name, kind in kinds.items() if kind in "mM"]
    words = [name for name, kind in kinds.items() if kind not in "fiubmM"]
    return words, dates, [str(name) for name, gap in rows.isna().any().items() if gap]


def _advise(spec: ModelSpec) -> str:
    named = " -m ".join(slugify(model.name) for model in encoding_models(spec.task or "classification"))
    return f"use models that encode such columns (-m {named}), or only numeric columns"


def _contain(names: Sequence[Any]) -> str:
    return "contains" if len(names) == 1 else "contain"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
