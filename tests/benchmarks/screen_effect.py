"""What the screen does to the measurement: the same plan headless and under the real app in a pty, in alternation.

Prints the effect on p50 and p99 of a model of 0.1 ms (logistic regression) and on p50 of one of 5 ms (a forest), each
with an interval from a bootstrap over pairs of runs. Targets: p50 within 1 %, p99 within 10 %, the model of 5 ms
within 2 %. Both ways ask the same engine and thereby the same candidate processes, so that what differs between
processes does not count; the app is started for each of its runs, opens, is told to profile by a key, and leaves.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import BlockMeasured, Event, Job, JobFinished, Measure, Reason, Train
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from tests.benchmarks.harness import Report, Row, bootstrap, duration, options, percentage, progress
from tests.benchmarks.terminal import Terminal

SECONDS = 1.0
LINGER = 0.5
OPENED = b"\x1b[?1049h"
MODELS = (BUILTIN_MODELS[0], BUILTIN_MODELS[1])
TARGETS = {
    ("logistic-regression", "p50"): "≤ 1 %",
    ("logistic-regression", "p99"): "≤ 10 %",
    ("random-forest", "p50"): "≤ 2 %",
}


class Shared(Engine):
    """The engine as both ways see it: kept open when the app leaves, its blocks kept."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self.blocks: list[BlockMeasured] = []
        self.finished = asyncio.Event()

    async def start(self) -> None:
        await self._engine.start()

    async def run(self, command: Job) -> AsyncGenerator[Event, None]:
        async for event in self._engine.run(command):
            if isinstance(event, BlockMeasured):
                self.blocks.append(event)
            if isinstance(event, JobFinished):
                self.finished.set()
            yield event

    async def stop(self, job: str, reason: Reason = "stopped") -> None:
        await self._engine.stop(job, reason)

    async def close(self) -> None:
        return

    def take(self) -> dict[str, dict[str, float]]:
        """Return p50 and p99 in nanoseconds of each candidate's calls, and forget them."""
        found: dict[str, list[Any]] = {}
        for block in self.blocks:
            found.setdefault(block.candidate, []).append(np.frombuffer(block.block.samples, "<i8"))
        self.blocks.clear()
        self.finished.clear()
        quantiles = {slug: np.quantile(np.concatenate(parts), [0.5, 0.99]) for slug, parts in found.items()}
        return {slug: {"p50": float(values[0]), "p99": float(values[1])} for slug, values in quantiles.items()}


async def alternate(pairs: int, out: Path) -> None:
    """In the pty: measure both ways, pair by pair, and write a line of JSON a pair."""
    from latency_tui.tui.app import LatencyApp

    pinning: Literal["none"] | tuple[int, ...]
    pinning = (max(os.sched_getaffinity(0)),) if hasattr(os, "sched_getaffinity") else "none"
    plan = Plan(
        candidates=tuple(Candidate(model=model) for model in MODELS), runs=None, seconds=SECONDS, pinning=pinning
    )

    async def headless() -> dict[str, dict[str, float]]:
        async for _ in shared.run(Measure(job="headless", plan=plan)):
            pass
        return shared.take()

    async def screen() -> dict[str, dict[str, float]]:
        app = LatencyApp(plan, MODELS, engine_factory=lambda: shared)

        async def leave() -> None:
            await shared.finished.wait()
            await asyncio.sleep(LINGER)
            app.exit()

        leaving = asyncio.create_task(leave())
        await app.run_async()
        await leaving
        return shared.take()

    async with Engine() as engine:
        shared = Shared(engine)
        async for _ in engine.run(Train(job="train", plan=plan)):
            pass
        await headless()
        for pair in range(pairs):
            found = {}
            for way in (headless, screen) if pair % 2 else (screen, headless):
                found[way.__name__] = await way()
            with out.open("a") as file:
                file.write(json.dumps(found) + "\n")


def drive(report: Report, out: Path) -> None:
    """Be the terminal: press p whenever the app has opened, until all pairs are done or time is up."""
    chosen = report.options
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.screen_effect",
        "--inside",
        str(out),
        "--trials",
        str(chosen.trials),
    ]
    if hasattr(os, "sched_setaffinity") and (others := os.sched_getaffinity(0) - {max(os.sched_getaffinity(0))}):
        free = os.sched_getaffinity(0)
        with Terminal(["taskset", "-c", ",".join(map(str, sorted(free))), *command], 140, 40) as terminal:
            os.sched_setaffinity(0, others)  # the terminal keeps off the measured core, as the app does
            try:
                _press(report, terminal, out)
            finally:
                os.sched_setaffinity(0, free)
    else:
        with Terminal(command, 140, 40) as terminal:
            _press(report, terminal, out)


def _press(report: Report, terminal: Terminal, out: Path) -> None:
    waiting, done = False, -1
    while not report.options.out_of_time:
        if not terminal.read(0.2) and terminal.ended:
            break
        if OPENED in terminal.drawn:
            waiting = True
            del terminal.drawn[: terminal.drawn.index(OPENED) + len(OPENED)]
        if waiting and b"Quit" in terminal.drawn:
            terminal.press("p")
            waiting = False
        if len(_pairs(out)) != done:
            done = len(_pairs(out))
            progress(f"screen_effect: {done} of {report.options.trials} pairs")
    if not _pairs(out):
        raise RuntimeError(f"No pair was measured; the screen was:\n{terminal.text}")


def _pairs(out: Path) -> list[dict[str, dict[str, dict[str, float]]]]:
    if not out.exists():
        return []
    return [json.loads(line) for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _fill(report: Report, pairs: list[dict[str, dict[str, dict[str, float]]]]) -> None:
    report.raw = {"pairs": pairs}
    for (slug, key), target in TARGETS.items():
        logs = [float(np.log(pair["screen"][slug][key] / pair["headless"][slug][key])) for pair in pairs]
        middle, low, high = (float(np.expm1(value)) for value in bootstrap(logs))
        level = float(np.median([pair["headless"][slug][key] for pair in pairs])) / 1e9
        note = f"headless {duration(level)}, {len(pairs)} pairs"
        report.rows.append(Row(f"{slug}: {key}", percentage(middle, low, high), target, note, middle, low, high))


def main() -> None:
    """Measure and print; with `--inside`, be the program in the pty."""
    chosen, more = options(__doc__ or "", trials=30, minutes=5, inside="")
    if more.inside:
        asyncio.run(alternate(chosen.trials, Path(more.inside)))
        return
    report = Report("The screen's effect on what is measured", chosen)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pairs.jsonl"
        drive(report, out)
        _fill(report, _pairs(out))
    report.notes.append(
        f"Median over pairs, 95 % bootstrap interval; {SECONDS:g} s a model and run, 4 redraws a second, 140 × 40."
    )
    report.print()


if __name__ == "__main__":
    main()
