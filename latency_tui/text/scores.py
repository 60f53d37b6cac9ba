"""Formats scores, their intervals and their differences. Imports nothing heavy."""

from __future__ import annotations

import math

from latency_tui.text.formatting import NOTHING

_NAMES = {"r2": "R²"}


def format_metric(metric: str) -> str:
    """Return the name of a metric as it is typed, except `R²`; `score` if it is unknown."""
    return _NAMES.get(metric, metric) or "score"


def format_score(value: float | None) -> str:
    """Return a score with three decimal places, or fewer if it is large: `0.952`, `-44.9`, `3,192`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,.{_decimals(value)}f}".replace("-", "−")


def format_score_interval(low: float | None, high: float | None) -> str:
    """Return the interval of a score: `0.921–0.972`, `−51.5 to −38.7`; empty if there is none."""
    if low is None or high is None:
        return ""
    decimals = min(_decimals(low), _decimals(high))
    texts = [f"{round(end, decimals) + 0.0:,.{decimals}f}".replace("-", "−") for end in (low, high)]  # no −0.000
    return (" to " if texts[0].startswith("−") else "–").join(texts)


def format_score_with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return a score and its interval, if there is one: `0.952 (0.921–0.972)`."""
    interval = format_score_interval(low, high)
    return f"{format_score(value)} ({interval})" if interval else format_score(value)


def format_difference(value: float) -> str:
    """Return the size of the difference of two scores, with three decimal places if it is about a share: `0.003`."""
    return f"{abs(value):.3f}" if 0.0005 <= abs(value) < 1 else format_score(abs(value))


def _decimals(value: float) -> int:
    size = abs(value)
    if 0 < size < 0.0095:
        return min(2 - math.floor(math.log10(size)), 9)
    return 3 if size < 10 else 1 if size < 1000 else 0
