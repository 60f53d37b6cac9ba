"""Formats a result as GitHub-flavoured Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.report.load import load_rows, offline_rows
from latency_tui.report.markup import escape_markdown
from latency_tui.report.mix import make_class_rows
from latency_tui.report.steps import steps_markdown
from latency_tui.report.sweeps import make_tables
from latency_tui.report.table_cells import LIMITS, VERSUS, make_notes, make_rows, make_title

if TYPE_CHECKING:
    from latency_tui.result.result import Result

_LEFT = ("model", "calls of", VERSUS, "verdict", LIMITS, "group")


def render_markdown(result: Result) -> str:
    """Return the answer, the table, and a list of failures and notes; it ends with a newline."""
    notes = [(kind, escape_markdown(text)) for kind, text in make_notes(result)]
    blocks = [f"**{text}**" for kind, text in notes if kind == "answer"]
    for table in make_tables(result):
        lines = [_line([escape_markdown(head) for head in table.heads]), _line(["--:"] * len(table.heads))]
        lines += [_line([escape_markdown(cell) for cell in row]) for row in table.rows]
        blocks.append("\n".join(lines))
    whole = [] if result.sweeps else make_rows(result)
    for rows in filter(None, (whole, make_class_rows(result), load_rows(result), offline_rows(result))):
        names = list(rows[0].cells)
        lines = [_line(names), _line([":--" if name in _LEFT else "--:" for name in names])]
        lines += [_line([escape_markdown(cell) for cell in row.cells.values()]) for row in rows]
        blocks.append("\n".join(lines))
    blocks.append("\n".join(f"- {kind}: {text}" for kind, text in notes if kind != "answer"))
    blocks += steps_markdown(result, escape_markdown)
    blocks.append(escape_markdown(make_title(result)))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"
