"""Noise of a measurement: time lost to other processes, drift and autocorrelation, and how severe each is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latency_tui.stats.defaults import EQUIVALENCE

Severity = Literal["low", "medium", "high"]
Level = Literal["quiet", "disturbed", "noisy"]

_RANKS: dict[Severity, int] = {"high": 0, "medium": 1, "low": 2}
_SEGMENTS = 10
"""Parts of a measurement, in order of time, that are compared to find its drift."""


@dataclass(frozen=True, slots=True)
class NoiseFigures:
    """Figures that describe the machine during a measurement; None if a figure is unknown.

    Attributes:
        lost_time: Share of the measuring time in which other processes ran, 0 to 1, from `lost_time`.
        disturbed_share: Share of the calls in blocks that the scheduler interrupted.
        collected: The candidate with the largest share of calls that garbage collection paused, and that share.
        drift: Slowest tenth of the rounds divided by the fastest tenth, less one.
        autocorrelation: Lag-1 autocorrelation of log latency within blocks.
        floor_share: Latency that the timed loop reports for an empty call, divided by the fastest p50.
        step_share: Step of the clock divided by the fastest p50.
        unsteady: Names of candidates whose latency did not become steady during warm-up.
        governor: Frequency governor of the processor.
        pinned: Whether candidates were pinned to one core; None if it is unknown.
        refused: Number of blocks left out because a latency was zero or negative.
        control: Difference between the control and its original, as a share.
        control_failed: Why the control failed.
        steal: Share of the time in which the host ran other virtual machines on the measured cores.
        load: Load average before the measurement, per core.
        lost_cores: Cores that became unavailable to the candidates during the measurement.
        equivalence: Half-width of the region of practical equivalence of the plan, as a share.
    """

    lost_time: float | None = None
    disturbed_share: float | None = None
    collected: tuple[str, float] | None = None
    drift: float | None = None
    autocorrelation: float | None = None
    floor_share: float | None = None
    step_share: float | None = None
    unsteady: tuple[str, ...] = ()
    governor: str | None = None
    pinned: bool | None = None
    refused: int = 0
    control: float | None = None
    control_failed: str | None = None
    steal: float | None = None
    load: float | None = None
    lost_cores: tuple[int, ...] = ()
    equivalence: float = EQUIVALENCE


def lost_time(wall_ns: float, cpu_ns: float, waited_ns: float = 0) -> float | None:
    """Return the share of the measuring time in which other processes ran.

    Args:
        wall_ns: Wall time of all blocks.
        cpu_ns: CPU time of the candidates in these blocks.
        waited_ns: Time in which candidates were runnable but waited for a core. If it is 0, the system does not report
            it, and all time without CPU counts as lost, even if a model slept.

    Returns:
        Between 0 and 1; None if there are no blocks.
    """
    if wall_ns <= 0:
        return None
    lost = waited_ns / wall_ns if waited_ns > 0 else 1 - cpu_ns / wall_ns
    return min(max(lost, 0.0), 1.0)


def drift(medians: ArrayLike) -> float | None:
    """Return how much slower the slowest tenth of the rounds was than the fastest, less one: 0.3 means 30 % slower.

    Each candidate is divided by its own median, so that the result describes the machine and not the candidates. A
    tenth is one of ten consecutive parts of the measurement.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN if there was no block.

    Returns:
        The drift; None if there are fewer than 30 rounds.
    """
    logs = np.log(np.asarray(medians, dtype=np.float64))
    logs = logs[:, ~np.isnan(logs).all(axis=0)]
    logs = logs[~np.isnan(logs).all(axis=1)]
    if logs.shape[0] == 0 or logs.shape[1] < 3 * _SEGMENTS:
        return None
    if np.isnan(logs).any():
        machine = np.nanmedian(logs - np.nanmedian(logs, axis=1, keepdims=True), axis=0)
    else:  # the same result in a fifth of the time
        machine = np.median(logs - np.median(logs, axis=1, keepdims=True), axis=0)
    parts = [float(np.median(part)) for part in np.array_split(machine, _SEGMENTS)]
    return math.expm1(max(parts) - min(parts))


def autocorrelation(samples: NDArray[np.int64], block_starts: NDArray[np.int64]) -> float | None:
    """Return the lag-1 autocorrelation of log latency within blocks.

    Args:
        samples: Latencies in the order measured, `(n_samples,)` nanoseconds.
        block_starts: Index of the first sample of each block, `(n_blocks,)`.

    Returns:
        Between −1 and 1; None if there are fewer than two pairs of neighbours, or if all latencies are equal.
    """
    if samples.size < 3 or samples.min() == samples.max():
        return None
    logs = np.log(samples)
    deviations = logs - logs.mean()
    neighbours = np.ones(samples.size - 1, dtype=bool)
    neighbours[np.asarray(block_starts)[1:] - 1] = False
    pairs = int(neighbours.sum())
    squares = float(np.square(deviations).sum()) / samples.size
    if pairs < 2:
        return None
    products = float((deviations[:-1] * deviations[1:])[neighbours].sum()) / pairs
    return min(max(products / squares, -1.0), 1.0)


def severities(figures: NoiseFigures) -> dict[str, Severity]:
    """Return how severe each disturbance is, the most severe first.

    Args:
        figures: The figures of one measurement.

    Returns:
        A severity per disturbance; the keys are names of attributes of `NoiseFigures`.
    """
    found: dict[str, Severity] = {}
    if figures.refused:
        found["refused"] = "high"
    if figures.lost_cores:
        found["lost_cores"] = "high"
    if figures.lost_time is not None and figures.lost_time > 0.02:
        found["lost_time"] = "high" if figures.lost_time > 0.10 else "medium"
    if figures.steal is not None and figures.steal > 0.02:
        found["steal"] = "high" if figures.steal > 0.10 else "medium"
    if figures.control is not None and figures.control > figures.equivalence:
        found["control"] = "medium"
    if figures.control_failed is not None:
        found["control_failed"] = "medium"
    if figures.disturbed_share is not None and figures.disturbed_share > 0.10:
        found["disturbed_share"] = "medium" if figures.disturbed_share > 0.50 else "low"
    if figures.drift is not None and figures.drift > 0.10:
        found["drift"] = "high" if figures.drift > 0.50 else "medium"
    if figures.load is not None and figures.load > 1:
        found["load"] = "medium" if figures.load > 2 else "low"
    if figures.unsteady:
        found["unsteady"] = "medium"
    if figures.collected is not None and figures.collected[1] > 0.01:
        found["collected"] = "low"
    if figures.autocorrelation is not None and figures.autocorrelation > 0.9:
        found["autocorrelation"] = "low"
    if figures.floor_share is not None and figures.floor_share > 0.02:
        found["floor_share"] = "medium" if figures.floor_share > 0.10 else "low"
    if figures.step_share is not None and figures.step_share > 0.0025:
        found["step_share"] = "medium" if figures.step_share > 0.01 else "low"
    if figures.governor not in (None, "", "performance"):
        found["governor"] = "low"
    if figures.pinned is False:
        found["pinned"] = "low"
    return dict(sorted(found.items(), key=lambda item: _RANKS[item[1]]))


def level(found: Iterable[Severity]) -> Level:
    """Return the noise level of a measurement from the severities of its disturbances."""
    worst = set(found)
    if "high" in worst:
        return "noisy"
    return "disturbed" if "medium" in worst else "quiet"
