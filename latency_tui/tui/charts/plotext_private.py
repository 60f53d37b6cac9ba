"""Calls of private functions of plotext and textual-plotext, each with its reason."""

from __future__ import annotations

from typing import Any

from textual_plotext.plot import Plot

CellColour = str | int | tuple[int, int, int]
"""A colour in the format of plotext: `default`, a number below 256, or red, green and blue."""


def set_size(plt: Plot, width: int, height: int) -> None:
    """Set the size of a plot in cells.

    `plotsize` alone keeps the previous size, and limits it to the size of the terminal in which the process was started
    (textual-plotext's issue 5). The widget of textual-plotext makes the same two calls.
    """
    plt.plotsize(width, height)
    plt._set_size(width, height)


def draw(plt: Plot) -> tuple[list[list[str]], list[list[CellColour]]]:
    """Draw a plot, and return its characters and their colours, row by row from the top.

    The public `build` returns text with escape sequences. Writing and parsing them takes as long as drawing, and
    textual-plotext's parser turns them into black text on black in themes that use the terminal's colours.
    """
    figure: Any = plt  # the private attributes have no types
    figure._set_sizes()
    figure._build_matrix()
    matrix = figure.monitor.matrix
    return matrix.marker[::-1], matrix.fullground[::-1]
