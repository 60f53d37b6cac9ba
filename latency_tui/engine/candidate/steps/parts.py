"""Finds the models inside a model: steps, branches, members and whatever else it holds as an attribute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

TIMED_METHODS = (
    *("transform", "predict", "predict_proba", "predict_log_proba", "decision_function", "inverse_transform"),
    *("score_samples", "apply", "kneighbors", "inplace_predict"),
)
MAX_PARTS = 5_000
MAX_MEMBERS = 12
"""Largest number of unnamed members of an ensemble that are listed one by one."""


class Part(NamedTuple):
    """A model inside another one.

    Attributes:
        name: Its name there; members of a large ensemble share one.
        model: The object.
    """

    name: str
    model: Any


def find_parts(model: Any) -> list[Part]:
    """Return all parts of a model at any depth, each once, without the model itself.

    Parts are found through the attributes of objects, so that no class needs to be known: fitted parts and the
    unfitted ones that they were cloned from, of which a call uses only the fitted ones.
    """
    seen, found, waiting = {id(model)}, list[Part](), [model]
    while waiting and len(found) < MAX_PARTS:
        for part in _direct_parts(waiting.pop()):
            if id(part.model) not in seen:
                seen.add(id(part.model))
                found.append(part)
                waiting.append(part.model)
    return found


def is_part(value: Any) -> bool:
    """Return whether an object has a method that a model's call may use."""
    if isinstance(value, type | ModuleType | str | bytes | int | float | np.ndarray | Mapping | list | tuple):
        return False
    return any(callable(safe_attribute(value, name)) for name in TIMED_METHODS) and not hasattr(value, "iloc")


def safe_attribute(model: Any, name: str) -> Any:
    """Return an attribute; None if there is none, or if a property raises."""
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001 (a property of whatever the user brought)
        return None


def attributes(model: Any) -> dict[str, Any]:
    """Return the attributes of an object, those in slots included."""
    names = [name for kind in type(model).__mro__ for name in _slots(kind)]
    found = {name: value for name in names if (value := safe_attribute(model, name)) is not None}
    return found | dict(getattr(model, "__dict__", {}))


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _direct_parts(model: Any) -> list[Part]:
    """Return the parts that are attributes of a model, or members of such a list; those with given names first."""
    named, single, members = list[Part](), list[Part](), list[Part]()
    for attribute, value in attributes(model).items():
        title = attribute.strip("_")
        if isinstance(value, Mapping):
            named += [Part(str(key), one) for key, one in value.items() if is_part(one)]
        elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
            listed = list(_flat(value))
            named += [Part(str(one[0]), one[1]) for one in listed if _is_named(one)]
            members += _named_by_position(title, [one for one in listed if is_part(one)])
        elif is_part(value):
            single.append(Part(title, value))
    return [*named, *single, *members]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of a list, and those of lists in it; a named part stays a tuple."""
    for one in values.ravel() if isinstance(values, np.ndarray) else values:
        if isinstance(one, list | np.ndarray) or (isinstance(one, tuple) and one and is_part(one[0])):
            yield from one
        else:
            yield one


def _is_named(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) > 1 and isinstance(item[0], str) and is_part(item[1])


def _named_by_position(title: str, models: list[Any]) -> list[Part]:
    if len(models) > MAX_MEMBERS:
        kinds = {type(one).__name__ for one in models}
        name = f"{len(models)} × {kinds.pop() if len(kinds) == 1 else title}"
        return [Part(name, one) for one in models]
    title = title.removesuffix("s")
    return [Part(f"{title} {number}", one) for number, one in enumerate(models, 1)]
