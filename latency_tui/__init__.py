"""latency-tui measures the inference latency of machine-learning models on the machine that will serve them.

    >>> import latency_tui
    >>> result = latency_tui.measure({"logistic": model, "forest": other}, X_test, y_test, runs=1000)
    >>> print(result)

`measure` measures models, `load` reads a saved result, and both return a `Result`. Submodules are imported on first
use, so that the app opens without delay.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing takes 5 ms, during which Ctrl+C would print a traceback
if TYPE_CHECKING:
    from latency_tui.api import load, measure
    from latency_tui.report.result import Result

    __version__: str

__all__ = ["Result", "__version__", "load", "measure"]


def __getattr__(name: str) -> object:
    if name in {"load", "measure"}:
        from latency_tui import api

        return getattr(api, name)
    if name == "app":  # `textual run latency_tui` calls it
        from latency_tui.cli import main

        return main
    if name == "Result":
        from latency_tui.report.result import Result

        return Result
    if name == "__version__":
        from importlib.metadata import version

        return version("latency-tui")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
