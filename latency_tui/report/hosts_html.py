"""Formats the results of several hosts as one HTML file that works offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from latency_tui.report.html import make_cards, make_section, make_sections, make_table, render_page
from latency_tui.report.interval_svg import IntervalRow, draw_intervals
from latency_tui.report.markup import escape
from latency_tui.report.svg import colour_of, embed, is_positive
from latency_tui.report.table_cells import describe_measurement, format_tail
from latency_tui.text.formatting import NOTHING
from latency_tui.text.hosts import ASSUMPTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latency_tui.result.hosts import HostResult, HostsResult, RatioAcrossHosts
    from latency_tui.result.result import Result


def render_hosts_html(value: HostsResult, compared: Sequence[RatioAcrossHosts], ratios: Sequence[Sequence[str]]) -> str:
    """Return a page: the answer over all hosts, tables and a chart of them, and the report of each host.

    Args:
        value: The results.
        compared: The ratios that are drawn.
        ratios: A table of them, with a heading.
    """
    measured = {one.host: one.result for one in value.hosts if one.result is not None}
    title = "1 host" if len(value.hosts) == 1 else f"{len(value.hosts):,} hosts"
    if measured:
        title = f"{describe_measurement(next(iter(measured.values())))} · {title}"
    sections = [
        _machines(value.hosts),
        _ratios(value, measured, compared, ratios),
        _latencies(value, measured),
        *map(_host, value.hosts),
    ]
    return render_page(title, value.created_at, value.answer, [section for section in sections if section])


def _machines(hosts: Sequence[HostResult]) -> str:
    rows = []
    for one in hosts:
        machine, noise = (one.result.environment, one.result.noise) if one.result else (None, None)
        cells = [one.host, one.cpu or NOTHING]
        cells += [str(machine.cores), machine.os, machine.python] if machine else [NOTHING] * 3
        level = f'<span class="{noise.level}">{noise.level}</span>' if noise else NOTHING
        rows.append([*map(escape, cells), level, f'<span class="failed">{escape(one.error)}</span>'])
    heads = ["host", "CPU", "cores", "system", "Python", "noise", "error"]
    if not any(one.error for one in hosts):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return make_section("Hosts", make_table(heads, rows, text={0, 1, 3, 4, 5, 6}))


def _ratios(
    value: HostsResult,
    measured: dict[str, Result],
    compared: Sequence[RatioAcrossHosts],
    ratios: Sequence[Sequence[str]],
) -> str:
    if not compared:
        return ""
    heads, *rows = ratios
    equivalence = max(result.equivalence for result in measured.values())
    content, height = draw_intervals([*_intervals(compared, measured)], equivalence)
    chart = f'<div class="chart">{embed(content, height, f"Comparison: {value.answer}")}</div>' if content else ""
    table = make_table(heads, [[escape(cell) for cell in row] for row in rows], text={*range(len(heads))})
    name = next(one.name for one in value.plan.candidates if one.slug == value.across_hosts[0].baseline)
    hint = f"Latency divided by that of {escape(name)}, the baseline, on the same host; above 1 is slower."
    return make_section("Comparison on every host", chart + table, hint)


def _intervals(compared: Sequence[RatioAcrossHosts], measured: dict[str, Result]) -> Iterator[IntervalRow]:
    for across in compared:
        for one in across.hosts:
            candidate = measured[one.host].candidate(across.candidate)
            if is_positive(one.ratio):
                yield IntervalRow(
                    name=f"{candidate.name} on {one.host}",
                    colour=colour_of(candidate),
                    verdict=one.verdict,
                    ratio=one.ratio,
                    low=one.low,
                    high=one.high,
                )


def _latencies(value: HostsResult, measured: dict[str, Result]) -> str:
    """Return a table of the p50 of each model on each host."""
    rows = []
    for planned in value.plan.candidates:
        cells = [escape(planned.name)]
        for result in measured.values():
            found = next((one for one in result.candidates if one.slug == planned.slug), None)
            if found is None or found.statistics is None:
                cells.append(f'<span class="failed">{found.status}</span>' if found else NOTHING)
            else:
                cells.append(escape(format_tail(found.statistics.p50)))
        rows.append(cells)
    table = make_table(["model", *measured], rows, text={0}) if measured else ""
    return make_section("Latency on every host", table, f"p50 of a call with its interval. {ASSUMPTION}")


def _host(one: HostResult) -> str:
    title = escape(f"{one.host} · {one.cpu}" if one.cpu else one.host)
    body = f'<p class="failed">{escape(one.error)}</p>' if one.error else ""
    if one.result is not None:
        body += f"<p>{escape(one.result.answer)}</p>" if one.result.answer else ""
        body += make_cards(one.result)
        rest = "\n".join(make_sections(one.result, with_cards=False))
        body += f"<details><summary>Charts and tables of {escape(one.host)}</summary>{rest}</details>"
    return f'<section class="host"><h2>{title}</h2>{body}</section>'
