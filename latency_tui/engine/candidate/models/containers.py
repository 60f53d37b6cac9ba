"""Selects one model from the content of a file, such as a dictionary or a list of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latency_tui.engine.data.rows import is_frame, is_series
from latency_tui.errors import ModelError
from latency_tui.plan import METHODS, Setting

_MAX_SHOWN = 8


def pick(held: Any, key: Setting | None, path: Path) -> Any:
    """Return the model in a loaded object.

    Args:
        held: The loaded object.
        key: Key, index or attribute of the model, such as `models.rf`; None for the object itself.
        path: The file.

    Raises:
        ModelError: The object is not a model; the message names its parts.
    """
    if key is not None:
        held = _part(held, str(key), path)
    if is_model(held):
        return held
    within = "" if key is None else f"{key}."
    what = f"{path}{f' [key={key}]' if key is not None else ''} contains {_kind(held)}"
    parts = _parts(held)
    if not parts:
        raise ModelError(f"{what}, which is not a model: it has none of the methods {', '.join(METHODS)}")
    named = [f"{name} ({type(part).__name__})" for name, part in list(parts.items())[:_MAX_SHOWN]]
    more = f" and {len(parts) - _MAX_SHOWN:,} more" if len(parts) > _MAX_SHOWN else ""
    example = next((name for name, part in parts.items() if is_model(part)), None)
    example = example or next((name for name, part in parts.items() if _parts(part)), None)
    advice = f"choose one: -m {path}[key={within}{example}]" if example else "none of these is a model"
    raise ModelError(f"{what} with {', '.join(named)}{more}; {advice}")


def is_model(held: Any) -> bool:
    """Return whether an object is a model: it has one of the methods or `fit`, or is a function."""
    if isinstance(held, type) or _is_data(held):
        return False
    return any(callable(getattr(held, name, None)) for name in (*METHODS, "fit")) or callable(held)


def _part(held: Any, key: str, path: Path) -> Any:
    """Return the part with a name; a name with dots is either the whole name or a path."""
    parts = _parts(held)
    if key in parts:
        return parts[key]
    first, dot, rest = key.partition(".")
    if dot and first in parts:
        return _part(parts[first], rest, path)
    there = f"there are {', '.join(list(parts)[:_MAX_SHOWN])}" if parts else "it has no parts"
    raise ModelError(f"{path} contains {_kind(held)} without a part {first if dot else key!r}; {there}")


def _parts(held: Any) -> dict[str, Any]:
    """Return the parts of an object by the names that can be typed."""
    if isinstance(held, Mapping):
        return {str(key): part for key, part in held.items()}
    if isinstance(fields := getattr(held, "_fields", None), tuple):  # a named tuple, by name and by index
        return dict(zip(fields, held, strict=False)) | {str(index): part for index, part in enumerate(held)}
    if isinstance(held, Sequence) and not isinstance(held, str | bytes):
        return {str(index): part for index, part in enumerate(held)}
    if getattr(getattr(held, "dtype", None), "kind", "") == "O" and held.ndim == 1:
        return {str(index): part for index, part in enumerate(held)}
    if _is_data(held) or isinstance(held, type):
        return {}
    return {name: part for name, part in getattr(held, "__dict__", {}).items() if not name.startswith("__")}


def _is_data(held: Any) -> bool:
    """Return whether an object is an array or a data frame; encoders have a `dtype` too, but no shape."""
    return is_frame(held) or is_series(held) or (hasattr(held, "dtype") and hasattr(held, "shape"))


def _kind(held: Any) -> str:
    if held is None:
        return "None"
    if isinstance(held, type):
        return f"the class {held.__name__}, not an instance"
    name = type(held).__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"
