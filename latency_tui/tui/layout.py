"""The layout of the main screen: a pure function of sizes, so that every size can be tested without a terminal.

No chart is smaller than 40 columns and 10 rows. Cards are shown if charts of that size fit below them, otherwise a
table.
"""

from __future__ import annotations

from typing import Literal

import msgspec

CHART_WIDTH, CHART_HEIGHT = 40, 10
SIDE_WIDTH = 36
CARD_WIDTH, CARD_HEIGHT = 31, 7
WIDE, TALL = 100, 24
MIN_WIDTH, MIN_HEIGHT = 60, 16

Mode = Literal["wide", "narrow", "tiny"]
Charts = Literal["side", "stacked", "one", "none"]


class Layout(msgspec.Struct, frozen=True):
    """The layout of the main screen.

    Attributes:
        mode: `wide` with the models beside the results, `narrow` with a tab for each, `tiny` with only a table.
        cards: Cards in each row; 0 for a table.
        summary: Rows of the cards or the table.
        headings: Whether the table has a line of headings.
        charts: Arrangement of the two charts: `side` by side, `stacked`, `one` at a time, or `none`.
        width: Columns of the results.
        height: Rows below the cards or the table.
    """

    mode: Mode
    cards: int
    summary: int
    headings: bool
    charts: Charts
    width: int
    height: int


def mode_of(width: int, height: int) -> Mode:
    """Return the layout mode for a terminal of this size: `wide`, `narrow` or `tiny`."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return "tiny"
    return "wide" if width >= WIDE and height >= TALL else "narrow"


def divide(width: int, height: int, candidates: int, *, answer: int = 1) -> Layout:
    """Return the layout for a terminal.

    Args:
        width: Columns of the terminal.
        height: Rows of the terminal.
        candidates: Number of candidates with a card or a row.
        answer: Rows of the sentence above the footer.
    """
    rows = max(candidates, 1)
    if mode_of(width, height) == "tiny":
        return Layout("tiny", 0, max(height - 2, 0), height > rows + 3, "none", width, 0)
    mode = mode_of(width, height)
    inner = width - SIDE_WIDTH if mode == "wide" else width
    free = height - 3 - answer  # title, tabs, keys

    columns = min(max(inner // CARD_WIDTH, 1), rows)
    lines = -(-rows // columns)
    columns = -(-rows // lines)
    left = free - lines * CARD_HEIGHT
    charts = _charts(inner, left)
    if mode == "wide" and charts in ("side", "stacked"):
        return Layout(mode, columns, lines * CARD_HEIGHT, True, charts, inner, left)

    best = Layout(mode, 0, min(rows + 1, free), True, "none", inner, max(free - rows - 1, 0))
    for headings in (True, False):
        table = min(rows + headings, max(free // 2, 3))
        charts = _charts(inner, free - table)
        if _RANK[charts] > _RANK[best.charts]:
            best = Layout(mode, 0, table, headings, charts, inner, free - table)
    return best


_RANK: dict[Charts, int] = {"none": 0, "one": 1, "stacked": 2, "side": 2}


def _charts(width: int, height: int) -> Charts:
    if width >= 2 * CHART_WIDTH and height >= CHART_HEIGHT:
        return "side"
    if width >= CHART_WIDTH and height >= 2 * CHART_HEIGHT:
        return "stacked"
    return "one" if width >= CHART_WIDTH and height >= CHART_HEIGHT else "none"
