"""A table with a row per model, which is shown if there is no room for cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.containers import VerticalScroll

from latency_tui.text.formatting import format_duration
from latency_tui.text.short_names import short_names, split_settings
from latency_tui.tui.layout import Layout
from latency_tui.tui.state import ShownMeasurement
from latency_tui.tui.styles import KEY, MUTED, CandidateStyle
from latency_tui.tui.text import fit, sanitize_line
from latency_tui.tui.widgets.figures import bound, limit_words, ratio_cell, short_interval
from latency_tui.tui.widgets.painted_widget import CandidatePointed
from latency_tui.tui.widgets.styled_lines import Line, Piece, StyledLines

if TYPE_CHECKING:
    from latency_tui.result.result import Statistics


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures: its heading, its rank if there is too little room, and its text."""

    heading: str
    rank: int
    text: Callable[[Statistics, tuple[str, str, str]], str]


_LIMITS = "limits"
"""Heading of the column that is shown only if the plan has limits."""


_COLUMNS = (
    Column("p50", 0, lambda s, _: format_duration(s.p50.value)),
    Column("95 % CI", 3, lambda s, _: short_interval(s.p50)),
    Column("vs baseline", 1, lambda _, ratio: ratio[0]),
    Column("95 % CI", 4, lambda _, ratio: ratio[1]),
    Column("p99", 2, lambda s, _: bound(s.p99)),
    Column("mean", 5, lambda s, _: format_duration(s.mean)),
    Column("std", 6, lambda s, _: format_duration(s.std)),
    Column("min", 7, lambda s, _: format_duration(s.min)),
    Column("max", 8, lambda s, _: format_duration(s.max)),
)
_NAME_WIDTH = 22


class ResultTable(VerticalScroll):
    """The table; a click highlights a row."""

    ALLOW_MAXIMIZE = False
    can_focus = False
    _painted: tuple[object, ...] = ()
    _slugs: tuple[str, ...] = ()
    _headings = True

    def compose(self):  # type: ignore[no-untyped-def]  # one child
        """Yield the text."""
        yield StyledLines(id="rows")

    def paint(
        self,
        measurement: ShownMeasurement,
        candidate_styles: Mapping[str, CandidateStyle],
        highlighted: str,
        layout: Layout,
        *,
        running: bool,
    ) -> None:
        """Show a measurement."""
        facts = (measurement, tuple(candidate_styles.items()), highlighted, layout, running)
        if facts == self._painted:
            return
        self._painted = facts
        self._headings = layout.headings
        self._slugs = tuple(c.slug for c in measurement.candidates)
        scrolls = len(self._slugs) + layout.headings > layout.summary
        width = layout.width - (self.scrollbar_size_vertical if scrolls else 0)
        lines = table_lines(
            measurement, candidate_styles, highlighted, headings=layout.headings, width=width, running=running
        )
        self.query_one("#rows", StyledLines).draw(lines)
        if highlighted in self._slugs:
            row = self._slugs.index(highlighted) + layout.headings
            above, height = int(self.scroll_offset.y), self.size.height
            if not above <= row < above + height:
                self.scroll_to(y=row if row < above else row - height + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        """Highlight the row under the pointer."""
        place = event.y - self._headings  # relative to the rows, however far the table is scrolled
        if 0 <= place < len(self._slugs):
            self.post_message(CandidatePointed(self._slugs[int(place)]))


def table_lines(
    measurement: ShownMeasurement,
    candidate_styles: Mapping[str, CandidateStyle],
    highlighted: str,
    *,
    headings: bool,
    width: int,
    running: bool,
) -> list[Line]:
    """Return the table's lines, with as many columns as fit into `width` cells."""
    result = measurement.result
    if result is None:
        return []
    candidates = measurement.candidates
    texts = [
        [
            column.text(c.statistics, ratio_cell(result, c)) if c.statistics and c.status != "failed" else ""
            for column in _COLUMNS
        ]
        for c in candidates
    ]
    heads, ranks = [column.heading for column in _COLUMNS], [column.rank for column in _COLUMNS]
    if result.limits:
        heads.append(_LIMITS)
        ranks.append(1)
        texts = [[*row, limit_words(result, c.slug)[0]] for row, c in zip(texts, candidates, strict=True)]
    sizes = [
        max(cell_len(head), *(cell_len(row[index]) for row in texts)) + 2 for index, head in enumerate(heads)
    ] if texts else []  # fmt: skip
    names, settings = split_settings([sanitize_line(c.name) for c in candidates])
    longest = max((cell_len(one) for one in (*names, settings)), default=0)
    name = min(longest, _NAME_WIDTH, max(width - 4 - 10, 1))
    kept: list[int] = []
    used = name + 4
    for index in sorted(range(len(sizes)), key=lambda index: ranks[index]):
        if used + sizes[index] >= width:
            break
        kept.append(index)
        used += sizes[index]
    kept.sort()
    lines: list[Line] = []
    if headings:
        line = fit(f"   {settings}", name + 4) + "".join(fit(heads[index], sizes[index], right=True) for index in kept)
        lines.append([(fit(line, width).rstrip(), MUTED)])
    names = short_names(names, name)
    for candidate, row, short in zip(candidates, texts, names, strict=True):
        colour, shape = candidate_styles[candidate.slug]
        mark = "▸" if candidate.slug == highlighted else " "
        failed = candidate.status == "failed"
        parts: list[Piece] = [
            (mark, KEY), (f"{shape} ", "$text-error" if failed else colour),
            (fit(short, name), "$text-error" if failed else "bold"), (" ", ""),
        ]  # fmt: skip
        if candidate.statistics is None or failed:
            words = (
                sanitize_line(candidate.error or "failed")
                if failed
                else "waiting for its first round"
                if running
                else "not measured"
            )
            parts.append((" " + fit(words, max(width - name - 5, 0)), "$text-error" if failed else MUTED))
        else:
            ratio_style = ratio_cell(result, candidate)[2]
            styles = {0: f"bold {colour}", 2: ratio_style, 4: "", 5: "", 6: "", 7: "", 8: ""}
            styles[len(_COLUMNS)] = limit_words(result, candidate.slug)[1]
            parts += [(fit(row[index], sizes[index], right=True), styles.get(index, MUTED)) for index in kept]
        lines.append(parts)
    return lines
