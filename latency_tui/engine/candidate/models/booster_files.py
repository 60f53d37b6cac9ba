"""Loads models of boosting libraries, including files of old versions and native objects."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.errors import ModelError

_CHECK_SECONDS = 60.0
_CLASS_LOSSES = ("Logloss", "CrossEntropy", "MultiClass", "MultiLogloss", "MultiCrossEntropy")


def read_lightgbm_text(content: bytes) -> str:
    """Return a LightGBM file as text, without a byte order mark and with the line ends that the library expects.

    Raises:
        ModelError: The file is truncated; the library would end the process.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.replace("\r\n", "\n").lstrip()
    sizes = re.search(r"^tree_sizes=([\d ]+)$", text, re.MULTILINE)
    start = text.find("\nTree=0")
    if "\nparameters:" in text and "\nend of parameters" not in text:
        raise ModelError("the LightGBM model is truncated")
    if "\nend of trees" in text and (start >= 0 or sizes is None):
        return text
    if sizes is not None and start >= 0:
        whole = len(text[start + 1 :].encode()) + 1 >= sum(map(int, sizes[1].split()))
    else:
        whole = "Tree=" in text and _loads_in_subprocess("import lightgbm; lightgbm.Booster(model_str=text)", text)
    if not whole:
        raise ModelError("the LightGBM model is truncated")
    return text


def load_catboost(catboost: Any, content: bytes) -> tuple[Any, bool]:
    """Return a CatBoost model from its binary or JSON format, and whether it predicts classes.

    The training parameters say so. Files of old versions and sums of models have none; they are recognised by their
    class names.
    """
    model = catboost.CatBoost()
    with tempfile.TemporaryDirectory() as folder:
        how: dict[str, Any] = {"blob": content}
        if content.lstrip()[:1] == b"{":  # the library reads JSON from files only
            path = Path(folder) / "model.json"
            path.write_bytes(content)
            how = {"fname": str(path), "format": "json"}
        model.load_model(**how)
        try:
            loss = str(model.get_all_params().get("loss_function", ""))
        except catboost.CatBoostError:
            loss = ""
        named = len(model.classes_) > 0
        classifies = named if not loss else loss.startswith(_CLASS_LOSSES)
        if named or not classifies:
            model = catboost.CatBoostClassifier() if classifies else catboost.CatBoostRegressor()
            model.load_model(**how)
    return model, classifies


class XgboostBooster:
    """A native `xgboost.Booster` that takes arrays and returns what `Booster.predict` returns."""

    libraries = ("xgboost",)

    def __init__(self, booster: Any, threads: int) -> None:
        self._source = booster, threads
        booster.set_param({"nthread": threads})
        self._booster = booster
        self._objective = str(json.loads(booster.save_config())["learner"]["objective"]["name"])
        self.classifies = self._objective.startswith(("binary:", "multi:"))
        if self._objective in ("binary:logistic", "multi:softprob"):
            self.predict_proba = self._predict_probabilities
        self.in_place = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"] != "gblinear"
        self.predict: Callable[[Any], Any] = booster.inplace_predict if self.in_place else self._predict_from_matrix
        self.n_features_in_ = booster.num_features()
        names = booster.feature_names
        if names and names != [str(index) for index in range(len(names))]:
            self.feature_names_in_ = np.asarray(names, dtype=object)

    def __reduce__(self) -> tuple[Any, ...]:
        return XgboostBooster, self._source

    def _predict_from_matrix(self, rows: Any) -> Any:
        import xgboost  # there is a booster, so it is imported

        return self._booster.predict(xgboost.DMatrix(rows, feature_names=self._booster.feature_names))

    def _predict_probabilities(self, rows: Any) -> Any:
        return np.asarray(self.predict(rows))

    def predict_labels(self, rows: Any) -> Any:
        """Return labels computed from the output, or the numbers of a regressor."""
        found = np.asarray(self.predict(rows))
        if self.classifies and found.ndim == 2:
            return found.argmax(axis=1)
        if self.classifies and self._objective != "multi:softmax":
            return (found > (0.0 if self._objective.endswith("raw") else 0.5)).astype(int)
        return found


def adapted(model: Any, threads: int) -> tuple[Any, tuple[str, ...]]:
    """Return a model, wrapped in an adapter if its own methods do not take rows.

    Returns:
        The model, and notes on how it is called.
    """
    module, name = type(model).__module__.partition(".")[0], type(model).__name__
    if (module, name) == ("xgboost", "Booster"):
        booster = XgboostBooster(model, threads)
        how = "inplace_predict" if booster.in_place else "predict with a DMatrix that the call creates"
        return booster, (f"the xgboost.Booster is called through {how}",)
    if (module, name) == ("lightgbm", "Booster"):
        from latency_tui.engine.candidate.models.adapters import LightgbmModel

        how = "the lightgbm.Booster is called through predict, and labels are computed from its output"
        return LightgbmModel(model.model_to_string(), threads), (how,)
    if (module, name) == ("onnxruntime", "InferenceSession"):
        from latency_tui.engine.candidate.models.runtimes.onnx import OnnxModel, source_of

        return OnnxModel(source_of(model), threads), ("the ONNX Runtime session is reopened in each process",)
    if module == "torch" or any(kind.__module__.startswith("torch.nn.") for kind in type(model).__mro__):
        from latency_tui.engine.candidate.models.adapters import TorchModel

        return TorchModel(model, False, threads), ()
    return model, ()


def _loads_in_subprocess(program: str, text: str) -> bool:
    """Return whether a library can load a file; tried in a subprocess, because the library may end its process."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        words = [sys.executable, "-c", f"import sys; text = open(sys.argv[1], newline='').read(); {program}", file.name]
        try:
            done = subprocess.run(words, capture_output=True, timeout=_CHECK_SECONDS, check=False)  # noqa: S603 (ours)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0
