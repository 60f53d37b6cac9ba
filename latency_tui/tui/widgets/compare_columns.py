"""The columns of the tab Compare: their texts, their sort keys, and the choice of columns that fit into a width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from latency_tui.plan.metrics import is_greater_better
from latency_tui.report.p99_ratio import tail_ratio
from latency_tui.text.formatting import PERCENTILES, format_duration, format_memory, format_times
from latency_tui.text.limits import WORDS
from latency_tui.text.mix import format_rows
from latency_tui.text.scores import format_score
from latency_tui.tui.result_order import keep_order
from latency_tui.tui.styles import KEY, MUTED
from latency_tui.tui.text import sanitize_line
from latency_tui.tui.widgets.figures import bound, comparison_of
from latency_tui.tui.widgets.styled_lines import Piece

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result
    from latency_tui.stats.percentiles import Percentile

NAME, MEDIAN = "name", "p50"
UP, DOWN = " ↑", " ↓"
_GAP = 2
_RANKS = (
    "p50",
    "average call",
    "class",
    "p99",
    "class vs baseline",
    "limit",
    "score",
    "memory",
    "cold start",
    "p95",
    "p90",
    "p99 vs baseline",
    "p99_9",
    "p97",
)
"""Kinds of columns, the most important first: the last ones are dropped if the terminal is too narrow.

Score, memory and cold start are what a latency is weighed against, so they come before further percentiles.
"""
_LIVE_SLACK = 0.05  # while numbers come in, rows whose latencies are closer than this keep their places
VERDICT_COLOURS = {"faster": "$text-success", "slower": "$text-warning", "same": MUTED, "inconclusive": MUTED}
_VERDICT_STYLES = {"pass": "$text-success", "fail": "$text-error", "inconclusive": "$text-warning"}
_VERDICT_ORDER = {"pass": 0.0, "inconclusive": 1.0, "fail": 2.0}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Name of the column in a sort order.
        heading: Heading of the column.
        kind: Kind of the column in `_RANKS`, which determines its importance.
        texts: Text by slug; a candidate without a text shows a dash.
        values: Sort key by slug; candidates without a value come last.
        styles: Style by slug.
        highest_first: Whether the best value is the highest.
    """

    key: str
    heading: str
    kind: str
    texts: dict[str, str]
    values: dict[str, float]
    styles: dict[str, str]
    highest_first: bool = False

    @property
    def width(self) -> int:
        """Width in cells, including the gap before the column and the arrow."""
        return max(cell_len(self.heading) + len(UP), *map(cell_len, self.texts.values())) + _GAP


def _is_greater_better(shown: list[CandidateResult]) -> bool:
    """Return whether the best score is the highest."""
    return all(is_greater_better(candidate.metric) for candidate in shown)


def columns_of(result: Result, shown: list[CandidateResult]) -> list[Column]:
    """Return the columns that are not empty, from left to right."""
    columns = [_percentile_column(key, shown) for key in PERCENTILES]
    columns[1:1] = _columns_of_mix(result, shown)
    tails = {c.slug: text for c in shown if (text := tail_ratio(result, comparison_of(result, c.slug)))}
    if tails:
        found = {slug: comparison_of(result, slug) for slug in tails}
        values = {slug: c.p99_ratio for slug, c in found.items() if c is not None and c.p99_ratio is not None}
        columns.append(Column("p99 vs baseline", "p99 vs baseline", "p99 vs baseline", tails, values, {}))
    columns += [
        _figure_column("score", shown, lambda c: c.score, format_score, highest_first=_is_greater_better(shown)),
        _figure_column("memory", shown, _memory, lambda size: format_memory(int(size))),
        _figure_column("cold start", shown, lambda c: _cold_start(result, c), format_duration),
    ]
    for limit in dict.fromkeys(verdict.limit for verdict in result.limits):
        mine = {v.candidate: v.verdict for v in result.limits if v.limit == limit}
        texts = {slug: WORDS[verdict] for slug, verdict in mine.items()}
        styles = {slug: _VERDICT_STYLES[verdict] for slug, verdict in mine.items()}
        values = {slug: _VERDICT_ORDER[verdict] for slug, verdict in mine.items()}
        columns.append(Column(limit, sanitize_line(limit), "limit", texts, values, styles))
    return [column for column in columns if column.texts]


def sort_candidates(
    candidates: tuple[CandidateResult, ...],
    column: Column | None,
    *,
    reverse: bool,
    before: tuple[str, ...],
    running: bool,
) -> tuple[CandidateResult, ...]:
    """Return the candidates in order; those without a value come last.

    Args:
        candidates: The candidates, from fast to slow.
        column: The column to sort by; None for the name.
        reverse: Whether the worst or last comes first.
        before: Slugs in the order on the screen.
        running: Whether the measurement runs; neighbours that are almost equal then keep their order.
    """
    if column is None:
        return tuple(sorted(candidates, key=lambda c: sanitize_line(c.name).casefold(), reverse=reverse))
    values = column.values
    known = [c.slug for c in candidates if c.slug in values]
    if column.key == MEDIAN:
        order = known  # candidates come in the order of their medians
    elif running and column.kind in PERCENTILES:
        order = keep_order({slug: values[slug] for slug in known}, before, slack=_LIVE_SLACK)
    else:
        order = sorted(known, key=lambda slug: -values[slug] if column.highest_first else values[slug])
    if reverse:
        order = order[::-1]
    place = {slug: index for index, slug in enumerate(order)}
    return tuple(sorted(candidates, key=lambda c: place.get(c.slug, len(place))))


def fitting(columns: list[Column], room: int, *, sorted_by: str) -> list[Column]:
    """Return the columns that fit into a number of cells: the one sorted by, then the most important ones."""
    kept: set[str] = set()
    for column in sorted(columns, key=lambda c: -1 if c.key == sorted_by else _RANKS.index(c.kind)):
        if column.width > room and kept:
            break
        kept.add(column.key)
        room -= column.width
    return [column for column in columns if column.key in kept]


def name_width(names: Sequence[str], width: int) -> int:
    """Return the columns for names in a pane of some width."""
    return max(min(max(cell_len(sanitize_line(name)) for name in names), 26, width - 24), 1)


def name_pieces(name: str, colour: str, shape: str, *, highlighted: bool) -> list[Piece]:
    """Return the start of a candidate's line: a mark if it is highlighted, its shape and its name."""
    return [("▸" if highlighted else " ", KEY), (f"{shape} ", colour), (name, "bold"), (" ", "")]


def _percentile_column(key: str, shown: list[CandidateResult]) -> Column:
    found: dict[str, Percentile] = {c.slug: getattr(c.statistics, key) for c in shown}
    texts = {slug: bound(percentile, key) for slug, percentile in found.items()}
    figures = {slug: p.low if key != MEDIAN and p.is_bound else p.value for slug, p in found.items()}
    values = {slug: figure for slug, figure in figures.items() if figure is not None}
    styles = {slug: MUTED for slug, text in texts.items() if text.startswith("≥") or text == "–"}
    return Column(key, key.replace("_", "."), key, texts, values, styles)


def _columns_of_mix(result: Result, shown: list[CandidateResult]) -> list[Column]:
    """Return the average call, and per class of calls of a mix the p50 and the ratio to the baseline."""
    columns = [_figure_column("average call", shown, lambda c: c.mix_average, format_duration)]
    compared = {one.batch_size: one.comparisons for one in result.class_comparisons}
    for number, one in enumerate(shown[0].classes if shown else ()):
        rows = format_rows(one.batch_size, one.largest_batch_size)
        values = {c.slug: v for c in shown if c.classes and (v := c.classes[number].p50.value) is not None}
        texts = {slug: format_duration(value) for slug, value in values.items()}
        columns.append(Column(rows, rows, "class", texts, values, {}))
        pairs = {pair.candidate: pair for pair in compared.get(one.batch_size, ()) if pair.ratio is not None}
        ratios = {slug: pair.ratio or 0.0 for slug, pair in pairs.items()}
        words = {slug: format_times(ratio) for slug, ratio in ratios.items()}
        styles = {slug: VERDICT_COLOURS[pair.verdict] for slug, pair in pairs.items()}
        columns.append(Column(f"{rows} vs baseline", f"{rows} vs baseline", "class vs baseline", words, ratios, styles))
    return columns


def _figure_column(
    key: str,
    shown: list[CandidateResult],
    value_of: Callable[[CandidateResult], float | None],
    words: Callable[[float], str],
    *,
    highest_first: bool = False,
) -> Column:
    values = {c.slug: value for c in shown if (value := value_of(c)) is not None}
    texts = {slug: words(value) for slug, value in values.items()}
    return Column(key, key, key, texts, values, {}, highest_first)


def _memory(candidate: CandidateResult) -> float | None:
    return candidate.cold_start.memory_peak if candidate.cold_start else None


def _cold_start(result: Result, candidate: CandidateResult) -> float | None:
    """Return from a fresh process to its first answer: import, load and first call, as a limit on it counts them."""
    for verdict in result.limits:
        if (verdict.candidate, verdict.metric, verdict.relative) == (candidate.slug, "cold_start", False):
            return verdict.value
    start = candidate.cold_start
    if start is None or not start.first_calls:
        return None
    return start.import_seconds + start.load_seconds + start.first_calls[0]
