"""Formats the results of several hosts for other programs: the rows or entries of every host, with its name."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from latency_tui.errors import NothingToExportError
from latency_tui.report.csv_format import escape_cell, render_csv
from latency_tui.report.github_action_benchmark import render_github_action_benchmark
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from latency_tui.result.hosts import HostResult


def render_hosts_csv(hosts: Iterable[HostResult]) -> str:
    """Return a header, and the rows of each host with its name and its error in the first columns."""
    rows: list[dict[str, str]] = []
    for one in hosts:
        mine: Sequence[dict[str, str]] = [{}]
        if one.result is not None:
            mine = [*csv.DictReader(io.StringIO(render_csv(one.result)))]
        rows += [{"host": escape_cell(one.host), "host_error": escape_cell(one.error), **row} for row in mine]
    columns = dict.fromkeys(name for row in rows for name in row)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*columns], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def render_hosts_benchmark(hosts: Iterable[HostResult]) -> str:
    """Return a JSON array for github-action-benchmark, with the host in the name of each entry.

    Raises:
        NothingToExportError: No host measured a model.
    """
    entries = []
    for one in hosts:
        if one.result is not None and one.result.measured:
            mine = json.loads(render_github_action_benchmark(one.result))
            entries += [{**entry, "name": f"{entry['name']} on {clean(one.host)}"} for entry in mine]
    if not entries:
        raise NothingToExportError("No host measured a model, so that there is nothing to write.")
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
