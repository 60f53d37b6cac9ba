"""Formats the results of several hosts: together as a table, Markdown, JSON or HTML, or the rows of every host."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from latency_tui.report.markdown import render_markdown
from latency_tui.report.markup import escape_markdown
from latency_tui.report.table import render_table
from latency_tui.text.formatting import NOTHING
from latency_tui.text.hosts import ASSUMPTION, columns_of, describe_host_ratio, describe_ratio
from latency_tui.text.sanitize import align, clean

if TYPE_CHECKING:
    from latency_tui.result.hosts import HostResult, HostsResult, RatioAcrossHosts

HostsFormat = Literal["table", "json", "markdown", "html", "csv", "junit", "github-action-benchmark"]
HOSTS_FORMATS: tuple[HostsFormat, ...] = get_args(HostsFormat)


def hosts_pieces(
    value: HostsResult,
    report_format: HostsFormat = "table",
    *,
    width: int | None = None,
    colour: bool = False,
    samples: bool = True,
) -> Iterator[str]:
    """Yield the results of several hosts as text that ends with a newline.

    Args:
        value: The results.
        report_format: The format.
        width: Width of the terminal; None for no limit.
        colour: Whether a table contains terminal colours.
        samples: Whether JSON contains the samples.
    """
    if report_format == "json":
        yield from value.json_pieces(samples=samples)
        yield "\n"
        return
    if report_format in ("table", "markdown"):
        yield from _sections(value, width, colour=colour, markdown=report_format == "markdown")
    else:
        yield _render(value, report_format)


def _render(value: HostsResult, report_format: HostsFormat) -> str:
    match report_format:
        case "html":
            from latency_tui.report.hosts_html import render_hosts_html

            return render_hosts_html(value, compared(value), _rows(value) if value.across_hosts else [])
        case "csv":
            from latency_tui.report.hosts_files import render_hosts_csv

            return render_hosts_csv(value.hosts)
        case "junit":
            from latency_tui.report.junit import render_hosts_junit

            return render_hosts_junit(value.hosts)
        case _:
            from latency_tui.report.hosts_files import render_hosts_benchmark

            return render_hosts_benchmark(value.hosts)


def _sections(value: HostsResult, width: int | None, *, colour: bool, markdown: bool) -> Iterator[str]:
    """Yield a section per host, and one for all hosts."""
    for one in value.hosts:
        title = clean(_title(one))
        yield f"## {escape_markdown(title)}\n\n" if markdown else f"{title}\n"
        if one.error:
            yield f"{escape_markdown(clean(one.error))}\n\n" if markdown else f"failed  {clean(one.error)}\n"
        if one.result is not None:
            yield render_markdown(one.result) if markdown else render_table(one.result, width=width, colour=colour)
        yield "\n"
    yield from _markdown(value) if markdown else _table(value, width)


def _title(one: HostResult) -> str:
    return f"{one.host} · {one.cpu}" if one.cpu else one.host


def compared(value: HostsResult) -> Sequence[RatioAcrossHosts]:
    """Return the ratios that are shown; none of a sweep, whose cells are compared per value in each host's report."""
    return () if value.plan.sweeps else value.across_hosts


def _rows(value: HostsResult) -> list[list[str]]:
    names = {candidate.slug: candidate.name for candidate in value.plan.candidates}
    hosts = columns_of(value.across_hosts)
    rows = [["model", f"vs {names[value.across_hosts[0].baseline]}", *hosts]]
    for one in compared(value):
        ratios = {ratio.host: describe_host_ratio(ratio) for ratio in one.hosts}
        rows.append([names[one.candidate], describe_ratio(one), *(ratios.get(host, NOTHING) for host in hosts)])
    return [[clean(cell) for cell in row] for row in rows]


def _table(value: HostsResult, width: int | None) -> Iterator[str]:
    yield "All hosts\n\n"
    if compared(value):
        yield "\n".join(align(_rows(value))) + "\n\n"
    for text in (value.answer, ASSUMPTION):
        yield "\n".join(textwrap.wrap(clean(text), max(width or 10_000, 20))) + "\n"


def _markdown(value: HostsResult) -> Iterator[str]:
    yield f"## All hosts\n\n**{escape_markdown(clean(value.answer))}**\n\n"
    if compared(value):
        heading, *rows = [[escape_markdown(cell) for cell in row] for row in _rows(value)]
        yield "\n".join(f"| {' | '.join(row)} |" for row in (heading, [":--"] * len(heading), *rows)) + "\n\n"
    yield f"{ASSUMPTION}\n"
