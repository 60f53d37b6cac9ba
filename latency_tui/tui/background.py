"""Starts workers of which an error does not end the app."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def run_in_background(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = True
) -> None:
    """Run an asynchronous function in a worker. An error in it does not end the app.

    The argument is a function and not a coroutine, because a worker may be cancelled before it starts. Python would
    then print a warning that the coroutine was never awaited.

    Args:
        node: The screen or widget that owns the worker.
        work: The function.
        group: Name of the worker's group.
        exclusive: Whether to cancel the other workers of the group.
    """
    node.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)  # type: ignore[arg-type]  # mypy reads Textual's union as Never
