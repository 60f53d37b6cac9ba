"""Gets a model ready to answer, and checks that its answers are answers. Runs only in a candidate's process."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from latency_tui.engine.dataset import Data, rows_of
from latency_tui.errors import ModelError
from latency_tui.plan import LEVERS, Candidate, Setting


def load(candidate: Candidate) -> tuple[Any, bool]:
    """Return the model and whether it is fitted already.

    Raises:
        ModelError: The factory or the file is not there; anything else that the model's own code raises.
    """
    spec = candidate.model
    if spec.file:
        # Written by the process that started this engine, from objects of the caller's own.
        return pickle.loads(Path(spec.file).read_bytes()), True  # noqa: S301
    module, _, name = spec.factory.partition(":")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ModelError(f"cannot find {spec.factory!r}: {error}") from error
    return factory(**spec.parameters), False


def apply_settings(model: Any, settings: Mapping[str, Setting]) -> None:
    """Pull the levers that act on the model or on scikit-learn; those that act on inputs are for `dataset.batches`.

    Raises:
        ModelError: A setting is no lever and the model has no such parameter.
    """
    for key, value in settings.items():
        if key in {"assume_finite", "skip_parameter_validation"}:
            import sklearn  # deferred: a process whose model is none of scikit-learn's need not import it

            sklearn.set_config(**{key: value})
        elif key not in LEVERS and key != "threads":
            if not hasattr(model, "get_params") or key not in model.get_params():
                raise ModelError(f"{type(model).__name__} has no parameter {key!r}")
            model.set_params(**{key: value})


def caller(model: Any, method: str) -> Callable[[Any], Any]:
    """Return what is called once a measurement: the model's method, or the model itself where it is a function.

    Raises:
        ModelError: It has no such method.
    """
    bound = getattr(model, method, None)
    if callable(bound):
        return bound  # type: ignore[no-any-return] # a method of whatever the user brought
    if callable(model) and not hasattr(model, "fit"):
        return model  # type: ignore[no-any-return] # a function of an array
    raise ModelError(f"{type(model).__name__} has no method {method!r}")


def score(model: Any, data: Data) -> float | None:
    """Return held-out accuracy or R², or None where there is nothing to score with."""
    if data.y_test is None or not hasattr(model, "score"):
        return None
    return float(model.score(data.X_test, data.y_test))


def check(answer: Any, inputs: Any, method: str) -> None:
    """Refuse an answer that is not one row a row asked.

    Raises:
        ModelError: It has another length, or none.
    """
    asked = rows_of(inputs)
    if answer is None:
        raise ModelError(f"{method} returned nothing")
    try:
        given = rows_of(answer)
    except TypeError:
        if asked == 1:
            return  # a bare number for a single row
        raise ModelError(f"{method} returned one {type(answer).__name__} for {asked:,} rows") from None
    if given != asked:
        rows = "row" if asked == 1 else "rows"
        raise ModelError(f"{method} returned {given:,} answers for {asked:,} {rows}")
