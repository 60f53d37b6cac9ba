"""The conditions under which a plan is measured: the machine, its cores, and what else went on there meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

import msgspec
import numpy as np
from numpy.typing import NDArray

from latency_tui.analysis.sample_store import SampleBuffer
from latency_tui.engine.protocol import EngineStarted, Environment, MeasurementStarted, RoundFinished
from latency_tui.plan import Plan
from latency_tui.result.result import Comparison, Noise
from latency_tui.stats import noise
from latency_tui.text.findings import describe_findings

_NANO = 1e-9
_MOST_SAMPLES = 12_000


class NoiseRecorder:
    """What the events of a measurement tell of the machine.

    Args:
        plan: What is measured.

    Attributes:
        refused: Blocks left out, for a latency in them was zero or negative.
        machine: The machine and the software, as the engine told.
        cores: Cores that the candidates are pinned to; None before the rounds.
        timer_floor: Seconds that the timed loop reports for a call that does nothing.
        load: Load average before the first launch, per core.
        steal: Share of the rounds' time in which the host ran something else, by launch.
        lost_cores: Cores that were taken from the candidates while they were measured, by launch.
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
        """Take in one event."""
        match event:
            case EngineStarted():
                self.machine = event.environment
            case MeasurementStarted():
                self.timer_floor = event.timer_floor_ns * _NANO
                self.cores = event.pinned
                if event.launch == 0:  # the load of the others is that of the launches before
                    self.load = event.load
            case RoundFinished():
                if event.steal is not None:
                    self.steal[event.launch] = event.steal
                if event.lost_cores:
                    known = self.lost_cores.get(event.launch, ())
                    self.lost_cores[event.launch] = tuple(sorted({*known, *event.lost_cores}))

    @property
    def environment(self) -> Environment | None:
        """The machine, with the cores and threads that the plan had of it."""
        return self.machine and msgspec.structs.replace(
            self.machine, pinned=self.cores or (), threads=self._plan.threads
        )

    def noise(
        self,
        tracks: Sequence[SampleBuffer],
        medians: NDArray[np.float64],
        *,
        fastest: float | None,
        clock_step: int,
        unsteady: tuple[str, ...],
        collected: tuple[str, float] | None,
        apart: float | None,
        control: Comparison | None,
        control_failed: str | None = None,
    ) -> Noise:
        """Return how quiet it was, and what disturbed the measurement.

        Args:
            tracks: Of all candidates with samples, a control copy too.
            medians: Block medians, `(n_candidates, n_rounds)` nanoseconds.
            fastest: The lowest p50, in seconds; None where there is none.
            clock_step: What the clock counts in, in nanoseconds, where latencies tell; else 0.
            unsteady: Names of candidates that never got steady while they warmed up.
            collected: The candidate of which the garbage collector paused the largest share of calls, and that share.
            apart: How far apart the control copy and the first candidate came out, as a share.
            control: The same as a comparison.
            control_failed: Why the control copy failed; None where it did not.
        """
        calls = sum(track.totals.count for track in tracks)
        disturbed = sum(track.disturbed_calls for track in tracks)
        floor = self.timer_floor
        steal = fmean(self.steal.values()) if self.steal else None
        figures = noise.NoiseFigures(
            lost_time=noise.lost_time(
                sum(t.wall_ns for t in tracks), sum(t.cpu_ns for t in tracks), sum(t.waited_ns for t in tracks)
            ),
            disturbed_share=disturbed / calls if calls else None,
            collected=collected,
            drift=noise.drift(medians),
            autocorrelation=_autocorrelation(tracks),
            floor_share=floor / fastest if floor is not None and fastest else None,
            step_share=clock_step * _NANO / fastest if fastest else None,
            unsteady=unsteady,
            governor=self.machine.governor if self.machine else None,
            pinned=None if self._plan.pinning == "none" or self.cores is None else bool(self.cores),
            refused=self.refused,
            control=apart,
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
            gc_calls=sum(track.gc_calls for track in tracks),
            drift=figures.drift,
            autocorrelation=figures.autocorrelation,
            timer_floor=floor,
            steal=steal,
            load=self.load,
            control=control,
            findings=describe_findings(figures),
        )


def _autocorrelation(tracks: Sequence[SampleBuffer]) -> float | None:
    """Return the middle one of the candidates' autocorrelations."""
    if not tracks:
        return None
    parts = [track.neighbours(_MOST_SAMPLES // len(tracks)) for track in tracks]
    found = [value for part in parts if (value := noise.autocorrelation(*part)) is not None]
    return median(found) if found else None
