"""Starts workers beside the event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def run_in_background(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = True
) -> None:
    """Run a worker whose errors do not end the app.

    It takes a function and not its coroutine: Python warns on the terminal of a coroutine that was never awaited, which
    that of a worker that is cancelled before it begins would be.

    Args:
        node: Who owns the worker.
        work: What to run.
        group: Name of the workers of its kind.
        exclusive: Whether it ends those of its group.
    """
    node.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)  # type: ignore[arg-type]  # mypy reads Textual's union as Never
