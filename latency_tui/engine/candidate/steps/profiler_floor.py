"""The duration that the profiler of ONNX Runtime reports for an operator that does nothing."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np

from latency_tui.engine.candidate.models.adapters import require
from latency_tui.engine.candidate.steps.profile import read_profile

_NODES = 8
_CALLS = 120
_WARM_UP = 20
_FLOAT = 1
"""Value of FLOAT in TensorProto.DataType of ONNX."""
_VARINT, _BYTES = 0, 2
"""Wire types of protocol buffers."""


def measure_floor(prefix: Path) -> float:
    """Return the median duration in nanoseconds of operators that do nothing, as the profiler reports it.

    The profiler collects figures on memory within the span that it reports, which takes several times as long as a
    small operator.

    Args:
        prefix: Begin of the path of the profile.
    """
    onnxruntime = require("onnxruntime", "an ONNX model")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # it would remove them
    options.enable_profiling, options.profile_file_prefix = True, str(prefix)
    session = onnxruntime.InferenceSession(identities(_NODES), options, providers=["CPUExecutionProvider"])
    feed = {"x0": np.zeros(1, dtype=np.float32)}
    for _ in range(_WARM_UP + _CALLS):
        session.run(None, feed)
    runs = read_profile(Path(session.end_profiling()))[_WARM_UP:]
    found = [operator.nanoseconds for run in runs for operator in run]
    return median(found) if found else 0.0


def identities(count: int) -> bytes:
    """Return an ONNX model that is a chain of `Identity` operators on one number.

    It is written field by field, because ONNX Runtime does not need the package onnx.
    """
    shape = _field(2, _BYTES, _field(1, _BYTES, _field(1, _VARINT, 1)))
    kind = _field(2, _BYTES, _field(1, _BYTES, _field(1, _VARINT, _FLOAT) + shape))
    graph = b""
    for number in range(count):
        ends = _text(1, f"x{number}") + _text(2, f"x{number + 1}")
        graph += _field(1, _BYTES, ends + _text(4, "Identity"))
    graph += _text(2, "floor") + _field(11, _BYTES, _text(1, "x0") + kind)
    graph += _field(12, _BYTES, _text(1, f"x{count}") + kind)
    opset = _field(8, _BYTES, _field(2, _VARINT, 13))
    return _field(1, _VARINT, 8) + _field(7, _BYTES, graph) + opset


def _text(number: int, text: str) -> bytes:
    return _field(number, _BYTES, text.encode())


def _field(number: int, wire_type: int, value: bytes | int) -> bytes:
    key = _varint(number << 3 | wire_type)
    return key + (_varint(value) if isinstance(value, int) else _varint(len(value)) + value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])
