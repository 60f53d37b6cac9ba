"""Formats a gate for GitHub Actions: annotations, and the summary of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.report.gate import render_gate
from latency_tui.text.gate import describe_line
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.result.gate import Gate

_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_MORE_ESCAPES = {":": "%3A", ",": "%2C"}
"""Additional escapes in a property of a workflow command."""


def annotations_of(gate: Gate) -> list[str]:
    """Return a workflow command per line of a gate that does not pass: an error for a FAIL, else a warning.

    An undecided line is an error too if the gate is strict.
    """
    found = []
    for line in gate.lines:
        if line.verdict == "PASS":
            continue
        command = "error" if line.verdict == "FAIL" or gate.strict else "warning"
        title = _escape(f"{line.verdict} {clean(line.name)}: {clean(line.limit)}", {**_ESCAPES, **_MORE_ESCAPES})
        found.append(f"::{command} title={title}::{_escape(describe_line(line), _ESCAPES)}")
    return found


def step_summary(gate: Gate) -> str:
    """Return the Markdown of the summary of a step."""
    return f"## latency-tui check\n\n{render_gate(gate, 'markdown')}"


def _escape(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
