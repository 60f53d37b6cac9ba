"""The tab Compare: every candidate against the baseline, and a table of figures that can be sorted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult

from latency_tui.analysis.saved_results import compare_saved
from latency_tui.text.formatting import PERCENTILES
from latency_tui.text.short_names import short_names
from latency_tui.text.summary import describe_effort
from latency_tui.tui.charts.interval_plot import RatioScale
from latency_tui.tui.state import date_text
from latency_tui.tui.styles import MUTED, CandidateStyle
from latency_tui.tui.text import fit, sanitize_line, wrap
from latency_tui.tui.widgets.compare_columns import (
    DOWN,
    MEDIAN,
    NAME,
    UP,
    VERDICT_COLOURS,
    Column,
    columns_of,
    fitting,
    name_pieces,
    name_width,
    sort_candidates,
)
from latency_tui.tui.widgets.figures import DOUBT, comparison_of, ratio_cell, ratio_words
from latency_tui.tui.widgets.painted_widget import CandidatePointed, SizeChanged
from latency_tui.tui.widgets.pane import PaintContext, Pane
from latency_tui.tui.widgets.saved_comparison import saved_comparison_lines
from latency_tui.tui.widgets.styled_lines import Line, Piece, StyledLines

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.result.saved_comparison import SavedComparison
    from latency_tui.stats.percentiles import Percentile
    from latency_tui.tui.state import SavedBaseline, ShownMeasurement


Spot = tuple[int, int, str]
"""First column of a heading, the column after it, and the key that it sorts by."""


class Sort(NamedTuple):
    """The column that the rows are sorted by, and whether the order is reversed."""

    key: str
    reverse: bool


class ComparePane(Pane, can_focus=True):
    """Ratios with intervals drawn to scale, verdicts and group letters, above a table that can be sorted.

    It is not a DataTable, because that takes 12.5 ms per redraw with six models, half of the budget of 25 ms. Lines
    take 2.3 ms.
    """

    ALLOW_MAXIMIZE = True
    _painted: tuple[object, ...] = ()
    _job = ""
    _sorted_by = MEDIAN
    _reverse = False
    _keys: tuple[str, ...] = ()
    _order: tuple[str, ...] = ()
    _rows: dict[int, str]
    _headings: dict[int, list[Spot]]

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield StyledLines(id="comparison")

    def on_resize(self) -> None:
        """Report the new size."""
        self.post_message(SizeChanged())

    def paint(self, context: PaintContext) -> None:
        """Show the state."""
        measurement, candidate_styles, running = context.state.measurement, context.styles, context.running
        highlighted = (
            context.state.highlighted if measurement is None else measurement.cell_of(context.state.highlighted)
        )
        width = self.scrollable_content_region.width
        saved = context.state.saved_baseline
        facts = (
            measurement,
            saved,
            tuple(candidate_styles.items()),
            highlighted,
            width,
            self._sorted_by,
            self._reverse,
            running,
        )
        if facts == self._painted or measurement is None or measurement.result is None:
            return
        self._painted = facts
        result = measurement.result
        shown = _comparable(measurement.candidates)
        columns = columns_of(result, shown)
        self._keys = (NAME, *(column.key for column in columns))
        sort = Sort(self._sorted_by if self._sorted_by in self._keys else MEDIAN, self._reverse)
        column = next((column for column in columns if column.key == sort.key), None)
        before = self._order if measurement.job == self._job else ()
        candidates = sort_candidates(
            tuple(shown), column, reverse=sort.reverse, before=before[::-1] if sort.reverse else before, running=running
        )
        self._job, self._order = measurement.job, tuple(c.slug for c in candidates)
        lines, self._rows = list[Line](), dict[int, str]()
        if saved is not None:
            lines, slugs = saved_comparison_lines(
                _compare_saved(saved, measurement), self._order, candidate_styles, highlighted, width
            )
            self._rows = {2 + index: slug for index, slug in enumerate(slugs)}
            lines.append([])
        if len(shown) > 1:
            self._rows |= {len(lines) + 1 + index: slug for index, slug in enumerate(self._order)}
        lines += [*comparison_lines(result, candidates, candidate_styles, highlighted, width), []]
        first = len(lines)
        table, spots = figure_lines(candidates, columns, candidate_styles, highlighted, width, sort)
        self._rows |= {first + 1 + index: slug for index, slug in enumerate(self._order)}
        self._headings = {first: spots}
        lines += [
            *table,
            *doubt_lines(result, candidates, width),
            *effort_lines(result, candidates, width),
            *failure_lines(measurement.candidates, width),
        ]
        self.query_one("#comparison", StyledLines).draw(lines)

    def sort_by_next(self) -> None:
        """Sort by the column after the one sorted by."""
        if self._keys:
            place = self._keys.index(self._sorted_by) if self._sorted_by in self._keys else 0
            self.sort_by(self._keys[(place + 1) % len(self._keys)])

    def reverse(self) -> None:
        """Show the last row first."""
        self._reverse = not self._reverse
        self.post_message(SizeChanged())

    def sort_by(self, key: str) -> None:
        """Sort by a column, its best value first."""
        self._sorted_by, self._reverse = key, False
        self.post_message(SizeChanged())

    def on_click(self, event: events.Click) -> None:
        """Highlight the model in the row under the pointer, or sort by the heading; a second click reverses."""
        if event.widget is self:  # outside the text
            return
        if slug := self._rows.get(event.y):
            self.post_message(CandidatePointed(slug))
        for start, end, key in self._headings.get(event.y, ()):
            if start <= event.x < end and key == self._sorted_by:
                self.reverse()
            elif start <= event.x < end:
                self.sort_by(key)


def _compare_saved(saved: SavedBaseline, measurement: ShownMeasurement) -> SavedComparison:
    """Compare the result on the screen with the saved baseline; without earlier results until these are read."""
    assert measurement.result is not None
    name = f"saved {date_text(measurement.result.created_at)}" if measurement.is_saved else "this result"
    earlier = saved.earlier if measurement.job in saved.compared else ()
    return compare_saved(saved.result, measurement.result, names=(f"saved {saved.title}", name), earlier=earlier)


def comparison_lines(
    result: Result,
    candidates: tuple[CandidateResult, ...],
    candidate_styles: Mapping[str, CandidateStyle],
    highlighted: str,
    width: int,
) -> list[Line]:
    """Return a heading, a line per candidate, and the scale below them."""
    shown = _comparable(candidates)
    if not shown:
        return [[(" Nothing was measured.", MUTED)]]
    if len(shown) == 1:
        return [[(" A comparison needs two models.", MUTED)]]
    name = name_width([c.name for c in shown], width)
    words = {c.slug: ratio_cell(result, c) for c in shown}
    ratio_width = max(cell_len(words[c.slug][0]) for c in shown) + 2
    interval_width = max(7, *(cell_len(words[c.slug][1]) for c in shown)) + 2
    verdict_width = 14
    letters = any(c.group for c in shown)
    group_width = max(5, *(len(c.group) for c in shown)) + 2 if letters else 0
    room = width - name - 4 - ratio_width - interval_width - verdict_width - group_width - 3
    if room < 28:
        room += verdict_width
        verdict_width = 0
    if room < 12:
        room += interval_width
        interval_width = 0
    if room < 8:
        room = 0
    found = (comparison_of(result, c.slug) for c in shown)
    scale = RatioScale.over((one for one in found if one), room) if room else None
    baseline = next((c for c in shown if c.slug == result.baseline), shown[0])
    title = fit(f" against {sanitize_line(baseline.name)}", name + 4 + ratio_width)
    head = title + fit("95 % CI", interval_width, right=True) + fit("verdict", verdict_width, right=True)
    head += fit("group", group_width, right=True)
    lines: list[Line] = [[(fit(head, width).rstrip(), MUTED)]]
    names = short_names([sanitize_line(c.name) for c in shown], name)
    for candidate, short in zip(shown, names, strict=True):
        colour, shape = candidate_styles[candidate.slug]
        text, interval, style = words[candidate.slug]
        comparison = comparison_of(result, candidate.slug)
        verdict = comparison.verdict if comparison else ""
        parts: list[Piece] = [
            *name_pieces(fit(short, name), colour, shape, highlighted=candidate.slug == highlighted),
            (fit(text, ratio_width, right=True), style),
            (fit(interval, interval_width, right=True), MUTED),
            (fit(verdict, verdict_width, right=True), VERDICT_COLOURS.get(verdict, "")),
            (fit(candidate.group, group_width, right=True), ""),
        ]
        if scale:
            ends = (comparison.low, comparison.ratio, comparison.high) if comparison else (1.0, 1.0, 1.0)
            parts += [("  ", ""), *scale.draw(*ends, colour)]
        lines.append(parts)
    if scale:
        lead = " " * (width - room - 1)
        lines.append([(lead + scale.ticks(), MUTED)])
    return lines


def figure_lines(
    candidates: tuple[CandidateResult, ...],
    columns: list[Column],
    candidate_styles: Mapping[str, CandidateStyle],
    highlighted: str,
    width: int,
    sort: Sort,
) -> tuple[list[Line], list[Spot]]:
    """Return a heading, a line per candidate and notes; and the positions of the headings, which sort on a click."""
    shown = list(candidates)
    if not shown:
        return [], []
    name = name_width([c.name for c in shown], width)
    kept = fitting(columns, width - name - 4 - 1, sorted_by=sort.key)
    heading: list[Piece] = []
    spots: list[Spot] = []
    at = 0
    for key, words, size in ((NAME, "   model", name + 4), *((c.key, c.heading, c.width) for c in kept)):
        best_first = next((c.highest_first for c in kept if c.key == key), False)
        arrow = (DOWN if best_first != sort.reverse else UP) if key == sort.key else ""
        heading.append((fit(words + arrow, size, right=key != NAME), "bold" if arrow else MUTED))
        spots.append((at, at + size, key))
        at += size
    lines: list[Line] = [heading]
    names = short_names([sanitize_line(c.name) for c in shown], name)
    for candidate, short in zip(shown, names, strict=True):
        slug = candidate.slug
        colour, shape = candidate_styles[slug]
        parts = name_pieces(fit(short, name), colour, shape, highlighted=slug == highlighted)
        for column in kept:
            text = column.texts.get(slug, "–")
            style = f"bold {colour}" if column.key == MEDIAN else MUTED if text == "–" else column.styles.get(slug, "")
            parts.append((fit(text, column.width, right=True), style))
        lines.append(parts)
    keys = [column.key for column in kept if column.key in PERCENTILES]
    text = _lacking([(key, getattr(c.statistics, key)) for key in keys for c in shown])
    if dropped := [column.heading for column in columns if column not in kept]:
        text += f" No room for: {', '.join(dropped)}."
    return lines + [[(f" {line}", MUTED)] for line in (wrap(text.strip(), width - 2) if text else ())], spots


def _lacking(percentiles: list[tuple[str, Percentile]]) -> str:
    """Return what each percentile needs for an interval, by key: the largest need of any candidate."""
    calls, launches, seconds = dict[str, int](), dict[str, int](), dict[str, float]()
    for key, percentile in percentiles:
        name = key.replace("_", ".")
        if percentile.calls_needed:
            calls[name] = max(calls.get(name, 0), percentile.calls_needed)
        if percentile.launches_needed:
            launches[name] = max(launches.get(name, 0), percentile.launches_needed)
        if percentile.seconds_needed:
            seconds[name] = percentile.seconds_needed
    sentences: list[str] = []
    for lacking, what in ((calls, "calls"), (launches, "launches")):
        if lacking:
            wants = ", ".join(f"{name} {count:,}" for name, count in lacking.items())
            sentences.append(f"Too few {what} for an interval; ≥ marks a lower bound. {what.title()} needed: {wants}.")
    if seconds:
        names, longest = " and ".join(seconds), max(seconds.values())
        sentences.append(f"No interval for {names} yet, because tail latencies drift: measure for {longest:.0f} s.")
    return " ".join(sentences)


def doubt_lines(result: Result, candidates: tuple[CandidateResult, ...], width: int) -> list[Line]:
    """Return explanations of `?` and of the group letters, if they are shown."""
    shown = _comparable(candidates)
    text = f"{DOUBT}." if any(ratio_words(result, c)[0].endswith("?") for c in shown) else ""
    if any(len(c.group) for c in shown):
        text += " Models that share a group letter are not shown to differ."
    return [[(f" {line}", MUTED)] for line in (wrap(text.strip(), width - 2) if text else ())]


def effort_lines(result: Result, candidates: tuple[CandidateResult, ...], width: int) -> list[Line]:
    """Return how much more must be measured to decide the inconclusive pairs, unless the answer says so."""
    shown = {c.slug for c in _comparable(candidates)}
    undecided = [c for c in result.comparisons if c.verdict == "inconclusive" and {c.baseline, c.candidate} <= shown]
    text = describe_effort(result, undecided)
    return [[(f" {line}", MUTED)] for line in (wrap(text, width - 2) if text else ())]


def failure_lines(candidates: tuple[CandidateResult, ...], width: int) -> list[Line]:
    """Return the error of each candidate that failed, and so cannot be compared."""
    lines: list[Line] = []
    for candidate in candidates:
        if candidate.status == "failed":
            words = wrap(sanitize_line(f"{candidate.name} failed: {candidate.error or 'it gave no reason'}"), width - 2)
            lines += [[(f" {line}", "$text-error")] for line in words]
    return lines


def _comparable(candidates: tuple[CandidateResult, ...]) -> list[CandidateResult]:
    return [c for c in candidates if c.statistics and c.status != "failed"]
