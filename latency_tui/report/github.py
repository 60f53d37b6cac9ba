"""Formats a gate for GitHub Actions: annotations, and the summary of a step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from latency_tui.report.gate import render_gate
from latency_tui.text.gate import describe_line
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.check_outcome import GateLine
    from latency_tui.result.gate import Gate
    from latency_tui.result.hosts_gate import HostsGate

_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_MORE_ESCAPES = {":": "%3A", ",": "%2C"}
"""Additional escapes in a property of a workflow command."""


def annotations_of(gate: Gate | HostsGate) -> list[str]:
    """Return a workflow command per line of a gate that does not pass: an error for a FAIL, else a warning.

    An undecided line is an error too if the gate is strict, and so is a host that failed.
    """
    from latency_tui.result.hosts_gate import HostsGate  # deferred: numpy, which --help does not need

    if not isinstance(gate, HostsGate):
        return _annotations(gate.lines, is_strict=gate.strict)
    found = []
    for one in gate.hosts:
        host = clean(one.host)
        found += _annotations(one.lines, is_strict=gate.strict, host=host)
        found += [_annotation("error", f"ERROR {host}", clean(one.error))] if one.error else []
    return found


def _annotations(lines: Iterable[GateLine], *, is_strict: bool, host: str = "") -> list[str]:
    return [
        _annotation(
            "error" if line.verdict == "FAIL" or is_strict else "warning",
            f"{line.verdict} {f'on {host}, ' if host else ''}{clean(line.name)}: {clean(line.limit)}",
            describe_line(line),
        )
        for line in lines
        if line.verdict != "PASS"
    ]


def _annotation(command: str, title: str, text: str) -> str:
    return f"::{command} title={_escape(title, {**_ESCAPES, **_MORE_ESCAPES})}::{_escape(text, _ESCAPES)}"


def step_summary(gate: Gate | HostsGate) -> str:
    """Return the Markdown of the summary of a step."""
    return f"## latency-tui check\n\n{render_gate(gate, 'markdown')}"


def _escape(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
