"""A scikit-learn estimator that returns stored outputs, so that a scorer can score any rows of any model quickly.

Runs only in a candidate's process, and only if scikit-learn is installed there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from latency_tui.engine.candidate.model_outputs import ModelOutputs
from latency_tui.plan.metrics import REGRESSION_SCORERS


class StoredRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Returns stored predictions; its rows are row numbers."""

    def __init__(self, labels: Any) -> None:
        self.labels = labels

    def predict(self, rows: Any) -> Any:
        """Return the predictions of some rows, given by number."""
        return self.labels[rows]


def _has_probabilities(stored: Any) -> bool:
    return stored.probabilities is not None


def _has_decisions(stored: Any) -> bool:
    return stored.decisions is not None


class StoredClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """Returns stored labels, probabilities and decision values; its rows are row numbers."""

    def __init__(self, labels: Any, probabilities: Any, decisions: Any, classes: Any) -> None:
        self.labels = labels
        self.probabilities = probabilities
        self.decisions = decisions
        self.classes_ = classes

    def predict(self, rows: Any) -> Any:
        """Return the labels of some rows, given by number."""
        return self.labels[rows]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]  # as above
    def predict_proba(self, rows: Any) -> Any:
        """Return the probabilities of some rows, given by number."""
        return self.probabilities[rows]

    @available_if(_has_decisions)  # type: ignore[untyped-decorator]  # as above
    def decision_function(self, rows: Any) -> Any:
        """Return the decision values of some rows, given by number."""
        return self.decisions[rows]


def stored_outputs(found: ModelOutputs, scorer: str) -> Any:
    """Return an estimator that returns the outputs of a model.

    Args:
        found: The outputs.
        scorer: Name of the scorer that will use it.
    """
    labels = found.labels()
    if scorer in REGRESSION_SCORERS:
        return StoredRegressor(labels)
    probabilities, decisions = found.probabilities(), found.decisions()
    count = next((v.shape[1] for v in (probabilities, decisions) if v is not None and v.ndim == 2), 0)
    if not count and decisions is not None:
        count = 2
    classes = found.classes(count) if count else None
    if classes is None:
        classes = np.unique(found.targets) if np.ndim(found.targets) == 1 else np.arange(found.targets.shape[1])
        probabilities = decisions = None
    return StoredClassifier(labels, probabilities, decisions, classes)
