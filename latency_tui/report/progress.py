"""A progress line on stderr, redrawn at most four times per second and removed at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from latency_tui.engine.cold_start_events import ColdStartMeasured, ColdStartStarted
from latency_tui.engine.load_events import LoadStarted, LoadWindowMeasured, RateSearchFinished
from latency_tui.engine.machine_events import MachineBusy
from latency_tui.engine.protocol import (
    CandidateFailed,
    DatasetPrepared,
    EngineStarted,
    Event,
    MeasurementStarted,
    RoundFinished,
    TrainingFinished,
    TrainingStarted,
    WarmUpFinished,
)
from latency_tui.engine.step_events import StepsMeasured, StepsStarted
from latency_tui.plan import Plan
from latency_tui.text.formatting import format_seconds
from latency_tui.text.load import format_rate
from latency_tui.text.machine import machine_busy
from latency_tui.text.sanitize import clean, shorten

SHORTEST_PAUSE = 0.25
"""Shortest time between two redraws, in seconds."""
SHORTEST_TICK = 1.0
"""Time without events after which the training time is redrawn, in seconds."""
_BAR = 20
_NOTEBOOK_COLUMNS = 80


def _is_notebook(stream: TextIO | None) -> bool:
    """Return whether a stream is the output of a Jupyter notebook cell."""
    return type(stream).__module__.startswith("ipykernel.")


class Progress:
    """Draws a progress line if the stream is a terminal or a notebook, otherwise nothing.

    Args:
        plan: The plan that is measured.
        stream: Output stream; None for stderr.
        clock: Returns the seconds of a monotonic clock.
        shown: Whether to draw; None to draw if the stream can redraw a line.
    """

    def __init__(
        self,
        plan: Plan,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        shown: bool | None = None,
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        terminal = self._stream is not None and self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = (terminal or _is_notebook(self._stream)) if shown is None else shown
        # Notebooks support the carriage return, but not all of them support the sequence that erases a line.
        self._erase = "\r\x1b[K" if terminal else f"\r{' ' * _NOTEBOOK_COLUMNS}\r"
        self._drawn_at = float("-inf")
        self._candidates = len(plan.all_candidates)
        self._compared = len(plan.candidates)
        self._launches = plan.launches
        self._ready: set[str] = set()
        self._warm: set[str] = set()
        self._fresh: set[str] = set()
        self._training: dict[str, float] = {}
        self._windows = 0

    def __enter__(self) -> Progress:
        """Show at once that something is happening."""
        self._draw("starting")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the line."""
        self._write(self._erase)

    def update(self, event: Event) -> None:
        """Record an event, and redraw if the last drawing is at least a quarter of a second old."""
        self.show(self.describe(event))

    def show(self, text: str) -> None:
        """Draw a text, unless it is empty or the last drawing is less than a quarter of a second old."""
        if text and self._clock() - self._drawn_at >= SHORTEST_PAUSE:
            self._draw(text)

    def clear(self) -> None:
        """Remove the line before other output is written."""
        self._write(self._erase)

    def tick(self) -> None:
        """Redraw the training time of models if nothing else happened for a second."""
        if self._training and self._clock() - self._drawn_at >= SHORTEST_TICK:
            slug, began = next(iter(self._training.items()))
            others = f" and {len(self._training) - 1} more" if len(self._training) > 1 else ""
            done = f"trained {len(self._ready)} of {self._candidates}"
            self._draw(f"{done}; training {slug}{others} for {format_seconds(self._clock() - began)}")

    def describe(self, event: Event) -> str:
        """Record an event, and return the progress in words; empty if it does not change."""
        match event:
            case EngineStarted():
                self._ready.clear()
                return "preparing"
            case MachineBusy():
                return machine_busy(event)
            case DatasetPrepared():
                return "preparing"
            case TrainingStarted(candidate=slug):
                self._training[slug] = self._clock()
                return f"training {slug}"
            case TrainingFinished(candidate=slug):
                self._training.pop(slug, None)
                self._ready.add(slug)
                return f"trained {len(self._ready)} of {self._candidates}"
            case CandidateFailed(candidate=slug, message=message):
                self._training.pop(slug, None)
                self._ready.add(slug)
                return f"{slug} failed: {clean(message)}"
            case WarmUpFinished(candidate=slug):
                self._warm.add(slug)
                return f"warmed up {len(self._warm)} of {self._candidates}"
            case ColdStartStarted() | ColdStartMeasured():
                if isinstance(event, ColdStartMeasured):
                    self._fresh.add(event.candidate)
                return f"cold start {len(self._fresh)} of {self._compared}"
            case StepsStarted(candidate=slug):
                return f"timing the steps of {slug}"
            case StepsMeasured(candidate=slug, done=done, total=total):
                return f"timing the steps of {slug}: round {done} of {total}"
            case MeasurementStarted(rounds=rounds, launch=launch, seconds=seconds):
                self._warm.clear()
                self._fresh.clear()
                return self._rounds(launch, 0, rounds, seconds)
            case RoundFinished(launch=launch, round=done, rounds=rounds, seconds_left=seconds):
                return self._rounds(launch, done + 1, rounds, seconds)
            case LoadStarted(windows=windows, seconds=seconds):
                self._windows = windows
                return self._under_load(windows, seconds)
            case LoadWindowMeasured(windows_left=left, seconds_left=seconds):
                if self._windows:
                    return self._under_load(left, seconds)
                return (
                    f"searching: {event.candidate} at {format_rate(event.rate)}  about {format_seconds(seconds)} left"
                )
            case RateSearchFinished(candidate=slug, passes=passes):
                return f"{slug} passes at {format_rate(passes)}" if passes else f"{slug} passes at no rate"
            case _:
                return ""

    def _under_load(self, windows_left: int, seconds: float) -> str:
        if not self._windows:
            return "searching the highest request rates"
        done = self._windows - windows_left
        filled = _BAR * done // self._windows
        bar = "━" * filled + "─" * (_BAR - filled)
        return f"under load  {bar}  window {done} of {self._windows}  {format_seconds(seconds)} left"

    def _rounds(self, launch: int, done: int, rounds: int, seconds: float) -> str:
        filled = _BAR * done // max(rounds, 1)
        bar = "━" * filled + "─" * (_BAR - filled)
        head = f"launch {launch + 1} of {self._launches}  " if self._launches > 1 else ""
        return f"{head}{bar}  round {done} of {rounds}  {format_seconds(seconds)} left"

    def _draw(self, text: str) -> None:
        self._drawn_at = self._clock()
        self._write(self._erase + shorten(text, self._columns() - 1))

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError, AttributeError):
            return _NOTEBOOK_COLUMNS

    def _write(self, text: str) -> None:
        if not self._shown:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, UnicodeEncodeError):  # the terminal is gone or cannot encode the text: continue without it
            self._shown = False
