"""Ticks of an axis at round values with labels that do not touch, and rows for names at the ends of lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from latency_tui.text.scales import Scale, round_step, tick_choices, tick_labels


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of a horizontal axis: its position in columns from the left, and its label."""

    position: float
    label: str


def fits(ticks: Sequence[Tick], width: int, before: int = 0, after: int = 0) -> bool:
    """Return whether plotext writes the label of every tick, in whatever order it processes them.

    Plotext centres a label in the blanks near its tick, and drops the tick and the label if it then touches another one
    (`correct_coord` and `add_horizontal_string`, 5.3.2). Labels fit if none reaches into the blanks of the next one.

    Args:
        ticks: The ticks, from left to right.
        width: Columns of the axis.
        before: Columns of the plot to the left of the axis.
        after: Columns of the plot to the right of the axis.
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
    """Return the ticks of a horizontal axis of durations; see `value_axis`."""
    return value_axis(scale, tick_labels, width, before, after)


def value_axis(
    scale: Scale, labels: Callable[[list[float]], list[str]], width: int, before: int = 0, after: int = 0
) -> list[Tick]:
    """Return the ticks of a horizontal axis: as many as there is room for labels.

    A power of ten has no label if it would be too close to the label of an end.

    Args:
        scale: The scale of the axis.
        labels: Returns a label for each value.
        width: Columns of the axis.
        before: Columns of the plot to the left of the axis.
        after: Columns of the plot to the right of the axis.
    """
    choices = tick_choices(scale)
    if scale.log:
        tens = choices[2]
        choices[3:3] = [[tens[0], *tens[2:]], [*tens[:-2], tens[-1]], [tens[0], *tens[2:-2], tens[-1]]]
    for values in choices:
        places = [round(scale.place(value) * (width - 1)) for value in values]
        found = [Tick(place, label) for place, label in zip(places, labels(values), strict=True)]
        if len(found) > 1 and fits(found, width, before, after):
            return found
    return []


def minor_columns(scale: Scale, width: int) -> list[int]:
    """Return the columns of 1, 2 and 5 times each power of ten on a logarithmic axis; none if they are too close."""
    if not scale.log:
        return []
    columns = [round(scale.place(value) * (width - 1)) for value in tick_choices(scale)[0]]
    return columns if all(after - before > 1 for before, after in pairwise(columns)) else []


def run_axis(last: int, width: int, before: int = 0) -> list[Tick]:
    """Return the ticks of an axis of run numbers: the first, the last, and round numbers in between."""
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


def separate_rows(wanted: Sequence[float], rows: int) -> list[int]:
    """Return a distinct row for each wanted position, close to it and in the same order; needs enough rows for all."""
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
