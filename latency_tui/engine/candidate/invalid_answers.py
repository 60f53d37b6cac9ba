"""Recognises return values that are no output, such as None, a coroutine or a lazy computation."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

_FUTURE_METHODS = ("result", "get", "wait")
_LAZY_METHODS = ("compute", "collect", "persist")
_CODE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)


def describe_invalid_answer(answer: Any) -> str | None:
    """Return why a return value is no output, as the end of a sentence that begins with `predict returned`.

    Nothing is computed, and a valid output costs only a few comparisons.

    Returns:
        The reason; None if the value is an output.
    """
    kind = type(answer)
    if answer is None:
        return "None"
    if answer is NotImplemented or answer is Ellipsis:
        return repr(answer)
    if isinstance(answer, BaseException):
        return f"the error {kind.__name__} instead of raising it"
    if isinstance(answer, type):
        return f"the class {answer.__name__} itself; it must return the output"
    if isinstance(answer, _CODE):
        return f"a {kind.__name__}, which has not been called; it must return the output itself"
    if isinstance(answer, Awaitable | AsyncIterator | Iterator) or _is_future(kind) or _is_lazy(kind):
        if inspect.iscoroutine(answer):
            answer.close()  # otherwise Python warns that it was never awaited
        return f"a {kind.__name__}, which has not computed anything; it must return the output itself"
    return None


def _is_future(kind: type) -> bool:
    """Return whether a type has the methods of a future, such as one of concurrent.futures, asyncio or dask."""
    has_state = any(callable(getattr(kind, name, None)) for name in ("done", "ready", "is_ready"))
    return has_state and any(callable(getattr(kind, name, None)) for name in _FUTURE_METHODS)


def _is_lazy(kind: type) -> bool:
    """Return whether a type is a lazy computation: of dask, polars or Spark."""
    library = kind.__module__.partition(".")[0]
    return library in ("dask", "polars", "pyspark") and any(
        callable(getattr(kind, name, None)) for name in _LAZY_METHODS
    )
