"""Runs ONNX files and converted scikit-learn models on ONNX Runtime. Runs only in a candidate's process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from latency_tui.engine.candidate.error_messages import extract_cause
from latency_tui.engine.candidate.models.adapters import require
from latency_tui.engine.candidate.models.model_traits import selects_columns_by_name, takes
from latency_tui.engine.candidate.tensors import TensorInput, fixed_rows
from latency_tui.engine.data.rows import is_frame, is_numeric
from latency_tui.errors import ModelError

_TYPES: dict[str, str] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bfloat16)": "bfloat16",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}
_LABELS = {"tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)"}
_BFLOAT16 = 16
"""Value of BFLOAT16 in TensorProto.DataType of ONNX."""

_WANTED_OPSET = re.compile(r"target_opset=\{'ai\.onnx\.ml': (\d+)\}")


class OnnxModel:
    """A model on ONNX Runtime, with the methods that its outputs allow.

    A method takes a dictionary of arrays by input name and returns the output of ONNX Runtime; nothing is converted
    during a call. Afterwards, `finished` converts the output to labels, numbers or dense probabilities.

    Args:
        source: Path of a file, or its content.
        threads: Threads per operator.
        scores: A second model, converted by skl2onnx, that computes `decision_function`.
        binary: Whether there are two classes, so that `decision_function` returns one number per row.
        columns: Column names in the order of the inputs, if the model has one input per column; empty to use the names
            of the inputs.

    Attributes:
        tensors: The inputs.
        fixed_rows: Rows per call if the number is fixed; 0 if the first axes of the inputs differ.
    """

    libraries = ("onnxruntime",)
    title = "the ONNX model"

    def __init__(
        self,
        source: str | bytes,
        threads: int = 1,
        scores: bytes | None = None,
        *,
        binary: bool = False,
        columns: tuple[str, ...] = (),
        profile: str = "",
    ) -> None:
        self._source = source, threads, scores, binary, columns
        self._sessions = [session := open_session(source, threads, profile)]
        inputs, outputs = session.get_inputs(), session.get_outputs()
        self._session_names = tuple(one.name for one in inputs)
        self.tensors = _tensors(inputs, columns)
        self.fixed_rows = fixed_rows(self.tensors)
        self._bfloat16_inputs = [one.name for one in self.tensors if one.dtype == "bfloat16"]
        if len(self.tensors) == 1 and self.tensors[0].shape is not None and len(self.tensors[0].shape) == 2:
            width = self.tensors[0].shape[1]
            if width is not None:
                self.n_features_in_ = width
        label = next((one.name for one in outputs if one.type in _LABELS and len(one.shape) < 3), None)
        label = label if self.fixed_rows != 0 else None
        others = [one for one in outputs if one.name != label]
        self.classifies = label is not None
        if label is not None:
            self.predict = self._caller(session, label)
            if others:
                self.predict_proba = self._caller(session, others[0].name)
        elif others:
            self.predict = self._caller(session, others[0].name)
            if len(others[0].shape) != 2 or others[0].shape[1] != 1:
                self.transform = self.predict
        self._binary = binary
        if scores is not None:
            self._sessions.append(second := open_session(scores, threads, profile and f"{profile}-scores"))
            found = next(one for one in second.get_outputs() if one.type not in _LABELS)
            self.decision_function = self._caller(second, found.name)

    def __reduce__(self) -> tuple[Any, ...]:
        source, threads, scores, binary, columns = self._source
        return partial(OnnxModel, binary=binary, columns=columns), (source, threads, scores)

    def with_profiling(self, prefix: Path) -> OnnxModel:
        """Return the same model in sessions that ONNX Runtime profiles; `prefix` begins the path of its files."""
        source, threads, scores, binary, columns = self._source
        return OnnxModel(source, threads, scores, binary=binary, columns=columns, profile=str(prefix))

    def end_profiling(self, method: str) -> Path:
        """End the profile of the session that a method uses, and return its file."""
        return Path(self._sessions[-1 if method == "decision_function" else 0].end_profiling())

    def convert_input(self, feed: Mapping[str, Any]) -> dict[str, Any]:
        """Convert arrays by name to the input of a call, with the names of the session and types beyond numpy."""
        names = {one.name: own for one, own in zip(self.tensors, self._session_names, strict=True)}
        value = {names[name]: array for name, array in feed.items()}
        if self.fixed_rows == 0:
            value = {name: array[0] for name, array in value.items()}
        if self._bfloat16_inputs:
            ort_value = require("onnxruntime", "an ONNX model").OrtValue
            for name in self._bfloat16_inputs:
                bits = (np.ascontiguousarray(value[names[name]], np.float32).view(np.uint32) >> 16).astype(np.uint16)
                value[names[name]] = ort_value.ortvalue_from_numpy_with_onnx_type(bits, _BFLOAT16)
        return value

    def finished(self, method: str, answer: Any) -> Any:
        """Convert the output of a call to the format of scikit-learn: flat numbers, dense probabilities."""
        if isinstance(answer, list) and answer and isinstance(answer[0], Mapping):
            return _densify_probabilities(answer)
        if method == "predict" and getattr(answer, "ndim", 0) == 2 and answer.shape[1] == 1:
            return answer.reshape(-1)
        if method == "decision_function" and self._binary:
            return answer[:, -1] if answer.ndim == 2 else answer
        return answer

    def _caller(self, session: Any, output: str) -> Any:
        run, wanted = session.run, [output]
        return lambda feed: run(wanted, feed)[0]


def _tensors(inputs: Any, columns: tuple[str, ...]) -> tuple[TensorInput, ...]:
    names = columns if len(columns) == len(inputs) else tuple(one.name for one in inputs)
    found = []
    for name, one in zip(names, inputs, strict=True):
        if one.type not in _TYPES:
            raise ModelError(f"the ONNX model takes {one.name} as {one.type}, a type that cannot be created from data")
        shape = tuple(axis if isinstance(axis, int) else None for axis in one.shape)
        found.append(TensorInput(name, _TYPES[one.type], shape))
    return tuple(found)


def source_of(session: Any) -> str | bytes:
    """Return the content or the path of the model of a session; ONNX Runtime has no public attributes for them."""
    content: bytes | None = session._model_bytes
    return content or str(session._model_path)


def open_session(source: str | bytes, threads: int, profile: str = "") -> Any:
    """Open a CPU session of ONNX Runtime.

    Args:
        source: Path of a model file, or its content.
        threads: Threads inside one operator.
        profile: Begin of the path of the profile that the session writes; empty for none.
    """
    onnxruntime = require("onnxruntime", "an ONNX model")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _densify_probabilities(found: Any) -> Any:
    """Convert a list of `{class: probability}` to a dense array with sorted classes."""
    classes = sorted(found[0]) if found else []
    return np.array([[row[name] for name in classes] for row in found], dtype=np.float32)


class OnnxRuntime:
    """Runs scikit-learn models on ONNX Runtime; skl2onnx converts them."""

    title = "ONNX Runtime"
    tolerance = 1e-4

    def convert(self, model: Any, rows: Any, threads: int) -> OnnxModel:
        """Convert a fitted model; see `Runtime`."""
        if isinstance(model, OnnxModel):
            return model
        skl2onnx = require("skl2onnx", "the runtime onnx")
        if not hasattr(model, "get_params"):
            raise ModelError(f"{type(model).__name__} cannot be converted to ONNX: it is not a scikit-learn estimator")
        types = _types_of(model, rows)
        scores = None
        try:
            classifies = hasattr(model, "classes_") and hasattr(model, "predict")
            converted = _to_onnx(skl2onnx, model, types, {"zipmap": False} if classifies else {})
            if classifies and hasattr(model, "decision_function"):
                scores = _to_onnx(skl2onnx, model, types, {"zipmap": False, "raw_scores": True})
        except Exception as error:
            cause = extract_cause(error) or type(error).__name__
            raise ModelError(f"{type(model).__name__} cannot be converted to ONNX: {cause}") from error
        binary = len(getattr(model, "classes_", ())) == 2
        columns = tuple(name for name, _ in types)  # skl2onnx replaces special characters in the names of inputs
        return OnnxModel(converted, threads, scores, binary=binary, columns=columns)


def _to_onnx(skl2onnx: Any, model: Any, types: Any, options: dict[str, bool], opset: Any = None) -> bytes:
    """Convert a model, with options for its last step."""
    answers = model
    while steps := getattr(answers, "steps", None):
        answers = steps[-1][1]
    try:
        made = skl2onnx.to_onnx(
            model, initial_types=types, options={id(answers): options} if options else None, target_opset=opset
        )
    except Exception as error:
        if opset is None and (wanted := _WANTED_OPSET.search(str(error))):
            # Some converters support only an older version of the domain; the error names it.
            newest = skl2onnx.get_latest_tested_opset_version()
            return _to_onnx(skl2onnx, model, types, options, {"": newest, "ai.onnx.ml": int(wanted[1])})
        if "zipmap" not in options or "'zipmap'" not in str(error):
            raise
        # Models without probabilities reject the option.
        fewer = {key: value for key, value in options.items() if key != "zipmap"}
        return _to_onnx(skl2onnx, model, types, fewer, opset)
    serialised: bytes = made.SerializeToString()
    return serialised


def _types_of(model: Any, rows: Any) -> Any:
    """Return the input types of the converted model in the format of skl2onnx.

    That is one matrix, which is the fastest, or one input per column if a column is not numeric or a step selects
    columns by name.
    """
    kinds = require("skl2onnx.common.data_types", "the runtime onnx")
    if takes(model) == "texts":
        return [("texts", kinds.StringTensorType([None, 1]))]
    if not is_frame(rows) or (is_numeric(rows) and not selects_columns_by_name(model)):
        return [("X", kinds.FloatTensorType([None, rows.shape[1]]))]
    made = []
    for name, kind in rows.dtypes.items():
        numeric = getattr(kind, "kind", "O") in "fiub"
        made.append((str(name), (kinds.FloatTensorType if numeric else kinds.StringTensorType)([None, 1])))
    return made
