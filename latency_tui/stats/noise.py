"""How quiet the machine was: what was lost to others, how it drifted, and what to do about each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Severity = Literal["low", "medium", "high"]
Level = Literal["quiet", "uneasy", "noisy"]

_LEVELS: dict[Severity, int] = {"low": 0, "medium": 1, "high": 2}
_SEGMENTS = 10


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One thing that disturbed the measurement: one or two words, and a sentence with what to do about it."""

    cause: str
    sentence: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class NoiseFigures:
    """What is known of the machine while it was measured; None for what could not be had.

    Attributes:
        lost_time: Share of measuring time that went to other work, 0 to 1, as `lost_time` has it.
        disturbed_share: Share of calls in blocks that the scheduler interrupted.
        collected: The candidate of which the garbage collector paused the largest share of calls, and that share.
        drift: Slowest over fastest tenth of the rounds, less one.
        autocorrelation: Lag-1 autocorrelation of log latency inside blocks.
        floor_share: What the timed loop reports for a call that does nothing, as a share of the fastest p50.
        step_share: The step that the clock counts in, as a share of the fastest p50.
        unsteady: Names of candidates that never got steady while they warmed up.
        governor: The processor's frequency governor.
        pinned: Whether candidates were kept on one core; None where it is not known.
        refused: Blocks left out, for a latency in them was zero or negative.
        control: How far apart two copies of one model came out, as a share.
        control_failed: Why the control copy failed.
        steal: Share of the time in which the host ran something else on the measured cores.
        load: Load average of the minute before, for each core of the machine.
        lost_cores: Cores that were taken from the candidates while they were measured.
        equivalence: How far apart the plan lets two candidates lie and be the same, as a share.
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
    equivalence: float = 0.01


def lost_time(wall_ns: float, cpu_ns: float, waited_ns: float = 0) -> float | None:
    """Return the share of measuring time that went to other work.

    Args:
        wall_ns: Wall time of all blocks.
        cpu_ns: CPU time of the candidates in it.
        waited_ns: Time in it in which they stood ready and something else had their core; 0 where the system does not
            tell, and then all time without CPU counts as lost, though a model may have slept of its own accord.

    Returns:
        Between 0 and 1; None where nothing ran.
    """
    if wall_ns <= 0:
        return None
    lost = waited_ns / wall_ns if waited_ns > 0 else 1 - cpu_ns / wall_ns
    return min(max(lost, 0.0), 1.0)


def drift(medians: ArrayLike) -> float | None:
    """Return how much slower the slowest tenth of the rounds was than the fastest, less one: 0.3 is 30 % slower.

    Each candidate is divided by its own median first, so that this is the machine's drift and not a difference between
    candidates; a tenth is ten neighbouring parts of the measurement in the order of time.

    Args:
        medians: Block medians, `(n_candidates, n_rounds)` nanoseconds; NaN where there was no block.

    Returns:
        The drift; None with fewer than thirty rounds, of which a tenth says nothing.
    """
    logs = np.log(np.asarray(medians, dtype=np.float64))
    logs = logs[:, ~np.isnan(logs).all(axis=0)]
    logs = logs[~np.isnan(logs).all(axis=1)]
    if logs.shape[0] == 0 or logs.shape[1] < 3 * _SEGMENTS:
        return None
    if np.isnan(logs).any():
        machine = np.nanmedian(logs - np.nanmedian(logs, axis=1, keepdims=True), axis=0)
    else:  # in a fifth of the time
        machine = np.median(logs - np.median(logs, axis=1, keepdims=True), axis=0)
    parts = [float(np.median(part)) for part in np.array_split(machine, _SEGMENTS)]
    return math.expm1(max(parts) - min(parts))


def autocorrelation(samples: NDArray[np.int64], block_starts: NDArray[np.int64]) -> float | None:
    """Return the lag-1 autocorrelation of log latency, of neighbours inside a block only.

    Args:
        samples: Latencies in the order measured, `(n_samples,)` nanoseconds.
        block_starts: Index of the first sample of each block, `(n_blocks,)`.

    Returns:
        Between −1 and 1; None where no block holds two samples or all are alike.
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


def findings(figures: NoiseFigures) -> tuple[Disturbance, ...]:
    """Return what disturbed the measurement, the worst first."""
    found: list[Disturbance] = []

    def note(cause: str, severity: Severity, sentence: str) -> None:
        found.append(Disturbance(cause, sentence, severity))

    if figures.refused:
        blocks = "1 block was" if figures.refused == 1 else f"{figures.refused:,} blocks were"
        note(
            "clock",
            "high",
            f"{blocks} left out because a latency in it was zero or negative: the clock stepped or is too coarse; "
            "measure larger batches, or look at the machine's clock source.",
        )
    if figures.lost_cores:
        *most, last = map(str, figures.lost_cores)
        cores = f"Cores {', '.join(most)} and {last} were" if most else f"Core {last} was"
        note(
            "lost cores",
            "high",
            f"{cores} taken away from the models during the measurement (by a limit of the container, another program "
            "or a model itself), so they ran on other cores; measure again while the available cores stay the same.",
        )
    if figures.lost_time is not None and figures.lost_time > 0.02:
        note(
            "lost time",
            "high" if figures.lost_time > 0.10 else "medium",
            f"{_percent(figures.lost_time)} of the measuring time went to other work; close other programs, or pin to "
            "a core that nothing else uses (--cpu).",
        )
    if figures.steal is not None and figures.steal > 0.02:
        note(
            "steal",
            "high" if figures.steal > 0.10 else "medium",
            f"The host gave {_percent(figures.steal)} of the measured cores' time to other machines; measure at "
            "another time, or on a machine whose cores are its own.",
        )
    if figures.control is not None and figures.control > figures.equivalence:
        note(
            "control",
            "medium",
            f"Two copies of one model came out {_percent(figures.control)} apart, so differences up to that count as "
            "the same; measure longer, or in more launches.",
        )
    if figures.control_failed is not None:
        note(
            "control",
            "medium",
            "The control copy failed, so nothing is known of two that are identical; measure again: "
            f"{figures.control_failed.rstrip('.')}.",
        )
    if figures.disturbed_share is not None and figures.disturbed_share > 0.10:
        note(
            "interruptions",
            "medium" if figures.disturbed_share > 0.50 else "low",
            f"{_percent(figures.disturbed_share)} of the calls lie in blocks that the scheduler interrupted; it shows "
            "in p99 first; close other programs or choose another core (--cpu).",
        )
    if figures.drift is not None and figures.drift > 0.10:
        note(
            "drift",
            "high" if figures.drift > 0.50 else "medium",
            f"The machine was {_percent(figures.drift)} slower at its slowest than at its fastest; ratios hold, but "
            "measure longer before you trust a single latency.",
        )
    if figures.load is not None and figures.load > 1:
        note(
            "load",
            "medium" if figures.load > 2 else "low",
            f"In the minute before, {figures.load:.1f} threads wanted each core; close other programs, or wait until "
            "they are done.",
        )
    if figures.unsteady:
        names = " and ".join(figures.unsteady) if len(figures.unsteady) < 3 else f"{len(figures.unsteady)} models"
        note(
            "warm-up",
            "medium",
            f"{names} never got steady while warming up; measure again, or for longer.",
        )
    if figures.collected is not None and figures.collected[1] > 0.01:
        name, share = figures.collected
        note(
            "collector",
            "low",
            f"The garbage collector paused {_percent(share)} of the calls of {name}; they count, as they would in "
            "production, and show in p99; gc.freeze() once the model is loaded makes it pause less.",
        )
    if figures.autocorrelation is not None and figures.autocorrelation > 0.9:
        note(
            "slow waves",
            "low",
            f"Calls resemble the ones before them (autocorrelation {figures.autocorrelation:.2f}), so that many are "
            "worth few; more rounds help, more calls do not.",
        )
    if figures.floor_share is not None and figures.floor_share > 0.02:
        note(
            "timer",
            "medium" if figures.floor_share > 0.10 else "low",
            f"Taking the time is {_percent(figures.floor_share)} of the fastest latency; measure larger batches.",
        )
    if figures.step_share is not None and figures.step_share > 0.0025:
        note(
            "clock",
            "medium" if figures.step_share > 0.01 else "low",
            f"The clock counts in steps of {_percent(figures.step_share)} of the fastest latency, which are added to "
            "the intervals; measure larger batches.",
        )
    if figures.governor not in (None, "", "performance"):
        note(
            "governor",
            "low",
            f"The processor's frequency follows its load ({figures.governor}); the performance governor is steadier.",
        )
    if figures.pinned is False:
        note("not pinned", "low", "Models may move from core to core; --cpu keeps them on one.")
    return tuple(sorted(found, key=lambda finding: -_LEVELS[finding.severity]))


def level(found: tuple[Disturbance, ...]) -> Level:
    """Return the machine's state in a word, from what was found."""
    severities = {finding.severity for finding in found}
    if "high" in severities:
        return "noisy"
    return "uneasy" if "medium" in severities else "quiet"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"
