"""A card per model: the median with its interval, the comparison, and further figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.containers import Grid
from textual.content import Content

from latency_tui.text.environments import differing_versions, format_versions
from latency_tui.text.formatting import format_call_input, format_duration
from latency_tui.text.short_names import short_names
from latency_tui.tui.commands import ShowFailure
from latency_tui.tui.state import ShownMeasurement
from latency_tui.tui.styles import MUTED, CandidateStyle
from latency_tui.tui.text import fit, sanitize_line, wrap
from latency_tui.tui.widgets.figures import bound, limit_words, needs, ratio_words, short_interval
from latency_tui.tui.widgets.painted_widget import CandidatePointed, PaintedWidget
from latency_tui.tui.widgets.styled_lines import Line, Piece

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result, Statistics
    from latency_tui.stats.percentiles import Percentile


class Card(PaintedWidget):
    """The figures of one candidate."""

    _slug = ""
    _subtitle = ""

    def paint(
        self,
        result: Result,
        candidate: CandidateResult,
        name: str,
        look: CandidateStyle,
        *,
        highlighted: bool,
        running: bool,
    ) -> None:
        """Show one candidate of a result; `name` fits into the title."""
        self._slug = candidate.slug
        width = self.content_size.width
        versions = differing_versions(result).get(candidate.slug, {})
        known = (
            versions != {},
            candidate.predictions,
            candidate.slug,
            candidate.status,
            candidate.error,
            candidate.statistics,
            candidate.received,
        )
        limits, style = limit_words(result, candidate.slug)
        if not self.is_new(known, name, limits, ratio_words(result, candidate), look, highlighted, running):
            return
        colour, shape = look
        failed = candidate.status == "failed"
        self.set_class(failed, "-failed")
        self.set_class(highlighted, "-highlighted")
        named = (f"{shape} {name}", "" if failed else colour)
        room = width - cell_len(named[0]) - 3
        shown = next((words for words in (limits, limits.partition(" ")[0]) if words and cell_len(words) < room), "")
        self.set_title(named, *([("  " + shown, style)] if shown else []))
        received = format_call_input(candidate.received) if candidate.received else ""
        received = f"mostly {received}" if candidate.classes and received else received
        subtitle = fit(" · ".join(filter(None, (format_versions(versions), received))), max(width - 2, 1)).rstrip()
        if subtitle != self._subtitle:  # setting it redraws the whole card
            self._subtitle, self.border_subtitle = subtitle, Content(subtitle)
        self.draw(_lines(result, candidate, colour, width, running=running))

    def on_click(self, event: events.Click) -> None:
        """Highlight this candidate."""
        event.stop()
        if self._slug:
            self.post_message(CandidatePointed(self._slug))


class Cards(Grid):
    """All cards; the layout determines the number of cards per row."""

    async def paint(
        self,
        measurement: ShownMeasurement | None,
        candidate_styles: Mapping[str, CandidateStyle],
        highlighted: str,
        columns: int,
        *,
        running: bool,
    ) -> None:
        """Show a measurement; cards are added and removed, never rebuilt."""
        result = measurement.result if measurement else None
        candidates = measurement.candidates if measurement else ()
        self.styles.grid_size_columns = max(columns, 1)
        cards = list(self.query(Card))
        if len(cards) < len(candidates):
            added = [Card() for _ in range(len(candidates) - len(cards))]
            await self.mount(*added)
            cards += added
        for card in cards[len(candidates) :]:
            await card.remove()
        if result is None:
            return
        width = cards[0].content_size.width if cards else 0
        whole = [sanitize_line(candidate.name) for candidate in candidates]
        names = short_names(whole, max(width - 2, 1), keep_settings=True)
        for card, candidate, name in zip(cards, candidates, names, strict=False):
            pointed = candidate.slug == highlighted
            style = candidate_styles[candidate.slug]
            card.paint(result, candidate, name, style, highlighted=pointed, running=running)


def _lines(result: Result, candidate: CandidateResult, colour: str, width: int, *, running: bool) -> list[Line]:
    if candidate.status == "failed":
        lines = wrap(sanitize_line(candidate.error or "It failed."), width)[:4]
        hint = (f"{ShowFailure.key_label()} shows the traceback", MUTED)
        return [*([(line, "$text-error")] for line in lines), [hint]]
    statistics = candidate.statistics
    if statistics is None:
        return [[("waiting for its first round" if running else "not measured", MUTED)]]
    words, interval, style = ratio_words(result, candidate)
    median = (format_duration(statistics.p50.value), f"bold {colour}")
    return [
        [median, *_interval(statistics.p50, width, running=running)],
        [(words, style), ("  " + interval if interval else "", MUTED)],
        _pair("mean", format_duration(statistics.mean), "std", format_duration(statistics.std)),
        _differing_predictions(candidate)
        or _average_call(candidate)
        or _pair("min", format_duration(statistics.min), "max", format_duration(statistics.max)),
        _tail(statistics, width),
    ]


def _differing_predictions(candidate: CandidateResult) -> list[Piece]:
    found = candidate.predictions
    if found is None or not found.differing:
        return []
    return [(f"predicts {found.differing:,}/{found.rows:,} differently", "$text-warning")]


def _average_call(candidate: CandidateResult) -> list[Piece]:
    """Return the average call of a mix, by which candidates are compared; empty if there is no mix."""
    if candidate.mix_average is None:
        return []
    return [("average call  ", MUTED), (format_duration(candidate.mix_average), "")]


def _pair(one: str, left: str, other: str, right: str) -> list[Piece]:
    return [(f"{one:<5}", MUTED), (f"{left:<8}", ""), (f" {other:<4}", MUTED), (right, "")]


def _interval(p50: Percentile, width: int, *, running: bool) -> list[Piece]:
    """Return the interval, or what it needs; empty while the measurement runs, because more calls follow."""
    if interval := short_interval(p50):
        return [("  " + interval, "")]
    want = "" if running else needs(p50)
    return _fitting(want, ("  CI ", "  "), width - len(format_duration(p50.value)))


def _tail(statistics: Statistics, width: int) -> list[Piece]:
    value, want = bound(statistics.p99), needs(statistics.p99)
    parts = [("p99  " if not want else "p99 ", MUTED), (value, "")]
    return parts + _fitting(want, (", ", " "), width - 4 - len(value))


def _fitting(want: str, starts: tuple[str, str], room: int) -> list[Piece]:
    """Return what a percentile needs in the longest wording that fits."""
    long, short = starts
    for words in (long + want, short + want, short + want.removesuffix(" calls")):
        if want and len(words) <= room:
            return [(words, MUTED)]
    return []
