"""The part of the tab Compare that compares the result on the screen with a saved baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from latency_tui.text.formatting import format_duration
from latency_tui.text.saved_comparison import notes_of
from latency_tui.text.short_names import short_names
from latency_tui.tui.charts.interval_plot import RatioScale
from latency_tui.tui.styles import MUTED, CandidateStyle
from latency_tui.tui.text import fit, sanitize_line, wrap
from latency_tui.tui.widgets.compare_columns import VERDICT_COLOURS, name_pieces, name_width
from latency_tui.tui.widgets.figures import times
from latency_tui.tui.widgets.styled_lines import Line, Piece

if TYPE_CHECKING:
    from latency_tui.result.saved_comparison import CandidateRatio, SavedComparison

_MIN_PLOT = 12
_MIN_NAME = 6
_GAP = 2
_WANTED_NAME = 14
"""Columns of a name for which less important columns are left out."""


def saved_comparison_lines(
    comparison: SavedComparison,
    order: Sequence[str],
    candidate_styles: Mapping[str, CandidateStyle],
    highlighted: str,
    width: int,
) -> tuple[list[Line], list[str]]:
    """Return a heading, a line per candidate of both results, the scale, and notes; and the slugs of these candidates.

    Args:
        comparison: The comparison.
        order: Slugs in the order shown.
        candidate_styles: Colour and shape of each candidate, by slug.
        highlighted: Slug of the highlighted candidate.
        width: Columns of the pane.
    """
    place = {slug: index for index, slug in enumerate(order)}
    shown = sorted(comparison.candidates, key=lambda one: place.get(one.candidate, len(place)))
    title = f" {sanitize_line(comparison.result)} against {sanitize_line(comparison.baseline)}, unpaired"
    lines: list[Line] = [[(fit(title, width).rstrip(), "bold")]]
    if shown:
        lines += _table(shown, candidate_styles, highlighted, width)
    for kind, text in notes_of(comparison):
        words = text if kind == "note" else f"{kind}: {text}"
        lines += [[(f" {line}", MUTED if kind == "note" else "$text-warning")] for line in wrap(words, width - 2)]
    return lines, [one.candidate for one in shown]


def _table(
    shown: Sequence[CandidateRatio], candidate_styles: Mapping[str, CandidateStyle], highlighted: str, width: int
) -> list[Line]:
    name = name_width([one.name for one in shown], width)
    texts: dict[str, list[str]] = {
        "saved": [format_duration(one.baseline_p50) for one in shown],
        "p50": [format_duration(one.p50) for one in shown],
        "ratio": [f"{times(one.ratio)}×" for one in shown],
        "95 % CI": [f"{times(one.low)}–{times(one.high)}" if one.low and one.high else "" for one in shown],
        "verdict": [str(one.verdict or "–") for one in shown],
    }
    if not any(texts["95 % CI"]):
        del texts["95 % CI"]
    sizes = {head: max(cell_len(head), *map(cell_len, column)) + _GAP for head, column in texts.items()}
    for less_important in ("saved", "95 % CI"):
        if width - 5 - sum(sizes.values()) < min(name, _WANTED_NAME):
            sizes.pop(less_important, None)
    name = max(min(name, width - 5 - sum(sizes.values())), _MIN_NAME)
    room = width - name - 5 - sum(sizes.values()) - _GAP
    scale = RatioScale.over(shown, room) if room >= _MIN_PLOT else None
    head = " " * (name + 4) + "".join(fit(one, size, right=True) for one, size in sizes.items())
    lines: list[Line] = [[(fit(head, width).rstrip(), MUTED)]]
    names = short_names([sanitize_line(one.name) for one in shown], name)
    for index, (one, short) in enumerate(zip(shown, names, strict=True)):
        colour, shape = candidate_styles[one.candidate]
        styles = {"p50": f"bold {colour}", "verdict": VERDICT_COLOURS.get(one.verdict or "", MUTED), "ratio": ""}
        parts: list[Piece] = name_pieces(fit(short, name), colour, shape, highlighted=one.candidate == highlighted)
        parts += [(fit(texts[head][index], size, right=True), styles.get(head, MUTED)) for head, size in sizes.items()]
        if scale:
            parts += [("  ", ""), *scale.draw(one.low, one.ratio, one.high, colour)]
        lines.append(parts)
    if scale:
        lines.append([(" " * (width - room - 1) + scale.ticks(), MUTED)])
    return lines
