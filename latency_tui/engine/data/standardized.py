"""What the built-in models learn of a file: standardised columns of numbers, or one sentence on what they cannot learn.

Models that a user brings get the data as they are. Runs in the engine's processes only.
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
    """Refuse a table that none of the candidates can learn, once, before any is trained.

    Raises:
        DataError: All of them are built in, and columns hold what none of them takes.
    """
    specs = [candidate.model for candidate in candidates]
    if not isinstance(dataset, FileDataset) or data is None or data.y_train is None or not specs:
        return
    if not all(is_built_in(spec) for spec in specs):
        return
    reasons = [_describe_unsupported(data, spec) for spec in specs]
    if all(reasons):
        who = f"{specs[0].name} and {len(specs) - 1} more" if len(specs) > 1 else specs[0].name
        raise DataError(f"{Path(dataset.path).name}: {reasons[0]}, which {who} cannot learn; {_do(specs[0])}.")


def prepare_for_fit(data: Data, spec: ModelSpec) -> Data:
    """Return the data as an unfitted model learns them: standardised for one that is built in and takes numbers.

    Raises:
        ModelError: It is built in, and columns hold what it does not take.
    """
    if data.kind != "file" or data.y_train is None or not is_built_in(spec):
        return data
    if reason := _describe_unsupported(data, spec):
        raise ModelError(f"{reason}, which {spec.name} cannot learn; {_do(spec)}")
    return data if accepts_text(spec) else standardised(data)


def standardised(data: Data) -> Data:
    """Return a table of numbers with columns standardised by the training rows; any other dataset as it is.

    It is computed once per process: an engine that does it first hands it on to the candidates that it forks.
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
        return None  # the model itself says what it makes of infinite values
    from sklearn.preprocessing import StandardScaler  # deferred: 1 s, and what is fitted already need not import it

    scaler = StandardScaler(with_mean=not is_sparse).fit(train)
    return replace(
        data,
        X_train=scaler.transform(train),
        X_test=scaler.transform(test),
        columns=names,
        notes=(*data.notes, STANDARDISED),
    )


def _describe_unsupported(data: Data, spec: ModelSpec) -> str:
    """Return what columns hold that a built-in model does not take, `city holds words`; empty if it takes all."""
    if accepts_text(spec):
        return ""
    words, dates, gaps = _find_non_numeric(data)
    if words:
        return f"{_listed(words)} {_hold(words)} words"
    if dates:
        return f"{_listed(dates)} {_hold(dates)} dates"
    return f"{_listed(gaps)} {_hold(gaps)} gaps (missing values)" if gaps and not accepts_missing(spec) else ""


def _find_non_numeric(data: Data) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the columns that hold words, dates, and gaps."""
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


def _do(spec: ModelSpec) -> str:
    named = " -m ".join(slugify(model.name) for model in encoding_models(spec.task or "classification"))
    return f"take models that encode them (-m {named}), or numbers only"


def _hold(names: Sequence[Any]) -> str:
    return "holds" if len(names) == 1 else "hold"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
