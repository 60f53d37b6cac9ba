"""The outputs of a model for the test rows, from which its score is computed. Runs only in a candidate's process."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from latency_tui.engine.candidate.call_adapters import call_in_batches
from latency_tui.engine.data.dataset import Data

Kind = bool | None
"""Whether a model is a classifier (True) or a regressor (False); None if that is unknown."""


@dataclass
class ModelOutputs:
    """The outputs of a model for the test rows. Each method is called once, when it is needed.

    Attributes:
        model: The model.
        rows: The test rows.
        targets: `(n_rows,)` or `(n_rows, n_outputs)` targets.
        fresh_per_call: Whether the model changes its input, so that each call gets a copy.
        note: How labels were derived from the outputs, if they are not labels.
    """

    model: Any
    rows: Any
    targets: Any
    fresh_per_call: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        self._outputs: dict[str, Any] = {}

    @property
    def is_classifier(self) -> Kind:
        """Whether the model is a classifier; None if it does not say."""
        if (classifies := getattr(self.model, "classifies", None)) is not None:
            return bool(classifies)
        if not hasattr(self.model, "fit"):
            return None
        from sklearn.base import is_classifier, is_regressor  # deferred: what has no fit need not import it

        try:
            return True if is_classifier(self.model) else False if is_regressor(self.model) else None
        except Exception:  # noqa: BLE001 (not a scikit-learn estimator)
            return None

    def labels(self) -> Any:
        """Return the labels or numbers that the model predicts, in the shape of the targets.

        Of a network that returns one number per class, the label is the index of the largest.
        """
        if hasattr(self.model, "predict_labels"):
            return self._output("predict_labels")
        answers = self._output("predict")
        if getattr(answers, "ndim", 1) == 2 and np.ndim(self.targets) == 1:
            if answers.shape[1] == 1:
                return answers.reshape(-1)
            if self._are_indices(answers.shape[1]):
                self.note = "the predicted label is the index of the largest output"
                return answers.argmax(axis=1)
        return answers

    def _are_indices(self, classes: int) -> bool:
        """Return whether the targets may be the indices of some classes."""
        if self.targets.dtype.kind not in "iub":
            return False
        return bool(self.targets.min() >= 0 and self.targets.max() < classes)

    def probabilities(self) -> Any:
        """Return `(n_rows, n_classes)` probabilities; None if the model does not return them."""
        if not callable(getattr(self.model, "predict_proba", None)):
            return None
        found = np.asarray(self._output("predict_proba"))
        if found.ndim == 2 and found.shape[1] == 1:
            found = found.reshape(-1)
        if found.ndim == 1:
            found = np.column_stack((1.0 - found, found))
        if found.ndim != 2 or found.min() < 0 or abs(found.sum(axis=1) - 1.0).max() > 1e-3:
            return None
        return found

    def decisions(self) -> Any:
        """Return decision values, `(n_rows,)` or, of more than two classes, `(n_rows, n_classes)`; None if none."""
        if not callable(getattr(self.model, "decision_function", None)):
            return None
        return np.asarray(self._output("decision_function"))

    def classes(self, count: int) -> Any:
        """Return the classes in the order of the columns of probabilities; None if they are unknown."""
        known = getattr(self.model, "classes_", getattr(getattr(self.model, "native", None), "classes_", None))
        if known is not None and len(known) == count:
            return np.asarray(known)
        seen = np.unique(self.targets)
        if len(seen) == count:
            return seen
        return np.arange(count) if self._are_indices(count) else None

    def _output(self, method: str) -> Any:
        if method not in self._outputs:
            rows = copy.deepcopy(self.rows) if self.fresh_per_call else self.rows
            own = getattr(self.model, method, None)
            found = own(rows) if method == "predict_labels" and own else call_in_batches(self.model, method, rows)
            self._outputs[method] = _as_array(found)
        return self._outputs[method]


def outputs_of(model: Any, data: Data, *, fresh_per_call: bool = False) -> ModelOutputs:
    """Return the predictions of a model for the test rows of a dataset."""
    return ModelOutputs(model, data.X_test, _as_array(data.y_test), fresh_per_call)


def _as_array(values: Any) -> Any:
    """Return values as an array; those of a pandas object in its own types."""
    return np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
