"""From exec to the first complete frame: `latency-tui` against an empty Textual app, in a real pty of 100 × 30.

Prints the median of each and of their ratios, both started in alternation. Target: at most 1.5 times the empty app.
A frame counts as complete when the last line that the app draws is on the screen: the key line at the bottom for
`latency-tui`, the one line of text for the empty app.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from tests.benchmarks.harness import Report, Row, bootstrap, duration, options, progress
from tests.benchmarks.terminal import Terminal

EMPTY = [sys.executable, str(Path(__file__).with_name("empty_app.py"))]
TARGET = 1.5
LAST_DRAWN = [b"Logistic Regression", b"Profile", b"Quit"]


def command() -> list[str]:
    """The console script beside this interpreter, or the module where it was not installed."""
    script = shutil.which("latency-tui", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "latency_tui.cli"]


def main() -> None:
    """Measure and print."""
    chosen, _ = options(__doc__ or "", trials=15, minutes=2)
    report = Report("Time from exec to the first complete frame", chosen)
    sides = {"empty": (EMPTY, [b"an empty app"]), "latency-tui": (command(), LAST_DRAWN)}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for trial in range(-1, chosen.trials):  # the first turn compiles and fills the caches
        if chosen.out_of_time:
            break
        order = list(sides) if trial % 2 else list(reversed(sides))
        for name in order:
            argv, markers = sides[name]
            with Terminal(argv) as terminal:
                taken = terminal.wait_for_bytes(markers, 30) - terminal.started
            if trial >= 0:
                times[name].append(taken)
            time.sleep(0.1)
        progress(f"first_frame: {trial + 1} of {chosen.trials}")
        report.raw = dict(times)
        report.save()
    for name, values in times.items():
        middle, low, high = bootstrap(values)
        shown = f"{duration(middle)} ({duration(low)} – {duration(high)})"
        report.rows.append(Row(name, shown, note=f"median of {len(values)}", value=middle, low=low, high=high))
    ratios = [ours / theirs for ours, theirs in zip(times["latency-tui"], times["empty"], strict=True)]
    middle, low, high = bootstrap(ratios)
    shown = f"{middle:.2f}× ({low:.2f}–{high:.2f})"
    note = f"median of {len(ratios)} pairs"
    report.rows.append(Row("latency-tui over empty", shown, f"≤ {TARGET:g}×", note, middle, low, high))
    report.notes.append(
        "Compiled files are kept in both, as they are on a user's machine; the first pair is not counted."
    )
    report.print()


if __name__ == "__main__":
    main()
