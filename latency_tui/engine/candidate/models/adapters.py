"""Adapts models of other libraries to the methods of scikit-learn, with little overhead per call.

Runs only in a candidate's process. A library is imported when a file needs it; if it is missing, the error says how to
install it.
"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from latency_tui.engine.candidate.models.booster_files import load_catboost
from latency_tui.engine.candidate.tensors import TensorInput, fixed_rows
from latency_tui.errors import ModelError

_XGBOOST_END = re.compile(rb"version\[.*\}\Z", re.DOTALL)  # in UBJSON, where the list of three has no end of its own


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def require(module: str, what: str) -> Any:  # Any: a module of a library without types
    """Import a library.

    Args:
        module: The module to import.
        what: What needs it, for the message.

    Raises:
        ModelError: The library is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name not in (None, module, package):
            raise ModelError(f"{what} needs {package}, which cannot be imported: {error}") from error
        raise ModelError(f"{what} needs {package}: pip install {package}") from None


class LightgbmModel:
    """A LightGBM booster; classes are numbered from 0, because the file does not store their names."""

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
        self.native = self._booster
        self.predict = partial(self._booster.predict, num_threads=threads)
        if self.classifies:
            self.predict_proba = self.predict

    def __reduce__(self) -> tuple[Any, ...]:
        return LightgbmModel, self._source

    def finished(self, method: str, answer: Any) -> Any:
        """Convert the output of the booster to labels or `(n_rows, n_classes)` probabilities."""
        if not self.classifies:
            return answer
        if method == "predict":
            return (answer > 0.5).astype(np.int64) if answer.ndim == 1 else answer.argmax(axis=1)
        return np.column_stack((1.0 - answer, answer)) if answer.ndim == 1 else answer


def load_xgboost(content: bytes, threads: int) -> Any:
    """Load an XGBoost model from JSON or UBJSON."""
    xgboost = require("xgboost", "an XGBoost model")
    if content.startswith(b"{L") and not _XGBOOST_END.search(content[-64:]):
        raise ModelError("the XGBoost model is truncated")  # the library itself crashes on UBJSON that is (3.2)
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    kind = xgboost.XGBClassifier if objective.startswith(("binary:", "multi:")) else xgboost.XGBRegressor
    model = kind(n_jobs=threads)
    model.load_model(bytearray(content))
    return model


class CatboostModel:
    """A CatBoost model; each call gets the number of threads, because the default is all cores."""

    libraries = ("catboost",)

    def __init__(self, content: bytes, threads: int) -> None:
        catboost = require("catboost", "a CatBoost model")
        self._source = content, threads
        model, self.classifies = load_catboost(catboost, content)
        self.native = model
        self.predict = partial(model.predict, thread_count=threads)
        if self.classifies and hasattr(model, "predict_proba"):
            self.predict_proba = partial(model.predict_proba, thread_count=threads)
        elif self.classifies:  # its classes have no names
            self.predict = partial(model.predict, prediction_type="Class", thread_count=threads)
        names = model.feature_names_
        self.n_features_in_ = len(names)  # 0 if the file does not say
        if names != [str(index) for index in range(len(names))]:
            self.feature_names_in_ = np.asarray(names, dtype=object)

    def __reduce__(self) -> tuple[Any, ...]:
        return CatboostModel, self._source


class TorchModel:
    """A TorchScript program, an exported program or a module, which takes tensors.

    Rows are converted to tensors before a call. If there are several outputs, the first one is used.

    Args:
        source: The content of the program's file, or a module.
        exported: Whether the file is an exported program.
        threads: Threads that torch may use.

    Attributes:
        tensors: The inputs, named as the arguments of `forward`; their shapes are unknown.
    """

    libraries = ("torch",)
    title = "the PyTorch program"

    def __init__(self, source: Any, exported: bool, threads: int) -> None:
        self._source = source, exported, threads
        self._torch = torch = require("torch", "a PyTorch program")
        torch.set_num_threads(threads)
        if not isinstance(source, bytes):
            self._module = source.eval()
            parameters = list(inspect.signature(source.forward).parameters.values())
            names = [one.name for one in parameters if one.default is one.empty and one.kind in _POSITIONAL]
        elif exported:
            require("torch.export", "an exported PyTorch program")
            program = torch.export.load(io.BytesIO(source))
            self._module = program.module()
            names = list(program.graph_signature.user_inputs)
            self.tensors = _exported_inputs(program, names)
        else:
            self._module = torch.jit.load(io.BytesIO(source), map_location="cpu").eval()
            arguments = self._module.forward.schema.arguments[1:]
            names = [one.name for one in arguments if not one.has_default_value()]
        first = next((one for one in self._parameters() if one.is_floating_point()), None)
        kind = "float64" if first is not None and first.dtype == torch.float64 else "float32"
        if not hasattr(self, "tensors"):
            self.tensors = tuple(TensorInput(name, kind) for name in names or ["x"])
        self.fixed_rows = fixed_rows(self.tensors)
        if width := self._first_width():
            self.n_features_in_ = width

    def _first_width(self) -> int | None:
        """Return the number of columns that the first layer takes if it is linear, otherwise None."""
        for module in self._modules():
            if list(module.children()):
                continue
            name = getattr(module, "original_name", type(module).__name__)
            if name == "Linear":
                return int(module.weight.shape[1])
            if next(iter(module.parameters()), None) is not None:
                return None
        return None

    def _modules(self) -> list[Any]:
        try:
            return list(self._module.modules())
        except (AttributeError, RuntimeError):
            return []

    def _parameters(self) -> list[Any]:
        try:
            return list(self._module.parameters())
        except (AttributeError, RuntimeError):
            return []

    def __reduce__(self) -> tuple[Any, ...]:
        return TorchModel, self._source

    def convert_input(self, feed: Mapping[str, Any]) -> tuple[Any, ...]:
        """Convert arrays to tensors, the arguments of `forward`."""
        return tuple(self._torch.from_numpy(np.ascontiguousarray(array)) for array in feed.values())

    def predict(self, arguments: tuple[Any, ...]) -> Any:
        """Call the program with tensors of shape `(n_rows, ...)`."""
        with self._torch.inference_mode():
            return self._module(*arguments)

    def finished(self, _method: str, answer: Any) -> Any:
        """Return the first tensor of an output as an array."""
        while isinstance(answer, Mapping | tuple | list) and len(answer):
            answer = next(iter(answer.values())) if isinstance(answer, Mapping) else answer[0]
        return answer.detach().numpy() if isinstance(answer, self._torch.Tensor) else answer


def _exported_inputs(program: Any, names: list[str]) -> tuple[TensorInput, ...]:
    """Return the inputs of an exported program, with the types and axes of its example inputs."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    found = []
    for name in names:
        value = values.get(name)
        shape = tuple(axis if isinstance(axis, int) else None for axis in getattr(value, "shape", ())) or None
        found.append(TensorInput(name, str(getattr(value, "dtype", "torch.float32")).removeprefix("torch."), shape))
    return tuple(found)
