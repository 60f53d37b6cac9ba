"""Formats a gate as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import msgspec

from latency_tui.report.markup import escape_markdown
from latency_tui.text.gate import (
    describe_failures,
    describe_gate,
    describe_host,
    describe_improvement,
    describe_line,
    describe_model_self_test,
    describe_self_test,
    describe_self_test_line,
)
from latency_tui.text.sanitize import align, clean
from latency_tui.text.saved_comparison import describe_difference

if TYPE_CHECKING:
    from latency_tui.result.gate import Gate
    from latency_tui.result.hosts_gate import HostsGate
    from latency_tui.result.self_test import SelfTest

GateFormat = Literal["table", "json", "markdown"]
GATE_FORMATS: tuple[GateFormat, ...] = ("table", "json", "markdown")
SUFFIXES: dict[str, GateFormat] = {".json": "json", ".md": "markdown", ".markdown": "markdown", ".txt": "table"}
_COLOURS = {"PASS": "32", "FAIL": "31", "INCONCLUSIVE": "33", "ERROR": "31"}


def render_gate(gate: Gate | HostsGate, report_format: GateFormat = "table", *, colour: bool = False) -> str:
    """Return a gate as text that ends with a newline; the last line of a table is the verdict."""
    from latency_tui.result.hosts_gate import HostsGate  # deferred: numpy, which --help does not need

    if report_format == "json":
        from latency_tui.result.json_arrays import to_builtin

        return msgspec.json.format(msgspec.json.encode(gate, enc_hook=to_builtin), indent=2).decode() + "\n"
    if isinstance(gate, HostsGate):
        from latency_tui.report.hosts_gate import hosts_gate_lines, hosts_gate_markdown

        return hosts_gate_markdown(gate) if report_format == "markdown" else _join(hosts_gate_lines(gate), colour)
    return _markdown(gate) if report_format == "markdown" else _join(_lines(gate), colour)


def notes_of(gate: Gate) -> list[tuple[str, str]]:
    """Return the lines below the limits as pairs of kind and text."""
    notes = [("baseline", clean(gate.baseline))] if gate.baseline else []
    notes += [("differs", describe_difference(one)) for one in gate.differences]
    notes += [("failed", text) for text in describe_failures(gate.result)]
    notes += [("faster", describe_improvement(one)) for one in gate.improvements]
    return [*notes, ("on this host", describe_host(gate.environment))]


def _lines(gate: Gate) -> list[str]:
    rows = [[line.verdict, f"{clean(line.name)}: {clean(line.limit)}", describe_line(line)] for line in gate.lines]
    lines = align(rows) if rows else []
    return [*lines, *(f"{kind}: {text}" for kind, text in notes_of(gate)), describe_gate(gate)]


def _join(lines: Iterable[str], colour: bool) -> str:
    return "\n".join(_paint(line) if colour else line for line in lines) + "\n"


def _paint(line: str) -> str:
    code = _COLOURS.get(line.split(maxsplit=1)[0].rstrip(":"))
    return f"\x1b[{code}m{line}\x1b[0m" if code else line


def _markdown(gate: Gate) -> str:
    lines = [
        f"**{escape_markdown(describe_gate(gate))}**",
        "",
        "| verdict | model | limit | measured |",
        "| :-- | :-- | :-- | :-- |",
    ]
    for line in gate.lines:
        cells = [line.verdict, clean(line.name), clean(line.limit), describe_line(line)]
        lines.append(f"| {' | '.join(map(escape_markdown, cells))} |")
    return "\n".join([*lines, "", *(f"- {kind}: {escape_markdown(text)}" for kind, text in notes_of(gate))]) + "\n"


def render_self_test(test: SelfTest, report_format: GateFormat = "table", *, colour: bool = False) -> str:
    """Return a self-test as text that ends with a newline; the last line of a table is the verdict."""
    if report_format == "json":
        return msgspec.json.format(msgspec.json.encode(test), indent=2).decode() + "\n"
    host = f"on this host: {describe_host(test.environment)}"
    if report_format == "markdown":
        lines = [f"**{escape_markdown(describe_self_test(test))}**", ""]
        for model in test.models:
            lines.append(f"- {model.verdict}: {escape_markdown(describe_model_self_test(model))}")
            lines += [f"  - {escape_markdown(describe_self_test_line(line))}" for line in model.lines]
        return "\n".join([*lines, f"- {escape_markdown(host)}"]) + "\n"
    lines = []
    for model in test.models:
        lines.append(f"{model.verdict}  {describe_model_self_test(model)}")
        lines += [f"      {describe_self_test_line(line)}" for line in model.lines]
    return _join([*lines, host, describe_self_test(test)], colour)
