"""The state of libraries that a model relies on: it travels with the model to the processes that measure it."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

_ENVIRONMENT = dict(os.environ)
"""That of this process when it began, or of the one that it was forked from."""


class ModelWithState:
    """A model that sets the state of libraries first when it is unpickled.

    Args:
        model: What is pickled; unpickling returns it, not this.
        environment: Whether changes of environment variables are part of the state.
    """

    def __init__(self, model: Any, *, environment: bool = False) -> None:
        self._model = model
        self._state = capture_state(environment=environment)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Put what sets the state before the model: pickle restores in this order."""
        if not self._state:
            return _last, (self._model,)
        return _last, (_Restored(self._state), self._model)


class _Restored:
    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return restore_state, (self._state,)


def capture_state(*, environment: bool = False) -> dict[str, Any]:
    """Return what differs from the defaults, of the libraries that this process has imported."""
    state: dict[str, Any] = {}
    for name, capture in (("sklearn", _of_sklearn), ("numpy", _of_numpy), ("torch", _of_torch)):
        if name in sys.modules:
            with contextlib.suppress(Exception):  # of another version than those known here
                if found := capture(sys.modules[name]):
                    state[name] = found
    if environment:
        changed = {key: os.environ.get(key) for key in {*os.environ, *_ENVIRONMENT}}
        if changed := {key: value for key, value in changed.items() if value != _ENVIRONMENT.get(key)}:
            state["environment"] = changed
    return state


def restore_state(state: dict[str, Any]) -> None:
    """Set what `capture_state` returned."""
    for key, value in state.get("environment", {}).items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    for name, apply in (("sklearn", _to_sklearn), ("numpy", _to_numpy), ("torch", _to_torch)):
        if name in state:
            apply(importlib.import_module(name), state[name])


def _last(*values: Any) -> Any:
    return values[-1]


def _of_sklearn(sklearn: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: usual.update(sklearn.get_config()))  # each begins with the defaults
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
