"""Global state of libraries that affects a model; it is pickled with the model for the measuring processes."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

_ENVIRONMENT = dict(os.environ)
"""The environment variables when this process, or the one that it was forked from, started."""


class ModelWithState:
    """Pickles a model with the state of libraries, which unpickling restores first.

    Args:
        model: The model, which unpickling returns.
        environment: Whether to include changed environment variables.
    """

    def __init__(self, model: Any, *, environment: bool = False) -> None:
        self._model = model
        self._state = capture_state(environment=environment)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the state before the model, because objects are restored in this order."""
        if not self._state:
            return _last_argument, (self._model,)
        return _last_argument, (_Restored(self._state), self._model)


class _Restored:
    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return restore_state, (self._state,)


def capture_state(*, environment: bool = False) -> dict[str, Any]:
    """Return the state of the imported libraries that differs from the defaults."""
    state: dict[str, Any] = {}
    for name, capture in (("sklearn", _of_sklearn), ("numpy", _of_numpy), ("torch", _of_torch)):
        if name in sys.modules:
            with contextlib.suppress(Exception):  # another version of the library may lack it
                if found := capture(sys.modules[name]):
                    state[name] = found
    if environment:
        changed = {key: os.environ.get(key) for key in {*os.environ, *_ENVIRONMENT}}
        if changed := {key: value for key, value in changed.items() if value != _ENVIRONMENT.get(key)}:
            state["environment"] = changed
    return state


def restore_state(state: dict[str, Any]) -> None:
    """Restore a state that `capture_state` returned."""
    for key, value in state.get("environment", {}).items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    for name, apply in (("sklearn", _to_sklearn), ("numpy", _to_numpy), ("torch", _to_torch)):
        if name in state:
            apply(importlib.import_module(name), state[name])


def _last_argument(*values: Any) -> Any:
    return values[-1]


def _of_sklearn(sklearn: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: usual.update(sklearn.get_config()))  # a new thread has the defaults
    thread.start()
    thread.join()
    return {key: value for key, value in sklearn.get_config().items() if value != usual.get(key)}


def _to_sklearn(sklearn: Any, state: dict[str, Any]) -> None:
    sklearn.set_config(**state)


def _of_numpy(numpy: Any) -> dict[str, str]:
    usual = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    return {key: value for key, value in numpy.geterr().items() if value != usual.get(key) and value != "call"}


def _to_numpy(numpy: Any, state: dict[str, str]) -> None:
    numpy.seterr(**state)


def _of_torch(torch: Any) -> dict[str, Any]:
    found = {
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
    }
    usual = {"dtype": "float32", "grad": True, "deterministic": False, "precision": "highest"}
    return {key: value for key, value in found.items() if value != usual[key]}


def _to_torch(torch: Any, state: dict[str, Any]) -> None:
    if "dtype" in state:
        torch.set_default_dtype(getattr(torch, state["dtype"]))
    if "grad" in state:
        torch.set_grad_enabled(state["grad"])
    if "deterministic" in state:
        torch.use_deterministic_algorithms(state["deterministic"])
    if "precision" in state:
        torch.set_float32_matmul_precision(state["precision"])
