"""The dialog that shows the noise of the machine, remedies, and the start-up time and memory of each model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from latency_tui.text.formatting import format_duration, format_memory
from latency_tui.tui.commands import MeasureColdStart, TakeControl
from latency_tui.tui.screens.text_dialog import TextDialog
from latency_tui.tui.styles import LEVEL_STYLES, MUTED
from latency_tui.tui.text import fit, sanitize_line, wrap

if TYPE_CHECKING:
    from latency_tui.result.result import CandidateResult, Result

_LABEL = 17
_STYLES = {"high": "$text-error", "medium": "$text-warning", "low": "$text-accent"}
_CALLS = (1, 2, 3, 10, 100)


class NoiseScreen(TextDialog):
    """Shows findings, figures, the machine, and start-up.

    Args:
        result: The result.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("i", "dismiss", show=False)]

    def __init__(self, result: Result) -> None:
        super().__init__("Noise")
        self._result = result

    def lines(self, width: int) -> list[Content]:
        """Return all lines of the dialog."""
        return noise_lines(self._result, width)


def noise_lines(result: Result, width: int) -> list[Content]:
    """Return all lines of the dialog, wrapped to a width."""
    noise = result.noise
    lines = [Content.assemble(("This machine was ", ""), (noise.level, f"bold {LEVEL_STYLES[noise.level]}"), ".")]
    for finding in noise.findings:
        first, *rest = wrap(sanitize_line(finding.sentence), max(width - 2, 8)) or [""]
        lines.append(Content.assemble(("! ", f"bold {_STYLES[finding.severity]}"), first))
        lines += [Content("  " + line) for line in rest]
    if not noise.findings:
        lines.append(Content.styled("No disturbance was found.", MUTED))
    lines += _section("Figures", _figures(result), width)
    lines += _section("Machine", _machine(result), width)
    lines += _starts(result, width)
    return lines


def _section(title: str, facts: Iterator[tuple[str, str]], width: int) -> list[Content]:
    lines = [Content(""), Content.styled(title, "bold $text-primary")]
    for label, text in facts:
        first, *rest = wrap(sanitize_line(text), max(width - _LABEL, 8)) or [""]
        lines.append(Content.assemble((fit(label, _LABEL), MUTED), first))
        lines += [Content(" " * _LABEL + line) for line in rest]
    return lines


def _figures(result: Result) -> Iterator[tuple[str, str]]:
    noise = result.noise
    calls = sum(c.calls for c in result.candidates)
    all_calls = "" if result.plan.control else f" of {calls:,}"  # the total would include the calls of the control
    if noise.lost_time is not None:
        yield "lost time", f"{_share(noise.lost_time)} of the measuring time, in which other processes ran"
    if noise.steal is not None:
        yield (
            "steal",
            f"{_share(noise.steal)} of the time of these cores, which the host gave to other virtual machines",
        )
    if noise.load is not None:
        yield "load average", f"{noise.load:.2f} per core before the measurement"
    yield "interruptions", f"{noise.disturbed_calls:,}{all_calls} calls in blocks that the scheduler interrupted"
    yield "GC pauses", f"{noise.gc_calls:,} calls interrupted by garbage collection"
    if noise.drift is not None:
        yield "drift", f"the slowest tenth of the rounds was {_share(noise.drift)} slower than the fastest"
    if noise.autocorrelation is not None:
        yield "autocorrelation", f"{noise.autocorrelation:.2f} between consecutive calls"
    if noise.timer_floor is not None:
        yield "timer floor", f"{format_duration(noise.timer_floor)} for an empty call"
    control = noise.control
    if control is None:
        none = (
            "it has no figures" if result.plan.control else f"not measured; press {TakeControl.key_label()} to add one"
        )
        yield "control", none
    elif control.ratio is not None:
        known = control.low is not None and control.high is not None
        interval = f" (95 % CI {control.low:.3f}–{control.high:.3f})" if known else ""
        yield "control", f"measured {control.ratio:.3f}× of its original{interval}"
    yield "equivalence", f"ratios within {_share(result.equivalence)} of 1 count as equal"


def _share(share: float) -> str:
    return f"{share * 100:.1f} %"


def _machine(result: Result) -> Iterator[tuple[str, str]]:
    environment = result.environment
    if environment is None:
        yield "unknown", "no process was started"
        return
    yield "host", f"{environment.host}, {environment.os}"
    yield "processor", f"{environment.cpu}, {environment.cores} cores"
    if environment.pinned:
        yield "pinned to core", ", ".join(map(str, environment.pinned))
    if environment.governor:
        yield "governor", environment.governor
    if environment.memory_bytes:
        yield "memory", format_memory(environment.memory_bytes)
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
    yield "software", ", ".join(part for part in (f"Python {environment.python}", versions) if part)


def _starts(result: Result, width: int) -> list[Content]:
    lines: list[Content] = []
    for candidate in result.candidates:
        if facts := list(_start(candidate)):
            lines += _section(sanitize_line(candidate.name), iter(facts), width)
    if lines and not any(c.cold_start for c in result.candidates):
        hint = f"Start-up and memory were not measured; press {MeasureColdStart.key_label()} to measure them next time."
        lines += [Content(""), *(Content.styled(line, MUTED) for line in wrap(hint, width))]
    return lines


def _start(candidate: CandidateResult) -> Iterator[tuple[str, str]]:
    if candidate.cold_start_seconds is not None and candidate.cold_start is None:
        yield "first call", f"{format_duration(candidate.cold_start_seconds)} in a fresh process"
    if candidate.after_switch_seconds is not None:
        yield "after a switch", f"{format_duration(candidate.after_switch_seconds)} for the first call of a block"
    if candidate.gc_calls:
        yield "GC pauses", f"{format_duration(candidate.gc_seconds)} in total, in {candidate.gc_calls:,} calls"
    start = candidate.cold_start
    if start is None:
        return
    yield "start-up", f"import {format_duration(start.import_seconds)}, load {format_duration(start.load_seconds)}"
    calls = [
        f"{number}: {format_duration(start.first_calls[number - 1])}"
        for number in _CALLS
        if number <= len(start.first_calls)
    ]
    if calls:
        yield "first calls", ", ".join(calls)
    before, after, peak = map(format_memory, (start.memory_before, start.memory_after, start.memory_peak))
    yield "memory", f"{before} before loading, {after} loaded, {peak} peak"
