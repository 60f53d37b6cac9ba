"""The load test in reports: rows of the table, and a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.report.markup import escape
from latency_tui.report.svg import AXIS, LINES_HEIGHT, MAX_LINES, colour_of, draw_line, labels_below, line_y, value_axis
from latency_tui.report.table_cells import Row
from latency_tui.text.formatting import NOTHING, format_duration
from latency_tui.text.load import OVERLOADED, format_rate, format_time, format_verdict
from latency_tui.text.offline import format_rows, offline_names
from latency_tui.text.sanitize import clean
from latency_tui.text.scales import extended, line_scale

if TYPE_CHECKING:
    from latency_tui.result.load import LoadResult
    from latency_tui.result.result import CandidateResult, Result


def offline_rows(result: Result) -> list[Row]:
    """Return a row per candidate in the scenario offline."""
    names = offline_names(result)
    return [
        Row(
            candidate=(candidate := result.candidate(one.candidate)),
            verdict="",
            cells={
                "model": clean(names.get(one.candidate, candidate.name)),
                "rows per call": f"{one.batch_size:,.4g}",
                "rows/s": format_rows(one.rows_per_second),
                "95 % CI": NOTHING if one.low is None else f"{format_rows(one.low)}–{format_rows(one.high or 0.0)}",
                "rows/s per core": format_rows(one.rows_per_second_per_core)
                if one.rows_per_second_per_core
                else NOTHING,
            },
        )
        for one in result.offline
    ]


def load_rows(result: Result) -> list[Row]:
    """Return a row per candidate and rate; of a search only the rates at both ends, and those that were tried if none.

    `service` and `wait` are means.
    """
    shown = shown_load(result)
    judged = bool(result.plan.load_limits) or any(not one.valid for one in shown)
    return [_row(result, one, judged=judged) for one in shown]


def shown_load(result: Result) -> list[LoadResult]:
    """Return the figures of all given rates, or of a search those at both ends."""
    ends = {(one.candidate, rate) for one in result.highest_rates for rate in (one.passes, one.fails)}
    searched = {one.candidate for one in result.highest_rates}
    return [one for one in result.load if one.candidate not in searched or (one.candidate, one.rate) in ends]


def _row(result: Result, one: LoadResult, *, judged: bool) -> Row:
    candidate = result.candidate(one.candidate)
    cells = {
        "model": clean(candidate.name),
        "rate": format_rate(one.rate),
        "ρ": f"{one.utilisation:.2f}",
        "service": format_duration(one.service.mean),
        "service p99": format_duration(one.service.p99),
        "wait": format_duration(one.wait.mean),
        "response p50": format_duration(one.response.p50),
        "response p99": OVERLOADED if one.overloaded else format_time(one.response, "p99"),
        "capacity per core": format_rate(one.capacity_per_core),
    }
    if judged:
        cells["verdict"] = format_verdict(one)
    return Row(candidate=candidate, verdict="", cells=cells)


def load_chart(result: Result) -> tuple[str, float, list[CandidateResult]]:
    """Return a line per candidate of its p99 response time over the request rate, the height, and those that are drawn.

    It is empty unless a candidate that is not overloaded was measured at several rates.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for one in result.load:
        if one.response.p99 is not None and one.valid:
            points.setdefault(one.candidate, []).append((one.rate, one.response.p99))
    drawn = [one for one in result.candidates if len(points.get(one.slug, ())) > 1][:MAX_LINES]
    if not drawn:
        return "", 0, []
    every = [point for one in drawn for point in points[one.slug]]
    limits = [one for one in result.plan.load_limits if one.metric != "mean"]
    scale = line_scale(min(p99 for _, p99 in every), max(p99 for _, p99 in every))
    scale = extended(scale, [one.bound for one in limits])
    low, high = min(rate for rate, _ in every), max(rate for rate, _ in every)

    def x_of(rate: float) -> float:
        return 3 + 94 * (rate - low) / (high - low)

    rates = sorted({rate for rate, _ in every})
    parts = [value_axis(scale), labels_below([(x_of(rate), format_rate(rate)) for rate in rates])]
    for limit in (one for one in limits if scale.holds(one.bound)):
        y = line_y(scale.place(limit.bound))
        parts.append(
            f'<line class="limit" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="limit-name" x="100%" y="{y - 4:.1f}" text-anchor="end">{escape(str(limit))}</text>'
        )
    for index, candidate in enumerate(drawn):
        places = [(x_of(rate), scale.place(p99)) for rate, p99 in points[candidate.slug]]
        parts.append(draw_line(candidate, index, places, candidate.name))
        for (rate, p99), (x, place) in zip(points[candidate.slug], places, strict=True):
            hover = escape(f"{candidate.name} at {format_rate(rate)}: p99 {format_duration(p99)}")
            parts.append(
                f'<circle class="dot" style="--c:{colour_of(candidate)}" cx="{x:.2f}%" cy="{line_y(place):.1f}" r="5">'
                f"<title>{hover}</title></circle>"
            )
    return "".join(parts), LINES_HEIGHT + AXIS, drawn
