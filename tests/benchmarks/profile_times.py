"""From pressing Profile to the numbers, and how much of a measurement is spent measuring.

Prints, for the six built-in models × 100 runs, trained: the time to the first and to the last numbers, asked of the
engine and seen on the screen of the real app in a pty, against the sum of the calls; then measured time over wall
time for models of 0.1 ms and of 5 ms, two of each, measured for 2 s and for 20 s. Targets: first numbers within 1.5
times the sum of the calls + 0.5 s; measured over wall at least 70 % and 85 %.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

import numpy as np

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import BlockMeasured, Event, Measure, Train
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from tests.benchmarks.first_frame import LAST_DRAWN, command
from tests.benchmarks.harness import Report, Row, bootstrap, duration, options, progress
from tests.benchmarks.terminal import Terminal

SIX = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS), runs=100)
SHARE_SECONDS = (2.0, 20.0)
SHARE_TARGETS = {0.1: "≥ 70 %", 5.0: "≥ 85 %"}
Shares = dict[tuple[float, float], list[tuple[float, float, float]]]
"""By milliseconds of a call and seconds of measuring: measured over wall, of the rounds alone, and seconds in all."""
MICROSECONDS = re.compile(r"\d (?:µs|us)\b")


@dataclass(frozen=True)
class Times:
    """Seconds from the command to the first and the last numbers, and the sum of all timed calls."""

    first: float
    last: float
    calls: float
    blocks: float
    rounds: float


async def ask(engine: Engine, plan: Plan, job: str) -> Times:
    """Measure a trained plan and note when what came."""
    started, first, blocks = time.monotonic(), 0.0, list[BlockMeasured]()
    async for event in engine.run(Measure(job=job, plan=plan)):
        if isinstance(event, BlockMeasured):
            first = first or time.monotonic()
            blocks.append(event)
    last = time.monotonic()
    calls = sum(int(np.frombuffer(block.block.samples, "<i8").sum()) for block in blocks) / 1e9
    rounds = (max(b.block.started_ns + b.block.wall_ns for b in blocks) - min(b.block.started_ns for b in blocks)) / 1e9
    return Times(first - started, last - started, calls, sum(b.block.wall_ns for b in blocks) / 1e9, rounds)


def see(calls: float, times: int) -> list[Times]:
    """Press t, then p, in the real app; read the screen until the first numbers stand there, and until the last do."""
    found: list[Times] = []
    with Terminal(command()) as terminal:
        terminal.wait_for_bytes(LAST_DRAWN, 30)
        terminal.press("t")
        terminal.wait_for(lambda text: all(f"{model.name[:12]}" in text for model in BUILTIN_MODELS), 30)
        terminal.settle(4.0, 120)
        before = len(MICROSECONDS.findall(terminal.text))
        for _ in range(times):
            terminal.forget()
            pressed = terminal.press("p")
            if not found:
                first = terminal.wait_for(lambda text: len(MICROSECONDS.findall(text)) > before, 60) - pressed
            else:
                first = float("nan")  # the numbers of the last one still stand there
            last = terminal.settle(1.5, 60) - pressed
            found.append(Times(first, last, calls, 0.0, 0.0))
        terminal.press("q")
        terminal.settle(0.3, 3)
    return found


def _model(milliseconds: float, index: int) -> Candidate:
    """A model of about that latency: the built-in logistic regression, or a forest."""
    spec = BUILTIN_MODELS[0] if milliseconds < 1 else BUILTIN_MODELS[1]
    parameters = spec.parameters
    return Candidate(model=ModelSpec(name=f"{spec.name} {index}", factory=spec.factory, parameters=parameters))


async def measure(report: Report) -> None:
    """Do all of it, for as long as there is time."""
    chosen = report.options
    asked: list[Times] = []
    shares: Shares = {(milliseconds, seconds): [] for seconds in SHARE_SECONDS for milliseconds in SHARE_TARGETS}
    async with Engine() as engine:
        await _train(engine, SIX)
        for trial in range(chosen.trials):
            if chosen.out_of_time:
                break
            asked.append(await ask(engine, SIX, f"six-{trial}"))
            progress(f"profile_times: engine, {trial + 1} of {chosen.trials}")
    seen: list[Times] = []
    calls = float(np.median([times.calls for times in asked]))
    for trial in range(max(2, chosen.trials // 3)):
        if chosen.out_of_time:
            break
        seen += see(calls, 2)
        progress(f"profile_times: app, {trial + 1} of {max(2, chosen.trials // 3)}")
    async with Engine() as engine:
        for (milliseconds, seconds), found in shares.items():
            pair = tuple(_model(milliseconds, index) for index in range(2))
            plan = Plan(candidates=pair, runs=None, seconds=seconds)
            await _train(engine, plan)
            for trial in range(max(2, chosen.trials // (2 if seconds == min(SHARE_SECONDS) else 4))):
                if chosen.out_of_time:
                    break
                times = await ask(engine, plan, f"share-{milliseconds}-{seconds}-{trial}")
                found.append((times.blocks / times.last, times.blocks / times.rounds, times.last))
                progress(f"profile_times: share of {milliseconds:g} ms in {seconds:g} s, {trial + 1}")
    _fill(report, asked, seen, shares)


async def _train(engine: Engine, plan: Plan) -> list[Event]:
    return [event async for event in engine.run(Train(job="train", plan=plan))]


def _fill(report: Report, asked: list[Times], seen: list[Times], shares: Shares) -> None:
    rows = report.rows
    total, low, high = bootstrap([times.calls for times in asked])
    rows.append(Row("sum of the calls, six × 100", duration(total), "", f"{len(asked)} measurements", total, low, high))
    bound = f"≤ {duration(1.5 * total + 0.5)}"
    for who, found in (("engine", asked), ("app", seen)):
        for what, target in (("first", bound), ("last", "")):
            values = [value for times in found if np.isfinite(value := getattr(times, what))]
            if values:
                middle, low, high = bootstrap(values)
                shown = f"{duration(middle)} ({duration(low)} – {duration(high)})"
                note = f"{middle / total:.2f} × the calls, {len(values)} times"
                rows.append(Row(f"{who}: to the {what} numbers", shown, target, note, middle, low, high))
    for (milliseconds, seconds), measured in shares.items():
        for column, what, goal in ((0, "whole", SHARE_TARGETS[milliseconds]), (1, "rounds alone", "")):
            if not measured:
                continue
            middle, low, high = bootstrap([values[column] for values in measured])
            shown = f"{100 * middle:.0f} % ({100 * low:.0f}–{100 * high:.0f})"
            note = f"2 models × {seconds:g} s, {len(measured)} times"
            rows.append(Row(f"measured over wall, {milliseconds:g} ms, {what}", shown, goal, note, middle, low, high))
    by_name = {f"{milliseconds:g} ms, {seconds:g} s": measured for (milliseconds, seconds), measured in shares.items()}
    report.raw = {"asked": [t.__dict__ for t in asked], "seen": [t.__dict__ for t in seen], "shares": by_name}
    report.notes.append(
        "The sum of the calls is that of all timed calls; warm-up and the calls discarded after a switch are not in it."
    )
    report.notes.append(
        "The app's first numbers are the first latency in µs on its screen, the last its last change of text."
    )


def main() -> None:
    """Measure and print."""
    chosen, _ = options(__doc__ or "", trials=9, minutes=6)
    report = Report("From Profile to the numbers", chosen)
    asyncio.run(measure(report))
    report.print()


if __name__ == "__main__":
    main()
