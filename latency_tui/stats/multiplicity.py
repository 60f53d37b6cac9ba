"""Multiple comparisons: Holm's correction, and the compact letter display."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Holm's method, which bounds the family-wise error rate (Holm 1979).

    Args:
        p_values: P-values, `(n,)`; NaN for a test that could not be made, which counts as 1.

    Returns:
        Adjusted p-values, `(n,)`, in the same order, at most 1.
    """
    raw = np.nan_to_num(np.asarray(p_values, dtype=np.float64), nan=1.0)
    order = np.argsort(raw, kind="stable")
    factors = np.arange(raw.size, 0, -1)
    stepped = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted


def compact_letters(count: int, differs: Callable[[int, int], bool]) -> tuple[str, ...]:
    """Return the compact letter display: two items share a letter exactly if they do not differ significantly.

    The algorithm is insert and absorb (Piepho 2004). Columns are ordered by their first member, so the first item
    always has the letter `a`.

    Args:
        count: Number of items, in the order in which they are shown.
        differs: Whether the i-th and the j-th item differ significantly, for i < j.

    Returns:
        Letters of each item, `(count,)`, in alphabetical order.
    """
    columns: list[frozenset[int]] = [frozenset(range(count))] if count else []
    for i in range(count):
        for j in range(i + 1, count):
            if not differs(i, j):
                continue
            split: list[frozenset[int]] = []
            for column in columns:
                split += [column - {i}, column - {j}] if i in column and j in column else [column]
            columns = _absorbed(split)
    columns.sort(key=lambda column: sorted(column))
    return tuple("".join(_letter(k) for k, column in enumerate(columns) if i in column) for i in range(count))


def _absorbed(columns: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Remove every column that is a subset of another one."""
    kept: list[frozenset[int]] = []
    for column in sorted(set(columns), key=len, reverse=True):
        if not any(column <= other for other in kept):
            kept.append(column)
    return kept


def _letter(place: int) -> str:
    turn, letter = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn + 1) if turn else "")
