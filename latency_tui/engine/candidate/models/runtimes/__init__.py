"""Runtimes that run a model instead of its own library. Other packages can add runtimes.

A package adds a runtime by an entry point in its `pyproject.toml`:

    [project.entry-points."latency_tui.runtimes"]
    mine = "my_package:MyRuntime"

The runtime is then selected with `--runtime mine`. Runs only in a candidate's process.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from latency_tui.engine.candidate.models.runtimes.onnx import OnnxRuntime
from latency_tui.errors import ModelError


class Runtime(Protocol):
    """Runs models of other libraries.

    Attributes:
        title: Display name.
        tolerance: Allowed difference from the outputs of the model itself, absolute and relative.
    """

    title: str
    tolerance: float

    def convert(self, model: Any, rows: Any, threads: int) -> Any:
        """Convert a model to one with the same methods that this runtime runs.

        Args:
            model: The fitted model.
            rows: Example rows as the model takes them, an array or a data frame.
            threads: Number of threads that the runtime may use.

        Raises:
            ModelError: The model cannot be converted.
        """
        ...


def find(name: str) -> Runtime:
    """Return the runtime with a name, built in or from an entry point.

    Raises:
        ModelError: There is no such runtime, or it cannot be imported.
    """
    if name == "onnx":
        return OnnxRuntime()
    for entry in entry_points(group="latency_tui.runtimes", name=name):
        try:
            return cast(Runtime, entry.load()())
        except Exception as error:
            raise ModelError(f"the runtime {name!r} ({entry.value}) cannot be used: {error}") from error
    raise ModelError(f"there is no runtime {name!r}")
