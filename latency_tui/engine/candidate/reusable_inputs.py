"""Inputs of single calls: prepared once and reused, or copied for each call if the model changes its input."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from latency_tui.engine.data.rows import deserialize, serialize


class CallInputs:
    """The inputs of the calls of one candidate.

    Some models change their input in place (`StandardScaler(copy=False)`, `pop`, arithmetic). In production, each
    request has its own rows. Inputs are therefore compared with their original values, and after the first change, each
    call receives a copy that is created before the timed span.

    Args:
        rows: The rows of each call, in the order of calls.
        value_of: Converts rows to the input of a call.
        fresh_per_call: Whether the model is known to change its input.

    Attributes:
        rows: The rows of each call.
        fresh_per_call: Whether each call receives a copy.
    """

    def __init__(self, rows: list[Any], value_of: Callable[[Any], Any], *, fresh_per_call: bool = False) -> None:
        self.rows = rows
        self.fresh_per_call = fresh_per_call
        self._value_of = value_of
        self._values = [value_of(one) for one in rows]
        self._stored = [serialize(one) for one in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, offset: int, count: int) -> list[Any]:
        """Return the inputs of `count` calls, starting with call number `offset`."""
        there = len(self.rows)
        if not self.fresh_per_call:
            return [self._values[(offset + index) % there] for index in range(count)]
        return [self._fresh((offset + index) % there) for index in range(count)]

    def detect_changes(self) -> bool:
        """Return whether calls have changed inputs for the first time; inputs are then copied for each call."""
        if self.fresh_per_call or all(
            stored is None or serialize(one) == stored for one, stored in zip(self.rows, self._stored, strict=True)
        ):
            return False
        self.fresh_per_call = True
        self.rows = [
            one if stored is None else deserialize(stored) for one, stored in zip(self.rows, self._stored, strict=True)
        ]
        return True

    def _fresh(self, position: int) -> Any:
        stored = self._stored[position]
        if stored is None:  # it cannot be copied
            return self._values[position]
        with contextlib.suppress(Exception):
            return self._value_of(deserialize(stored))
        return self._values[position]
