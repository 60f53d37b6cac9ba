"""The noise of the machine during a measurement: its figures, and the disturbances found."""

from __future__ import annotations

import msgspec

from latency_tui.stats.comparison import Comparison
from latency_tui.stats.noise import Level, Severity


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One disturbance of the measurement: its cause in one or two words, and a sentence that says what to do."""

    cause: str
    sentence: str
    severity: Severity


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """Noise of the machine during the measurement; all shares are 0 to 1.

    Attributes:
        level: `quiet`, `disturbed` or `noisy`.
        lost_time: Share of the measuring time in which a candidate was runnable but waited for a core. If the system
            does not report this: wall time less CPU time.
        disturbed_calls: Calls in blocks that the scheduler interrupted.
        gc_calls: Calls that garbage collection paused.
        drift: Slowest tenth of the rounds divided by the fastest tenth, less one.
        autocorrelation: Lag-1 autocorrelation of log latency within blocks.
        timer_floor: Latency in seconds that the timed loop reports for an empty call.
        steal: Share of the rounds' time in which the host ran other virtual machines on the measured cores.
        load: Load average before the measurement, per core.
        control: Comparison of the control with the first candidate, of which it is a duplicate, if the plan asks for
            one.
        findings: Disturbances, the most severe first.
    """

    level: Level = "quiet"
    lost_time: float | None = None
    disturbed_calls: int = 0
    gc_calls: int = 0
    drift: float | None = None
    autocorrelation: float | None = None
    timer_floor: float | None = None
    steal: float | None = None
    load: float | None = None
    control: Comparison | None = None
    findings: tuple[Finding, ...] = ()
