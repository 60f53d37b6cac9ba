"""Parses shapes of a model's inputs: `input_ids=1x128`, or `1x3x224x224` for a model with one input."""

from __future__ import annotations

import re
from collections.abc import Iterable

from latency_tui.errors import UsageError

_SHAPE = re.compile(r"(?:(?P<name>.+)[=:])?(?P<axes>\d+(?:[x×,]\d+)*)\Z")
MAX_VALUES = 1_000_000_000
"""Largest number of values in one input."""


def parse_shapes(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Parse shapes into a dictionary by the name of the input, rows per call first.

    The name is empty if none was given.

    Raises:
        UsageError: A text is not a shape, an input occurs twice, or a shape is too large.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        match = _SHAPE.match(text.strip())
        if match is None:
            raise UsageError(f"A shape is written NAME=1x128, with rows per call first, not {text.strip()!r}.")
        name, axes = match["name"] or "", tuple(int(axis) for axis in re.split("[x×,]", match["axes"]))
        if name in shapes:
            raise UsageError(f"The shape of {name or 'the input'} is given twice.")
        values = 1
        for axis in axes:
            values *= axis
        if not 1 <= values <= MAX_VALUES:
            raise UsageError(f"The shape {text.strip()!r} must have 1 to {MAX_VALUES:,} values.")
        shapes[name] = axes
    return shapes
