"""Latencies of known truth: dependent, drifting, heavy-tailed, bimodal; and events made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from latency_tui.engine.protocol import Block, BlockMeasured

Floats = NDArray[np.float64]


def waves(random: np.random.Generator, rounds: int, calls: int, rho: float = 0.75) -> Floats:
    """Log latencies `(rounds, calls)` that depend on the one before inside a round, with heavier tails than normal."""
    z = random.standard_normal((rounds, calls))
    z[:, 1:] *= math.sqrt(1 - rho**2)
    waved: Floats = lfilter([1], [1, -rho], z, axis=1)
    return 0.05 * np.sinh(waved)


def independent(random: np.random.Generator, rounds: int, calls: int) -> Floats:
    return 0.05 * random.standard_t(3, (rounds, calls))


def bimodal(random: np.random.Generator, rounds: int, calls: int) -> Floats:
    return waves(random, rounds, calls) + 0.5 * (random.random((rounds, calls)) < 0.3)


def bursts(random: np.random.Generator, rounds: int, calls: int) -> Floats:
    """Now and then five calls in a row take three times as long, or longer."""
    x = waves(random, rounds, calls).ravel()
    for start in random.integers(0, x.size, random.poisson(x.size * 0.004)):
        x[start : start + 5] += 1 + random.exponential(0.5)
    return x.reshape(rounds, calls)


def drifting(random: np.random.Generator, rounds: int, calls: int) -> Floats:
    """The machine gets slower by half, steadily."""
    return waves(random, rounds, calls) + np.linspace(0, 0.4, rounds)[:, np.newaxis]


MADE: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "independent": independent,
    "dependent": waves,
    "bimodal": bimodal,
    "bursts": bursts,
}


def nanoseconds(logs: Floats, base: float = 62_000.0) -> NDArray[np.int64]:
    return np.maximum(base * np.exp(logs), 1).astype(np.int64)


def starts(rounds: int, calls: int) -> NDArray[np.int64]:
    return np.arange(rounds, dtype=np.int64) * calls


def block_medians(random: np.random.Generator, factors: Sequence[float], rounds: int, calls: int = 10) -> Floats:
    """Block medians `(candidates, rounds)` on a machine that wanders by a factor of two for everyone alike."""
    mood = np.cumsum(random.normal(0, 0.05, rounds))
    return np.stack([62_000 * f * np.exp(np.median(waves(random, rounds, calls), axis=1) + mood) for f in factors])


def block(
    candidate: str, samples: NDArray[np.int64] | Sequence[int], *, round_: int = 0, launch: int = 0, **more: int
) -> BlockMeasured:
    array = np.asarray(samples, dtype="<i8")
    wall = int(array.sum())
    return BlockMeasured(
        job="measurement",
        launch=launch,
        round=round_,
        position=0,
        candidate=candidate,
        replica=more.get("replica", 0),
        block=Block(
            samples=array.tobytes(),
            discarded=b"",
            started_ns=more.get("started_ns", round_ * 10_000_000),
            wall_ns=more.get("wall_ns", wall),
            cpu_ns=more.get("cpu_ns", wall),
            switches=more.get("switches", 0),
        ),
    )


def with_block(event: BlockMeasured, **changes: object) -> BlockMeasured:
    """Return the event of a block that was measured otherwise."""
    changed: BlockMeasured = msgspec.structs.replace(event, block=msgspec.structs.replace(event.block, **changes))
    return changed
