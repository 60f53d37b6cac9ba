"""Runtimes: other ways to run a model than its own. Each is one small class; a third party adds its own.

A package adds a runtime with an entry point, in its `pyproject.toml`:

    [project.entry-points."latency_tui.runtimes"]
    mine = "my_package:MyRuntime"

and it is measured with `--runtime mine`. Runs only in a candidate's process.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from latency_tui.engine.candidate.models.runtimes.onnx import OnnxRuntime
from latency_tui.errors import ModelError


class Runtime(Protocol):
    """Runs models of one kind in another way.

    Attributes:
        title: Its name as shown.
        tolerance: How far its scores may lie from those of the model itself, absolute and relative.
    """

    title: str
    tolerance: float

    def convert(self, model: Any, rows: Any, threads: int) -> Any:
        """Return something with the model's methods, run by this runtime.

        Args:
            model: Fitted.
            rows: Some rows as the model was fitted on or is asked with, an array or a data frame.
            threads: How many it may use.

        Raises:
            ModelError: It cannot be converted.
        """
        ...


def find(name: str) -> Runtime:
    """Return the runtime of that name, built in or added by an entry point.

    Raises:
        ModelError: There is none, or it cannot be imported.
    """
    if name == "onnx":
        return OnnxRuntime()
    for entry in entry_points(group="latency_tui.runtimes", name=name):
        try:
            return cast(Runtime, entry.load()())
        except Exception as error:
            raise ModelError(f"the runtime {name!r} ({entry.value}) cannot be used: {error}") from error
    raise ModelError(f"there is no runtime {name!r}")
