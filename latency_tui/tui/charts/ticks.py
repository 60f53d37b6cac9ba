"""Round ticks on an axis, their labels, which never touch, and rows for names at the ends of lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from latency_tui.tui.charts.scales import Scale, round_step

_UNITS = (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))
_DIGITS = ((1, 2, 5), (1, 5), (1,))


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of a horizontal axis: its place, in columns from the left, and its label."""

    position: float
    label: str


def ticks(scale: Scale, most: int) -> list[float]:
    """Return at most `most` round values on a scale, as many as that allows; both ends are among them."""
    return next((values for values in _choices(scale) if len(values) <= most), [])


def _choices(scale: Scale) -> list[list[float]]:
    """Return sets of values for ticks, each with both ends of the scale, the largest set first."""
    if not scale.log:
        count = round((scale.high - scale.low) / scale.step)
        strides = [stride for stride in range(1, count + 1) if count % stride == 0]
        return [[scale.low + index * scale.step for index in range(0, count + 1, stride)] for stride in strides]
    powers = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
    inner = [[digit * 10.0**power for power in powers for digit in digits] for digits in _DIGITS]
    inner += [inner[-1][::stride] for stride in (2, 3)] + [[]]
    low, high = scale.low * 1.0000001, scale.high * 0.9999999
    return [[scale.low, *(value for value in values if low < value < high), scale.high] for values in inner]


def tick_labels(values: Sequence[float], *, always: bool = False) -> list[str]:
    """Return labels with a unit at the first value, at the last, and wherever it changes: `50 µs`, `100`, `1 ms`.

    Args:
        values: Seconds, ascending.
        always: Whether every label has its unit.
    """
    labels: list[str] = []
    before = ""
    for index, value in enumerate(values):
        unit, size = next(((u, s) for u, s in _UNITS if value < s * 999.9), _UNITS[-1])
        if abs(value) < 1e-12:
            labels.append("0")
            continue
        number = f"{value / size:.4g}"
        with_unit = always or unit != before or index == len(values) - 1
        labels.append(f"{number} {unit}" if with_unit else number)
        before = unit
    return labels


def fits(ticks: Sequence[Tick], width: int, before: int = 0, after: int = 0) -> bool:
    """Return whether plotext writes the label of every tick, in whatever order it comes to them.

    Plotext centres a label among the blanks near its tick, and drops both if the label then touches another
    (`correct_coord` and `add_horizontal_string`, 5.3.2). Here no label stands among the blanks of the next.

    Args:
        ticks: From left to right.
        width: Columns of the axis.
        before: Columns of the plot to the left of the axis.
        after: Columns of the plot to its right.
    """
    reached, taken, total = -1, -2, before + width + after
    for tick in ticks:
        column, size = before + round(tick.position), len(tick.label)
        first, last = max(column - size + 1, 0), min(column + size, total - 1) - 1
        start = (first + last - size + 1) // 2
        end = start + size - 1
        if start < 0 or end >= total or start <= reached or min(first, start - 1) <= taken:
            return False
        reached, taken = max(last, end + 1), end
    return True


def duration_axis(scale: Scale, width: int, before: int = 0, after: int = 0) -> list[Tick]:
    """Return as many ticks for a horizontal axis of durations as have room for labels.

    A power of ten whose label is too near to that of an end has none.
    """
    choices = _choices(scale)
    if scale.log:
        tens = choices[2]
        choices[3:3] = [[tens[0], *tens[2:]], [*tens[:-2], tens[-1]], [tens[0], *tens[2:-2], tens[-1]]]
    for values in choices:
        places = [round(scale.place(value) * (width - 1)) for value in values]
        found = [Tick(place, label) for place, label in zip(places, tick_labels(values), strict=True)]
        if len(found) > 1 and fits(found, width, before, after):
            return found
    return []


def minor_columns(scale: Scale, width: int) -> list[int]:
    """Return the columns of all 1, 2, 5 on a logarithmic axis; none if they are too near to each other."""
    if not scale.log:
        return []
    columns = [round(scale.place(value) * (width - 1)) for value in _choices(scale)[0]]
    return columns if all(after - before > 1 for before, after in pairwise(columns)) else []


def run_axis(last: int, width: int, before: int = 0) -> list[Tick]:
    """Return ticks for run numbers: the first, the last and round numbers between."""
    if last <= 1:
        return [Tick(0, "1")]
    for most in range(max(width // 6, 1), 0, -1):
        step = max(int(round_step((last - 1) / most)), 1)
        values = [1, *(value for value in range(step, last, step) if value > 1), last]
        if last - values[-2] < step * 0.6 and len(values) > 2:
            del values[-2]
        if len(values) > 2 and values[1] - 1 < step * 0.4:
            del values[1]
        found = [Tick(round((value - 1) / (last - 1) * (width - 1)), f"{value:,}") for value in values]
        if fits(found, width, before):
            return found
    return []


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
