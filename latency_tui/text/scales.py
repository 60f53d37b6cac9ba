"""Linear and logarithmic scales from one round number to another, and their ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOG_FROM = 10.0
"""Ratio of the largest to the smallest value above which an axis is logarithmic."""
_UNITS = (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))
_DIGITS = ((1, 2, 5), (1, 5), (1,))
_STEPS = 8
"""Approximate number of steps of a linear scale; more steps leave less unused space at its ends."""
_MIN_SHARE = 0.5
"""Smallest share of an axis that its original range may take after the axis is extended to a limit."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to positions from 0 to 1.

    Attributes:
        low: Value at 0.
        high: Value at 1.
        log: Whether it is logarithmic.
        step: A round number; both ends of a linear scale are multiples of it.
    """

    low: float
    high: float
    log: bool
    step: float = 0.0

    def place(self, value: float) -> float:
        """Return the position of a value, clipped to the range 0 to 1."""
        return float(self.places(np.array(value, dtype=np.float64)))

    def places(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions of values, clipped to the range 0 to 1."""
        low, high = self.low, self.high
        if self.log:
            values, low, high = np.log(np.maximum(values, low)), math.log(low), math.log(high)
        return np.clip((values - low) / (high - low), 0.0, 1.0)

    def holds(self, value: float) -> bool:
        """Return whether a value is within the scale."""
        return self.low * 0.9999999 <= value <= self.high * 1.0000001


def bar_scale(smallest: float, largest: float) -> Scale:
    """Return a scale for bars: linear from zero, or logarithmic from below the smallest, so that its bar is visible."""
    if largest > LOG_FROM * smallest:
        return Scale(_round_below(smallest * 0.6), round_step(largest), log=True)
    return _linear(0.0, largest)


def line_scale(smallest: float, largest: float) -> Scale:
    """Return the smallest scale for lines that contains all values."""
    if largest > LOG_FROM * smallest:
        return Scale(_round_below(smallest), round_step(largest), log=True)
    margin = max((largest - smallest) * 0.02, largest * 0.002)
    return _linear(max(smallest - margin, 0.0), largest + margin)


def linear_scale(values: Sequence[float]) -> Scale:
    """Return a linear scale that contains values of any sign, such as scores; it ends at 1 if they do not exceed 1."""
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(high) * 0.01 or 0.01
    return _linear(low - margin, min(high + margin, 1.0) if high <= 1 else high + margin)


def span_scale(largest: float) -> Scale:
    """Return a linear scale from zero that contains a value."""
    return _linear(0.0, largest)


def extended(scale: Scale, values: list[float]) -> Scale:
    """Return a scale extended to nearby values, as long as the original range keeps half of the axis."""
    for value in sorted(values, key=lambda value: abs(math.log(value / scale.high))):
        if scale.holds(value):
            continue
        low, high = min(scale.low, value), max(scale.high, value)
        wider = Scale(_round_below(low), round_step(high), log=True) if scale.log else _linear(low, high)
        if wider.place(scale.high) - wider.place(scale.low) >= _MIN_SHARE:
            scale = wider
    return scale


def round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least the given value."""
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * 0.9999999)


def round_axis_end(count: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, ... that is at least a count, so that an axis seldom changes."""
    return max(round(round_step(count)), 1)


def ticks(scale: Scale, most: int) -> list[float]:
    """Return the largest set of at most `most` ticks, which includes both ends; empty if there is none."""
    return next((values for values in tick_choices(scale) if len(values) <= most), [])


def round_ticks(scale: Scale, most: int) -> list[float]:
    """Return the multiples of a round number on a linear scale, at most `most`, whether it ends at one or not."""
    stride = round_step(scale.step * 0.999)
    while True:
        first, last = math.ceil(scale.low / stride - 1e-9), math.floor(scale.high / stride + 1e-9)
        if last - first < most:
            return [place * stride for place in range(first, last + 1)]
        stride = round_step(stride * 1.5)


def tick_choices(scale: Scale) -> list[list[float]]:
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


def _linear(low: float, high: float) -> Scale:
    if high <= low:
        high = low + 1.0
    step = round_step((high - low) / _STEPS)
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, log=False, step=step)


def _round_below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(digit * power for digit in (1, 2, 5) if digit * power <= value * 1.0000001)
