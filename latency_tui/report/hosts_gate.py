"""Formats a check of several hosts as text, Markdown or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.report.markup import escape_markdown
from latency_tui.text.gate import describe_failures, describe_improvement, describe_line, describe_machine
from latency_tui.text.hosts_gate import describe_hosts_gate
from latency_tui.text.sanitize import align, clean
from latency_tui.text.saved_comparison import describe_difference

if TYPE_CHECKING:
    from latency_tui.result.hosts_gate import HostGate, HostsGate


def hosts_gate_lines(gate: HostsGate) -> list[str]:
    """Return the lines of a table; the last one is the verdict."""
    rows = [
        [line.verdict, clean(one.host), f"{clean(line.name)}: {clean(line.limit)}", describe_line(line)]
        for one in gate.hosts
        for line in one.lines
    ]
    lines = align(rows) if rows else []
    lines += [f"ERROR: {clean(one.host)}: {clean(one.error)}" for one in gate.hosts if one.error]
    return [*lines, *(f"{kind}: {text}" for kind, text in _notes(gate)), describe_hosts_gate(gate)]


def hosts_gate_markdown(gate: HostsGate) -> str:
    """Return a table of limits, and a list of what else is known about the hosts."""
    lines = [
        f"**{escape_markdown(describe_hosts_gate(gate))}**",
        "",
        "| verdict | host | model | limit | measured |",
        "| :-- | :-- | :-- | :-- | :-- |",
    ]
    rows = [
        [line.verdict, clean(one.host), clean(line.name), clean(line.limit), describe_line(line)]
        for one in gate.hosts
        for line in one.lines
    ]
    rows += [["ERROR", clean(one.host), "", "", clean(one.error)] for one in gate.hosts if one.error]
    lines += [f"| {' | '.join(map(escape_markdown, row))} |" for row in rows]
    notes = (f"- {escape_markdown(kind)}: {escape_markdown(text)}" for kind, text in _notes(gate))
    return "\n".join([*lines, "", *notes]) + "\n"


def _notes(gate: HostsGate) -> list[tuple[str, str]]:
    """Return the lines below the limits as pairs of kind and text."""
    baselines = dict.fromkeys(one.gate.baseline for one in gate.hosts if one.gate and one.gate.baseline)
    notes = [("baseline", clean(name)) for name in baselines]
    for one in gate.hosts:
        notes += _notes_on(one)
    return notes


def _notes_on(one: HostGate) -> list[tuple[str, str]]:
    if one.gate is None:
        return []
    host = clean(one.host)
    notes = [(f"differs on {host}", describe_difference(difference)) for difference in one.gate.differences]
    notes += [(f"failed on {host}", text) for text in describe_failures(one.gate.result)]
    notes += [(f"faster on {host}", describe_improvement(improvement)) for improvement in one.gate.improvements]
    return [*notes, (f"on {host}", describe_machine(one.gate.environment))]
