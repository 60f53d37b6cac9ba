"""Drops columns of a data frame that only number or name its rows. Runs in the engine's processes only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

_UNNAMED = re.compile(r"Unnamed: \d+(\.\d+)*|__index_level_\d+__")


def drop_index_columns(frame: Any, target: str | None) -> tuple[Any, Any, tuple[str, ...]]:
    """Drop index columns; return the data frame, the dropped columns, and notes.

    pandas and R write an index as unnamed first columns with distinct values. A column named `index` is dropped too if
    it counts the rows.

    Args:
        frame: The data frame as read.
        target: A column that is never dropped.
    """
    left, empty = list[str](), list[str]()
    for name in frame.columns:
        if name == target or not _is_index(name, frame[name]):
            break
        left.append(name)
    for name in frame.columns:
        if name != target and name not in left and _UNNAMED.fullmatch(name) and frame[name].isna().all():
            empty.append(name)
    if len(left) + len(empty) >= frame.shape[1] - (target is not None):
        return frame, None, ()
    kept = frame.drop(columns=[*left, *empty])
    notes = [f"left out, because it is an index of the rows: {name}" for name in left]
    if empty and len(frame):
        notes.append(f"left out, because they have no name and no value: {', '.join(empty[:8])}")
    if len(kept) and kept.iloc[-1].isna().all():  # a spreadsheet's empty rows
        notes.append("rows without any value were left out")
        whole = ~kept.isna().all(axis=1)
        frame, kept = frame[whole].reset_index(drop=True), kept[whole].reset_index(drop=True)
    return kept, frame[left] if left else None, tuple(notes)


def _is_index(name: str, column: Any) -> bool:
    if not len(column) or column.isna().any():
        return False
    kind = getattr(column.dtype, "kind", "O")
    if _UNNAMED.fullmatch(name):
        whole = kind in "iu" or (kind == "O" and all(isinstance(value, str) for value in column))
        return whole and bool(column.is_unique)
    if name.lower() != "index" or kind not in "iu":
        return False
    start = int(column.iloc[0])
    return start in (0, 1) and bool(np.array_equal(column.to_numpy(), np.arange(start, start + len(column))))
