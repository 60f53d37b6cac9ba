"""Pickles objects of the caller, including ONNX Runtime sessions, for other processes.

The Python API imports this module; the measuring processes restore the objects.
"""

from __future__ import annotations

import io
from typing import Any


def dumps(value: object) -> bytes:
    """Pickle an object with cloudpickle; an ONNX Runtime session is pickled as its file path or content.

    Raises:
        Exception: An object cannot be pickled.
    """
    import cloudpickle  # deferred: the command line pickles no objects

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle has no types
        def reducer_override(self, obj: Any) -> Any:
            if _is_session(obj):
                from latency_tui.engine.candidate.models.runtimes.onnx import source_of

                return _open_session, (source_of(obj), obj.get_session_options().intra_op_num_threads)
            return super().reducer_override(obj)

    buffer = io.BytesIO()
    Pickler(buffer).dump(value)
    return buffer.getvalue()


def _is_session(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "InferenceSession" and kind.__module__.startswith("onnxruntime")


def _open_session(source: str | bytes, threads: int) -> Any:
    """Open a session of ONNX Runtime with the caller's number of threads; 1 if the caller used the default."""
    from latency_tui.engine.candidate.models.runtimes.onnx import open_session

    return open_session(source, threads or 1)
