"""Models of several steps, each of which takes a planted time."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def _work(seconds: float) -> None:
    """Take some seconds of CPU time, so that the shares are the same on a busy machine."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class Work(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Passes its rows on after some work."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def fit(self, X: Any, y: Any = None) -> Work:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        _work(self.seconds)
        return X


class WorkingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """Predicts the first class after some work."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def fit(self, X: Any, y: Any) -> WorkingClassifier:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        _work(self.seconds)
        return np.eye(len(self.classes_))[np.zeros(len(X), dtype=int)]

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class FailsIfWatched(Work):
    """Raises an exception if its methods are not those of its class."""

    def transform(self, X: Any) -> Any:
        if "transform" in vars(self):
            raise ValueError("I am being watched")
        return X


class CrashesIfWatched(Work):
    """Ends its process if its methods are not those of its class."""

    def transform(self, X: Any) -> Any:
        if "transform" in vars(self):
            os._exit(3)
        return X


class Own:
    """A model that is not of scikit-learn, with parts in a slot and in an attribute."""

    __slots__ = ("_encoder", "head")

    def __init__(self) -> None:
        self._encoder = Work(0.004)
        self.head = WorkingClassifier(0.001)

    def fit(self, X: Any, y: Any) -> Own:
        self.head.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.head.predict(self._encoder.transform(X))


def nested() -> Pipeline:
    """A pipeline whose branch `slow` takes 7 of about 10 ms."""
    inner = Pipeline([("first", Work(0.005)), ("second", Work(0.002))])
    columns = ColumnTransformer([("slow", inner, [0, 1]), ("quick", Work(0.0007), [2]), ("none", "drop", [3])])
    return Pipeline([("columns", columns), ("skip", "passthrough"), ("classifier", WorkingClassifier(0.002))])


def voting() -> VotingClassifier:
    """Three members that take 0.7, 2 and 5 ms."""
    members = [(name, WorkingClassifier(seconds)) for name, seconds in (("a", 0.0007), ("b", 0.002), ("c", 0.005))]
    return VotingClassifier(members, voting="soft")


def union() -> Pipeline:
    """A feature union whose right side takes three times as long as its left one."""
    both = FeatureUnion([("left", Work(0.001)), ("right", Work(0.003))])
    return Pipeline([("both", both), ("classifier", WorkingClassifier())])


def failing() -> Pipeline:
    return Pipeline([("good", Work(0.001)), ("bad", FailsIfWatched()), ("classifier", WorkingClassifier())])


def crashing() -> Pipeline:
    return Pipeline([("bad", CrashesIfWatched()), ("classifier", WorkingClassifier())])


def scaled() -> Pipeline:
    """A pipeline that can be converted to ONNX."""
    return make_pipeline(StandardScaler(), LogisticRegression())
