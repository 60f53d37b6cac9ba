"""Sentences on a gate: one per line, what would decide it, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latency_tui.text.formatting import format_ratio, format_seconds
from latency_tui.text.limits import format_figures, what_decides
from latency_tui.text.sanitize import clean

if TYPE_CHECKING:
    from latency_tui.engine.protocol import Environment
    from latency_tui.result.check_outcome import CheckOutcome, GateLine
    from latency_tui.result.gate import Gate, Improvement
    from latency_tui.result.result import Result
    from latency_tui.result.self_test import ModelSelfTest, SelfTest, SelfTestLine


def describe_line(line: GateLine) -> str:
    """Return the figures of a line, and what would decide it: `1.05× (1.04–1.06), again 1.05× (1.04–1.06)`."""
    first, again = line.first, line.again
    if first is None:
        return "not measured"
    figures = format_figures(first)
    if line.reason == "not confirmed":
        second = f"but not again: {format_figures(again)}" if again else "and was not measured again"
        return f"failed with {figures}, {second}"
    if again is not None:
        figures = f"{figures}, again {format_figures(again)}"
    if line.reason == "acknowledged" and line.acknowledgement is not None:
        until = f" until {line.acknowledgement.expires}" if line.acknowledgement.expires else ""
        return f"{figures}; acknowledged up to {clean(line.acknowledgement.bound)}{until}"
    if line.verdict == "INCONCLUSIVE" and (more := what_decides([first])):
        return f"{figures}; {more} would likely decide"
    return figures


def describe_improvement(one: Improvement) -> str:
    """Return how much faster a candidate is than the baseline."""
    return f"{clean(one.name)} is {format_ratio(one.ratio, one.low, one.high)} than the baseline"


def describe_failures(result: Result | None) -> list[str]:
    """Return why models failed, one sentence each."""
    failed = [one for one in result.candidates if one.status == "failed"] if result else []
    return [clean(f"{one.name}: {one.error or 'no reason is known'}") for one in failed]


def describe_host(machine: Environment | None) -> str:
    """Return the machine for which a gate is valid: `A CPU, 2 cores, host box`."""
    return describe_machine(machine) + (f", host {clean(machine.host)}" if machine else "")


def describe_machine(machine: Environment | None) -> str:
    """Return the CPU and the cores of a machine: `A CPU, 2 cores`."""
    if machine is None:
        return "unknown"
    return clean(f"{machine.cpu}, {'1 core' if machine.cores == 1 else f'{machine.cores:,} cores'}")


def describe_gate(gate: Gate | CheckOutcome) -> str:
    """Return the verdict on all lines in one line that begins with PASS, FAIL or INCONCLUSIVE."""
    lines = len(gate.lines)
    count = sum(line.verdict == gate.verdict for line in gate.lines)
    if not lines:
        return "INCONCLUSIVE: no limit could be judged."
    if gate.verdict == "PASS":
        return f"PASS: {'the limit holds' if lines == 1 else f'{lines:,} of {lines:,} limits hold'} on this host."
    of = "the limit" if lines == 1 else f"{count:,} of {lines:,} limits"
    are = "is" if count == 1 else "are"
    if gate.verdict == "FAIL":
        return f"FAIL: {of} {are} broken on this host, in two measurements."
    return f"INCONCLUSIVE: {of} {are} undecided on this host."


def describe_self_test_line(one: SelfTestLine) -> str:
    """Return the injected slowdown and what the gate measured: `slowed beyond the limit, by 10.2 %: 1.10× …`."""
    by = f", by {100 * one.slowdown:.3g} %" if one.slowdown else ""
    return f"{one.name}{by}: {describe_line(one.line)}"


def describe_model_self_test(test: ModelSelfTest) -> str:
    """Return whether the gate sees a slowdown of a model and stays quiet on an identical copy, and the time taken."""
    took = f"; it took {format_seconds(test.seconds)}"
    copy, slowed = ([one for one in test.lines if bool(one.slowdown) is bool(which)] for which in (0, 1))
    if not copy or not slowed:
        return f"{clean(test.model)} could not be measured{took}"
    sees = "sees" if all(one.succeeds for one in slowed) else "does not see"
    on_copy = {"PASS": "stays quiet on", "FAIL": "fails"}.get(copy[0].line.verdict, "is undecided on")
    size = f"{100 * slowed[0].slowdown:.3g} %"
    return (
        f"{clean(test.model)}: a check of {clean(test.limit)} {sees} a slowdown of {size} and {on_copy} an identical "
        f"copy{took}"
    )


def describe_self_test(test: SelfTest) -> str:
    """Return the outcome of a self-test in one line that begins with PASS or FAIL."""
    took = f"; it took {format_seconds(test.seconds)}"
    if test.verdict == "PASS":
        models = "the model" if len(test.models) == 1 else f"all {len(test.models):,} models"
        return f"PASS: this check sees a slowdown of {models} on this host and stays quiet on identical copies{took}."
    failed = [*(one.model for one in test.models if one.verdict == "FAIL"), *test.untested]
    return f"FAIL: this check is not reliable on this host for {clean(', '.join(failed))}{took}."
