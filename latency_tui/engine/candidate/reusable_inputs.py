"""Inputs of single calls: prepared once and reused, or copied for each call if the model changes its input."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latency_tui.engine.data.request_sequence import request_sequence
from latency_tui.engine.data.rows import BATCH_BYTES, batches, deserialize, serialize
from latency_tui.plan.mix import Mix


@dataclass(frozen=True)
class InputMix:
    """The order in which the calls of a request mix use inputs of several batch sizes.

    Attributes:
        batch_sizes: Rows of each input, `(n_inputs,)`.
        shares: Share of the calls of each batch size.
        sequence: Index of the input of each call, `(n_calls,)`; later calls start again.
        lead: Index of one input per batch size, the largest share first.
    """

    batch_sizes: NDArray[np.int64]
    shares: dict[int, float]
    sequence: NDArray[np.int64]
    lead: tuple[int, ...]


def mixed_batches(rows: Any, mix: Mix, seed: int, *, order: str = "C") -> tuple[list[Any], InputMix]:
    """Prepare the inputs of a request mix; see `batches` for the arguments.

    Returns:
        The inputs of all batch sizes, and the order in which calls use them.
    """
    inputs: list[Any] = []
    starts, counts = [], []
    for part in mix:
        mine = batches(rows, part.batch_size, seed, order=order, memory=BATCH_BYTES // len(mix))
        starts.append(len(inputs))
        counts.append(len(mine))
        inputs += mine
    parts = request_sequence(mix, seed)
    sequence = np.empty_like(parts)
    for number, (start, count) in enumerate(zip(starts, counts, strict=True)):
        calls = np.flatnonzero(parts == number)
        sequence[calls] = start + np.arange(calls.size) % count
    by_share = sorted(range(len(mix)), key=lambda number: -mix[number].share)
    return inputs, InputMix(
        batch_sizes=np.repeat([part.batch_size for part in mix], counts),
        shares={part.batch_size: part.share for part in mix},
        sequence=sequence,
        lead=tuple(starts[number] for number in by_share),
    )


class CallInputs:
    """The inputs of the calls of one candidate.

    Some models change their input in place (`StandardScaler(copy=False)`, `pop`, arithmetic). In production, each
    request has its own rows. Inputs are therefore compared with their original values, and after the first change, each
    call receives a copy that is created before the timed span.

    Args:
        rows: The rows of each call, in the order of calls.
        value_of: Converts rows to the input of a call.
        fresh_per_call: Whether the model is known to change its input.
        mix: The order of calls of a request mix; None to use the inputs in turn.

    Attributes:
        rows: The rows of each call.
        fresh_per_call: Whether each call receives a copy.
        mix: The order of calls of a request mix, if there is one.
    """

    def __init__(
        self,
        rows: list[Any],
        value_of: Callable[[Any], Any],
        *,
        fresh_per_call: bool = False,
        mix: InputMix | None = None,
    ) -> None:
        self.rows = rows
        self.fresh_per_call = fresh_per_call
        self.mix = mix
        self._value_of = value_of
        self._values = [value_of(one) for one in rows]
        self._stored = [serialize(one) for one in rows]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def period(self) -> int:
        """Number of calls after which the same inputs are used again."""
        return len(self.rows) if self.mix is None else self.mix.sequence.size

    def values(self, offset: int, count: int) -> list[Any]:
        """Return the inputs of `count` calls, starting with call number `offset`."""
        return self.select(self._calls(offset, count))

    def lead_in(self, offset: int, count: int) -> list[Any]:
        """Return the inputs of `count` calls that are made before call number `offset` and are not timed.

        They are the calls before it. In a request mix they take each batch size in turn, so that no timed call is the
        first of its size. The first and the last one have the most common size.
        """
        if self.mix is None:
            return self.values(offset - count, count)
        lead = self.mix.lead
        return self.select([lead[0], *(lead[position % len(lead)] for position in reversed(range(count - 1)))])

    def select(self, indices: Iterable[int]) -> list[Any]:
        """Return inputs by their indices."""
        return [self._fresh(index) if self.fresh_per_call else self._values[index] for index in indices]

    def first_calls(self, count: int) -> list[Any]:
        """Return the rows of the first calls, at most `count`."""
        return self.rows[:count] if self.mix is None else [self.rows[index] for index in self.mix.sequence[:count]]

    @property
    def most_common(self) -> Sequence[int]:
        """Indices of the inputs of the most common batch size."""
        if self.mix is None:
            return range(len(self.rows))
        sizes = self.mix.batch_sizes
        found: list[int] = np.flatnonzero(sizes == sizes[self.mix.lead[0]]).tolist()
        return found

    def batch_sizes(self, offset: int, count: int) -> NDArray[np.int64] | None:
        """Return the rows of each of `count` calls, starting with call number `offset`; None if all are the same."""
        return None if self.mix is None else self.mix.batch_sizes[self._calls(offset, count)]

    def _calls(self, offset: int, count: int) -> Sequence[int]:
        if self.mix is None:
            return [(offset + index) % len(self.rows) for index in range(count)]
        order = self.mix.sequence
        found: list[int] = order[np.arange(offset, offset + count) % order.size].tolist()
        return found

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
