"""Answers that are none: what a model returns before it has computed anything, or instead of an answer."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

_FUTURE_METHODS = ("result", "get", "wait")
_LAZY_METHODS = ("compute", "collect", "persist")
_CODE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)


def describe_invalid_answer(answer: Any) -> str | None:
    """Return why what a model returned is no answer, as the end of a sentence that begins with `predict returned`.

    Nothing is computed to find out, and an answer that is one costs a few comparisons.
    """
    kind = type(answer)
    if answer is None:
        return "nothing"
    if answer is NotImplemented or answer is Ellipsis:
        return repr(answer)
    if isinstance(answer, BaseException):
        return f"the error {kind.__name__} instead of raising it"
    if isinstance(answer, type):
        return f"the class {answer.__name__} itself; it must return the answer"
    if isinstance(answer, _CODE):
        return f"a {kind.__name__}, which nothing has called yet; it must return the answer itself"
    if isinstance(answer, Awaitable | AsyncIterator | Iterator) or _is_future(kind) or _is_lazy(kind):
        if inspect.iscoroutine(answer):
            answer.close()  # or Python warns that nobody awaited it
        return f"a {kind.__name__}, which has computed nothing yet; it must return the answer itself"
    return None


def _is_future(kind: type) -> bool:
    """Whether a type is a future by its methods: of concurrent.futures, asyncio, dask, joblib, multiprocessing."""
    has_state = any(callable(getattr(kind, name, None)) for name in ("done", "ready", "is_ready"))
    return has_state and any(callable(getattr(kind, name, None)) for name in _FUTURE_METHODS)


def _is_lazy(kind: type) -> bool:
    """Whether a type describes a computation: of dask, polars or Spark."""
    library = kind.__module__.partition(".")[0]
    return library in ("dask", "polars", "pyspark") and any(
        callable(getattr(kind, name, None)) for name in _LAZY_METHODS
    )
