"""Checks that targets fit the models: classifiers need classes. Runs in the engine's processes only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.engine.data.dataset import Data
from latency_tui.errors import DataError, ModelError
from latency_tui.plan import Candidate, Dataset, FileDataset

MANY_CLASSES = 20
MANY_CLASSES_SHARE = 0.2


def check_targets(dataset: Dataset | None, data: Data | None, candidates: Iterable[Candidate]) -> None:
    """Check that no classifier would be fitted on the numbers of a file.

    Args:
        dataset: The dataset.
        data: The dataset in memory; None if it is not prepared in this process.
        candidates: The candidates to be trained.

    Raises:
        DataError: The targets are numbers with fractions.
    """
    if not isinstance(dataset, FileDataset) or data is None or not has_fractions(data.y_train):
        return
    name = next((one.model.name for one in candidates if one.model.task == "classification"), None)
    if name is not None:
        target = "the targets are" if dataset.target is None else f"the column {dataset.target!r} contains"
        written = "task=regression" if dataset.target is None else f"target={dataset.target},task=regression"
        file = Path(dataset.path).name
        raise DataError(
            f"{name} is a classifier and cannot be fitted on {file}: {target} numbers with fractions; "
            f"use --task regression, or {file}[{written}] in the app."
        )


def check_classes(model: Any, data: Data) -> tuple[str, ...]:
    """Check the targets of a file for a classifier, and return notes on them.

    Raises:
        ModelError: The targets are numbers with fractions.
    """
    if data.kind != "file" or not _is_classifier(model):
        return ()
    if has_fractions(data.y_train):
        raise ModelError(
            f"{type(model).__name__} is a classifier, but the targets are numbers with fractions; use a regressor"
        )
    targets = np.asarray(data.y_all)
    classes = len(np.unique(targets)) if targets.dtype.kind in "iuf" else 0
    if data.task is None and classes > max(MANY_CLASSES, MANY_CLASSES_SHARE * len(targets)):
        return (
            f"the targets are {classes:,} different numbers, and each is a class unless --task regression is given",
        )
    return ()


def has_fractions(targets: Any) -> bool:
    """Return whether targets are numbers with fractions, which no classifier of scikit-learn accepts."""
    values = np.asarray(targets)
    return values.dtype.kind == "f" and bool(np.any(np.isfinite(values) & (values != np.floor(values))))


def _is_classifier(model: Any) -> bool:
    from sklearn.base import is_classifier  # deferred: 1 s, not needed for fitted models

    return hasattr(model, "__sklearn_tags__") and bool(is_classifier(model))
