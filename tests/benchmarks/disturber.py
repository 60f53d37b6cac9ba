"""A bounded neighbour: starts and stops at random, spinning or moving memory, on a core of the set drawn each time.

`python -m tests.benchmarks.disturber SECONDS SEED`. It ends itself after that many seconds, or with its parent,
whichever comes first; `disturbing` ends it by its own process id.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator

BUSY_SECONDS = 0.15
IDLE_SECONDS = 0.25
MAX_SECONDS = 2.0
LIFE_SECONDS = 60.0


@contextlib.contextmanager
def disturbing(on: bool = True, *, seed: int = 0, seconds: float = LIFE_SECONDS) -> Iterator[None]:
    """Have a neighbour at work meanwhile; `seconds` bounds its life whatever becomes of this process."""
    if not on:
        yield
        return
    neighbour = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.disturber", str(seconds), str(seed)])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def disturb(seconds: float, seed: int) -> None:
    """Be busy and idle by turns of random length."""
    dice, parent, end = random.Random(seed), os.getppid(), time.monotonic() + seconds
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    source, target = bytearray(os.urandom(1 << 20) * 16), bytearray(16 << 20)
    while time.monotonic() < end and os.getppid() == parent:
        if cores:
            os.sched_setaffinity(0, {dice.choice(cores)})
        moves = dice.random() < 0.5
        until = min(end, time.monotonic() + min(dice.expovariate(1 / BUSY_SECONDS), MAX_SECONDS))
        while time.monotonic() < until:
            if moves:
                target[:] = source
            else:
                sum(range(10_000))
        time.sleep(max(0.0, min(dice.expovariate(1 / IDLE_SECONDS), end - time.monotonic(), MAX_SECONDS)))


if __name__ == "__main__":
    disturb(float(sys.argv[1]), int(sys.argv[2]))
