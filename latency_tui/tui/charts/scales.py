"""Axes: round ticks on linear and logarithmic scales, labels that never touch, and rows for names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len

_UNITS = (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))
LOG_FROM = 10.0
"""Largest over smallest value from which an axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps seconds to 0 to 1.

    Attributes:
        low: Value at 0.
        high: Value at 1.
        log: Whether it is logarithmic.
    """

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        """Return where a value lies, held between 0 and 1."""
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)


def bar_scale(smallest: float, largest: float) -> Scale:
    """Return a scale for bars: from zero, or logarithmic from a round value well below the smallest, to be seen too."""
    if largest > LOG_FROM * smallest:
        return Scale(_round_below(smallest * 0.6), largest * 1.08, log=True)
    return Scale(0.0, largest * 1.04, log=False)


def line_scale(smallest: float, largest: float) -> Scale:
    """Return a scale for lines that just holds all values."""
    if largest > LOG_FROM * smallest:
        return Scale(smallest / 1.05, largest * 1.05, log=True)
    margin = max((largest - smallest) * 0.04, largest * 0.002)
    return Scale(max(smallest - margin, 0.0), largest + margin, log=False)


def ticks(scale: Scale, most: int) -> list[float]:
    """Return at most `most` round values on a scale, as many as that allows, evenly chosen."""
    if most <= 0:
        return []
    if scale.log:
        low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
        for digits, stride in (((1, 2, 5), 1), ((1, 5), 1), ((1,), 1), ((1,), 2), ((1,), 3)):
            found = [d * 10.0**power for power in range(low, high + 1, stride) for d in digits]
            found = [value for value in found if scale.low <= value <= scale.high]
            if 0 < len(found) <= most and (len(found) > 1 or stride == 1):
                return found
        return found[:most]
    step = _round_step((scale.high - scale.low) / most)
    first = math.ceil(scale.low / step - 1e-9)
    return [index * step for index in range(first, math.floor(scale.high / step + 1e-9) + 1)][: most + 1]


def tick_labels(values: Sequence[float], *, always: bool = False) -> list[str]:
    """Return labels in which the unit stands at the first value and wherever it changes: `50 µs`, `100`, `1 ms`.

    Args:
        values: Seconds, ascending.
        always: Whether every label has its unit.
    """
    labels: list[str] = []
    before = ""
    for value in values:
        unit, scale = next(((u, s) for u, s in _UNITS if value < s * 999.9), _UNITS[-1])
        if value == 0:
            labels.append("0")
            continue
        number = f"{value / scale:.3g}"
        labels.append(number if unit == before and not always else f"{number} {unit}")
        before = unit
    return labels


def place_labels(labels: Sequence[str], columns: Sequence[int], width: int, *, gap: int = 2) -> list[int] | None:
    """Return where centred labels begin so that none touches another or leaves the line; None where they do not fit."""
    starts: list[int] = []
    free = 0
    for label, column in zip(labels, columns, strict=True):
        start = min(column - cell_len(label) // 2, width - cell_len(label))
        start = max(start, 0)
        if (starts and start < free) or start + cell_len(label) > width:
            return None
        starts.append(start)
        free = start + cell_len(label) + gap
    return starts


def axis(scale: Scale, width: int) -> list[tuple[int, int, str]]:
    """Return for a horizontal axis the column, the label's first column and the label of as many ticks as fit.

    A logarithmic one begins with where it begins, if there is room: its bars do not begin at zero.
    """
    for most in range(max(width // 4, 1), 0, -1):
        inner = ticks(scale, most)
        begun = [scale.low, *inner] if scale.log and inner and inner[0] > scale.low * 1.001 else inner
        for values in (begun, inner):
            labels = tick_labels(values)
            columns = [round(scale.place(value) * (width - 1)) for value in values]
            starts = place_labels(labels, columns, width, gap=1 if scale.log else 2)
            if values and starts is not None:
                return list(zip(columns, starts, labels, strict=True))
    return []


def minor_ticks(scale: Scale, width: int) -> list[int]:
    """Return the columns of the 1, 2, 5 between labelled ticks of a logarithmic axis; none where they would crowd."""
    if not scale.log:
        return []
    low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    values = [digit * 10.0**power for power in range(low, high + 1) for digit in (1, 2, 5)]
    columns = [round(scale.place(v) * (width - 1)) for v in values if scale.low <= v <= scale.high]
    return columns if all(after - before > 1 for before, after in pairwise(columns)) else []


def run_axis(first: int, last: int, width: int) -> list[tuple[int, int, str]]:
    """Return the same for run numbers: the first, the last and round numbers between."""
    if last <= first:
        return [(0, 0, f"{first:,}")] if width >= len(f"{first:,}") else []
    for most in range(max(width // 6, 1), 0, -1):
        step = max(int(_round_step((last - first) / most)), 1)
        values = [first, *(value for value in range(step, last, step) if value > first), last]
        if last - values[-2] < step * 0.6 and len(values) > 2:
            del values[-2]
        if len(values) > 2 and values[1] - first < step * 0.4:
            del values[1]
        labels = [f"{value:,}" for value in values]
        columns = [round((value - first) / (last - first) * (width - 1)) for value in values]
        starts = place_labels(labels, columns, width)
        if starts is not None:
            return list(zip(columns, starts, labels, strict=True))
    return []


def round_up(count: int) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50, ... that is not smaller: an axis that seldom moves."""
    return max(round(_round_step(count)), 1)


def spread(wanted: Sequence[float], rows: int) -> list[int]:
    """Return a row of its own for each, in the order wanted and near to it; `rows` must be enough for all."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0] * len(wanted)
    free = 0
    for index in order:
        placed[index] = max(round(wanted[index]), free)
        free = placed[index] + 1
    limit = rows - 1
    for index in reversed(order):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - 1
    return placed


def _round_below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(digit * power for digit in (1, 2, 5) if digit * power <= value * 1.0000001)


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * 0.9999999)
