"""Formats the comparison of saved results as a table, Markdown or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.report.markup import escape_markdown
from latency_tui.text.formatting import NOTHING, format_duration
from latency_tui.text.sanitize import align, clean
from latency_tui.text.saved_comparison import format_saved_ratio, notes_of

if TYPE_CHECKING:
    from latency_tui.result.saved_comparison import SavedComparison

ComparisonFormat = Literal["table", "json", "markdown"]
COMPARISON_FORMATS: tuple[ComparisonFormat, ...] = ("table", "json", "markdown")
_COLUMNS = ("model", "p50 before", "p50", "ratio (95 % CI)", "verdict")
_NUMBERS = (1, 2)
_KIND_WIDTH = 9


def render_comparisons(
    comparisons: Sequence[SavedComparison], report_format: ComparisonFormat = "table", *, width: int | None = None
) -> str:
    """Return comparisons with one baseline as text that ends with a newline.

    Args:
        comparisons: At least one comparison.
        report_format: The format.
        width: Width of the terminal, to which notes of a table are wrapped; None for no limit.
    """
    if report_format == "json":
        return msgspec.json.format(msgspec.json.encode(comparisons), indent=2).decode() + "\n"
    make = _markdown if report_format == "markdown" else _table
    return "\n".join(make(one, width) for one in comparisons)


def _rows(comparison: SavedComparison) -> list[list[str]]:
    return [
        [
            clean(one.name),
            format_duration(one.baseline_p50),
            format_duration(one.p50),
            format_saved_ratio(one),
            one.verdict or NOTHING,
        ]
        for one in comparison.candidates
    ]


def _table(comparison: SavedComparison, width: int | None) -> str:
    lines = [f"{clean(comparison.result)} compared with {clean(comparison.baseline)}"]
    if rows := _rows(comparison):
        lines += ["", *align([[*_COLUMNS], *rows], right=_NUMBERS)]
    lines.append("")
    for kind, text in notes_of(comparison):
        indent = " " * _KIND_WIDTH
        wrapped = textwrap.wrap(text, max((width or 10_000) - _KIND_WIDTH, 20), break_on_hyphens=False)
        lines += [f"{kind:<{_KIND_WIDTH}}{wrapped[0]}", *(indent + line for line in wrapped[1:])]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(comparison: SavedComparison, _width: int | None) -> str:
    lines = [
        f"**{escape_markdown(clean(comparison.result))} compared with {escape_markdown(clean(comparison.baseline))}**",
        "",
    ]
    if rows := _rows(comparison):
        aligned = ["--:" if index in _NUMBERS else ":--" for index in range(len(_COLUMNS))]
        cells = [[*_COLUMNS], aligned, *([escape_markdown(cell) for cell in row] for row in rows)]
        lines += [*(f"| {' | '.join(row)} |" for row in cells), ""]
    lines += [f"- {kind}: {escape_markdown(text)}" for kind, text in notes_of(comparison)]
    return "\n".join(lines).rstrip() + "\n"
