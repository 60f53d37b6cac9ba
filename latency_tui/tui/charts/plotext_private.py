"""The calls of plotext and textual-plotext that are not public, each with its reason."""

from __future__ import annotations

from typing import Any

from textual_plotext.plot import Plot

Ink = str | int | tuple[int, int, int]
"""A colour as plotext takes it: `default`, one of 256, or red, green and blue."""


def set_size(plt: Plot, width: int, height: int) -> None:
    """Set the size of a plot in cells.

    `plotsize` alone keeps the size before, and holds it within the terminal that the process was started in
    (textual-plotext's issue 5); the widget of textual-plotext makes the same two calls.
    """
    plt.plotsize(width, height)
    plt._set_size(width, height)


def draw(plt: Plot) -> tuple[list[list[str]], list[list[Ink]]]:
    """Have plotext draw, and return its letters and their colours, row by row from the top.

    The public `build` returns them as text with escape sequences. To write and to parse those takes as long as the
    drawing does, and textual-plotext's parser makes black text on black of them in themes of the terminal's colours.
    """
    figure: Any = plt  # these members have no types
    figure._set_sizes()
    figure._build_matrix()
    matrix = figure.monitor.matrix
    return matrix.marker[::-1], matrix.fullground[::-1]
