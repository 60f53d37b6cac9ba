"""Models whose slowdown is known: a logistic regression that spins for a given number of turns after each answer.

The spin is work, not time: it is counted in turns of a loop, so that it slows down and speeds up with the machine as
the model beside it does, and the ratio of the two stays what it was calibrated to be.
"""

from __future__ import annotations

import gc
import json
import math
import os
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from statistics import median
from time import perf_counter_ns
from typing import Any

from latency_tui.plan import Candidate, ModelSpec

FACTORY = "tests.benchmarks.slowed_models:Slowed"
CALLS = 30
BASE = 500
"""Turns of the model that counts as not slowed down: the first ones overlap with what came before, and cost less."""
PROBE = 1500


class Slowed:
    """A logistic regression that makes `spins` turns of an empty loop after each answer.

    Args:
        spins: Turns.
        trial: Changes nothing but the candidate's identity, so that each trial gets processes of its own.
    """

    def __init__(self, spins: int = 0, trial: int = 0) -> None:
        self.spins = spins
        self.trial = trial
        self.model: Any = None

    def fit(self, X: Any, y: Any) -> Slowed:
        from sklearn.linear_model import LogisticRegression

        self.model = LogisticRegression(max_iter=1000, random_state=42).fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        answer = self.model.predict(X)
        for _ in repeat(None, self.spins):
            pass
        return answer


def candidate(name: str, spins: int, trial: int) -> Candidate:
    """A candidate whose processes are made anew for each trial."""
    return Candidate(model=ModelSpec(name=name, factory=FACTORY, parameters={"spins": spins, "trial": trial}))


def fitted(spins: int = 0) -> tuple[Slowed, list[Any]]:
    """A fitted model and the rows that it is asked, as the engine would make them."""
    from latency_tui.engine.data.dataset import prepare
    from latency_tui.engine.data.rows import batches
    from latency_tui.plan import SyntheticDataset

    data = prepare(SyntheticDataset())
    return Slowed(spins).fit(data.X_train, data.y_train), batches(data.X_test, 1, 0)


@dataclass(frozen=True)
class Calibration:
    """Turns of the loop for each slowdown asked for, and the ratio that they were seen to give.

    Attributes:
        p50_ns: Latency of the model that is not slowed down.
        turn_ns: Duration of one turn.
        spins: Turns by slowdown in per cent, 0 among them.
        ratios: By slowdown in per cent: median over a long interleaved run in one process.
        errors: Standard error of each ratio.
    """

    p50_ns: float
    turn_ns: float
    spins: dict[int, int]
    ratios: dict[int, float]
    errors: dict[int, float]


def calibrate(slowdowns: Sequence[int], seconds: float) -> Calibration:
    """Find the turns for each slowdown, then see in a long interleaved run what ratio they give.

    Both happen in this process, on one core, all variants on the very same model object.
    """
    model, rows = fitted()
    gc.collect()
    interleave(model, rows, [BASE, BASE + PROBE], 0.3)
    found = interleave(model, rows, [BASE, BASE + PROBE], seconds / 4)
    base = median(pair[0] for pair in found)
    turn = median(pair[1] - pair[0] for pair in found) / PROBE
    spins = {per_cent: BASE + round(per_cent / 100 * base / turn) for per_cent in slowdowns}
    # A few turns overlap with what came before more than many do: what these give says how many it takes.
    given = _seen(interleave(model, rows, [BASE, *spins.values()], seconds / 2), spins)[0]
    spins = {
        per_cent: BASE + round((count - BASE) * (per_cent / 100) / max(given[per_cent] - 1, per_cent / 200))
        for per_cent, count in spins.items()
    }
    ratios, errors = _seen(interleave(model, rows, [BASE, *spins.values()], seconds), spins)
    ratios[0], errors[0] = 1.0, 0.0
    return Calibration(base, turn, {0: BASE, **spins}, ratios, errors)


def _seen(rounds: list[list[float]], spins: dict[int, int]) -> tuple[dict[int, float], dict[int, float]]:
    """Return the ratio to the first variant and its standard error, by slowdown in per cent."""
    ratios, errors = dict[int, float](), dict[int, float]()
    for column, per_cent in enumerate(spins, start=1):
        logs = sorted(math.log(medians[column] / medians[0]) for medians in rounds)
        count = len(logs)
        reach = (
            logs[min(count - 1, round(count / 2 + math.sqrt(count) / 2))]
            - logs[max(0, round(count / 2 - math.sqrt(count) / 2))]
        )
        ratios[per_cent], errors[per_cent] = math.exp(median(logs)), reach / 2
    return ratios, errors


def interleave(model: Slowed, rows: list[Any], variants: Sequence[int], seconds: float) -> list[list[float]]:
    """Give each variant a block of calls in turn, in random order; return the block medians of each round."""
    dice, rounds, place = random.Random(1), list[list[float]](), 0
    end = perf_counter_ns() + round(seconds * 1e9)
    while perf_counter_ns() < end or not rounds:
        medians = [0.0] * len(variants)
        for index in dice.sample(range(len(variants)), len(variants)):
            model.spins = variants[index]
            block = [rows[(place + call) % len(rows)] for call in range(CALLS)]
            model.predict(block[0])
            medians[index] = median(_timed(model.predict, block))
        place += CALLS
        rounds.append(medians)
    return rounds


def _timed(call: Callable[[Any], object], rows: list[Any]) -> list[int]:
    durations = []
    for row in rows:
        started = perf_counter_ns()
        call(row)
        durations.append(perf_counter_ns() - started)
    return durations


def main() -> None:
    """Calibrate on the last core: `slowed_models.py SECONDS SLOWDOWN...`; prints the calibration as JSON."""
    seconds, *slowdowns = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        done = calibrate([int(value) for value in slowdowns], float(seconds))
    print(json.dumps(done.__dict__))


if __name__ == "__main__":
    main()
