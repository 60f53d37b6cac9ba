from __future__ import annotations

import subprocess
import sys

import pytest

from latency_tui.text.formatting import (
    format_duration,
    format_interval,
    format_interval_ends,
    format_ratio,
    format_seconds,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (62.1e-6, "62.1 µs"),
        (70e-9, "70.0 ns"),
        (1e-9, "1.00 ns"),
        (999.4e-9, "999 ns"),
        (999.6e-9, "1.00 µs"),
        (999.4e-6, "999 µs"),
        (999.6e-6, "1.00 ms"),
        (9.996e-3, "10.0 ms"),
        (99.96e-3, "100 ms"),
        (0.2362, "236 ms"),
        (0.99951, "1.00 s"),
        (1.0, "1.00 s"),
        (59.96, "60.0 s"),
        (999.6, "1,000 s"),
        (2344.0, "2,340 s"),
        (0.0, "0 ns"),
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_durations_have_three_figures_and_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (61.7e-6, 62.6e-6, "61.7–62.6 µs"),
        (98e-6, None, "≥ 98.0 µs"),
        (None, 98e-6, "≤ 98.0 µs"),
        (None, None, "–"),
        (950e-6, 1.05e-3, "0.950–1.05 ms"),
        (999.2e-6, 999.7e-6, "0.999–1.00 ms"),
        (58e-6, 3.2, "58.0 µs–3.20 s"),
        (4.54e-3, 4.619e-3, "4.54–4.62 ms"),
        (-0.906e-3, 6.79e-3, "−0.906 to 6.79 ms"),
        (-17.1e-3, 11.7e-9, "−17.1 ms to 11.7 ns"),
    ],
)
def test_intervals_share_their_unit(low: float | None, high: float | None, text: str) -> None:
    assert format_interval(low, high) == text


@pytest.mark.parametrize(
    ("ratio", "low", "high", "text"),
    [
        (1.11, 1.09, 1.13, "1.11× slower (95 % CI 1.09–1.13)"),
        (1 / 1.11, 1 / 1.13, 1 / 1.09, "1.11× faster (95 % CI 1.09–1.13)"),
        (1.01, 0.99, 1.03, "1.01× (95 % CI 0.99–1.03)"),
        (0.99, 0.97, 1.01, "0.99× (95 % CI 0.97–1.01)"),
        (1.003, 1.002, 1.004, "1.003× slower (95 % CI 1.002–1.004)"),
        (43.03, 40.4, 44.7, "43.0× slower (95 % CI 40.4–44.7)"),
        (1.5, None, None, "1.50× slower"),
        (11161305.34, None, None, "11,200,000× slower"),
        (0.5, None, None, "2.00× faster"),
        (1.0001, None, None, "1.00×"),
        (None, None, None, "–"),
    ],
)
def test_ratios_say_faster_or_slower_and_neither_where_it_is_not_known(
    ratio: float | None, low: float | None, high: float | None, text: str
) -> None:
    assert format_ratio(ratio, low, high) == text


def test_waiting_is_told_in_round_words() -> None:
    assert [format_seconds(s) for s in (0.2, 3.4, 240, 7300)] == ["under 1 s", "3 s", "4 min", "2 h"]


def test_words_need_no_numpy() -> None:
    """The first frame of the screen imports them."""
    code = "import sys, latency_tui.text.formatting; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (62.1e-6, 61.7e-6, 62.6e-6, "61.7–62.6"),
        (354e-6, 305e-6, 4.29e-3, "305–4,290"),  # beside µs, 0.305–4.29 would read as less than a thousandth of it
        (1.02e-3, 998e-6, 1.04e-3, "0.998–1.04"),
        (999.6e-6, 990e-6, 1.01e-3, "0.990–1.01"),
        (2.0, 9e-3, 31.0, "0.00900–31.0"),
        (62.1e-6, 61.7e-6, None, ""),
        (None, 1e-6, 2e-6, ""),
        (62.1e-6, 61.7e-6, float("inf"), ""),
    ],
)
def test_an_interval_beside_a_figure_is_in_its_unit(
    value: float | None, low: float | None, high: float | None, text: str
) -> None:
    assert format_interval_ends(value, low, high) == text
