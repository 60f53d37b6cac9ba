"""The chart of a sweep: one line per model over the values of a setting, with the interval of each cell as a band."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from latency_tui.plan.sweep import is_number
from latency_tui.text.scales import LOG_FROM, Scale, line_scale, round_step, tick_labels, ticks
from latency_tui.text.sweeps import format_setting, places_of, setting_name
from latency_tui.tui.charts.canvas import Canvas
from latency_tui.tui.charts.chart import LOG, MIN_TITLED_HEIGHT
from latency_tui.tui.charts.named_lines import NamedLinesChart
from latency_tui.tui.charts.ticks import Tick, fits
from latency_tui.tui.styles import CandidateStyle

if TYPE_CHECKING:
    from latency_tui.plan import Sweep
    from latency_tui.result.sweep import SweepCurve

Unit = Literal["per call", "per row", "rows per second"]
UNITS: tuple[Unit, ...] = ("per call", "per row", "rows per second")
"""What the vertical axis shows: latency per call, per row, or rows per second of call time."""
_BAND_COLUMNS = 240
"""Points of a band: two per column of a wide chart."""
_NEARLY_LEVEL = 3.0
"""Ratio of the values above which the vertical axis is logarithmic."""


@dataclass(frozen=True, slots=True, eq=False)
class BandedLine:
    """The line of one model.

    Attributes:
        name: Name of the model.
        style: Its colour and shape.
        places: Places of its cells on the horizontal axis, from 0 to 1, ascending.
        values: What the vertical axis shows of each cell.
        lows: Lower end of the interval of each cell.
        highs: Upper end of it.
    """

    name: str
    style: CandidateStyle
    places: NDArray[np.float64]
    values: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]

    @property
    def end(self) -> float:
        """The value at the right end, beside which the name is written."""
        return float(self.values[-1])


class SweepChart(NamedLinesChart):
    """Latency or throughput over the values of a setting, on logarithmic axes."""

    lines: tuple[BandedLine, ...] = ()
    sweep: Sweep | None = None
    unit: Unit = "per call"

    def show_sweep(self, sweep: Sweep, lines: Sequence[BandedLine], unit: Unit) -> None:
        """Show the lines of one sweep."""
        self.sweep, self.lines, self.unit = sweep, tuple(lines), unit
        self.show_changes()

    def draw(self, canvas: Canvas) -> None:
        """Draw both axes, bands, lines, and the names at their ends."""
        lines, sweep = self.lines, self.sweep
        if not lines or sweep is None:
            return
        titled = canvas.height >= MIN_TITLED_HEIGHT
        named = len(lines) <= canvas.height - titled - 2
        right, names = self.names_of(canvas, lines, ()) if named else (len(sweep.parameter) + 2, [])
        right = max(right, len(sweep.parameter) + 2)
        scale = _vertical(lines)
        title = _title(self.unit, sweep)
        top = self.title(canvas, f"{title}{LOG if scale.log else ''}", title, self.unit)
        bottom = 0 if named else self.key(canvas, lines, (), top)
        rows = canvas.height - top - 2 - bottom
        values = ticks(scale, max(rows // 3, 2))
        labels = [f" {label} " for label in _labels(values, self.unit)]
        left = max((cell_len(label) for label in labels), default=0) + 1
        columns = canvas.width - left - right
        if columns < 2 or rows < 2:
            return
        self.begin_plot(left + columns, rows + 2, _axis(sweep, columns, left))
        self.plt.xlim(0, max(columns - 1, 1))
        self.plt.ylim(0, 1)
        self.plt.yticks([scale.place(value) for value in values], labels)
        for line in reversed(lines):
            self._band(line, columns, scale)
        for line in reversed(lines):
            x, y = (line.places * (columns - 1)).tolist(), scale.places(line.values).tolist()
            colour = self.cell_colour(line.style[0])
            if not self.app.no_color:
                self.plt.plot(x, y, marker="braille", color=colour)
            self.plt.scatter(x, y, marker=line.style[1], color=colour)
        self.end_plot(canvas, 0, top)
        self.label_ends(canvas, lines, (), names, scale, left + columns, top, rows)
        canvas.put(left + columns + 1, top + rows + 1, sweep.parameter, self.muted)

    def _band(self, line: BandedLine, columns: int, scale: Scale) -> None:
        """Draw the interval of a line: filled where it is wider than a dot."""
        colour = self.cell_colour(line.style[0])
        if line.places.size == 1 or self.app.no_color:
            for place, low, high in zip(line.places.tolist(), line.lows.tolist(), line.highs.tolist(), strict=True):
                x = place * (columns - 1)
                self.plt.plot([x, x], [scale.place(low), scale.place(high)], marker="braille", color=colour)
            return
        x = np.linspace(0, 1, min(2 * columns, _BAND_COLUMNS))
        x = x[(x >= line.places[0]) & (x <= line.places[-1])]
        for ends in (line.lows, line.highs):
            y = np.interp(x, line.places, scale.places(ends))
            self.plt.plot((x * (columns - 1)).tolist(), y.tolist(), marker="braille", color=colour)


def lines_of_sweep(
    sweep: Sweep, curves: Sequence[SweepCurve], styles: Mapping[str, CandidateStyle], unit: Unit, batch_size: int
) -> list[BandedLine]:
    """Return a line for each curve with cells.

    Args:
        sweep: The sweep.
        curves: Its curves.
        styles: Colour and shape of each model, by slug.
        unit: What the vertical axis shows.
        batch_size: Rows per call, if the sweep does not change them.
    """
    places = places_of(sweep)
    found = []
    for curve in curves:
        if not curve.cells or curve.candidate not in styles:
            continue
        rows = np.array([float(cell.value) if sweep.parameter == "batch" else batch_size for cell in curve.cells])
        p50, low, high = (
            np.array([getattr(cell.p50, name) or cell.p50.value for cell in curve.cells])
            for name in ("value", "low", "high")
        )
        if not (np.isfinite(p50).all() and (p50 > 0).all()):
            continue
        if unit == "per row":
            p50, low, high = p50 / rows, low / rows, high / rows
        elif unit == "rows per second":
            p50, low, high = rows / p50, rows / high, rows / low
        x = np.array([places[cell.value] for cell in curve.cells])
        found.append(BandedLine(curve.name, styles[curve.candidate], x, p50, low, high))
    return found


def _vertical(lines: Sequence[BandedLine]) -> Scale:
    low = min(float(line.lows.min()) for line in lines)
    high = max(float(line.highs.max()) for line in lines)
    if high < _NEARLY_LEVEL * low:
        return line_scale(low, high)
    return Scale(_round_below(low), round_step(high), log=True) if high <= LOG_FROM * low else line_scale(low, high)


def _round_below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(digit * power for digit in (1, 2, 5) if digit * power <= value * 1.0000001)


def _title(unit: Unit, sweep: Sweep) -> str:
    what = unit if unit == "rows per second" else f"p50 {unit}"
    return f"{what} by {setting_name(sweep.parameter)}"


def _labels(values: Sequence[float], unit: Unit) -> list[str]:
    if unit != "rows per second":
        return tick_labels(values, always=True)
    sizes = [next((pair for pair in _SIZES if value >= pair[1] * 0.9999), ("", 1.0)) for value in values]
    return [f"{value / size:.4g}{name}" for value, (name, size) in zip(values, sizes, strict=True)]


_SIZES = (("G", 1e9), ("M", 1e6), ("k", 1e3))


def _axis(sweep: Sweep, width: int, before: int) -> list[Tick]:
    """Return the ticks of the measured values: all, or every second, third … from the first, as far as they fit."""
    places = places_of(sweep)
    values = [*sweep.values]
    for stride in range(1, len(values) + 1):
        shown = values[::stride]
        if is_number(values[-1]) and values[-1] not in shown and stride > 1:
            shown = [*shown[:-1], values[-1]] if len(shown) > 1 else [*shown, values[-1]]
        found = [Tick(round(places[value] * (width - 1)), format_setting(value)) for value in shown]
        if fits(found, width, before):
            return found
    return []
