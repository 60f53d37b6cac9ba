"""Models as people bring them by an import path: instances, classes, factories, functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(random_state=0)

fitted = LogisticRegression().fit(X, y)
unfitted = LogisticRegression()


def factory(C: float = 1.0) -> LogisticRegression:
    return LogisticRegression(C=C)


def fitted_factory() -> LogisticRegression:
    return LogisticRegression().fit(X, y)


def row_sums(rows: Any) -> Any:
    return rows.sum(axis=1)


partial = functools.partial(np.sum, axis=1)


def makes_nothing() -> None:
    return None


number = 3


class Nested:
    """Holds a model one name further down."""

    model = fitted


class Answers:
    """Has no fit: it answers as it is."""

    def predict(self, rows: Any) -> Any:
        return np.zeros(len(rows))


class Tells:
    """Fits anything; asked, it raises with what it was given."""

    def fit(self, rows: Any, targets: Any) -> Tells:
        self.seen_ = f"{type(rows).__name__} {getattr(rows, 'shape', len(rows))}"
        return self

    def predict(self, rows: Any) -> Any:
        kinds = rows.dtypes if hasattr(rows, "dtypes") else getattr(rows, "dtype", "")
        raise ValueError(f"fitted on {self.seen_}, asked with {type(rows).__name__} {rows.shape} {kinds}")


def by_names() -> Any:
    """A pipeline that picks its columns by name."""
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        ColumnTransformer([("words", words, ["city"])], remainder="passthrough"),
        DecisionTreeClassifier(),
    )
