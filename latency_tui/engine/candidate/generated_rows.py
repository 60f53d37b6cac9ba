"""Generates rows for a fitted model if no data are given. Runs in the engine's processes only.

Numbers are random. A text column contains categories that the model was fitted on, because an unknown category may be
rejected or take a shorter path than a real request.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from latency_tui.engine.candidate.models.model_traits import feature_count, feature_names, first_steps, iterate_parts
from latency_tui.engine.candidate.tensors import GENERATED_ROWS

_TEXT = "the quick brown fox jumps over the lazy dog"
Words = dict[int, Sequence[Any]]


def generate_rows(model: Any) -> tuple[Any, tuple[str, ...]] | None:
    """Return rows for a fitted model and notes; None if the model does not declare its number of columns.

    Rows are an array of numbers, or a data frame if the model was fitted on text columns.
    """
    names = feature_names(model)
    width = feature_count(model) or len(names)
    if not width:
        return None
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(GENERATED_ROWS, width))
    words = _words_of(model, names)
    if not words or not find_spec("pandas"):
        return rows, (f"no data were given; rows were generated with {_counted(width, 'random number')} each",)
    import pandas  # deferred: most models take numbers

    columns: dict[str, Any] = {}
    for position in range(width):
        name = names[position] if names else f"feature_{position}"
        known = words.get(position)
        columns[name] = rows[:, position] if known is None else _drawn(known, generator)
    numbers = f"{_counted(width - len(words), 'random number')} and {_counted(len(words), 'word')} each"
    return pandas.DataFrame(columns), (f"no data were given; rows were generated with {numbers}",)


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _drawn(known: Sequence[Any], generator: np.random.Generator) -> list[Any]:
    return [known[position] for position in generator.integers(0, len(known), GENERATED_ROWS)]


def _words_of(model: Any, names: list[str]) -> Words:
    """Return the categories of each text column on which a model was fitted, by position."""
    found: Words = {}
    for first in first_steps(model):
        for transformer, positions in _transformers(first, names):
            kept = next((one for one in map(_categories, iterate_parts(transformer)) if len(one) == len(positions)), [])
            found.update({position: values for position, values in zip(positions, kept, strict=False) if len(values)})
            if any(callable(getattr(part, "build_analyzer", None)) for part in iterate_parts(transformer)):
                found.update({position: [_TEXT] for position in positions})
    with contextlib.suppress(Exception):  # not every model of the library has them
        native = getattr(model, "native", model)
        found.update({position: ["a", "b"] for position in native.get_cat_feature_indices()})
        found.update({position: [_TEXT] for position in native.get_text_feature_indices()})
    return found


def _transformers(first: Any, names: list[str]) -> Iterator[tuple[Any, list[int]]]:
    """Yield the fitted transformers that receive the input first, each with the positions of its columns."""
    fitted = getattr(first, "transformers_", None)
    if fitted is None:
        categories = _categories(first)
        yield first, list(range(len(categories)))
        return
    for _, transformer, columns in fitted:
        if isinstance(transformer, str):
            continue
        chosen: Any = [columns] if isinstance(columns, str | int) else columns
        if isinstance(chosen, slice) or np.asarray(chosen).dtype.kind == "b":
            chosen = np.arange(len(names) or feature_count(first) or 0)[chosen]
        positions = [names.index(one) if isinstance(one, str) and one in names else one for one in chosen]
        if all(isinstance(one, int | np.integer) for one in positions):
            yield transformer, [int(one) for one in positions]


def _categories(part: Any) -> list[Any]:
    """Return the categories of a fitted encoder, one list per column; empty for other objects."""
    found = getattr(part, "categories_", None)
    if not isinstance(found, list):
        return []
    return [[one for one in values if one is not None and one == one] for values in found]
