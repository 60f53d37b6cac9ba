"""Request mixes: several batch sizes in one workload, each with its share of the calls.

The grammar is `SHARE:BATCH,SHARE:BATCH`, for example `0.8:1,0.2:64`: 80 % of the calls have one row, 20 % have 64.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from latency_tui.errors import UsageError

MAX_BATCH_SIZE = 1_000_000
"""Most rows per call."""
MAX_BATCH_SIZES = 1000
"""Most batch sizes of a mix."""
MAX_MIX_ROWS = 2_000_000
"""Most rows of one call of each batch size together, because they are in memory at once."""
MIN_SHARE = 1e-5
"""Smallest share: one call of 100,000, the length of the longest sequence of requests."""
MAX_CYCLE = 200
"""Longest cycle that blocks repeat; a mix without a shorter one is approximated in each block."""
COMPARED_SHARE = 0.01
"""Classes with a smaller share are not part of comparisons, because most blocks have no such call."""
_MAX_CLASSES = 12
"""With more batch sizes than this, statistics are per range of batch sizes."""
_EXACT = 1e-6
_PART = re.compile(r"\s*([0-9]{0,12}\.?[0-9]{0,12})\s*(%?)\s*:\s*([0-9][0-9_,]{0,11})\s*")
_EXAMPLE = "write it as share:batch, such as 0.8:1,0.2:64, or give a file with one batch size per line"


class MixPart(msgspec.Struct, frozen=True, kw_only=True):
    """A batch size of a mix, and its share of the calls, 0 to 1."""

    batch_size: int
    share: float


class RequestClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class of requests: those with the batch sizes from `smallest` to `largest`.

    Attributes:
        smallest: Smallest batch size.
        largest: Largest batch size; the same unless the mix has many.
        share: Share of the calls, 0 to 1.
    """

    smallest: int
    largest: int
    share: float


Mix = tuple[MixPart, ...]
"""The parts of a mix in ascending order of batch size; empty if all calls have the same batch size."""


def check_mix(mix: Mix) -> None:
    """Check that a mix can be measured.

    Raises:
        UsageError: It cannot; the message has the reason.
    """
    sizes = [part.batch_size for part in mix]
    for size in sizes:
        if not 1 <= size <= MAX_BATCH_SIZE:
            raise UsageError(
                f"A batch size of a mix must be a whole number from 1 to {MAX_BATCH_SIZE:,}, not {size:,}."
            )
    if sizes != sorted({*sizes}):
        raise UsageError("The batch sizes of a mix must be different and in ascending order.")
    if len(sizes) == 1:
        raise UsageError(f"A mix needs at least two batch sizes; for one, use a batch size of {sizes[0]:,}.")
    if len(sizes) > MAX_BATCH_SIZES:
        raise UsageError(f"A mix may have at most {MAX_BATCH_SIZES:,} different batch sizes, not {len(sizes):,}.")
    if sum(sizes) > MAX_MIX_ROWS:
        raise UsageError(
            f"The different batch sizes of a mix may have at most {MAX_MIX_ROWS:,} rows together, not {sum(sizes):,}."
        )
    if not all(MIN_SHARE * (1 - _EXACT) <= part.share <= 1 for part in mix):
        raise UsageError(f"The shares of a mix must be at least {MIN_SHARE:.5f} of all calls.")
    if mix and abs(sum(part.share for part in mix) - 1) > _EXACT:
        raise UsageError("The shares of a mix must add up to 1.")


def make_mix(weights: Mapping[int, float]) -> Mix:
    """Return a mix in which each batch size has a share in proportion to its weight.

    Raises:
        UsageError: A weight is not positive, or the mix is invalid.
    """
    if not weights:
        raise UsageError(f"A mix needs at least two batch sizes; {_EXAMPLE}.")
    for size, weight in weights.items():
        if not (math.isfinite(weight) and weight > 0):
            raise UsageError(f"The share of batch size {size:,} must be more than 0, not {weight:g}.")
    total = sum(weights.values())
    mix = tuple(MixPart(batch_size=size, share=weights[size] / total) for size in sorted(weights))
    check_mix(mix)
    return mix


def parse_mix(text: str) -> Mix:
    """Parse a mix such as `0.8:1,0.2:64` or `80%:1,20%:64`; the shares are scaled to add up to 1.

    Raises:
        UsageError: The text is invalid; the message has the reason.
    """
    weights: dict[int, float] = {}
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if not found or not any(character.isdigit() for character in found[1]):
            raise UsageError(f"The mix {text[:60]!r} is invalid; {_EXAMPLE}.")
        size = int(found[3].replace("_", ""))
        if size in weights:
            raise UsageError(f"The mix {text[:60]!r} names the batch size {size:,} twice.")
        weights[size] = float(found[1]) / (100 if found[2] else 1)
    return make_mix(weights)


def mix_of(batch_sizes: Iterable[int]) -> Mix:
    """Return the mix of recorded batch sizes, one per request."""
    return make_mix(Counter(batch_sizes))


def format_mix(mix: Mix) -> str:
    """Return a mix as it is written for `--mix`."""
    return ",".join(f"{part.share:.9g}:{part.batch_size}" for part in mix)


def request_classes(mix: Mix) -> tuple[RequestClass, ...]:
    """Return the classes of requests of a mix: one per batch size, or per range if there are many batch sizes."""
    if len(mix) <= _MAX_CLASSES:
        return tuple(RequestClass(smallest=one.batch_size, largest=one.batch_size, share=one.share) for one in mix)
    ranges: dict[int, list[MixPart]] = {}
    for part in mix:
        ranges.setdefault(part.batch_size.bit_length(), []).append(part)
    return tuple(
        RequestClass(
            smallest=parts[0].batch_size, largest=parts[-1].batch_size, share=sum(part.share for part in parts)
        )
        for parts in ranges.values()
    )


def exact_cycle(mix: Mix, longest: int) -> int | None:
    """Return the smallest number of calls in which every batch size occurs a whole number of times.

    None if it is larger than `longest`.
    """
    shares = [part.share for part in mix]
    for calls in range(1, longest + 1):
        if all(abs(share * calls - round(share * calls)) < _EXACT and share * calls > 0.5 for share in shares):
            return calls
    return None


def cycle_length(mix: Mix) -> int:
    """Return the number of calls that a block should have a multiple of, so that it has the shares of the mix."""
    if not mix:
        return 1
    compared = min((c.share for c in request_classes(mix) if c.share >= COMPARED_SHARE), default=1.0)
    return exact_cycle(mix, MAX_CYCLE) or min(math.ceil(2 / compared), MAX_CYCLE)


def default_runs(mix: Mix) -> int:
    """Return the number of calls if the user gives none: 100, or enough cycles of the mix for a verdict."""
    return max(100, 12 * cycle_length(mix))
