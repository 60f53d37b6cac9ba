"""Gives models of other libraries scikit-learn's methods, with as little as possible between a call and its answer.

Runs only in a candidate's process. Each library is imported where a file asks for it; one that is missing is told with
what installs it.
"""

from __future__ import annotations

import importlib
import io
import json
import re
from functools import partial
from typing import Any

import numpy as np

from latency_tui.engine.booster_files import load_catboost
from latency_tui.errors import ModelError

_XGBOOST_END = re.compile(rb"version\[.*\}\Z", re.DOTALL)  # in UBJSON, where the list of three has no end of its own


def require(module: str, what: str) -> Any:  # Any: a module of a library without types
    """Import a library, or say what installs it.

    Raises:
        ModelError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name not in (None, module, package):
            raise ModelError(f"{what} needs {package}, which cannot be imported: {error}") from error
        raise ModelError(f"{what} needs {package}: pip install {package}") from None


def score_of(answers: Any, targets: Any, *, classifies: bool) -> float | None:
    """Return the accuracy of labels, or R² of numbers; None where words stand against numbers."""
    answers, targets = np.asarray(answers), np.asarray(targets)
    if (answers.dtype.kind in "OUS") != (targets.dtype.kind in "OUS"):
        return None
    if classifies:
        return float(np.mean(answers == targets))
    spread = float(np.sum((targets - targets.mean()) ** 2))
    return 1.0 - float(np.sum((targets - answers) ** 2)) / spread if spread else 0.0


class LightgbmModel:
    """A LightGBM booster; classes are their numbers, from 0, for its file keeps no others."""

    libraries = ("lightgbm",)

    def __init__(self, text: str, threads: int) -> None:
        lightgbm = require("lightgbm", "a LightGBM model")
        self._source = text, threads
        self._booster = lightgbm.Booster(model_str=text)
        self._threads = threads
        self.n_features_in_ = self._booster.num_feature()
        names = self._booster.feature_name()
        if names != [f"Column_{index}" for index in range(len(names))]:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        objective = next((line for line in text.splitlines() if line.startswith("objective=")), "")[10:].split(" ")[0]
        self.classifies = objective in {"binary", "cross_entropy", "multiclass", "multiclassova"}
        if self.classifies:
            self.predict, self.predict_proba = self._labels, self._probabilities
        else:
            self.predict = self._numbers

    def __reduce__(self) -> tuple[Any, ...]:
        return LightgbmModel, self._source

    def _numbers(self, rows: Any) -> Any:
        return self._booster.predict(rows, num_threads=self._threads)

    def _probabilities(self, rows: Any) -> Any:
        found = self._booster.predict(rows, num_threads=self._threads)
        return np.column_stack((1.0 - found, found)) if found.ndim == 1 else found

    def _labels(self, rows: Any) -> Any:
        found = self._booster.predict(rows, num_threads=self._threads)
        return (found > 0.5).astype(np.int64) if found.ndim == 1 else found.argmax(axis=1)

    def score(self, rows: Any, targets: Any) -> float | None:
        """Return accuracy or R²."""
        return score_of(self.predict(rows), targets, classifies=self.classifies)


def load_xgboost(content: bytes, threads: int) -> Any:
    """Return an XGBoost model, JSON or UBJSON, under scikit-learn's methods."""
    xgboost = require("xgboost", "an XGBoost model")
    if content.startswith(b"{L") and not _XGBOOST_END.search(content[-64:]):
        raise ModelError("the XGBoost model is cut off")  # the library itself crashes on UBJSON that is (3.2)
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    kind = xgboost.XGBClassifier if objective.startswith(("binary:", "multi:")) else xgboost.XGBRegressor
    model = kind(n_jobs=threads)
    model.load_model(bytearray(content))
    return model


class CatboostModel:
    """A CatBoost model; without being told a number of threads in each call, it takes every core."""

    libraries = ("catboost",)

    def __init__(self, content: bytes, threads: int) -> None:
        catboost = require("catboost", "a CatBoost model")
        self._source = content, threads
        model, self.classifies = load_catboost(catboost, content)
        self.predict = partial(model.predict, thread_count=threads)
        if self.classifies and hasattr(model, "predict_proba"):
            self.predict_proba = partial(model.predict_proba, thread_count=threads)
        elif self.classifies:  # its classes have no names
            self.predict = partial(model.predict, prediction_type="Class", thread_count=threads)
        names = model.feature_names_
        self.n_features_in_ = len(names)
        if names != [str(index) for index in range(len(names))]:
            self.feature_names_in_ = np.asarray(names, dtype=object)

    def __reduce__(self) -> tuple[Any, ...]:
        return CatboostModel, self._source

    def score(self, rows: Any, targets: Any) -> float | None:
        """Return accuracy or R²."""
        return score_of(np.ravel(self.predict(rows)), targets, classifies=self.classifies)


class TorchModel:
    """A TorchScript or exported program: float32 rows in, what it returns out as an array."""

    input_dtype = "float32"
    libraries = ("torch",)

    def __init__(self, content: bytes, exported: bool, threads: int) -> None:
        self._source = content, exported, threads
        self._torch = torch = require("torch", "a PyTorch program")
        torch.set_num_threads(threads)
        if exported:
            require("torch.export", "an exported PyTorch program")
            self._module = torch.export.load(io.BytesIO(content)).module()
        else:
            self._module = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()

    def __reduce__(self) -> tuple[Any, ...]:
        return TorchModel, self._source

    def predict(self, rows: Any) -> Any:
        """Return what the program makes of `(n_rows, ...)` rows."""
        torch = self._torch
        with torch.inference_mode():
            return self._module(torch.from_numpy(np.asarray(rows, dtype=np.float32))).numpy()
