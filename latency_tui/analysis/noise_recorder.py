"""Records the conditions of a measurement: the machine, its cores and other load."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.sample_buffer import SampleBuffer
from latency_tui.engine.protocol import EngineStarted, Environment, MeasurementStarted, RoundFinished
from latency_tui.plan import Plan
from latency_tui.result.noise import Noise
from latency_tui.stats import noise
from latency_tui.stats.comparison import Comparison
from latency_tui.text.findings import describe_findings

_NANO = 1e-9
_MAX_SAMPLES = 12_000
"""Samples of all candidates together from which the autocorrelation is estimated."""


class NoiseRecorder:
    """Collects the noise figures of a measurement from its events.

    Args:
        plan: The plan that is measured.

    Attributes:
        refused: Number of blocks left out because a latency was zero or negative.
        machine: Hardware and software, as the engine reports them.
        cores: Cores to which the candidates are pinned; None before the rounds.
        timer_floor: Latency in seconds that the timed loop reports for an empty call.
        load: Load average before the first launch, per core.
        steal: Share of the rounds' time in which the host ran other virtual machines, per launch.
        lost_cores: Cores that became unavailable to the candidates during the measurement, per launch.
    """

    def __init__(self, plan: Plan) -> None:
        self.refused = 0
        self._plan = plan
        self.machine: Environment | None = None
        self.cores: tuple[int, ...] | None = None
        self.timer_floor: float | None = None
        self.load: float | None = None
        self.steal: dict[int, float] = {}
        self.lost_cores: dict[int, tuple[int, ...]] = {}

    def add(self, event: EngineStarted | MeasurementStarted | RoundFinished) -> None:
        """Record one event."""
        match event:
            case EngineStarted():
                self.machine = event.environment
            case MeasurementStarted():
                self.timer_floor = event.timer_floor_ns * _NANO
                self.cores = event.pinned
                if event.launch == 0:  # later launches follow another, which causes load
                    self.load = event.load
            case RoundFinished():
                if event.steal is not None:
                    self.steal[event.launch] = event.steal
                if event.lost_cores:
                    known = self.lost_cores.get(event.launch, ())
                    self.lost_cores[event.launch] = tuple(sorted({*known, *event.lost_cores}))

    @property
    def environment(self) -> Environment | None:
        """The machine, with the cores and threads that the plan used."""
        return self.machine and msgspec.structs.replace(
            self.machine, pinned=self.cores or (), threads=self._plan.threads
        )

    def noise(
        self,
        buffers: Sequence[SampleBuffer],
        medians: NDArray[np.float64],
        *,
        fastest: float | None,
        clock_step: int,
        unsteady: tuple[str, ...],
        collected: tuple[str, float] | None,
        control_difference: float | None,
        control: Comparison | None,
        control_failed: str | None = None,
    ) -> Noise:
        """Return the noise figures and findings of the measurement so far.

        Args:
            buffers: Samples of all measured candidates, including the control.
            medians: Block medians, `(n_candidates, n_rounds)` nanoseconds.
            fastest: Lowest p50, in seconds; None if there is none.
            clock_step: Step of the clock in nanoseconds; 0 if it is negligible or unknown.
            unsteady: Names of candidates whose latency did not become steady during warm-up.
            collected: The candidate with the largest share of calls that garbage collection paused, and that share.
            control_difference: Difference between the control and the first candidate, as a share.
            control: The comparison of the control with the first candidate.
            control_failed: Why the control failed; None if it did not.
        """
        calls = sum(buffer.totals.count for buffer in buffers)
        counters = [buffer.counters for buffer in buffers]
        disturbed = sum(one.disturbed_calls for one in counters)
        floor = self.timer_floor
        steal = fmean(self.steal.values()) if self.steal else None
        figures = noise.NoiseFigures(
            lost_time=noise.lost_time(
                sum(t.wall_ns for t in counters), sum(t.cpu_ns for t in counters), sum(t.waited_ns for t in counters)
            ),
            disturbed_share=disturbed / calls if calls else None,
            collected=collected,
            drift=noise.drift(medians),
            autocorrelation=_autocorrelation(buffers),
            floor_share=floor / fastest if floor is not None and fastest else None,
            step_share=clock_step * _NANO / fastest if fastest else None,
            unsteady=unsteady,
            governor=self.machine.governor if self.machine else None,
            pinned=None if self._plan.pinning == "none" or self.cores is None else bool(self.cores),
            refused=self.refused,
            control=control_difference,
            control_failed=control_failed,
            steal=steal,
            load=self.load,
            lost_cores=tuple(sorted({core for cores in self.lost_cores.values() for core in cores})),
            equivalence=self._plan.equivalence,
        )
        return Noise(
            level=noise.level(noise.severities(figures).values()),
            lost_time=figures.lost_time,
            disturbed_calls=disturbed,
            gc_calls=sum(one.gc_calls for one in counters),
            drift=figures.drift,
            autocorrelation=figures.autocorrelation,
            timer_floor=floor,
            steal=steal,
            load=self.load,
            control=control,
            findings=describe_findings(figures),
        )


def _autocorrelation(buffers: Sequence[SampleBuffer]) -> float | None:
    """Return the median of the candidates' autocorrelations."""
    if not buffers:
        return None
    parts = [buffer.neighbours(_MAX_SAMPLES // len(buffers)) for buffer in buffers]
    found = [value for part in parts if (value := noise.autocorrelation(*part)) is not None]
    return median(found) if found else None
