"""Formats numbers for people: three significant digits, and one unit per interval. Imports nothing heavy.

It is separate from the statistics because the first frame of the screen needs it and must not wait for numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latency_tui.engine.protocol import CallInput
    from latency_tui.result.measurement_amount import MeasurementAmount

NOTHING = "–"
"""Shown instead of a value that is unknown or does not apply."""
PERCENTILES = ("p50", "p90", "p95", "p97", "p99", "p99_9")
"""Keys of the percentiles of a result; the underscore stands for a decimal point."""

_UNITS: tuple[tuple[str, float], ...] = (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0))


def format_duration(seconds: float | None) -> str:
    """Return a duration with three significant digits: `62.1 µs`, `1.00 ms`, `2,340 s`; a dash if it is None."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds == 0:
        return "0 ns"
    unit, scale = _unit(seconds)
    return f"{_three_figures(seconds / scale)} {unit}"


def format_call_input(received: CallInput) -> str:
    """Return what a call receives in one line: `1 row × 30, float32 array`, `9 named arrays`, `1 text`."""
    rows = "1 row" if received.rows == 1 else f"{received.rows:,} rows"
    axes = "".join(f" × {length:,}" for length in received.shape[1:])
    match received.kind:
        case "texts":
            text = "1 text" if received.count == 1 else f"{received.count:,} texts"
        case "records":
            text = "1 record" if received.count == 1 else f"{received.count:,} records"
        case "named arrays":
            text = f"{received.count:,} named arrays" + ("" if received.rows == 1 else f" of {rows}")
        case "rows":
            text = rows
        case kind:
            text = f"{rows}{axes}, {received.dtype} {kind}" if received.dtype else f"{rows}{axes}, {kind}"
    return f"{text}, generated" if received.generated else text


def format_count(number: float) -> str:
    """Return a number of things: whole if it is, otherwise with three significant digits."""
    return f"{number:,.0f}" if float(number).is_integer() else _three_figures(number)


def format_memory(size: int) -> str:
    """Return a size as whole mebibytes, or from 10 GiB on as gibibytes: `142 MiB`, `23.4 GiB`."""
    return f"{size / 2**20:,.0f} MiB" if size < 10 * 2**30 else f"{size / 2**30:.1f} GiB"


def format_interval(low: float | None, high: float | None) -> str:
    """Return an interval of durations that share one unit: `61.7–62.6 µs`.

    Without `high` it is a lower bound, `≥ 98.0 µs`; without `low` an upper bound. Ends that differ by more than a
    factor of 1,000 have a unit each.
    """
    low = low if low is not None and math.isfinite(low) else None
    high = high if high is not None and math.isfinite(high) else None
    if low is None or high is None:
        if low is not None:
            return f"≥ {format_duration(low)}"
        return NOTHING if high is None else f"≤ {format_duration(high)}"
    unit, scale = _unit(max(abs(low), abs(high)))
    apart = low and high and not 0.001 <= abs(low / high) <= 1000
    first = format_duration(low) if apart else _three_figures(low / scale)
    last = format_duration(high) if apart else f"{_three_figures(high / scale)} {unit}"
    return f"{first} to {last}".replace("-", "−") if low < 0 else f"{first}–{last}"


def format_interval_ends(value: float | None, low: float | None, high: float | None) -> str:
    """Return an interval, without unit, in the unit of the value beside it: `305–4,290` beside 354 µs.

    It is empty unless both ends are known. A separate unit could be cut off where space is short, which would make the
    numbers wrong.
    """
    if value is None or low is None or high is None or not all(map(math.isfinite, (value, low, high))):
        return ""
    _, scale = _unit(value)
    return f"{_three_figures(low / scale)}–{_three_figures(high / scale)}"


def format_ratio(ratio: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return the ratio of a candidate to the baseline: `1.11× faster (95 % CI 1.09–1.13)`.

    Args:
        ratio: Latency of the candidate divided by that of the baseline; below 1 is faster.
        low: Lower end of its interval.
        high: Upper end of its interval.

    Returns:
        The ratio, inverted if necessary so that it is at least 1, with its interval if there is one. If the interval
        contains 1, the direction is unknown: the ratio is not inverted, and "faster" or "slower" is left out.
    """
    if ratio is None or not math.isfinite(ratio) or ratio <= 0:
        return NOTHING
    if low is None or high is None or low <= 0:
        text = format_times(max(ratio, 1 / ratio))
        return text if text == "1.00×" else f"{text} {'faster' if ratio < 1 else 'slower'}"
    if low <= 1 <= high:
        return format_ratio_either_way(ratio, low, high)
    word = "faster" if ratio < 1 else "slower"
    if ratio < 1:
        ratio, low, high = 1 / ratio, 1 / high, 1 / low
    return f"{_plain(ratio, _decimals(low, high))}× {word} (95 % CI {format_ratio_ends(low, high)})"


def format_times(ratio: float) -> str:
    """Return a ratio without a direction: `1.01×`, `2,100×`."""
    return f"{_plain(ratio)}×"


def format_ratio_either_way(ratio: float, low: float, high: float) -> str:
    """Return a ratio with its interval and without a direction: `1.01× (95 % CI 0.99–1.03)`."""
    return f"{_plain(ratio, _decimals(low, high))}× (95 % CI {format_ratio_ends(low, high)})"


def format_ratio_ends(low: float, high: float) -> str:
    """Return the interval of a ratio without the sign: `1.13–1.17`."""
    figures = _decimals(low, high)
    return f"{_plain(low, figures)}–{_plain(high, figures)}"


def format_p99_ratio(ratio: float | None, p_value: float | None) -> str:
    """Return the ratio of two p99 and its p-value: `1.31× (p 0.02)`."""
    if ratio is None or p_value is None:
        return NOTHING
    return f"{format_times(ratio)} (p {'< 0.001' if p_value < 0.001 else f'{p_value:.2g}'})"


def format_seconds(seconds: float) -> str:
    """Return a waiting time in rounded units: `3 s`, `4 min`, `2 h`."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.0f} h"


def join_names(names: Sequence[str]) -> str:
    """Return names as in a sentence: `A, B and C`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def format_more(more: MeasurementAmount) -> str:
    """Return an additional amount of measuring: `2,000 more runs`."""
    if more.launches > 1:
        return f"{more.launches:,} more launches"
    if more.runs is not None:
        return f"{more.runs:,} more {'run' if more.runs == 1 else 'runs'}"
    return "until it is decided" if more.until_known else f"{format_seconds(more.seconds or 0.0)} more per model"


def _unit(seconds: float) -> tuple[str, float]:
    """Choose the unit in which a rounded value has one to three digits before the decimal point."""
    for unit, scale in _UNITS:
        if abs(seconds) / scale < 999.5:
            return unit, scale
    return _UNITS[-1]


def _three_figures(value: float) -> str:
    size = abs(value)
    if size >= 999.5:
        magnitude = 10 ** (math.floor(math.log10(size)) - 2)
        return f"{round(value / magnitude) * magnitude:,.0f}"
    if size >= 99.95:
        return f"{value:.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    if size >= 0.9995:
        return f"{value:.2f}"
    return f"{value:.{2 - math.floor(math.log10(size))}f}" if size else "0"


def _decimals(low: float, high: float) -> int | None:
    """Return two decimal places, or three if two would hide the width of a narrow interval; None for the default."""
    return 3 if high - low < 0.015 and high < 9.995 else None


def _plain(ratio: float, decimals: int | None = None) -> str:
    if decimals is not None:
        return f"{ratio:.{decimals}f}"
    return f"{ratio:.2f}" if ratio < 9.995 else _three_figures(ratio)
