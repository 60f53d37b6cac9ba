"""Writes the caller's objects so that another process can read them, those of ONNX Runtime too.

Imported by the Python API; what it names is rebuilt in the processes that measure.
"""

from __future__ import annotations

import io
from typing import Any


def dumps(value: object) -> bytes:
    """Return an object by cloudpickle; an ONNX Runtime session goes by its file or its content.

    Raises:
        Exception: Whatever pickling one of the objects raises.
    """
    import cloudpickle  # deferred: the command line never hands over objects

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle has no types
        def reducer_override(self, obj: Any) -> Any:
            if _is_session(obj):
                from latency_tui.engine.candidate.models.runtimes.onnx import source_of

                return _opened, (source_of(obj), obj.get_session_options().intra_op_num_threads)
            return super().reducer_override(obj)

    buffer = io.BytesIO()
    Pickler(buffer).dump(value)
    return buffer.getvalue()


def _is_session(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "InferenceSession" and kind.__module__.startswith("onnxruntime")


def _opened(source: str | bytes, threads: int) -> Any:
    """Return a session of ONNX Runtime on the processor, with the caller's number of threads; its default is 1 here."""
    from latency_tui.engine.candidate.models.runtimes.onnx import open_session

    return open_session(source, threads or 1)
