"""latency-tui: how fast machine-learning models answer, on the machine that will serve them, and which to ship.

    >>> import latency_tui
    >>> result = latency_tui.measure({"logistic": model, "forest": other}, X_test, y_test, runs=1000)
    >>> print(result)

`measure` measures models, `load` reads a saved result, `Result` is what both return. Nothing is imported before it is
used, so that the screen opens at once.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes 5 ms, in which Ctrl+C would still be a traceback
if TYPE_CHECKING:
    from latency_tui.api import measure
    from latency_tui.report.result import Result, load

    __version__: str

__all__ = ["Result", "__version__", "load", "measure"]


def __getattr__(name: str) -> object:
    if name == "measure":
        from latency_tui import api

        return api.measure
    if name == "app":  # what `textual run latency_tui` calls
        from latency_tui.cli import main

        return main
    if name in {"Result", "load"}:
        from latency_tui.report import result

        return getattr(result, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("latency-tui")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
