"""Holds targets against the models that are to learn them: numbers are no classes. In the engine's processes only."""

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
    """Refuse a file of numbers where a model is to learn them that is known for a classifier.

    Args:
        dataset: What was asked for.
        data: The same in memory; None where it is not made here.
        candidates: What is about to be trained.

    Raises:
        DataError: The targets are numbers with fractions.
    """
    if not isinstance(dataset, FileDataset) or data is None or not has_fractions(data.y_train):
        return
    name = next((one.model.name for one in candidates if one.model.task == "classification"), None)
    if name is not None:
        target = "its targets are" if dataset.target is None else f"its column {dataset.target!r} holds"
        written = "task=regression" if dataset.target is None else f"target={dataset.target},task=regression"
        file = Path(dataset.path).name
        raise DataError(
            f"{file} cannot be learnt by {name}, which tells classes apart: {target} numbers with fractions; "
            f"say --task regression, or {file}[{written}] in the app."
        )


def check_classes(model: Any, data: Data) -> tuple[str, ...]:
    """Return what is to be told of the classes that a model is about to learn from a file, if it is a classifier.

    Raises:
        ModelError: They are numbers with fractions.
    """
    if data.kind != "file" or not _is_classifier(model):
        return ()
    if has_fractions(data.y_train):
        raise ModelError(
            f"{type(model).__name__} tells classes apart, and the targets are numbers with fractions; take a regressor"
        )
    targets = np.asarray(data.y_all)
    classes = len(np.unique(targets)) if targets.dtype.kind in "iuf" else 0
    if data.task is None and classes > max(MANY_CLASSES, MANY_CLASSES_SHARE * len(targets)):
        return (f"the targets are {classes:,} different numbers, each taken for a class, without --task regression",)
    return ()


def has_fractions(targets: Any) -> bool:
    """Whether targets are numbers that are not all whole: no classifier of scikit-learn's takes them."""
    values = np.asarray(targets)
    return values.dtype.kind == "f" and bool(np.any(np.isfinite(values) & (values != np.floor(values))))


def _is_classifier(model: Any) -> bool:
    from sklearn.base import is_classifier  # deferred: 1 s, and what is fitted already need not import it

    return hasattr(model, "__sklearn_tags__") and bool(is_classifier(model))
