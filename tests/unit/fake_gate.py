"""Made measurements for a gate: events whose medians are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from latency_tui.engine.protocol import (
    EngineStarted,
    Environment,
    Event,
    JobFinished,
    MeasurementStarted,
    RoundFinished,
)
from latency_tui.plan import Plan
from tests.unit.fake_latencies import block, nanoseconds, waves

MACHINE = Environment(host="box", os="Linux", cpu="A CPU", cores=2, python="3.11", versions={"numpy": "2.1"})


def events_of(plan: Plan, factors: dict[str, float], seed: int, first_launch: int = 0) -> Iterator[Event]:
    """A measurement whose medians are 62 µs times the factor of each candidate."""
    random, rounds = np.random.default_rng(seed), 60
    yield EngineStarted(environment=MACHINE)
    for launch in range(first_launch, first_launch + plan.launches):
        yield MeasurementStarted(
            job="m", launch=launch, rounds=rounds, calls={}, seconds=1.0, timer_floor_ns=70.0, pinned=(1,)
        )
        for r in range(rounds):
            for candidate in plan.candidates:
                factor = factors.get(candidate.slug, 1.0)
                samples = nanoseconds(waves(random, 1, 20)[0], base=62_000 * factor)
                now = launch * 10**12 + r * 10**8
                yield block(candidate.slug, samples, round_=r, launch=launch, replica=r % 12, started_ns=now)
            yield RoundFinished(job="m", launch=launch, round=r, rounds=rounds, seconds_left=0.0)
    yield JobFinished(job="m", reason="completed")
