"""A load test: requests that arrive by a schedule, and workers that answer them in the order of arrival."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from latency_tui.errors import UsageError

WorkerKind = Literal["process", "thread"]
WORKER_KINDS: tuple[WorkerKind, ...] = ("process", "thread")
SCENARIOS = ("single-stream", "offline", "server")
"""Scenarios of MLPerf LoadGen that can be measured; each plan also measures single-stream."""
OFFLINE_BATCHES = "batch=1,4,16,64,256"
"""The sweep of a plan with the scenario offline, if it names no batch size."""
Arrivals = Literal["poisson", "constant", "recorded"]
DEFAULT_DURATION = 10.0
"""Seconds of load per candidate, rate and launch, if nothing else is asked for."""
OFFLINE_DURATION = 2.0
"""Likewise per candidate in the scenario offline, where each batch size is a candidate."""
MAX_WORKERS = 64
"""Largest number of workers of one candidate."""
MAX_RATE = 1_000_000.0
"""Largest request rate, per second."""
MAX_REQUESTS = 2_000_000
"""Most requests per candidate, rate and launch: their times must fit into memory."""
MAX_GAPS = 100_000
"""Most recorded gaps; they are a part of the plan, and are repeated if there are too few."""


class LoadTest(msgspec.Struct, frozen=True, kw_only=True):
    """A load test of every candidate.

    Attributes:
        rates: Request rates per second, each of which is measured; empty if the highest rate is searched.
        find_rate: Whether to search the highest rate at which the plan's limits hold.
        offline: Whether all requests are there at once, to measure the throughput, instead of arriving by a rate.
        workers: Number of workers per candidate.
        worker_kind: Whether workers are processes, or threads of one process.
        arrivals: Distribution of the gaps between arrivals: `poisson` (exponential gaps), `constant` or `recorded`.
        gaps: Recorded gaps in seconds, scaled to each rate; empty unless `arrivals` is `recorded`.
        gaps_file: The file that the gaps were read from, as the user typed it.
        duration: Seconds of load per candidate, rate and launch.
    """

    rates: tuple[float, ...] = ()
    find_rate: bool = False
    offline: bool = False
    workers: int = 1
    worker_kind: WorkerKind = "process"
    arrivals: Arrivals = "poisson"
    gaps: tuple[float, ...] = ()
    gaps_file: str = ""
    duration: float = DEFAULT_DURATION

    def __post_init__(self) -> None:
        if [bool(self.rates), self.find_rate, self.offline].count(True) != 1:
            raise UsageError("A load test needs one of --rate, --find-rate and --scenario offline.")
        for rate in self.rates:
            if not (math.isfinite(rate) and 0 < rate <= MAX_RATE):
                raise UsageError(
                    f"A request rate must be more than 0 and at most {MAX_RATE:,.0f} per second, not {rate:g}."
                )
        if len(set(self.rates)) != len(self.rates):
            raise UsageError("Each request rate is measured once; remove the one that is given twice.")
        if not 1 <= self.workers <= MAX_WORKERS:
            raise UsageError(f"Workers must be a whole number from 1 to {MAX_WORKERS}, not {self.workers:,}.")
        if self.worker_kind not in WORKER_KINDS:
            raise UsageError(f"The kind of workers must be process or thread, not {self.worker_kind!r}.")
        if not (math.isfinite(self.duration) and 0 < self.duration <= 86_400):
            raise UsageError(f"The duration must be more than 0 and at most 86,400 seconds, not {self.duration:g}.")
        if (busiest := max(self.rates, default=0.0)) * self.duration > MAX_REQUESTS:
            raise UsageError(
                f"{busiest:g} requests per second for {self.duration:g} s are more than {MAX_REQUESTS:,} requests; "
                "choose a lower rate or a shorter duration."
            )
        if self.rates and min(self.rates) * self.duration < 1:
            raise UsageError(
                f"{min(self.rates):g} requests per second for {self.duration:g} s are less than one request; choose a "
                "higher rate or a longer duration."
            )
        if self.offline and self.arrivals != "poisson":
            raise UsageError("In the scenario offline all requests are there at once; omit --arrivals.")
        if (self.arrivals == "recorded") != bool(self.gaps):
            raise UsageError("Recorded arrivals need the gaps between them.")
        check_gaps(self.gaps)

    @property
    def mean_gap(self) -> float | None:
        """Mean of the recorded gaps in seconds; None if the arrivals are not recorded."""
        return math.fsum(self.gaps) / len(self.gaps) if self.gaps else None


def check_gaps(gaps: Sequence[float]) -> None:
    """Check recorded gaps; none at all are valid.

    Raises:
        UsageError: There are too many, one is negative or not finite, or all are 0.
    """
    if len(gaps) > MAX_GAPS:
        raise UsageError(f"There are {len(gaps):,} recorded gaps; at most {MAX_GAPS:,} can be used.")
    for number, gap in enumerate(gaps, start=1):
        if not (math.isfinite(gap) and gap >= 0):
            raise UsageError(f"Gap {number:,} between arrivals must be 0 or more seconds, not {gap:g}.")
    if gaps and not math.fsum(gaps) > 0:
        raise UsageError("The recorded gaps are all 0, so they have no rate.")
