"""Formats a result as plain text, aligned for a terminal width, optionally in colour."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from latency_tui.report.load import load_rows, offline_rows
from latency_tui.report.mix import make_class_rows
from latency_tui.report.steps import steps_text
from latency_tui.report.sweeps import SweepTable, make_tables
from latency_tui.report.table_cells import LIMITS, VERSUS, Row, make_notes, make_rows, make_title
from latency_tui.text.formatting import NOTHING
from latency_tui.text.sanitize import cell_width, pad
from latency_tui.text.short_names import short_names

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_LEFT = ("model", "calls of", VERSUS, "verdict", LIMITS, "group")
_GAP = 2
_EMPTY = (NOTHING, "0")
_PREFIXES = {
    "failed": "failed  ",
    "check": "check   ",
    "tails": "tails   ",
    "limit": "limit   ",
    "score": "score   ",
    "noise": "noise   ",
    "sweep": "sweep   ",
    "load": "load    ",
    "note": "note    ",
    "input": "input   ",
}
_COLOURS = {"faster": "32", "slower": "31", "failed": "31", "inconclusive": "33", "noise": "33", "answer": "1"}


def render_table(result: Result, *, width: int | None = None, colour: bool = False) -> str:
    """Return a result as aligned text that ends with a newline.

    Args:
        result: The result.
        width: Width of the terminal in columns; a wider table is continued below, and nothing is cut. None for one
            table of any width.
        colour: Whether to colour words with escape sequences.
    """
    rows = make_rows(result)
    paint = _paint if colour else _plain
    blocks = [[paint(line, "2") for line in _wrap(make_title(result), width)]]
    if result.sweeps:
        blocks += [lines for table in make_tables(result) for lines in _sweep_blocks(table, width, colour)]
    else:
        blocks += [_block(rows, columns, width, colour) for columns in _fit(rows, width)]
    classes = make_class_rows(result)
    blocks += [_block(classes, columns, width, colour) for columns in _fit(classes, width, keys=2)]
    under_load = load_rows(result)
    blocks += [_block(under_load, columns, width, colour) for columns in _fit(under_load, width, keys=2)]
    offline = offline_rows(result)
    blocks += [_block(offline, columns, width, colour) for columns in _fit(offline, width, keys=2)]
    notes = make_notes(result)
    blocks.append(
        [paint(line, _COLOURS["answer"]) for kind, text in notes if kind == "answer" for line in _wrap(text, width)]
    )
    blocks.append(
        [
            paint(line, _COLOURS.get(kind, ""))
            for kind, text in notes
            if kind != "answer"
            for line in _wrap(text, width, _PREFIXES[kind])
        ]
    )
    blocks += [[block] for block in steps_text(result, width, paint)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _fit(rows: list[Row], width: int | None, keys: int = 1) -> list[list[str]]:
    """Distribute the columns over as many tables as the width requires; each begins with the first `keys` columns."""
    if not rows:
        return []
    names = list(rows[0].cells)
    if width is None:
        return [names]
    widths = {name: _column_width(rows, name, width) for name in names}
    tables: list[list[str]] = [names[:keys]]
    for name in names[keys:]:
        taken = sum(widths[column] + _GAP for column in tables[-1])
        if taken + widths[name] > width and len(tables[-1]) > keys:
            tables.append(names[:keys])
        tables[-1].append(name)
    return tables


def _column_width(rows: list[Row], name: str, width: int | None) -> int:
    widest = max(cell_width(name), *(cell_width(row.cells[name]) for row in rows))
    # Names may be of any length, so their column is limited to leave space for the numbers.
    return min(widest, max(width // 3, 12)) if name == "model" and width is not None else widest


def _block(rows: list[Row], columns: list[str], width: int | None, colour: bool) -> list[str]:
    widths = [_column_width(rows, name, width) for name in columns]
    names = short_names([row.cells["model"] for row in rows], widths[columns.index("model")])
    paint = _paint if colour else _plain

    def line(texts: list[str], codes: list[str]) -> str:
        padded = [
            pad(text, size, right=name not in _LEFT) for text, size, name in zip(texts, widths, columns, strict=True)
        ]
        padded[-1] = padded[-1].rstrip()
        return (" " * _GAP).join(paint(cell, code) for cell, code in zip(padded, codes, strict=True))

    lines = [line(columns, ["2"] * len(columns))]
    lines.append(paint("─" * (sum(widths) + _GAP * (len(columns) - 1)), "2"))
    for row, shown in zip(rows, names, strict=True):
        if "p50" not in columns and all(row.cells[name] in _EMPTY for name in columns if name not in _LEFT[:2]):
            continue  # the first table shows why there are no values
        codes = {"model": _model_colour(row.candidate.colour), "p50": "1", "verdict": _COLOURS.get(row.verdict, "")}
        cells = row.cells | {"model": shown}
        lines.append(line([cells[name] for name in columns], [codes.get(name, "") for name in columns]))
    return lines


def _sweep_blocks(table: SweepTable, width: int | None, colour: bool) -> list[list[str]]:
    """Return the cells of a sweep, over as many tables as the width requires; each begins with the setting."""
    paint = _paint if colour else _plain
    heads = table.heads
    if width is not None:
        heads = (heads[0], *short_names(heads[1:], max(width // 3, 22)))
    widths = [max(cell_width(row[index]) for row in (heads, *table.rows)) for index in range(len(heads))]
    parts: list[list[int]] = [[0]]
    for index in range(1, len(widths)):
        taken = sum(widths[one] + _GAP for one in parts[-1])
        if width is not None and taken + widths[index] > width and len(parts[-1]) > 1:
            parts.append([0])
        parts[-1].append(index)

    def line(row: Sequence[str], columns: Sequence[int], codes: Sequence[str]) -> str:
        padded = [pad(row[index], widths[index], right=True) for index in columns]
        return (" " * _GAP).join(paint(text, codes[index]) for text, index in zip(padded, columns, strict=True))

    blocks: list[list[str]] = []
    for columns in parts:
        head = line(heads, columns, [_model_colour(one) or "2" for one in table.colours])
        rule = paint("─" * (sum(widths[index] for index in columns) + _GAP * (len(columns) - 1)), "2")
        caption = [] if blocks else [paint("p50 per call (95 % CI)", "2")]
        blocks.append([*caption, head, rule, *(line(row, columns, [""] * len(widths)) for row in table.rows)])
    return blocks


def _wrap(text: str, width: int | None, prefix: str = "") -> list[str]:
    if width is None:
        return [prefix + text]
    indent = " " * len(prefix)
    return textwrap.wrap(text, max(width, 20), initial_indent=prefix, subsequent_indent=indent)


def _model_colour(colour: str) -> str:
    """Return the escape code of a model's colour if the terminal supports true colour."""
    if os.environ.get("COLORTERM", "").lower() not in ("truecolor", "24bit") or len(colour) != 7:
        return ""
    try:
        red, green, blue = bytes.fromhex(colour[1:])
    except ValueError:
        return ""
    return f"38;2;{red};{green};{blue}"


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def _plain(text: str, _code: str) -> str:
    return text
