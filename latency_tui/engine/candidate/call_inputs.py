"""What single calls receive: prepared once and used again, or fresh for each call of a model that changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from latency_tui.engine.data.rows import deserialize, serialize


class CallInputs:
    """The inputs of one candidate's calls.

    Rows that a model changes in place (`StandardScaler(copy=False)`, `pop`, arithmetic) would be changed again and
    again. In production each request brings rows of its own, so inputs are compared with what they were, and from the
    first change on every call receives a fresh value, made before the timed span.

    Args:
        rows: The rows of each call, in the order of calls.
        value_of: Makes the input of a call of them.
        fresh_per_call: Whether a fresh value is known to be needed.

    Attributes:
        rows: As given.
        fresh_per_call: Whether each call receives a fresh value.
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
        """Return the inputs of so many calls, the first of which has the number `offset`."""
        there = len(self.rows)
        if not self.fresh_per_call:
            return [self._values[(offset + index) % there] for index in range(count)]
        return [self._fresh((offset + index) % there) for index in range(count)]

    def detect_changes(self) -> bool:
        """Look whether calls have changed inputs; if so, renew them from now on and return whether that is new."""
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
        if stored is None:  # nobody can copy it
            return self._values[position]
        with contextlib.suppress(Exception):
            return self._value_of(deserialize(stored))
        return self._values[position]
