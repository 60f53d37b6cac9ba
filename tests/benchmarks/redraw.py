"""The app's live snapshot and redraw at 100 to 10,000,000 samples per model, six models, with made events.

Prints the processor time of the screen's thread for each redraw while a measurement goes on (events taken in,
snapshot, layout, drawing), with the tab Latency and with each view of the tab Spread, and for the snapshot alone.
Target: at most 25 ms, and the same at every size. After every window a fixed piece of work is timed as well: a machine
that others use takes longer for both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence

import numpy as np

from latency_tui.analysis.recorder import Recorder
from latency_tui.engine.client import Engine
from latency_tui.engine.protocol import (
    Block,
    BlockMeasured,
    Event,
    Job,
    JobFinished,
    MeasurementStarted,
    Reason,
    RoundFinished,
)
from latency_tui.plan import BUILTIN_MODELS, Candidate, Plan
from latency_tui.tui.app import LatencyApp
from latency_tui.tui.recordings import LIVE_SAMPLES
from tests.benchmarks.harness import Report, Row, bootstrap, duration, options, progress

SIZES = (100, 10_000, 1_000_000, 10_000_000)
"""Samples per model. Of the last, the app keeps a third: `analysis.sample_buffer.MAX_SAMPLES` is for all models."""
ROUNDS = 1_000
MIN_BLOCK, MAX_BLOCK = 10, 10_000
VIEWS = ("percentiles", "ecdf", "histogram", "boxes")
LIVE_ROUNDS_SECONDS = 0.1
LIVE_ROUNDS = 1_000
PROCESSES = 12
WINDOW_REDRAWS = 8
WIDTH, HEIGHT = 140, 40
PLAN = Plan(candidates=tuple(Candidate(model=model) for model in BUILTIN_MODELS), runs=10_000_000)


class Made(Engine):
    """An engine of made events: so many samples a model at once, then a round every tenth of a second.

    Args:
        samples: A model, before the live rounds.
    """

    def __init__(self, samples: int) -> None:
        super().__init__()
        self._samples = samples
        self.filled = asyncio.Event()
        self.stopped = asyncio.Event()

    async def start(self) -> None:
        return

    async def run(self, command: Job) -> AsyncGenerator[Event, None]:
        job = command.job
        calls = dict.fromkeys((candidate.slug for candidate in PLAN.candidates), 10_000_000)
        yield MeasurementStarted(
            job=job, launch=0, rounds=100_000, calls=calls, seconds=600.0, timer_floor_ns=70.0, pinned=(1,)
        )
        number = 0
        for number, events in enumerate(rounds(job, self._samples)):
            for event in events:
                yield event
            if number % 20 == 0:
                await asyncio.sleep(0)
        live = [
            round_(job, number + more, 30) for more in range(1, LIVE_ROUNDS)
        ]  # made now: it costs what a redraw does
        self.filled.set()
        for events in live:
            if self.stopped.is_set():
                break
            for event in events:
                yield event
            await asyncio.sleep(LIVE_ROUNDS_SECONDS)
        yield JobFinished(job=job, reason="stopped")

    async def stop(self, job: str, reason: Reason = "stopped") -> None:
        self.stopped.set()

    async def close(self) -> None:
        self.stopped.set()


def rounds(job: str, samples: int) -> Iterator[list[Event]]:
    """Whole rounds that hold so many samples a model."""
    size = min(max(samples // ROUNDS, MIN_BLOCK), MAX_BLOCK)
    for number in range(samples // size):
        yield round_(job, number, size)


def round_(job: str, number: int, size: int) -> list[Event]:
    """One round: skewed latencies around a p50 of each model's own, with a slow call now and then."""
    dice = np.random.default_rng(number)
    events: list[Event] = []
    for position, candidate in enumerate(PLAN.candidates):
        middle = 60_000 * 2.0**position
        values = middle * dice.lognormal(0.0, 0.08, size) * np.where(dice.random(size) < 0.01, 5.0, 1.0)
        total = int(values.sum())
        events.append(
            BlockMeasured(
                job=job,
                launch=0,
                round=number,
                position=position,
                candidate=candidate.slug,
                replica=number % PROCESSES,
                block=Block(
                    samples=values.astype("<i8").tobytes(),
                    discarded=b"",
                    started_ns=number * 10**7 + position * 10**6,
                    wall_ns=total,
                    cpu_ns=total,
                    switches=0,
                ),
            )
        )
    events.append(RoundFinished(job=job, launch=0, round=number, rounds=100_000, seconds_left=60.0))
    return events


async def redraw(
    samples: int, windows: int, tab: str = "1", views: Sequence[str] = ("",)
) -> tuple[dict[str, list[float]], list[float]]:
    """Open the app without a terminal and fill it, with the tab of a key open.

    Args:
        samples: Samples per model.
        windows: Windows that are timed per view.
        tab: The key of the tab.
        views: The views of the tab in the order of their key.

    Returns:
        Seconds of processor time per redraw of each window by view, and those of a fixed piece of work after it.
    """
    made = Made(samples)
    app = LatencyApp(PLAN, BUILTIN_MODELS, engine_factory=lambda: made)
    found: dict[str, list[float]] = {}
    fixed = []
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause(1.0)
        await pilot.press("p", tab)
        await made.filled.wait()
        await pilot.pause(1.5)
        for view in views:
            for _ in range(windows):
                before = time.thread_time()
                await asyncio.sleep(WINDOW_REDRAWS / 4)
                found.setdefault(view, []).append((time.thread_time() - before) / WINDOW_REDRAWS)
                fixed.append(piece_of_work())
            await pilot.press(*(["g"] if view else []))
        await pilot.press("escape", "escape")  # the second one confirms
        await pilot.pause(0.3)
    return found, fixed


def piece_of_work() -> float:
    """Return seconds of processor time of what is always the same: objects and short arrays, as a redraw has them."""
    before = time.thread_time()
    for number in range(2_000):
        "".join(str(letter) for letter in range(8))
        np.sort(np.arange(200) * number % 97)
    return time.thread_time() - before


def snapshot(samples: int, times: int) -> list[float]:
    """Return seconds of processor time of live snapshots of a recording of that size."""
    recording = Recorder(PLAN)
    for events in rounds("made", samples):
        for event in events:
            recording.add(event)
    found = []
    for _ in range(times):
        before = time.thread_time()
        recording.result(max_samples=LIVE_SAMPLES)
        found.append(time.thread_time() - before)
    return found


def main() -> None:
    """Measure and print."""
    chosen, _ = options(__doc__ or "", trials=5, minutes=3)
    report = Report("Live snapshot and redraw, six models", chosen)
    fixed: dict[int, list[float]] = {}
    for samples in SIZES:
        if chosen.out_of_time:
            break
        progress(f"redraw: {samples:,} samples a model")
        redraws, fixed[samples] = asyncio.run(redraw(samples, chosen.trials))
        spread = asyncio.run(redraw(samples, chosen.trials, "2", VIEWS))[0]
        taken = {
            "snapshot and redraw": redraws[""],
            **{f"with Spread, {view}": times for view, times in spread.items()},
            "snapshot alone": snapshot(samples, chosen.trials * 4),
        }
        for what, values in taken.items():
            middle, low, high = bootstrap(values)
            shown = f"{duration(middle)} ({duration(low)} – {duration(high)})"
            target = "" if what == "snapshot alone" else "≤ 25 ms"
            report.rows.append(
                Row(f"{what}, {samples:,} samples", shown, target, f"{len(values)} times", middle, low, high)
            )
            report.raw[f"{what}, {samples}"] = values
        report.save()
    report.notes.append(
        f"Processor time of the screen's thread, {WINDOW_REDRAWS} redraws a window, {WIDTH} × {HEIGHT}."
    )
    report.notes.append("It holds the events taken in meanwhile: ten rounds of six blocks a second.")
    least = min(map(min, fixed.values()))
    times = ", ".join(f"{np.median(values) / least:.2f}" for values in fixed.values())
    report.notes.append(f"A fixed piece of work took {times} times its least meanwhile, in the same order.")
    report.print()


if __name__ == "__main__":
    main()
