"""ONNX Runtime: models from ONNX files, and scikit-learn's converted by skl2onnx. Only in a candidate's process."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from latency_tui.engine.adapters import require, score_of
from latency_tui.engine.error_messages import cause_of
from latency_tui.engine.tables import is_numeric
from latency_tui.errors import ModelError

_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_LABELS = {"tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)"}


class OnnxModel:
    """A model on ONNX Runtime, with the methods that its outputs allow.

    `predict` gives labels where there are any, else the numbers (one an input row: flat); `predict_proba` gives
    probabilities as a dense `(n_rows, n_classes)` array; `transform` is there where the one output is a matrix.

    Args:
        source: The path of a file, or what would stand in it.
        threads: Threads inside one operator.
        scores: A second model that gives `decision_function`, as skl2onnx converts it.
        binary: Whether that is of two classes: a number a row then, which is that of the second.
        columns: Of a model with an input a column, the columns' names in the inputs' order; empty for the inputs' own.
    """

    libraries = ("onnxruntime",)

    def __init__(
        self,
        source: str | bytes,
        threads: int = 1,
        scores: bytes | None = None,
        *,
        binary: bool = False,
        columns: tuple[str, ...] = (),
    ) -> None:
        self._source = source, threads, scores, binary, columns
        session = _session(source, threads)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        self.wants_frame = len(inputs) > 1
        shape = inputs[0].shape
        self.input_dtype = None
        if self.wants_frame:
            columns = columns or tuple(one.name for one in inputs)
            self.feature_names_in_ = np.asarray(columns, dtype=object)
            self.n_features_in_ = len(inputs)
        else:
            self.input_dtype = np.dtype(_TYPES.get(inputs[0].type, np.float32)).name
            if len(shape) == 2 and isinstance(shape[1], int):
                self.n_features_in_ = shape[1]
        label = next((one.name for one in outputs if one.type in _LABELS), None)
        others = [one for one in outputs if one.name != label]
        self.classifies = label is not None
        if label is not None:
            self.predict = _caller(session, columns, label)
            if others:
                maps = others[0].type.startswith("seq(map")
                self.predict_proba = _caller(session, columns, others[0].name, _from_maps if maps else None)
        elif others:
            flat = len(others[0].shape) == 2 and others[0].shape[1] == 1
            self.predict = _caller(session, columns, others[0].name, _flatten if flat else None)
            if not flat:
                self.transform = self.predict
        if scores is not None:
            second = _session(scores, threads)
            found = next(one for one in second.get_outputs() if one.type not in _LABELS)
            self.decision_function = _caller(second, columns, found.name, _of_second if binary else None)

    def __reduce__(self) -> tuple[Any, ...]:
        source, threads, scores, binary, columns = self._source
        return partial(OnnxModel, binary=binary, columns=columns), (source, threads, scores)

    def score(self, rows: Any, targets: Any) -> float | None:
        """Return accuracy or R², or None where the output is neither labels nor one number a row."""
        answers = np.asarray(self.predict(rows))
        if answers.ndim != 1:
            return None
        return score_of(answers, targets, classifies=self.classifies)


def _session(source: str | bytes, threads: int) -> Any:
    onnxruntime = require("onnxruntime", "an ONNX model")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors: warnings about its own optimiser help nobody here
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _caller(session: Any, columns: tuple[str, ...], output: str, shape: Any = None) -> Any:
    """Return a function of rows that does nothing but what the call needs; inputs stand for columns by position."""
    run, wanted, inputs = session.run, [output], session.get_inputs()
    if len(inputs) > 1:
        feeds = [
            (one.name, column, _TYPES.get(one.type, np.float32)) for one, column in zip(inputs, columns, strict=True)
        ]

        def call(rows: Any) -> Any:
            fed = {name: np.asarray(rows[column], dtype=kind).reshape(-1, 1) for name, column, kind in feeds}
            found = run(wanted, fed)[0]
            return found if shape is None else shape(found)

        return call
    name, kind = inputs[0].name, _TYPES.get(inputs[0].type, np.float32)
    asarray = np.asarray
    if shape is None:
        return lambda rows: run(wanted, {name: asarray(rows, kind)})[0]
    return lambda rows: shape(run(wanted, {name: asarray(rows, kind)})[0])


def _flatten(found: Any) -> Any:
    return found.reshape(-1)


def _of_second(found: Any) -> Any:
    return found[:, -1] if found.ndim == 2 else found


def _from_maps(found: Any) -> Any:
    """Return a list of `{class: probability}` as a dense array, classes in order."""
    classes = sorted(found[0]) if found else []
    return np.array([[row[name] for name in classes] for row in found], dtype=np.float32)


class OnnxRuntime:
    """Runs scikit-learn's models on ONNX Runtime, converted by skl2onnx."""

    title = "ONNX Runtime"
    tolerance = 1e-4

    def convert(self, model: Any, rows: Any, threads: int) -> OnnxModel:
        """Return a fitted model converted; see `Runtime`."""
        if isinstance(model, OnnxModel):
            return model
        skl2onnx = require("skl2onnx", "the runtime onnx")
        if not hasattr(model, "get_params"):
            raise ModelError(f"{type(model).__name__} cannot be converted to ONNX: it is no scikit-learn estimator")
        types = _types_of(model, rows)
        scores = None
        try:
            classifies = hasattr(model, "classes_") and hasattr(model, "predict")
            converted = _to_onnx(skl2onnx, model, types, {"zipmap": False} if classifies else {})
            if classifies and hasattr(model, "decision_function"):
                scores = _to_onnx(skl2onnx, model, types, {"zipmap": False, "raw_scores": True})
        except Exception as error:
            said = cause_of(error) or type(error).__name__
            raise ModelError(f"{type(model).__name__} cannot be converted to ONNX: {said}") from error
        binary = len(getattr(model, "classes_", ())) == 2
        columns = tuple(name for name, _ in types)  # the inputs' names are others where these hold more than letters
        return OnnxModel(converted, threads, scores, binary=binary, columns=columns)


def _to_onnx(skl2onnx: Any, model: Any, types: Any, options: dict[str, bool]) -> bytes:
    """Convert, with options for the step that answers: the last of a pipeline."""
    answers = model
    while steps := getattr(answers, "steps", None):
        answers = steps[-1][1]
    try:
        made = skl2onnx.to_onnx(model, initial_types=types, options={id(answers): options} if options else None)
    except Exception as error:
        if "zipmap" not in options or "'zipmap'" not in str(error):
            raise
        # What has no probabilities has no mapping of them to do without, and refuses to be told.
        return _to_onnx(skl2onnx, model, types, {key: value for key, value in options.items() if key != "zipmap"})
    serialised: bytes = made.SerializeToString()
    return serialised


def _types_of(model: Any, rows: Any) -> Any:
    """Return the inputs of the model to be, as skl2onnx names them.

    That is one matrix, which is by far the quickest to hand over; an input a column only where columns hold more than
    numbers, or something in the model picks them by name.
    """
    kinds = require("skl2onnx.common.data_types", "the runtime onnx")
    parts = (model, *model.get_params().values())
    by_column = any(type(part).__name__ == "ColumnTransformer" for part in parts)
    if not hasattr(rows, "iloc") or (is_numeric(rows) and not by_column):
        return [("X", kinds.FloatTensorType([None, rows.shape[1]]))]
    made = []
    for name, kind in rows.dtypes.items():
        numeric = getattr(kind, "kind", "O") in "fiub"
        made.append((str(name), (kinds.FloatTensorType if numeric else kinds.StringTensorType)([None, 1])))
    return made
