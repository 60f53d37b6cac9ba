"""The timed loop's floor: what it reports for a call that does nothing, and the share that is of the built-in models.

Prints the median over fresh processes, each pinned to one core as candidates are. At best it is about 70 ns.
"""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks.harness import Report, Row, bootstrap, duration, options, progress

ONE = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
from latency_tui.engine.candidate.timed_loop import timer_floor
timer_floor()
print(*(timer_floor() for _ in range(20)))
"""


def main() -> None:
    """Measure and print."""
    chosen, _ = options(__doc__ or "", trials=20, minutes=1)
    report = Report("Floor of the timed loop", chosen)
    floors: list[float] = []
    spread: list[float] = []
    for trial in range(chosen.trials):
        if chosen.out_of_time:
            break
        found = [float(word) for word in subprocess.check_output([sys.executable, "-c", ONE], text=True).split()]
        floors.append(sorted(found)[len(found) // 2])
        spread.append(max(found) - min(found))
        progress(f"timer_floor: {trial + 1} of {chosen.trials}")
    middle, low, high = bootstrap(floors)
    report.raw = {"floors_ns": floors, "spread_ns": spread}
    shown = f"{middle:.0f} ns ({low:.0f}–{high:.0f})"
    report.rows.append(
        Row("a call that does nothing", shown, "about 70 ns", f"{len(floors)} processes", middle, low, high)
    )
    share = f"{100 * middle / 100_000:.2f} %"
    report.rows.append(Row("share of a call of 100 µs", share, "", "", middle / 100_000))
    moved = sorted(spread)[len(spread) // 2]
    report.rows.append(Row("moves within a process by", duration(moved * 1e-9), "", "", moved))
    report.print()


if __name__ == "__main__":
    main()
