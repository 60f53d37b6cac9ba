"""Memory of the front end: bytes per sample at its peak, from the first event to the report, and in a long run.

Usage: python -m tests.benchmarks.memory [SECONDS ...]; the default is 2, 5 and 300 s of measuring a model that does
nothing. What lasts longer on the clock than that, and a minute more to start, is interrupted and reported.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = (
    "class Fast:\n    def fit(self, X, y=None):\n        return self\n"
    "\n    def predict(self, X):\n        return [0] * len(X)\n"
)
COMMAND = [sys.executable, "-P", "-m", "latency_tui.cli", "run", "-m", "fast:Fast"]
SAMPLED_SECONDS = 0.02
STARTING_SECONDS = 60


def measure(seconds: float, folder: Path) -> tuple[int, int, int]:
    """Return the most resident bytes of the front end, calls made, and calls kept."""
    output = folder / "result.json"
    process = subprocess.Popen([*COMMAND, "-t", str(seconds), "-o", str(output)], cwd=folder, stderr=subprocess.DEVNULL)
    peak, deadline = 0, time.monotonic() + seconds + STARTING_SECONDS
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        peak = max([peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))])
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGINT)
            deadline = math.inf
        time.sleep(SAMPLED_SECONDS)
    (candidate,) = json.loads(output.read_bytes())["candidates"]
    return peak, candidate["calls"], candidate["samples_kept"]


def main() -> None:
    """Print a line per duration."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "fast.py").write_text(MODEL)
        empty, *_ = measure(0.001, folder)
        print(f"almost nothing measured: {empty / 1e6:.0f} MB")
        for seconds in [float(text) for text in sys.argv[1:]] or [2.0, 5.0, 300.0]:
            peak, calls, kept = measure(seconds, folder)
            per_kept, per_call = (peak - empty) / kept, (peak - empty) / calls
            print(
                f"{seconds:g} s: {calls:,} calls, {kept:,} kept, peak {peak / 1e6:.0f} MB, "
                f"{per_kept:.1f} bytes per sample kept, {per_call:.1f} per call"
            )


if __name__ == "__main__":
    main()
