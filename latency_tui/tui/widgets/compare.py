"""The tab Compare: every candidate against the baseline, to scale; below it percentiles side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from latency_tui.report.tails import tail_ratio
from latency_tui.text.formatting import PERCENTILES
from latency_tui.text.summary import what_would_settle
from latency_tui.tui.charts.interval_plot import RatioScale
from latency_tui.tui.state import Measurement
from latency_tui.tui.styles import KEY, MUTED, CandidateStyle
from latency_tui.tui.text import clean, fit, short_names, wrap
from latency_tui.tui.widgets.figures import DOUBT, bound, comparison_of, ratio_cell, ratio_words
from latency_tui.tui.widgets.lines import Line, Lines, Piece
from latency_tui.tui.widgets.painted import SizeChanged

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Percentile, Result

_TAILS = "p99 vs baseline"
_DEAREST_FIRST = ("p50", "p99", "p95", "p90", _TAILS, "p99_9", "p97")
_VERDICTS = {
    "faster": "$text-success",
    "slower": "$text-warning",
    "same": MUTED,
    "inconclusive": MUTED,
}


class ComparePane(VerticalScroll):
    """Ratios with their intervals drawn to scale, verdicts and letters; percentiles with their bounds."""

    ALLOW_MAXIMIZE = True
    _painted: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Lines(id="comparison")

    def on_resize(self) -> None:
        """Ask for new paint."""
        self.post_message(SizeChanged())

    def paint(self, measurement: Measurement | None, looks: Mapping[str, CandidateStyle], highlighted: str) -> None:
        """Show the snapshot."""
        width = self.scrollable_content_region.width
        facts = (measurement, tuple(looks.items()), highlighted, width)
        if facts == self._painted or measurement is None or measurement.result is None:
            return
        self._painted = facts
        result = measurement.result
        lines = [
            *comparison_lines(result, measurement.candidates, looks, highlighted, width),
            [],
            *percentile_lines(result, measurement.candidates, looks, highlighted, width),
            *doubt_lines(result, measurement.candidates, width),
            *settling_lines(result, measurement.candidates, width),
            *failure_lines(measurement.candidates, width),
        ]
        self.query_one("#comparison", Lines).draw(lines)


def comparison_lines(
    result: Result,
    candidates: tuple[CandidateResult, ...],
    looks: Mapping[str, CandidateStyle],
    highlighted: str,
    width: int,
) -> list[Line]:
    """Return a heading, a line a candidate and the scale beneath them."""
    shown = _comparable(candidates)
    if not shown:
        return [[(" Nothing was measured.", MUTED)]]
    if len(shown) == 1:
        return [[(" A comparison takes two models.", MUTED)]]
    name = _name_width(shown, width)
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
    scale = RatioScale.over(result, shown, room) if room else None
    baseline = next((c for c in shown if c.slug == result.baseline), shown[0])
    title = fit(f" against {clean(baseline.name)}", name + 4 + ratio_width)
    head = title + fit("95 % CI", interval_width, right=True) + fit("verdict", verdict_width, right=True)
    head += fit("group", group_width, right=True)
    lines: list[Line] = [[(fit(head, width).rstrip(), MUTED)]]
    names = short_names([clean(c.name) for c in shown], name)
    for candidate, short in zip(shown, names, strict=True):
        colour, shape = looks[candidate.slug]
        text, interval, style = words[candidate.slug]
        comparison = comparison_of(result, candidate.slug)
        verdict = comparison.verdict if comparison else ""
        parts: list[Piece] = [
            *_name(fit(short, name), colour, shape, highlighted=candidate.slug == highlighted),
            (fit(text, ratio_width, right=True), style),
            (fit(interval, interval_width, right=True), MUTED),
            (fit(verdict, verdict_width, right=True), _VERDICTS.get(verdict, "")),
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


def percentile_lines(
    result: Result,
    candidates: tuple[CandidateResult, ...],
    looks: Mapping[str, CandidateStyle],
    highlighted: str,
    width: int,
) -> list[Line]:
    """Return a heading and a line a candidate, with as many percentiles as fit; then what the bounds mean.

    Where p99 were compared with the baseline's, a last column says how, which counts for more than p97 and p99.9.
    """
    shown = _comparable(candidates)
    if not shown:
        return []
    name = _name_width(shown, width)
    cells = {key: [bound(getattr(c.statistics, key), key) for c in shown] for key in PERCENTILES}
    size = {key: max(5, *(cell_len(text) for text in texts)) + 2 for key, texts in cells.items()}
    if any(tails := [_tails(result, candidate) for candidate in shown]):
        cells[_TAILS], size[_TAILS] = tails, max(map(cell_len, (_TAILS, *tails))) + 3
    used = name + 4
    kept: set[str] = set()
    for key in _DEAREST_FIRST:
        if key in size and used + size[key] < width:
            kept.add(key)
            used += size[key]
    order = [key for key in cells if key in kept]
    head = " " * (name + 4) + "".join(fit(key.replace("_", "."), size[key], right=True) for key in order)
    lines: list[Line] = [[(head, MUTED)]]
    names = short_names([clean(c.name) for c in shown], name)
    for index, candidate in enumerate(shown):
        colour, shape = looks[candidate.slug]
        parts = _name(fit(names[index], name), colour, shape, highlighted=candidate.slug == highlighted)
        for key in order:
            text = cells[key][index]
            style = f"bold {colour}" if key == "p50" else MUTED if text.startswith("≥") or text == "–" else ""
            parts.append((fit(text, size[key], right=True), style))
        lines.append(parts)
    text = _lacking([(key, getattr(c.statistics, key)) for key in order if key in PERCENTILES for c in shown])
    return lines + [[(f" {line}", MUTED)] for line in (wrap(text, width - 2) if text else ())]


def _lacking(percentiles: list[tuple[str, Percentile]]) -> str:
    """Return what percentiles lack, the most that any candidate's does, by key."""
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
            sentences.append(
                f"≥ is a lower bound: there are too few {what} for an interval. {what.title()} needed: {wants}."
            )
    if seconds:
        are = "is" if len(seconds) == 1 else "are"
        sentences.append(
            f"{', '.join(seconds)} {are} of this moment: an interval takes {max(seconds.values()):.0f} s of measuring."
        )
    return " ".join(sentences)


def doubt_lines(result: Result, candidates: tuple[CandidateResult, ...], width: int) -> list[Line]:
    """Return what `?` and the letters mean, where there are any."""
    shown = _comparable(candidates)
    text = f"{DOUBT}." if any(ratio_words(result, c)[0].endswith("?") for c in shown) else ""
    if any(len(c.group) for c in shown):
        text += " Models that share a letter under group were not shown to differ."
    return [[(f" {line}", MUTED)] for line in (wrap(text.strip(), width - 2) if text else ())]


def settling_lines(result: Result, candidates: tuple[CandidateResult, ...], width: int) -> list[Line]:
    """Return a line on what would settle the pairs that are inconclusive, unless the answer has said it."""
    if " settle " in result.answer:
        return []
    shown = {c.slug for c in _comparable(candidates)}
    unsettled = [c for c in result.comparisons if c.verdict == "inconclusive" and {c.baseline, c.candidate} <= shown]
    text = what_would_settle(unsettled)
    return [[(f" {line}", MUTED)] for line in (wrap(text, width - 2) if text else ())]


def _tails(result: Result, candidate: CandidateResult) -> str:
    return tail_ratio(result, comparison_of(result, candidate.slug))


def failure_lines(candidates: tuple[CandidateResult, ...], width: int) -> list[Line]:
    """Return a line or two for each candidate that failed, and so is compared with nothing."""
    lines: list[Line] = []
    for candidate in candidates:
        if candidate.status == "failed":
            words = wrap(clean(f"{candidate.name} failed: {candidate.error or 'it gave no reason'}"), width - 2)
            lines += [[(f" {line}", "$text-error")] for line in words]
    return lines


def _comparable(candidates: tuple[CandidateResult, ...]) -> list[CandidateResult]:
    return [c for c in candidates if c.statistics and c.status != "failed"]


def _name_width(candidates: list[CandidateResult], width: int) -> int:
    longest = max(cell_len(clean(c.name)) for c in candidates)
    return max(min(longest, 26, width - 24), 1)


def _name(name: str, colour: str, shape: str, *, highlighted: bool) -> list[Piece]:
    return [("▸" if highlighted else " ", KEY), (f"{shape} ", colour), (name, "bold"), (" ", "")]
